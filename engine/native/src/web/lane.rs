//! The lane: a request that its session was granted before, from its bytes to the line of the audit and the bytes for the target, and the
//! plain answer back. Everything that decided the grant is compared by who opens the lane and by the gate, before each request; here are
//! bytes alone. `adapters/web/session/lane.py` says when it is open.
//!
//! INVARIANT: what goes through here, the session would have carried in the same bytes and recorded in the same lines
//! (tests/property/test_http_lane.py plays every dialogue with a lane and without). `None` changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use super::answer::Show;
use crate::audit::unwritten::Unwritten;
use crate::audit::{self, Form};

/// Longer heads take another way.
const MAX_REQUEST: usize = 8 * 1024;
const MAX_KNOWN: usize = 64;
/// Of heads, texts and forms; with more, all of it is forgotten.
const MAX_BYTES: usize = 128 * 1024;

/// What was granted: the request as it is judged and as it goes up, how the audit tells it, how its answers are shown, and what its session
/// knows of it.
pub struct Known<A> {
    pub text: Vec<u8>,
    pub up: Vec<u8>,
    pub form: Arc<Form>,
    pub show: Show,
    pub own: A,
}

struct Pending<A> {
    known: Arc<Known<A>>,
    began: f64,
    id: String,
}

/// A request that is over and whose outcome is not recorded yet.
struct Done {
    id: String,
    bytes: usize,
    duration: f64,
    status: u16,
}

pub struct Lane<A> {
    known: HashMap<Vec<u8>, Arc<Known<A>>>,
    bytes: usize,
    is_open: bool,
    pending: Option<Pending<A>>,
    done: Option<Done>,
    /// When the last answer was over.
    pub last: f64,
    /// Seconds for which the connection of the last answer may serve another request.
    pub lasts: f64,
}

impl<A> Default for Lane<A> {
    fn default() -> Self {
        Self { known: HashMap::new(), bytes: 0, is_open: false, pending: None, done: None, last: 0.0, lasts: 0.0 }
    }
}

impl<A: Clone> Lane<A> {
    /// Forgets what was granted.
    pub fn forget(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }

    /// Keeps what was granted to a request that came in these bytes.
    pub fn learn(&mut self, request: &[u8], known: Known<A>) {
        let parts = [request.len(), known.text.len(), known.up.len(), known.form.size()];
        let size = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(*part));
        if request.len() > MAX_REQUEST || size > MAX_BYTES {
            return;
        }
        if self.known.len() >= MAX_KNOWN || self.bytes.saturating_add(size) > MAX_BYTES {
            self.forget();
        }
        if self.known.insert(request.to_vec(), Arc::new(known)).is_none() {
            self.bytes = self.bytes.saturating_add(size);
        }
    }

    /// Opens it; the last answer was over at this time.
    pub fn open(&mut self, now: f64) {
        (self.is_open, self.last) = (true, now);
    }

    pub fn is_under_way(&self) -> bool {
        self.pending.is_some()
    }

    /// Closes it. What is under way, with its decision and when it began, is the session's from now on.
    pub fn leave(&mut self) -> Option<(A, String, f64)> {
        self.is_open = false;
        self.pending.take().map(|pending| (pending.known.own.clone(), pending.id, pending.began))
    }

    /// What goes up for bytes from the client that are one request known here; then `line` is to be recorded first.
    pub fn ask(&mut self, data: &[u8], now: f64) -> Option<&[u8]> {
        if !self.is_open || self.pending.is_some() {
            return None;
        }
        let known = Arc::clone(self.known.get(data)?);
        let pending = self.pending.insert(Pending { known, began: now, id: String::new() });
        Some(&pending.known.up)
    }

    /// What its session knows of the request under way.
    pub fn under_way(&self) -> Option<&A> {
        self.pending.as_ref().map(|pending| &pending.known.own)
    }

    /// What is to be written for what `ask` found, with what waits in the log before it; `None` when there is nothing, or its line would be
    /// too long.
    pub fn line(&mut self, log: &mut Unwritten, id: &str, clock: i64) -> Option<Vec<u8>> {
        let pending = self.pending.as_mut()?;
        pending.id = id.to_owned();
        let Pending { known, .. } = pending;
        log.with_line(|line| known.form.fill_into(line, id, clock, &known.text, None))
    }

    /// What `ask` found is carried by others after all; nothing of it was recorded or sent.
    pub fn take_back(&mut self) {
        self.pending = None;
    }

    /// What the client is shown of bytes of the target that are the plain answer to what is under way; then `outcome` is to be recorded.
    pub fn reply(&mut self, data: &[u8], now: f64) -> Option<Vec<u8>> {
        let pending = self.pending.as_ref().filter(|_| self.is_open)?;
        let shown = pending.known.show.shown(data, &pending.id)?;
        let pending = self.pending.take()?;
        let duration = now - pending.began;
        self.done = Some(Done { id: pending.id, bytes: shown.size, duration, status: shown.status });
        (self.last, self.lasts) = (now, shown.lasts);
        Some(shown.bytes)
    }

    /// Lets the line for the request that `reply` ended wait in the log; no when too much does. There may be none.
    pub fn outcome(&mut self, log: &mut Unwritten, clock: i64) -> bool {
        let Some(done) = self.done.take() else {
            return true;
        };
        let bytes = u64::try_from(done.bytes).unwrap_or(u64::MAX);
        let error = (done.status >= 400).then(|| done.status.to_string());
        let noted = log.note(|line| {
            audit::outcome_into(line, &done.id, clock, (0, bytes, 0), done.duration, error.as_deref());
            true
        });
        noted.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(own: &'static str, size: usize) -> Known<&'static str> {
        let form = Arc::new(Form::new(b",\"a\":1", b"", "http", None, false));
        let show = Show { masks: None, secrets: Vec::new(), signs_in: false };
        Known { text: vec![b't'; size], up: b"up".to_vec(), form, show, own }
    }

    fn open() -> Lane<&'static str> {
        let mut lane = Lane::default();
        lane.learn(b"GET /a", known("a", 1));
        lane.open(0.5);
        lane
    }

    const ANSWER: &[u8] = b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nab";

    #[test]
    fn a_request_granted_before_goes_up_with_its_line_and_its_answer_down_with_its_outcome() {
        let (mut lane, mut log) = (open(), Unwritten::new(3, 9));
        assert_eq!(lane.ask(b"GET /a", 1.0), Some(&b"up"[..]));
        let line =
            lane.line(&mut log, "d-1", 5).map(|line| String::from_utf8_lossy(&line).into_owned()).unwrap_or_default();
        assert!(line.starts_with("{\"seq\":3,\"kind\":\"decision\"") && line.contains("\"text\":\"t\""), "{line}");
        assert_eq!(log.wrote(), 3);
        assert!(lane.is_under_way() && lane.under_way() == Some(&"a"));
        assert_eq!(lane.ask(b"GET /a", 1.0), None, "one at a time");
        let shown =
            lane.reply(ANSWER, 1.5).map(|shown| String::from_utf8_lossy(&shown).into_owned()).unwrap_or_default();
        assert!(shown.contains("sallyport-decision: d-1\r\n") && shown.ends_with("\r\n\r\nab"), "{shown}");
        assert_eq!((lane.last, lane.lasts), (1.5, 15.0));
        assert!(lane.outcome(&mut log, 6));
        let told = String::from_utf8_lossy(log.noted()).into_owned();
        assert!(told.contains("\"rows\":0,\"bytes\":2,\"duration\":0.5,\"error\":\"404\""), "{told}");
        assert!(lane.outcome(&mut log, 6));
        assert_eq!(log.waiting(), 1);
    }

    #[test]
    fn what_is_not_known_or_not_plain_is_the_sessions() {
        let mut lane = open();
        assert_eq!(lane.ask(b"GET /b", 1.0), None);
        assert_eq!(lane.reply(ANSWER, 1.0), None, "nothing is under way");
        assert!(lane.ask(b"GET /a", 1.0).is_some());
        lane.take_back();
        assert!(!lane.is_under_way() && lane.ask(b"GET /a", 2.0).is_some());
        assert_eq!(lane.reply(b"HTTP/1.1 200 OK\r\n\r\n", 3.0), None);
        assert_eq!(lane.leave(), Some(("a", String::new(), 2.0)));
        assert_eq!(lane.ask(b"GET /a", 4.0), None, "it is closed");
        lane.open(5.0);
        lane.forget();
        assert_eq!(lane.ask(b"GET /a", 5.0), None);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut lane = Lane::default();
        for number in 0..1000 {
            lane.learn(format!("GET /{number}").as_bytes(), known("a", 3000));
        }
        lane.learn(&vec![b'x'; MAX_REQUEST.saturating_add(1)], known("a", 1));
        lane.learn(b"y", known("a", MAX_BYTES));
        assert!(!lane.known.is_empty() && lane.known.len() <= MAX_KNOWN && lane.bytes <= MAX_BYTES);
        lane.open(0.0);
        assert_eq!(lane.ask(b"y", 1.0), None);
    }
}
