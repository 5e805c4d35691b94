//! The lane: a plain command that its session was granted before, from its bytes to the line of the audit and the bytes for the
//! target, and the plain answer back. Everything that decided the grant is compared by who opens the lane and by the gate, before
//! each command; here are texts, names and bytes alone. `adapters/postgres/session/lane.py` says when it is open.
//!
//! INVARIANT: what goes through here, the session would have carried in the same bytes and recorded in the same lines
//! (tests/property/test_postgres_lane.py plays every dialogue with a lane and without). `None` changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use super::short::{self, Reply};
use crate::audit::unwritten::Unwritten;
use crate::audit::{self, Form};
use crate::sql::shape::shape;

/// Longer commands take another way: there the reading is not what costs.
const MAX_COMMAND: usize = 16 * 1024;
const MAX_KNOWN: usize = 256;
/// Of texts and forms; with more, all of it is forgotten.
const MAX_BYTES: usize = 128 * 1024;
const MAX_STATEMENTS: usize = 256;

type Text = Arc<[u8]>;

/// What was granted: how the audit tells it, and the answer it came with, which is the session's affair.
struct Known<A> {
    form: Arc<Form>,
    answer: A,
}

/// How a run of the extended protocol came.
struct Ran {
    statement: Vec<u8>,
    parsed: bool,
    described: bool,
}

/// A command that was found in the lane. It goes up once its line is written.
struct Pending<A> {
    known: Arc<Known<A>>,
    text: Text,
    parameters: Option<Vec<Option<String>>>,
    run: Option<Ran>,
    began: f64,
    id: String,
}

/// The same, for who carries on with it.
pub struct Left<A> {
    pub answer: A,
    pub id: String,
    pub began: f64,
    pub text: Text,
    /// Name, whether a Parse is part of it, whether a Describe is; `None` for a simple query.
    pub run: Option<(Vec<u8>, bool, bool)>,
}

/// What a lane leaves to the session when it is closed: what is under way, and the statements that were parsed in it.
pub struct Rest<A> {
    pub under_way: Option<Left<A>>,
    pub parsed: Vec<(Vec<u8>, Text)>,
}

/// A command that is over and whose outcome is not recorded yet.
struct Done {
    id: String,
    rows: u64,
    bytes: usize,
    duration: f64,
}

/// What may go through at the moment.
#[derive(Clone, Copy)]
struct Terms {
    /// The transaction status that everything here was granted in.
    status: u8,
    simple: bool,
    extended: bool,
}

/// What goes up for a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Up {
    AsItCame,
    Instead(Vec<u8>),
}

pub struct Lane<A> {
    texts: HashMap<Text, Arc<Known<A>>>,
    shapes: HashMap<Vec<u8>, Arc<Known<A>>>,
    bytes: usize,
    statements: HashMap<Vec<u8>, Text>,
    /// Statements that were parsed in here, and the session does not know yet.
    parsed: Vec<Vec<u8>>,
    terms: Option<Terms>,
    pending: Option<Pending<A>>,
    done: Option<Done>,
}

impl<A> Default for Lane<A> {
    fn default() -> Self {
        Self {
            texts: HashMap::new(),
            shapes: HashMap::new(),
            bytes: 0,
            statements: HashMap::new(),
            parsed: Vec::new(),
            terms: None,
            pending: None,
            done: None,
        }
    }
}

impl<A: Clone> Lane<A> {
    /// Forgets what was granted.
    pub fn forget(&mut self) {
        self.texts.clear();
        self.shapes.clear();
        self.bytes = 0;
    }

    /// Forgets what names stand for.
    pub fn forget_names(&mut self) {
        self.statements.clear();
    }

    /// Keeps what was granted, for this text or for all of its shape.
    pub fn learn(&mut self, text: &[u8], form: Arc<Form>, for_shape: bool, answer: A) {
        let size = text.len().saturating_add(form.size());
        if size > MAX_BYTES {
            return;
        }
        let number = self.texts.len().saturating_add(self.shapes.len());
        if number >= MAX_KNOWN || self.bytes.saturating_add(size) > MAX_BYTES {
            self.forget();
        }
        let known = Arc::new(Known { form, answer });
        let is_new = match if for_shape { shape(text) } else { None } {
            Some(key) => self.shapes.insert(key, known).is_none(),
            None if for_shape => false,
            None => self.texts.insert(text.into(), known).is_none(),
        };
        if is_new {
            self.bytes = self.bytes.saturating_add(size);
        }
    }

    /// What a name stands for on the server.
    pub fn name(&mut self, statement: &[u8], text: &[u8]) {
        if self.statements.len() >= MAX_STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(statement.to_vec(), text.into());
    }

    /// Opens it for commands in this transaction status.
    pub fn open(&mut self, status: u8, simple: bool, extended: bool) {
        self.terms = Some(Terms { status, simple, extended });
    }

    /// Whether the session's own ways have to take over before they go on.
    pub fn is_used(&self) -> bool {
        self.terms.is_some() || self.pending.is_some()
    }

    pub fn is_under_way(&self) -> bool {
        self.pending.is_some()
    }

    /// Closes it.
    pub fn leave(&mut self) -> Rest<A> {
        self.terms = None;
        let under_way = self.pending.take().map(|pending| Left {
            answer: pending.known.answer.clone(),
            id: pending.id,
            began: pending.began,
            text: pending.text,
            run: pending.run.map(|run| (run.statement, run.parsed, run.described)),
        });
        let parsed = std::mem::take(&mut self.parsed);
        let parsed = parsed.into_iter().filter_map(|name| {
            let text = Arc::clone(self.statements.get(&name)?);
            Some((name, text))
        });
        Rest { under_way, parsed: parsed.collect() }
    }

    /// What goes up for bytes from the client that are one command known here; then `line` is to be recorded first.
    pub fn ask(&mut self, data: &[u8], now: f64) -> Option<Up> {
        let terms = self.terms?;
        if self.pending.is_some() || data.len() > MAX_COMMAND {
            return None;
        }
        if data.first() == Some(&b'Q') {
            let found = if terms.simple { short::query(data)? } else { return None };
            let (known, text) = self.find(found.text)?;
            self.pending = Some(Pending { known, text, parameters: None, run: None, began: now, id: String::new() });
            return Some(Up::Instead(found.run));
        }
        let found = if terms.extended { short::run(data)? } else { return None };
        let text = match found.text {
            Some(text) if short::may_need_more(text) => return None,
            Some(text) => text,
            None => self.statements.get(found.statement)?,
        };
        let (known, text) = self.find(text)?;
        let run = Ran { statement: found.statement.to_vec(), parsed: found.text.is_some(), described: found.described };
        let parameters = Some(found.parameters);
        self.pending = Some(Pending { known, text, parameters, run: Some(run), began: now, id: String::new() });
        Some(Up::AsItCame)
    }

    fn find(&self, text: &[u8]) -> Option<(Arc<Known<A>>, Text)> {
        if let Some((text, known)) = self.texts.get_key_value(text) {
            return Some((Arc::clone(known), Arc::clone(text)));
        }
        if self.shapes.is_empty() {
            return None;
        }
        Some((Arc::clone(self.shapes.get(&shape(text)?)?), text.into()))
    }

    /// What is to be written for what `ask` found, with what waits in the log before it; `None` when there is nothing, or its line
    /// would be too long.
    pub fn line(&mut self, log: &mut Unwritten, id: &str, clock: i64) -> Option<Vec<u8>> {
        log.with_line(self.told(id, clock)?)
    }

    /// Writes that now. No: it is not written, and nothing has changed.
    pub fn write(&mut self, log: &mut Unwritten, id: &str, clock: i64) -> bool {
        self.told(id, clock).and_then(|line| log.at_once(line)).is_some()
    }

    fn told<'a>(&'a mut self, id: &'a str, clock: i64) -> Option<impl FnOnce(&mut Vec<u8>) -> bool + 'a> {
        let pending = self.pending.as_mut()?;
        pending.id = id.to_owned();
        let Pending { known, text, parameters, .. } = pending;
        Some(move |line: &mut Vec<u8>| known.form.fill_into(line, id, clock, text, parameters.as_deref()))
    }

    /// What `ask` found is carried by others after all; nothing of it was recorded or sent.
    pub fn take_back(&mut self) {
        self.pending = None;
    }

    /// From where on the client is shown bytes of the server that are the plain answer to what is under way; then `outcome` is
    /// to be recorded.
    pub fn reply(&mut self, data: &[u8], now: f64) -> Option<usize> {
        let (terms, pending) = (self.terms?, self.pending.as_ref()?);
        let Reply { parsed, described, shown, rows, tag, status } = short::reply(data)?;
        let shown = match &pending.run {
            Some(run) if parsed == run.parsed && (described != 0) == run.described => 0,
            None if parsed && described == b'T' => shown,
            _ => return None,
        };
        if status != terms.status {
            return None;
        }
        let pending = self.pending.take()?;
        self.done = Some(Done { id: pending.id, rows: tag, bytes: rows, duration: now - pending.began });
        if let Some(run) = pending.run.filter(|run| run.parsed) {
            self.parse(run.statement, pending.text);
        }
        Some(shown)
    }

    fn parse(&mut self, statement: Vec<u8>, text: Text) {
        if statement.is_empty() {
            // A simple query would replace it: the session knows what that means.
            self.terms = self.terms.map(|terms| Terms { simple: false, ..terms });
        }
        if self.statements.len() >= MAX_STATEMENTS {
            // INVARIANT: none of those that the session does not know yet is forgotten.
            let parsed = &self.parsed;
            self.statements.retain(|name, _| parsed.contains(name));
        }
        if !self.parsed.contains(&statement) {
            self.parsed.push(statement.clone());
        }
        self.statements.insert(statement, text);
        if self.parsed.len() >= MAX_STATEMENTS {
            self.terms = None;
        }
    }

    /// Lets the line for the command that `reply` ended wait in the log; no when too much does. There may be none.
    pub fn outcome(&mut self, log: &mut Unwritten, clock: i64) -> bool {
        let Some(done) = self.done.take() else {
            return true;
        };
        let bytes = u64::try_from(done.bytes).unwrap_or(u64::MAX);
        let noted = log.note(|line| {
            audit::outcome_into(line, &done.id, clock, (done.rows, bytes, 0), done.duration, None);
            true
        });
        noted.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend_from_slice(&u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(body);
        out
    }

    fn query(text: &str) -> Vec<u8> {
        message(b'Q', format!("{text}\0").as_bytes())
    }

    /// A run of the statement `a` with one value, or of a text that is parsed as `name`.
    fn run(name: &str, text: Option<&str>) -> Vec<u8> {
        let parse = text.map(|text| message(b'P', format!("{name}\0{text}\0\0\0").as_bytes())).unwrap_or_default();
        let bind = message(b'B', format!("\0{name}\0\0\0\0\0\0\0").as_bytes());
        [parse, bind, message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat()
    }

    fn reply(is_simple: bool, is_parsed: bool, status: u8) -> Vec<u8> {
        let parsed = if is_simple || is_parsed { message(b'1', b"") } else { Vec::new() };
        let described = if is_simple { message(b'T', b"\0\0") } else { Vec::new() };
        let tag = message(b'C', b"SELECT 1\0");
        [parsed, message(b'2', b""), described, message(b'D', b"x"), tag, message(b'Z', &[status])].concat()
    }

    fn open() -> Lane<&'static str> {
        let mut lane = Lane::default();
        let form = || Arc::new(Form::new(b",\"a\":1", b"", "postgres", None, false));
        lane.learn(b"select 1", form(), true, "one");
        lane.learn(b"begin", form(), false, "begin");
        lane.name(b"a", b"select 1");
        lane.open(b'I', true, true);
        lane
    }

    #[test]
    fn a_command_granted_before_goes_up_with_its_line_and_its_answer_down_with_its_outcome() {
        let mut lane = open();
        assert!(matches!(lane.ask(&query("select 7"), 1.0), Some(Up::Instead(_))));
        let mut log = Unwritten::new(3, 9);
        let line = lane.line(&mut log, "d-1", 5).map(|line| String::from_utf8_lossy(&line).into_owned());
        let line = line.unwrap_or_default();
        assert!(line.starts_with("{\"seq\":3,\"kind\":\"decision\"") && line.ends_with("}\n"), "{line}");
        assert!(line.contains("\"decision_id\":\"d-1\"") && line.contains("select 7"));
        assert_eq!(log.wrote(), 3);
        assert_eq!(lane.ask(&query("select 7"), 1.0), None, "one at a time");
        assert_eq!(lane.reply(&reply(true, true, b'I'), 1.5), Some(10));
        assert!(lane.outcome(&mut log, 6));
        let told = String::from_utf8_lossy(log.noted()).into_owned();
        assert!(
            told.contains("{\"seq\":4,\"kind\":\"outcome\"")
                && told.contains("\"rows\":1,\"bytes\":6,\"duration\":0.5")
        );
        assert!(lane.outcome(&mut log, 6));
        assert_eq!(log.waiting(), 1);
    }

    #[test]
    fn what_is_not_known_or_not_allowed_for_goes_another_way() {
        let mut lane = open();
        for data in [query("select 'a'"), query("drop"), run("b", None), run("b", Some("copy")), b"Q".to_vec()] {
            assert_eq!(lane.ask(&data, 1.0), None, "{data:?}");
        }
        lane.open(b'I', false, false);
        assert_eq!(lane.ask(&query("select 1"), 1.0), None);
        assert_eq!(lane.ask(&run("a", None), 1.0), None);
        lane.leave();
        assert_eq!(lane.ask(&query("select 1"), 1.0), None);
        assert!(!lane.is_used());
    }

    #[test]
    fn an_answer_that_is_not_the_plain_one_leaves_the_command_to_the_session() {
        for data in [reply(true, true, b'T'), reply(false, true, b'I'), message(b'E', b"\0"), Vec::new()] {
            let mut lane = open();
            assert!(lane.ask(&query("begin"), 1.0).is_some());
            assert_eq!(lane.reply(&data, 2.0), None);
            let left = lane.leave().under_way.map(|left| (left.answer, left.began, left.text.to_vec()));
            assert_eq!(left, Some(("begin", 1.0, b"begin".to_vec())));
        }
    }

    #[test]
    fn a_statement_parsed_in_here_is_known_here_and_told_to_the_session() {
        let mut lane = open();
        assert_eq!(lane.ask(&run("", Some("select 2")), 1.0), Some(Up::AsItCame));
        assert_eq!(lane.reply(&reply(false, true, b'I'), 1.0), Some(0));
        assert_eq!(lane.ask(&query("select 1"), 1.0), None, "it would replace the unnamed statement");
        assert!(lane.ask(&run("", None), 1.0).is_some());
        assert_eq!(lane.reply(&reply(false, false, b'I'), 1.0), Some(0));
        let parsed: Vec<_> = lane.leave().parsed.into_iter().map(|(name, text)| (name, text.to_vec())).collect();
        assert_eq!(parsed, vec![(Vec::new(), b"select 2".to_vec())]);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let mut lane: Lane<usize> = Lane::default();
        let form = Arc::new(Form::new(b"", b"", "postgres", None, false));
        for number in 0..1000 {
            lane.learn(format!("begin {number}").as_bytes(), Arc::clone(&form), false, number);
            lane.name(format!("n{number}").as_bytes(), b"begin");
        }
        lane.learn(&vec![b'x'; MAX_BYTES], Arc::clone(&form), false, 0);
        assert!(lane.texts.len() <= MAX_KNOWN && lane.bytes <= MAX_BYTES && lane.statements.len() <= MAX_STATEMENTS);
    }
}
