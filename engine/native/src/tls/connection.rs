//! One TLS connection over bytes: records in, clear text out, and the reverse. It holds what is whole of no message yet, and nothing else.

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus};

use super::words;
use crate::failure::Failure;

/// The most that waits for the rest of a record or of a message of the handshake: rustls takes messages of up to 64 KiB.
const MOST_WAITING: usize = 128 * 1024;
/// Above this much room, it is given back once it is empty: connections are many, and idle.
const MOST_KEPT: usize = 4 * 1024;
/// What a record holds at most (RFC 8446, 5.1), and what its seal takes at most.
const RECORD: usize = 16 * 1024;
const SEAL: usize = 64;

/// rustls' own, of either side.
pub enum Side {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

/// One connection. After an error nothing more is opened or sealed by it.
pub struct Tls {
    side: Side,
    /// What came and is whole of no record, or of no message of the handshake.
    waiting: Vec<u8>,
    is_secure: bool,
    is_over: bool,
    said_farewell: bool,
    failed: Option<Failure>,
}

/// What one look at what came gave.
enum Step {
    /// There may be more of it.
    More,
    /// Nothing without more bytes.
    Done,
    /// The peer said that nothing more comes.
    Over,
}

impl Tls {
    pub(super) fn new(side: Side) -> Self {
        Self { side, waiting: Vec::new(), is_secure: false, is_over: false, said_farewell: false, failed: None }
    }

    /// Begin the handshake: a client has something to say then, behind `out`.
    pub fn start(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.open(&[], &mut Vec::new(), out)
    }

    /// Bytes off the wire: what is whole by now goes behind `clear`, what TLS itself has to say (handshake, keys, an alert) behind `out`. With an
    /// error, nothing went behind `clear`.
    pub fn open(&mut self, wire: &[u8], clear: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), Failure> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if self.is_over {
            return Ok(());
        }
        self.waiting.extend_from_slice(wire);
        let begin = clear.len();
        let (mut done, mut result) = (0_usize, Ok(()));
        loop {
            let came = self.waiting.get_mut(done..).unwrap_or_default();
            let (discard, step) = match &mut self.side {
                Side::Server(side) => step(side.process_tls_records(came), clear, out),
                Side::Client(side) => step(side.process_tls_records(came), clear, out),
            };
            done = done.saturating_add(discard);
            match step {
                Ok(Step::More) => {}
                Ok(Step::Done) => break,
                Ok(Step::Over) => {
                    self.is_over = true;
                    done = self.waiting.len();
                    break;
                }
                Err(failure) => {
                    result = Err(failure);
                    break;
                }
            }
        }
        self.is_secure = !self.is_handshaking();
        self.take_away(done);
        if result.is_ok() && self.waiting.len() > MOST_WAITING {
            result = Err(Failure::new("TLS", "a message of the handshake is longer than any may be"));
        }
        if let Err(failure) = &result {
            clear.truncate(begin);
            self.say_last(out);
            self.waiting = Vec::new();
            self.failed = Some(failure.clone());
        }
        result
    }

    /// The records that carry `data`, behind `out`.
    pub fn seal(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if !self.is_secure || self.said_farewell {
            return Err(Failure::new("TLS", "nothing can be sealed before the handshake is done, or behind the end"));
        }
        if data.is_empty() {
            return Ok(());
        }
        self.put(Words::Data(data), out).inspect_err(|failure| self.failed = Some(failure.clone()))
    }

    /// The end of the connection (`close_notify`) behind `out`, as far as it can still be said.
    pub fn farewell(&mut self, out: &mut Vec<u8>) {
        if self.is_secure && !self.said_farewell && self.failed.is_none() {
            // Who cannot say it any more leaves without.
            let _ = self.put(Words::End, out);
            self.said_farewell = true;
        }
    }

    /// The handshake is done, the peer taken as far as its certificate is asked for.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The peer said that nothing more comes.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether this is a server's side.
    pub fn is_server(&self) -> bool {
        matches!(self.side, Side::Server(_))
    }

    /// The certificate (DER) that the peer showed and that was taken.
    pub fn peer_leaf(&self) -> Option<&[u8]> {
        let shown = match &self.side {
            Side::Server(side) => side.peer_certificates(),
            Side::Client(side) => side.peer_certificates(),
        };
        shown.filter(|_| self.is_secure)?.first().map(|leaf| leaf.as_ref())
    }

    /// What was agreed on by ALPN.
    pub fn protocol(&self) -> Option<&[u8]> {
        let chosen = match &self.side {
            Side::Server(side) => side.alpn_protocol(),
            Side::Client(side) => side.alpn_protocol(),
        };
        chosen.filter(|_| self.is_secure)
    }

    fn is_handshaking(&self) -> bool {
        match &self.side {
            Side::Server(side) => side.is_handshaking(),
            Side::Client(side) => side.is_handshaking(),
        }
    }

    fn take_away(&mut self, done: usize) {
        if done < self.waiting.len() {
            self.waiting.drain(..done);
        } else if self.waiting.capacity() > MOST_KEPT {
            self.waiting = Vec::new();
        } else {
            self.waiting.clear();
        }
    }

    /// The alert that an error leaves, behind what was to be said before. WHY no step further: nothing of what came is looked at again.
    fn say_last(&mut self, out: &mut Vec<u8>) {
        for _ in 0..8 {
            let said = match &mut self.side {
                Side::Server(side) => side.wants_write() && encoded(side.process_tls_records(&mut self.waiting), out),
                Side::Client(side) => side.wants_write() && encoded(side.process_tls_records(&mut self.waiting), out),
            };
            if !said {
                return;
            }
        }
    }

    fn put(&mut self, words: Words<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            // WHY with what waits: rustls looks for the rest of a message where it left its beginning.
            let done = match &mut self.side {
                Side::Server(side) => put(side.process_tls_records(&mut self.waiting), words, out),
                Side::Client(side) => put(side.process_tls_records(&mut self.waiting), words, out),
            }?;
            if done {
                return Ok(());
            }
        }
    }
}

/// What we have to say in records.
#[derive(Clone, Copy)]
enum Words<'a> {
    Data(&'a [u8]),
    End,
}

/// Takes one state: how many of the bytes are done with, and whether to go on.
fn step<D>(
    status: UnbufferedStatus<'_, '_, D>,
    clear: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> (usize, Result<Step, Failure>) {
    let UnbufferedStatus { mut discard, state, .. } = status;
    let step = match state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    discard = discard.saturating_add(record.discard);
                    clear.extend_from_slice(record.payload);
                }
                Some(Err(error)) => break Err(words::failure(&error)),
                None => break Ok(Step::More),
            }
        },
        Ok(ConnectionState::EncodeTlsData(mut data)) => fill(out, SEAL, |room| match data.encode(room) {
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => Err(Some(required_size)),
            other => other.map_err(|_| None),
        })
        .map(|()| Step::More),
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Ok(Step::More)
        }
        Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => Ok(Step::Done),
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Ok(Step::Over),
        Ok(_) => Err(Failure::new("TLS", "the other side sends what nobody asked it for")),
        Err(error) => Err(words::failure(&error)),
    };
    (discard, step)
}

/// Whether something of the connection's own was said.
fn encoded<D>(status: UnbufferedStatus<'_, '_, D>, out: &mut Vec<u8>) -> bool {
    let is_own = matches!(status.state, Ok(ConnectionState::EncodeTlsData(_)));
    is_own && step(status, &mut Vec::new(), out).1.is_ok()
}

/// Whether it was put; else there was something before it to be said.
fn put<D>(status: UnbufferedStatus<'_, '_, D>, words: Words<'_>, out: &mut Vec<u8>) -> Result<bool, Failure> {
    let room = |error| match error {
        EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => Some(required_size),
        EncryptError::EncryptExhausted => None,
    };
    match (status.state, words) {
        (Ok(ConnectionState::WriteTraffic(mut traffic)), Words::Data(data)) => {
            let records = data.len().div_ceil(RECORD);
            let most = data.len().saturating_add(records.saturating_mul(SEAL));
            fill(out, most, |to| traffic.encrypt(data, to).map_err(room)).map(|()| true)
        }
        (Ok(ConnectionState::WriteTraffic(mut traffic)), Words::End) => {
            fill(out, SEAL, |to| traffic.queue_close_notify(to).map_err(room)).map(|()| true)
        }
        (state @ Ok(ConnectionState::EncodeTlsData(_) | ConnectionState::TransmitTlsData(_)), _) => {
            step(UnbufferedStatus { discard: status.discard, state }, &mut Vec::new(), out).1.map(|_| false)
        }
        (Ok(_), _) => Err(Failure::new("TLS", "nothing can be sealed now")),
        (Err(error), _) => Err(words::failure(&error)),
    }
}

/// Lets somebody write behind `out`, who says how much it was, or how much room they need (None: they cannot).
fn fill(
    out: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> Result<(), Failure> {
    let begin = out.len();
    loop {
        out.resize(begin.saturating_add(room), 0);
        match write(out.get_mut(begin..).unwrap_or_default()) {
            Ok(size) => {
                out.truncate(begin.saturating_add(size));
                return Ok(());
            }
            Err(Some(more)) if more > room => room = more,
            Err(_) => {
                out.truncate(begin);
                return Err(Failure::new("TLS", "the keys of this connection are worn out"));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::super::configured::{Client, Own, Server};
    use super::super::made;
    use super::*;

    /// A server and a client that know each other.
    fn acquainted() -> (Tls, Tls) {
        let (chain, key) = made::of_itself();
        let mut server = Server::new(Own { chain: &chain, key: &key }, None, &[]).unwrap().connection().unwrap();
        let mut client = Client::new(&[&chain], true, None, &[]).unwrap().connection("localhost").unwrap();
        let (mut up, mut down) = (Vec::new(), Vec::new());
        client.start(&mut up).unwrap();
        for _ in 0..3 {
            assert_eq!(opened(&mut server, &mut up, &mut down).unwrap(), b"");
            assert_eq!(opened(&mut client, &mut down, &mut up).unwrap(), b"");
        }
        assert!(server.is_secure() && client.is_secure() && up.is_empty() && down.is_empty());
        assert!(
            server.is_server() && !client.is_server() && client.peer_leaf().is_some() && client.protocol().is_none()
        );
        (server, client)
    }

    fn opened(by: &mut Tls, wire: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Vec<u8>, Failure> {
        let mut clear = Vec::new();
        by.open(&std::mem::take(wire), &mut clear, out).map(|()| clear)
    }

    /// The client's wish for other keys, and that the server takes others too.
    fn asks_for_keys(client: &mut Tls) -> Vec<u8> {
        let Side::Client(side) = &mut client.side else { panic!("this is a client") };
        match side.process_tls_records(&mut []).state.unwrap() {
            ConnectionState::WriteTraffic(traffic) => traffic.refresh_traffic_keys().unwrap(),
            _ => panic!("nothing can be said now"),
        }
        let mut out = Vec::new();
        client.start(&mut out).unwrap();
        out
    }

    #[test]
    fn who_wants_other_keys_gets_an_answer_and_is_heard_by_them() {
        let (mut server, mut client) = acquainted();
        for _ in 0..3 {
            let (mut up, mut down) = (asks_for_keys(&mut client), Vec::new());
            assert!(!up.is_empty());
            client.seal(b"by other keys", &mut up).unwrap();
            assert_eq!(opened(&mut server, &mut up, &mut down).unwrap(), b"by other keys");
            assert!(down.is_empty(), "the answer goes before what it says next");
            server.seal(b"so are mine", &mut down).unwrap();
            let first = usize::from(u16::from_be_bytes([down[3], down[4]]));
            assert!(down.len() > first.saturating_add(5), "its own keys are others now");
            assert_eq!(opened(&mut client, &mut down, &mut up).unwrap(), b"so are mine");
        }
    }

    #[test]
    fn who_asks_for_keys_without_end_is_turned_away() {
        let (mut server, mut client) = acquainted();
        let (mut down, mut failed) = (Vec::new(), false);
        for _ in 0..100 {
            failed |= opened(&mut server, &mut asks_for_keys(&mut client), &mut down).is_err();
        }
        assert!(failed);
        assert!(down.len() < 4096);
    }

    #[test]
    fn what_waits_is_bounded_and_given_back() {
        let (mut server, mut client) = acquainted();
        let mut wire = Vec::new();
        client.seal(&vec![1; 300_000], &mut wire).unwrap();
        let (mut clear, mut out) = (Vec::new(), Vec::new());
        for piece in wire.chunks(20_000) {
            server.open(piece, &mut clear, &mut out).unwrap();
            assert!(server.waiting.len() <= RECORD.saturating_add(300));
        }
        assert_eq!(clear, vec![1; 300_000]);
        assert!(server.waiting.capacity() <= MOST_KEPT && out.is_empty());
    }

    #[test]
    fn behind_the_end_nothing_is_heard_and_nothing_kept() {
        let (mut server, mut client) = acquainted();
        let (mut up, mut down) = (Vec::new(), Vec::new());
        client.seal(b"bye", &mut up).unwrap();
        client.farewell(&mut up);
        up.extend_from_slice(b"and something else");
        assert_eq!(opened(&mut server, &mut up, &mut down).unwrap(), b"bye");
        assert!(server.is_over() && server.waiting.is_empty());
        assert_eq!(opened(&mut server, &mut vec![0; 70_000], &mut down).unwrap(), b"");
        assert!(server.waiting.is_empty());
        assert!(client.seal(b"more", &mut up).is_err());
    }
}
