//! TLS: bytes from strangers, to either side, in a handshake and behind it.

use std::sync::OnceLock;

use _native::tls::authorities::Authorities;
use _native::tls::configured::Own;
use _native::tls::names::is_for;
use _native::tls::x509::{Outline, Purpose};
use _native::tls::{Client, Server, Tls};

use super::made;

/// The most that a connection says by itself to what came at once: a handshake, or answers to a stranger that wants other keys.
const MOST_WORDS: usize = 64 * 1024;

struct Both {
    server: Server,
    client: Client,
    authorities: Authorities,
}

fn both() -> &'static Both {
    static BOTH: OnceLock<Both> = OnceLock::new();
    BOTH.get_or_init(|| {
        let (chain, key) = made::of_itself();
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        Both {
            server: Server::new(Own { chain: &chain, key: &key }, Some(&chain), &[b"postgresql"]).unwrap(),
            client: Client::new(&[&chain], true, None, &[]).unwrap(),
            authorities: Authorities::new(Purpose::Server, algorithms, &[&chain]).unwrap(),
        }
    })
}

/// Two that know each other: a server and a client.
pub fn acquainted() -> (Tls, Tls) {
    let (mut server, mut client) =
        (both().server.connection().unwrap(), both().client.connection("localhost").unwrap());
    let (mut up, mut down, mut clear) = (Vec::new(), Vec::new(), Vec::new());
    client.start(&mut up).unwrap();
    for _ in 0..3 {
        server.open(&std::mem::take(&mut up), &mut clear, &mut down).unwrap();
        client.open(&std::mem::take(&mut down), &mut clear, &mut up).unwrap();
    }
    assert!(server.is_secure() && client.is_secure() && clear.is_empty());
    (server, client)
}

/// The first byte says who hears the rest. Never a panic, nothing that grows, nothing behind an error.
pub fn tls(data: &[u8]) {
    let Some((&who, data)) = data.split_first() else { return };
    match who {
        b's' => hears(both().server.connection().unwrap(), data),
        b'c' => {
            let mut client = both().client.connection("localhost").unwrap();
            client.start(&mut Vec::new()).unwrap();
            hears(client, data);
        }
        b'S' => hears(acquainted().0, data),
        b'C' => hears(acquainted().1, data),
        b'x' => certificate(data),
        _ => carried(who, data),
    }
}

/// The same whole and in pieces; nothing of it was sealed by the other side.
fn hears(mut one: Tls, data: &[u8]) {
    let (mut clear, mut out) = (Vec::new(), Vec::new());
    let size = data.first().map_or(1, |first| usize::from(*first).saturating_add(1));
    let mut failed = false;
    for piece in data.chunks(size) {
        let result = one.open(piece, &mut clear, &mut out);
        assert!(!failed || result.is_err(), "it went on behind an error");
        failed |= result.is_err();
        assert!(clear.is_empty(), "nobody sealed that");
        assert!(out.len() <= MOST_WORDS, "it says more than it hears");
    }
    if failed || !one.is_secure() {
        assert!(one.seal(b"x", &mut out).is_err());
    }
    one.farewell(&mut out);
}

/// What is sealed comes out as it was, in pieces of any size; with one bit of it changed, nothing comes out from there on.
fn carried(who: u8, data: &[u8]) {
    let (mut server, mut client) = acquainted();
    let (one, other) = if who & 1 == 0 { (&mut server, &mut client) } else { (&mut client, &mut server) };
    let (mut wire, mut clear, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for text in data.chunks(97) {
        one.seal(text, &mut wire).unwrap();
    }
    let size = usize::from(who >> 1).saturating_add(1);
    for piece in wire.chunks(size) {
        other.open(piece, &mut clear, &mut out).unwrap();
    }
    assert_eq!(clear, data);
    assert!(out.is_empty());
    let mut wire = Vec::new();
    one.seal(b"behind", &mut wire).unwrap();
    // WHY not its type and version: outside a record of TLS 1.3 they say nothing (RFC 8446, 5.2).
    let at = data.len().checked_rem(wire.len()).filter(|at| *at > 2).unwrap_or(5);
    if let Some(byte) = wire.get_mut(at) {
        *byte ^= 1 << (who & 7);
    }
    let _ = other.open(&wire, &mut clear, &mut out);
    assert_eq!(clear, data, "an altered record was opened");
}

/// What says that it is a certificate is read or is not, and is taken by nobody.
fn certificate(data: &[u8]) {
    if let Some(outline) = Outline::of(data) {
        let _ =
            (is_for(&outline, "localhost"), is_for(&outline, "127.0.0.1"), outline.common_names(), outline.has_mail());
        let _ = (outline.may_sign(Purpose::Client), outline.may_be_shown(Purpose::Server), outline.is_of_itself());
    }
    let leaf = rustls::pki_types::CertificateDer::from(data);
    let now = rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_800_000_000));
    assert!(both().authorities.check(&leaf, std::slice::from_ref(&leaf), now).is_err());
}
