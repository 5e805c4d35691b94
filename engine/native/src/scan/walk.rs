//! The one pass over a text: where a block has what may begin a literal or a figure, looks closely.

use std::collections::BTreeMap;

use crate::scan::alike::Alike;
use crate::scan::automaton::Way;
use crate::scan::beside::{Beside, Window, Word};
use crate::scan::blanks::Blanks;
use crate::scan::block::{places, Signs, SIZE};
use crate::scan::chains::{Leaps, Leapt};
use crate::scan::engine::{self, Action, After, Detector, Effect, Engine};
use crate::scan::figures::{bit_of, Figures, Groups};
use crate::scan::limits::{AFTER, BEFORE, LEAD, LONGEST, LONGEST_FIGURE};
use crate::scan::near::{is_word, Grounds};
use crate::scan::next::Next;
use crate::scan::notes::{Notes, BLOCKS};
use crate::scan::place::Behind;
use crate::scan::table::{Back, How};
use crate::scan::values::Values;
use crate::scan::walks::Walks;
use crate::scan::{assign, near, Span};

/// Which part of a text is asked about: findings that begin in `from..to`. The rest is looked at for context only.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub from: usize,
    pub to: usize,
}

impl Part {
    pub fn whole(text: &[u8]) -> Self {
        Self { from: 0, to: text.len().saturating_add(1) }
    }
}

/// A finding before overlaps are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub span: Span,
    pub rank: u8,
}

/// Finds all candidates of a part, in no order.
pub fn walk(engine: &Engine, text: &[u8], part: Part, out: &mut Vec<Candidate>) {
    let mut walker = Walker::new(engine, text, None);
    walker.run();
    walker.found.retain(|one| (part.from..part.to).contains(&one.span.start));
    out.append(&mut walker.found);
}

/// A literal: its number, and from where to where it stands.
pub type Trigger = (u16, usize, usize);

/// Finds all candidates of a text, in no order, and all literals.
pub fn walk_open(engine: &Engine, text: &[u8]) -> (Vec<Candidate>, Vec<Trigger>) {
    let mut walker = Walker::new(engine, text, None);
    walker.literals = Some(Vec::new());
    walker.run();
    (walker.found, walker.literals.unwrap_or_default())
}

/// Which types a text has.
pub fn detect(engine: &Engine, text: &[u8]) -> Vec<bool> {
    let mut walker = Walker::new(engine, text, Some(vec![false; engine.types.len()]));
    walker.run();
    walker.seen.unwrap_or_default()
}

/// Every word stands near what needs none.
const NEAR_ALL: Groups = Groups::MAX;

/// The state of one pass.
pub struct Walker<'a> {
    pub engine: &'a Engine,
    pub text: &'a [u8],
    pub found: Vec<Candidate>,
    /// When only the types are wanted: those that were seen.
    seen: Option<Vec<bool>>,
    /// When literals are wanted too: those that were found.
    literals: Option<Vec<Trigger>>,
    /// Where context words ended, and of which trigger they are; in order at last.
    context: Vec<Word>,
    /// Figures whose context words may come later.
    waiting: Vec<(u16, usize, usize)>,
    /// By detector: up to where values after its trigger were tried.
    pub followed: Vec<usize>,
    /// After the trigger that ended last: where values may begin and where white space stands, as `near` keeps it.
    pub starts: (usize, u64, u64),
    pub grounds: Grounds,
    matches: Vec<(u16, usize)>,
    /// By sixty-four bytes of the text, as bits: where parts begin that may be figures.
    parts: Vec<u64>,
    notes: Notes,
    pub walks: Walks,
    /// What is known of values that are assigned, and of those that are checked.
    pub values: Values,
    /// What stands behind the word that was found last.
    pub behind: Behind,
    checked: Values,
    blanks: Blanks,
    /// Of detectors whose checks ask about the value alone: what they refused.
    refused: Alike<u16, ()>,
    /// By detector: where what it needs stands next.
    needed: BTreeMap<u16, Next>,
    leaps: Leaps<'a>,
}

impl<'a> Walker<'a> {
    pub fn new(engine: &'a Engine, text: &'a [u8], seen: Option<Vec<bool>>) -> Self {
        Self {
            engine,
            text,
            found: Vec::new(),
            seen,
            literals: None,
            context: Vec::new(),
            waiting: Vec::new(),
            followed: vec![0; engine.detectors.len()],
            starts: (0, 0, 0),
            grounds: Grounds::default(),
            matches: Vec::new(),
            parts: Vec::with_capacity(text.len().div_ceil(SIZE)),
            notes: Notes::room(text.len()),
            walks: Walks::default(),
            values: Values::default(),
            behind: Behind::default(),
            checked: Values::default(),
            blanks: Blanks::default(),
            refused: Alike::default(),
            needed: BTreeMap::new(),
            leaps: Leaps::new(&engine.kinds),
        }
    }

    fn run(&mut self) {
        // What was before the blocks that are looked at, they, and what is after them.
        let mut seen = [Signs::default(); BLOCKS + 2];
        let mut at = 0_usize;
        while at < self.text.len() {
            let blocks = self.text.len().saturating_sub(at).div_ceil(SIZE).min(BLOCKS);
            let last = blocks.saturating_add(1);
            let under_way = seen.get_mut(..=last).unwrap_or_default();
            self.notes.look(self.engine, self.text, at, under_way);
            self.look_closely(at);
            let [first, .., end, _] = &mut seen;
            *first = *end;
            at = at.saturating_add(BLOCKS.saturating_mul(SIZE));
        }
        self.finish();
    }

    /// A part begins that may be a figure, `is_ample` one without a word beside it.
    pub fn begun(&mut self, begin: usize, is_ample: bool) {
        self.parts.resize(self.text.len().div_ceil(SIZE), 0);
        if let Some(block) = self.parts.get_mut(begin / SIZE) {
            *block |= 1_u64.wrapping_shl((begin % SIZE) as u32);
        }
        if is_ample {
            self.figures_at(&self.engine.figures, begin, NEAR_ALL);
        }
    }

    /// All has been seen: settles what waits for words.
    pub fn finish(&mut self) {
        if !self.context.is_empty() {
            self.figures_beside_words();
        }
        self.settle_waiting();
    }

    /// Looks closely at the places noted in the blocks from `from` on.
    fn look_closely(&mut self, from: usize) {
        let engine = self.engine;
        let mut notes = std::mem::take(&mut self.notes);
        for place in notes.literals.taken() {
            let begin = from.saturating_add(place);
            if self.text.get(begin) == Some(&b'@') {
                self.triggered(engine.at, begin, begin.saturating_add(1));
            } else {
                engine.literals.at(self.text, begin, |number, end| self.triggered(number, begin, end));
            }
        }
        for place in notes.figures.taken() {
            self.figures_at(&engine.figures, from.saturating_add(place), NEAR_ALL);
        }
        self.parts.extend(&notes.parts);
        self.notes = notes;
    }

    /// A literal stands at `start..end`.
    #[inline(always)]
    pub fn triggered(&mut self, number: u16, start: usize, end: usize) {
        let engine = self.engine;
        let Some(trigger) = engine.triggers.get(usize::from(number)) else {
            return;
        };
        if let Some(literals) = &mut self.literals {
            literals.push((number, start, end));
        }
        // WHY apart: of hostile text most literals are names, and of most nothing else may come.
        if let Some(word) = trigger.name.filter(|_| self.text.get(end).is_none_or(|byte| assign::may_follow(*byte))) {
            assign::assign(self, word, start, end);
        }
        if trigger.may_come(self.text, start, end) {
            self.set_off(number, trigger, start, end);
        }
    }

    /// Does what a literal sets off but for what is assigned to it.
    #[inline(never)]
    fn set_off(&mut self, number: u16, trigger: &engine::Trigger, start: usize, end: usize) {
        let rest = self.text.get(end..).unwrap_or_default();
        for effect in trigger.actions.iter().filter(|effect| effect.ahead.may_come(rest)) {
            match effect.action {
                Action::Match { detector, back } => {
                    if effect.spelled.is_some_and(|spelled| !is_spelled(self.text, start, spelled)) {
                        continue;
                    }
                    self.matched(detector, back, (start, end), effect)
                }
                Action::Follow { detector } => near::follow(self, detector, start, end),
                Action::Context { .. } => {
                    if near::is_word_of_its_own(self.text, start, end) {
                        self.context.push((end, number));
                    }
                }
                Action::Assign { .. } => {}
            }
        }
    }

    /// Whether a detector is still worth a look.
    pub fn wants(&self, detector: &Detector) -> bool {
        self.wants_kind(detector.kind)
    }

    pub fn wants_kind(&self, kind: u16) -> bool {
        match &self.seen {
            None => true,
            Some(seen) => !seen.get(usize::from(kind)).copied().unwrap_or(false),
        }
    }

    #[inline(never)]
    fn matched(&mut self, number: u16, back: Option<Back>, (trigger, end): (usize, usize), effect: &Effect) {
        let engine = self.engine;
        let Some(detector) = engine.detectors.get(usize::from(number)) else {
            return;
        };
        if !self.wants(detector) {
            return;
        }
        let start = match back {
            None => trigger,
            // A loose shape is of one length before its literal.
            Some(back) if detector.how == How::Loose => trigger.saturating_sub(back.most),
            Some(back) => back_from(self.text, trigger, back),
        };
        let before = start.checked_sub(1);
        let joined = match detector.how {
            How::Literal => before.is_some_and(|before| is_word(self.text, before)),
            How::Whole => {
                before.is_some_and(|before| is_word(self.text, before) || self.text.get(before) == Some(&b'-'))
            }
            How::Loose | How::Near | How::Figure => false,
        };
        if joined {
            return;
        }
        let come = effect.runs.as_ref().and_then(|runs| runs.get(trigger.saturating_sub(start)));
        let (at, way) = match (&effect.after, come) {
            (None, Some(state)) => (trigger, Way { state: *state, found: None }),
            (None, None) => (start, detector.first().way(start)),
            (Some(After { state, spelled, is_over }), _) => {
                if spelled.as_ref().is_some_and(|spelled| !is_spelled(self.text, start, spelled)) {
                    return;
                }
                (end, Way { state: *state, found: is_over.then_some(end) })
            }
        };
        self.try_at(number, detector, start, (at, way));
    }

    /// Tries a shape that begins at `start`, of which a walk has come to a place.
    fn try_at(&mut self, number: u16, detector: &Detector, start: usize, (at, way): (usize, Way)) -> bool {
        let (begin, at, way) = match &detector.lead {
            None => (start, at, way),
            Some(_) if self.lacks(number, detector, at) => return false,
            Some(_) if way.is_over() && way.found == Some(at) => (at, at, detector.value.way(at)),
            Some(lead) => match lead.go(self.text, at, self.text.len(), way).found {
                Some(end) if end.saturating_sub(start) <= LEAD => (end, end, detector.value.way(end)),
                _ => return false,
            },
        };
        let end = match &detector.trail {
            None => self.longest(number, detector, at, way),
            Some(trail) => detector.value.last_end(self.text, begin, |end| trail.is_begun(self.text, end)),
        };
        end.is_some_and(|end| self.accept(number, detector, begin, end))
    }

    /// Whether what must stand behind `at`, before a value, does not.
    fn lacks(&mut self, number: u16, detector: &Detector, at: usize) -> bool {
        detector.needs.as_ref().is_some_and(|needed| {
            let last = at.saturating_add(LEAD).min(self.text.len());
            !self.needed.entry(number).or_default().is_in(Some(needed), self.text, at, last)
        })
    }

    /// Where the longest match of a detector's value ends of which a walk has come to `at`.
    pub fn longest(&mut self, number: u16, detector: &Detector, at: usize, way: Way) -> Option<usize> {
        let (at, way) = match &detector.chains {
            None => (at, way),
            Some(chains) => match self.leaps.take(&detector.value, chains, self.text, at, way) {
                Leapt::Over(found) => return found,
                Leapt::On(at, way) => (at, way),
            },
        };
        self.walks.longest_of(number, &detector.value, self.text, at, way)
    }

    /// Takes a value whose shape fits, if its boundaries, checks and context do.
    pub fn accept(&mut self, number: u16, detector: &Detector, start: usize, end: usize) -> bool {
        if end.saturating_sub(start) > LONGEST {
            return false;
        }
        if detector.trail.is_none() && goes_on(self.text, end) {
            return false;
        }
        // A token is a whole run of its letters: what goes on with a dash was of another length.
        if detector.dashed && self.text.get(end) == Some(&b'-') {
            return false;
        }
        if detector.secret && self.blanks.is_in(self.text, start, end) {
            return false;
        }
        if detector.context.is_some() {
            // WHY not the checks yet: most figures have no such word near, and looking for it is cheaper.
            self.waiting.push((number, start, end));
            return true;
        }
        self.check(number, detector, start, end)
    }

    /// Takes a value if its checks hold.
    fn check(&mut self, number: u16, detector: &Detector, start: usize, end: usize) -> bool {
        if detector.is_plain && self.refused.get(self.text, start, end, &number).is_some() {
            return false;
        }
        let (mut start, mut end) = (start, end);
        for check in &detector.checks {
            match check.holds(&mut self.checked, self.text, start, end) {
                Some(place) => (start, end) = place,
                None => {
                    if detector.is_plain {
                        self.refused.put(start, end, number, ());
                    }
                    return false;
                }
            }
        }
        self.take(detector.kind, detector.rank, start, end);
        true
    }

    /// Notes a finding. INVARIANT: it begins and ends between characters, whatever its shape's counts cut.
    pub fn take(&mut self, kind: u16, rank: u8, start: usize, end: usize) {
        let inside = |at: usize| self.text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        let start = (0..=start).rev().take(4).find(|at| !inside(*at)).unwrap_or(start);
        let end = (end..end.saturating_add(4)).find(|at| !inside(*at)).unwrap_or(end);
        match self.seen.as_mut() {
            None => {
                // Several words of one name find one value.
                let one = Candidate { span: Span { start, end, kind }, rank };
                if self.found.last() != Some(&one) {
                    self.found.push(one);
                }
            }
            Some(seen) => {
                if let Some(slot) = seen.get_mut(usize::from(kind)) {
                    *slot = true;
                }
            }
        }
    }

    /// Takes the figures that begin at a place, of those that need a word such as one of those `near`.
    fn figures_at(&mut self, figures: &Figures, begin: usize, near: Groups) {
        let engine = self.engine;
        let mut matches = std::mem::take(&mut self.matches);
        figures.matches(self.text, begin, &mut matches);
        for (number, end) in &matches {
            if let Some(detector) = engine.detectors.get(usize::from(*number)) {
                if detector.context.is_none_or(|group| near & bit_of(group) != 0) && self.wants(detector) {
                    self.accept(*number, detector, begin, *end);
                }
            }
        }
        self.matches = matches;
    }

    /// Tries the figures that need a word near them, near words. WHY last: now all words of the text are known.
    fn figures_beside_words(&mut self) {
        let engine = self.engine;
        if !self.context.is_sorted() {
            self.context.sort_unstable();
        }
        let (context, parts) = (std::mem::take(&mut self.context), std::mem::take(&mut self.parts));
        let (mut from, mut window) = (0_usize, Window::default());
        for (word, _) in &context {
            let first = word.saturating_sub(LONGEST_FIGURE.saturating_add(AFTER)).max(from);
            from = first.max(word.saturating_add(BEFORE).saturating_add(1));
            set(&parts, first, from, |begin| {
                let last = begin.saturating_add(LONGEST_FIGURE).saturating_add(AFTER);
                let near = window.at(&engine.triggers, &context, begin.saturating_sub(BEFORE), last);
                if near & engine.wanting.at(self.text, begin) != 0 {
                    self.figures_at(&engine.worded, begin, near);
                }
            });
        }
        self.context = context;
    }

    /// Figures that need a word near them: now all words of the text are known.
    fn settle_waiting(&mut self) {
        let engine = self.engine;
        if self.waiting.is_empty() {
            return;
        }
        let mut beside = Beside::new(&engine.triggers, &self.context);
        for (number, start, end) in std::mem::take(&mut self.waiting) {
            let detector = engine.detectors.get(usize::from(number));
            let Some((detector, group)) = detector.and_then(|one| Some((one, one.context?))) else {
                continue;
            };
            if self.wants(detector) && beside.has(group, start, end) {
                self.check(number, detector, start, end);
            }
        }
    }
}

/// The places of bits that are set from `from` to before `to`; each number has those of sixty-four places.
fn set(bits: &[u64], from: usize, to: usize, mut each: impl FnMut(usize)) {
    let above = |at: usize, begin: usize| u64::MAX.checked_shl(at.saturating_sub(begin) as u32).unwrap_or(0);
    for block in from / SIZE..to.div_ceil(SIZE).min(bits.len()) {
        let begin = block.saturating_mul(SIZE);
        let within = bits.get(block).copied().unwrap_or(0) & above(from, begin) & !above(to, begin);
        for place in places(within) {
            each(begin.saturating_add(place));
        }
    }
}

/// Whether an extension of a telephone number follows: `x12`.
fn is_extension(text: &[u8], at: usize) -> bool {
    text.get(at) == Some(&b'x') && text.get(at.saturating_add(1)).is_some_and(u8::is_ascii_digit)
}

/// Whether `end` is in the middle of a word, and what follows is no extension of a telephone number.
pub fn goes_on(text: &[u8], end: usize) -> bool {
    (is_word(text, end) & is_word(text, end.wrapping_sub(1))) && !is_extension(text, end)
}

/// Whether a literal that stands at `at` in any case stands there as it is spelled. WHY byte by byte: it is short, and the same.
#[inline]
fn is_spelled(text: &[u8], at: usize, spelled: &[u8]) -> bool {
    spelled.iter().zip(text.get(at..).unwrap_or_default()).all(|(one, other)| one == other)
}

/// Where a shape begins whose literal stands at `trigger`.
pub fn back_from(text: &[u8], trigger: usize, back: Back) -> usize {
    let before = text.get(trigger.saturating_sub(back.most)..trigger).unwrap_or_default();
    let run = before.iter().rev().take_while(|byte| back.class.has(**byte)).count();
    trigger.saturating_sub(run)
}

#[cfg(test)]
mod tests {
    use super::set;

    #[test]
    fn places_between_two_are_told() {
        let bits = [1 << 3 | 1 << 63, 0, 1 | 1 << 5];
        let told = |from, to| {
            let mut told = Vec::new();
            set(&bits, from, to, |place| told.push(place));
            told
        };
        assert_eq!(told(0, 1_000), [3, 63, 128, 133]);
        assert_eq!(told(4, 133), [63, 128]);
        assert!(told(134, 90).is_empty() && told(900, 1_000).is_empty() && told(3, 3).is_empty());
    }
}
