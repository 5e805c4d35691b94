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

    /// The alert that an error leaves. WHY no step further: nothing of what came behind it may be looked at.
    fn say_last(&mut self, out: &mut Vec<u8>) {
        for _ in 0..8 {
            let said = match &mut self.side {
                Side::Server(side) => encoded(side.process_tls_records(&mut self.waiting), out),
                Side::Client(side) => encoded(side.process_tls_records(&mut self.waiting), out),
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
