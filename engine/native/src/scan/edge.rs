//! The end of a text that goes on: from where on a finding may still begin, end elsewhere, or come to be.
//!
//! Says too much rather than too little: what is before both places is decided, whatever comes. Here every shape is tried
//! plainly where it could begin; which findings there are is `walk`'s to say.

use crate::scan::assign;
use crate::scan::automaton::Automaton;
use crate::scan::checks::contact::before_address;
use crate::scan::checks::pem::{last_line, may_be_wrapped};
use crate::scan::checks::random::is_blanked;
use crate::scan::checks::tokens::logins;
use crate::scan::checks::Check;
use crate::scan::engine::{Action, Detector, Engine};
use crate::scan::limits::{AFTER, BEFORE, GAP, LEAD, LONGEST};
use crate::scan::near::{begins_word, is_word, is_word_of_its_own};
use crate::scan::table::{How, Row};
use crate::scan::walk::{back_from, Trigger};

/// How far after a value its checks look (`checks::contact`).
const LOOK: usize = 34;
/// How far after a figure its word may end, and what is looked at there.
const WORDED: usize = AFTER + 2;
/// The longest figure, and how far it waits for a word.
const FIGURES: usize = 256;
/// How far before a value a trigger may stand that says where it begins.
const REACH: usize = LEAD + GAP + 64;
/// The longest last line of a key in PEM, as its check takes it.
const LAST_LINE: usize = 96;

/// What is open at the end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// From here on something may be a finding that grows, or the beginning of one.
    pub grows: usize,
    /// From here on something is or is no finding by what follows it at once, or by a word soon after.
    pub waits: usize,
}

/// The rows by how they begin.
pub struct Rows {
    /// Those with a stretch before their literal: detector, and how long before the end both may begin.
    backs: Vec<(u16, usize)>,
    /// Those that begin with a literal.
    literals: Vec<u16>,
    /// Figures, by the byte with which they may begin.
    figures: Vec<Vec<u16>>,
    longest_literal: usize,
}

impl Rows {
    pub fn new(rows: &[Row], detectors: &[Detector]) -> Self {
        let (mut backs, mut literals, mut longest_literal) = (Vec::new(), Vec::new(), 1);
        let figures = (0..=u8::MAX).map(|byte| {
            let all = (0_u16..).zip(detectors).filter(|(_, detector)| detector.how == How::Figure);
            all.filter(|(_, detector)| detector.value.may_begin(&[byte])).map(|(number, _)| number).collect()
        });
        let figures = figures.collect();
        for (number, row) in (0_u16..).zip(rows) {
            let is_literal = matches!(row.how, How::Literal | How::Whole | How::Loose);
            for (back, literal) in &row.triggers {
                longest_literal = literal.len().max(longest_literal);
                match back {
                    Some(back) => backs.push((number, back.most.saturating_add(literal.len()))),
                    None if is_literal && literals.last() != Some(&number) => literals.push(number),
                    None => {}
                }
            }
        }
        Self { backs, literals, figures, longest_literal }
    }
}

/// What is asked about the end of a text.
pub struct Asked<'a> {
    pub engine: &'a Engine,
    /// By the number of a kind: whether it counts.
    pub wanted: &'a [bool],
    pub text: &'a [u8],
    /// The literals in it.
    pub literals: &'a [Trigger],
    /// Before this place nothing is asked about.
    pub from: usize,
    /// Somebody waits for what is shown, so that a private key goes on only as long as what follows looks like one.
    pub is_terminal: bool,
}

/// What is open at the end of a text.
pub fn edge(asked: &Asked<'_>) -> Edge {
    let &Asked { engine, wanted, text, from, is_terminal, .. } = asked;
    let end = text.len();
    let mut looking =
        Looking { engine, wanted, text, from, is_terminal, words: Vec::new(), edge: Edge { grows: end, waits: end } };
    looking.triggers(asked.literals);
    looking.beginnings();
    looking.figures();
    looking.edge
}

struct Looking<'a> {
    engine: &'a Engine,
    wanted: &'a [bool],
    text: &'a [u8],
    from: usize,
    is_terminal: bool,
    /// Where context words ended, by their group.
    words: Vec<(usize, u16)>,
    edge: Edge,
}

impl<'a> Looking<'a> {
    fn grows(&mut self, at: usize) {
        if at >= self.from {
            self.edge.grows = self.edge.grows.min(at);
        }
    }

    fn waits(&mut self, at: usize) {
        if at >= self.from {
            self.edge.waits = self.edge.waits.min(at);
        }
    }

    fn wanted(&self, kind: u16) -> bool {
        self.wanted.get(usize::from(kind)).copied().unwrap_or(false)
    }

    fn detector(&self, number: u16) -> Option<&'a Detector> {
        let engine = self.engine;
        engine.detectors.get(usize::from(number)).filter(|detector| self.wanted(detector.kind))
    }

    /// The names of a detector's checks.
    fn checks(&self, number: u16) -> &'a [&'static str] {
        let engine = self.engine;
        engine.rows.get(usize::from(number)).map_or(&[], |row| row.checks.as_slice())
    }

    /// Values whose trigger stands in the text.
    fn triggers(&mut self, literals: &[Trigger]) {
        let low = self.from.saturating_sub(REACH).max(self.text.len().saturating_sub(LONGEST.saturating_add(REACH)));
        for (number, start, end) in literals.iter().filter(|(_, start, _)| *start >= low) {
            self.triggered(*number, *start, *end);
        }
        self.words.sort_unstable();
    }

    fn triggered(&mut self, number: u16, start: usize, end: usize) {
        let engine = self.engine;
        let Some(trigger) = engine.triggers.get(usize::from(number)) else {
            return;
        };
        for action in trigger.actions.iter().map(|effect| &effect.action) {
            match *action {
                Action::Match { detector, back } => {
                    let begin = match back {
                        None => start,
                        Some(back) if engine.detectors.get(usize::from(detector)).is_some_and(Detector::is_loose) => {
                            start.saturating_sub(back.most)
                        }
                        Some(back) => self.uncut(detector, back_from(self.text, start, back), start),
                    };
                    self.shape(detector, begin);
                }
                Action::Follow { detector } => self.followed(detector, start, end),
                Action::Context { .. } => {
                    if is_word_of_its_own(self.text, start, end) {
                        self.words.extend(trigger.groups.iter().map(|group| (end, *group)));
                    }
                }
                Action::Assign { word } => {
                    if self.wanted(assign::kind(engine, word)) {
                        if let Some(at) = assign::unfinished(self.text, start, end) {
                            self.grows(at);
                        }
                    }
                }
            }
        }
    }

    /// Where what stands from `low` on may begin: the check of addresses cuts off what stands before the last of its signs.
    fn uncut(&self, number: u16, low: usize, sign: usize) -> usize {
        let part = self.text.get(low..sign).filter(|_| self.checks(number).contains(&"email")).unwrap_or_default();
        low.saturating_add(before_address(part))
    }

    /// Values after a provider's name.
    fn followed(&mut self, number: u16, start: usize, end: usize) {
        let Some(detector) = self.detector(number) else {
            return;
        };
        if end.saturating_add(GAP).saturating_add(LONGEST) < self.text.len() || !begins_word(self.text, start) {
            return;
        }
        for at in end..=end.saturating_add(GAP) {
            let solid = self.text.get(at).is_some_and(u8::is_ascii_alphanumeric);
            if solid && !at.checked_sub(1).is_some_and(|before| is_word(self.text, before)) {
                self.value(number, detector, at);
            }
        }
    }

    fn shape(&mut self, number: u16, start: usize) {
        let Some(detector) = self.detector(number) else {
            return;
        };
        match &detector.lead {
            None => self.value(number, detector, start),
            Some(lead) => {
                // What leads to a value is no part of it: where it goes on, the value begins behind the end.
                if let Some(begin) = lead.longest(self.text, start) {
                    self.value(number, detector, begin);
                }
            }
        }
    }

    fn value(&mut self, number: u16, detector: &Detector, at: usize) {
        let end = self.text.len();
        if end.saturating_sub(at) > LONGEST {
            return;
        }
        let (lives, ended) = detector.value.reach(self.text, at);
        if lives {
            self.grows(at);
            return;
        }
        let Some(last) = ended else {
            return;
        };
        if let Some(trail) = &detector.trail {
            if detector.value.last_end(self.text, at, |place| is_undecided(trail, self.text, place)).is_some() {
                self.grows(at);
            }
            return;
        }
        self.checked(number, detector, at, last);
    }

    /// A value whose shape is whole: what its checks and its boundary still look at.
    fn checked(&mut self, number: u16, detector: &Detector, at: usize, last: usize) {
        let end = self.text.len();
        let rest = self.text.get(last..).unwrap_or_default();
        for check in self.checks(number) {
            let open = match *check {
                "pem" => is_open_key(rest, last_line(self.text.get(at..last).unwrap_or_default()), self.is_terminal),
                "wrapped" => may_be_wrapped(self.text, at, last),
                "putty" => is_open_putty(rest, self.is_terminal),
                "curl" => {
                    if let Some(((value, _), _)) = logins(rest).find(|(_, is_over)| !is_over) {
                        self.grows(last.saturating_add(value));
                    }
                    return;
                }
                _ => continue,
            };
            if open {
                self.grows(at);
            }
            return;
        }
        if detector.secret && is_blanked(self.text.get(at..last).unwrap_or_default()) {
            return;
        }
        if last.saturating_add(far(detector, self.text, last)) > end {
            self.waits(at);
        }
    }

    /// Values whose literal may only be on its way.
    fn beginnings(&mut self) {
        let (engine, text) = (self.engine, self.text);
        let end = text.len();
        for (number, most) in &engine.ends.backs {
            let Some(detector) = self.detector(*number) else {
                continue;
            };
            let low = self.uncut(*number, end.saturating_sub(*most).max(self.from), end);
            if let Some(at) = (low..end).find(|at| detector.value.reach(text, *at).0) {
                self.grows(at);
            }
        }
        for at in end.saturating_sub(engine.ends.longest_literal).max(self.from)..end {
            if !engine.literals.may_go_on(text, at) {
                continue;
            }
            let before = at.checked_sub(1);
            let inside = before.is_some_and(|before| is_word(text, before));
            for number in &engine.ends.literals {
                let Some(detector) = self.detector(*number) else {
                    continue;
                };
                if detector.lead.is_none() && (!inside || detector.is_loose()) && detector.value.reach(text, at).0 {
                    self.grows(at);
                    return;
                }
            }
        }
    }

    /// Figures, which have no literal.
    fn figures(&mut self) {
        let (engine, text) = (self.engine, self.text);
        let end = text.len();
        for at in end.saturating_sub(FIGURES).max(self.from)..end {
            let begins = text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || b":+(".contains(byte));
            if !begins || at.checked_sub(1).is_some_and(|before| is_word(text, before)) {
                continue;
            }
            let first = text.get(at).map_or(0, |byte| usize::from(*byte));
            for number in engine.ends.figures.get(first).map_or(&[][..], Vec::as_slice) {
                if let Some(detector) = self.detector(*number) {
                    self.figure(detector, at);
                }
            }
        }
    }

    fn figure(&mut self, detector: &Detector, at: usize) {
        let (lives, ended) = detector.value.reach(self.text, at);
        // WHY a figure that goes on only waits where no word stands before it: that one after it counts is said of a whole
        // text, and nobody can wait for a word that need not come.
        let is_one = detector.context.is_none_or(|group| {
            self.words.iter().any(|(word, of)| *of == group && *word <= at && word.saturating_add(BEFORE) >= at)
        });
        if lives && is_one {
            self.grows(at);
        } else if lives
            || ended.is_some_and(|last| last.saturating_add(far(detector, self.text, last)) > self.text.len())
        {
            self.waits(at);
        }
    }
}

/// How far after a value that ends at `last` it is looked at what stands there.
fn far(detector: &Detector, text: &[u8], last: usize) -> usize {
    let looks = detector.checks.iter().any(|check| matches!(check, Check::Around(_)));
    match (detector.context.is_some(), looks) {
        (true, _) => WORDED,
        (false, true) => LOOK,
        // An `x` may be the sign of an extension, and then the next byte counts too.
        (false, false) if text.get(last) == Some(&b'x') => 2,
        (false, false) => 1,
    }
}

/// Whether what must follow a value begins at `at` and is not decided by the end.
fn is_undecided(trail: &Automaton, text: &[u8], at: usize) -> bool {
    let (lives, ended) = trail.reach(text, at);
    lives && ended.is_none()
}

/// Whether a key whose first line is over may have its last one yet, which begins with `close`.
fn is_open_key(rest: &[u8], close: &[u8], is_terminal: bool) -> bool {
    if rest.len() > LONGEST {
        return false;
    }
    let dashes = close.strip_suffix(b"END").unwrap_or(close);
    let Some(place) = rest.windows(dashes.len()).position(|part| part == dashes) else {
        return !(is_terminal && rest.iter().any(|byte| !may_stand_in_key(*byte)));
    };
    let last = rest.get(place..).unwrap_or_default();
    if last.len() < close.len() {
        return close.starts_with(last);
    }
    let (tail, line) = (last.strip_prefix(close), dashes.trim_ascii_end());
    tail.is_some_and(|tail| tail.len() <= LAST_LINE && !tail.windows(line.len()).any(|part| part == line))
}

/// Whether a key file of PuTTY may have its last line yet.
fn is_open_putty(rest: &[u8], is_terminal: bool) -> bool {
    const MARKER: &[u8] = b"Private-MAC: ";
    if rest.len() > LONGEST {
        return false;
    }
    match rest.windows(MARKER.len()).position(|part| part == MARKER) {
        None => !(is_terminal && rest.iter().any(|byte| !may_stand_in_key(*byte))),
        Some(place) => {
            rest.get(place.saturating_add(MARKER.len())..).unwrap_or_default().iter().all(u8::is_ascii_hexdigit)
        }
    }
}

/// What stands in files of keys, and in them where they stand in JSON, YAML or a program.
fn may_stand_in_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=-_:,.;\"'\\()".contains(&byte)
}
