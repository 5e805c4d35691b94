//! Everything built once from the table: the finder of literals, the automaton of figures, and a matcher for each shape.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::failure::Failure;
use crate::scan::ahead::Ahead;
use crate::scan::assign::Word;
use crate::scan::automaton::{Automaton, DEAD};
use crate::scan::chains::{Chains, Kinds};
use crate::scan::checks::Check;
use crate::scan::figures;
use crate::scan::near::{begins_word, SHORT};
use crate::scan::next::Literals;
use crate::scan::sieve::{Literal, Sieve};
use crate::scan::table::{self, Back, How, Row};
use crate::scan::words::Words;

/// What a trigger sets off.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Match this detector's shape here.
    Match { detector: u16, back: Option<Back> },
    /// Look for this detector's value after here.
    Follow { detector: u16 },
    /// Remember that a word of this group of context words stood here, and of others that a trigger names.
    Context { group: u16 },
    /// Read `name = value` here.
    Assign { word: Word },
}

/// A literal, in lower case, and what it sets off.
pub struct Trigger {
    pub word: Vec<u8>,
    pub actions: Vec<Effect>,
    /// The groups of context words that it is of; of its actions then one is `Action::Context`.
    pub groups: Vec<u16>,
    /// What it promises as a name.
    pub name: Option<Word>,
    /// What may stand behind it if anything else comes of it. And whether nothing else does inside a word.
    pub others: Ahead,
    pub is_first: bool,
}

impl Trigger {
    fn new(word: Vec<u8>, actions: Vec<Action>, detectors: &[Detector], rows: &[Row]) -> Self {
        let effect = |action| Effect::new(action, &word, detectors).spelled(&word, rows);
        let group = |action: &Action| if let Action::Context { group } = action { Some(*group) } else { None };
        let groups: Vec<u16> = actions.iter().filter_map(group).collect();
        let once = actions.iter().filter(|one| group(one).is_none_or(|one| groups.first() == Some(&one))).copied();
        let actions: Vec<Effect> = once.map(effect).collect();
        let name = actions.iter().find_map(|one| match one.action {
            Action::Assign { word } => Some(word),
            _ => None,
        });
        let others = || actions.iter().filter(|one| !matches!(one.action, Action::Assign { .. }));
        let is_first = others().all(|one| matches!(one.action, Action::Follow { .. } | Action::Context { .. }));
        let others = Ahead::any(others().map(|one| &one.ahead));
        Self { word, actions, groups, name, others, is_first }
    }

    /// Whether anything may come of it where it stands at `start..end`, but for what is assigned to it as a name.
    #[inline]
    pub fn may_come(&self, text: &[u8], start: usize, end: usize) -> bool {
        self.others.may_come(text.get(end..).unwrap_or_default()) && (!self.is_first || begins_word(text, start))
    }
}

/// An action, and what must stand behind the literal for anything to come of it.
pub struct Effect {
    pub action: Action,
    pub ahead: Ahead,
    pub after: Option<After>,
    /// Where a walk has come behind so many bytes before the literal as its place in the list says.
    pub runs: Option<Box<[u32]>>,
    /// As the literal must stand where something of the shape stands before it; without it in any case.
    pub spelled: Option<&'static [u8]>,
}

/// Where a walk through a detector's shape has come behind the literal that it begins with, so that it begins there.
pub struct After {
    pub state: u32,
    /// As the literal must stand; without it in any case.
    pub spelled: Option<Box<[u8]>>,
    /// The literal is all that leads to the value.
    pub is_over: bool,
}

impl Effect {
    fn new(action: Action, word: &[u8], detectors: &[Detector]) -> Self {
        let ahead = match action {
            Action::Match { detector, back } => {
                let detector = detectors.get(usize::from(detector));
                detector.map_or_else(Ahead::anything, |one| Ahead::behind(one, back, word))
            }
            Action::Context { .. } => Ahead::first(|byte| word.len() > SHORT || !byte.is_ascii_lowercase()),
            Action::Assign { .. } => Ahead::first(crate::scan::assign::may_follow),
            Action::Follow { .. } => Ahead::anything(),
        };
        let after = match action {
            Action::Match { detector, back: None } => detectors.get(usize::from(detector)).and_then(|one| {
                if let Some(spelled) = one.lead.as_ref().and_then(|lead| lead.just(word)) {
                    return Some(After { state: DEAD, spelled, is_over: true });
                }
                let (state, spelled) = one.first().after(word)?;
                (one.lead.is_some() || one.trail.is_none()).then_some(After { state, spelled, is_over: false })
            }),
            _ => None,
        };
        let runs = match action {
            Action::Match { detector, back: Some(back) } => {
                let detector = detectors.get(usize::from(detector)).filter(|one| !one.is_loose());
                detector.and_then(|one| one.first().runs(|byte| back.class.has(byte), back.most))
            }
            _ => None,
        };
        Self { action, ahead, after, runs, spelled: None }
    }

    /// With how a literal must stand that is not the first of a shape in which letters are of one case.
    fn spelled(mut self, word: &[u8], rows: &[Row]) -> Self {
        if let Action::Match { detector, back: Some(_) } = self.action {
            let row = rows.get(usize::from(detector)).filter(|row| !row.shape.contains("(?i"));
            let literals = || row.into_iter().flat_map(|row| &row.triggers).map(|(_, literal)| *literal);
            let mut same = literals().filter(|literal| literal.as_bytes().eq_ignore_ascii_case(word));
            self.spelled = same.next().filter(|_| same.next().is_none()).map(str::as_bytes);
        }
        self
    }
}

/// One row, built.
pub struct Detector {
    pub kind: u16,
    pub how: How,
    pub rank: u8,
    pub lead: Option<Automaton>,
    pub value: Automaton,
    /// The stretches of the value that ask the same of byte after byte.
    pub chains: Option<Chains>,
    /// With what the value begins.
    pub begins: Ahead,
    /// How many bytes of the value there are at least before any white space.
    pub least: usize,
    pub trail: Option<Automaton>,
    /// What must stand behind the literal before the value, however far away.
    pub needs: Option<Literals>,
    pub checks: Vec<Check>,
    /// There are checks, and they ask about the value alone.
    pub is_plain: bool,
    pub context: Option<u16>,
    /// The shape ends in a counted run in which dashes may stand.
    pub dashed: bool,
    pub secret: bool,
    /// Of a provider's key: figures alone are one only where a word says so (`near`).
    pub bound: bool,
}

/// The scanner, built.
pub struct Engine {
    pub rows: Vec<Row>,
    pub types: Vec<&'static str>,
    pub detectors: Vec<Detector>,
    pub literals: Words,
    /// Of which bytes such stretches are.
    pub kinds: Kinds,
    pub sieve: Sieve,
    /// By the number of a literal.
    pub triggers: Vec<Trigger>,
    /// The number of the literal `@`, the one of a single byte.
    pub at: u16,
    /// Figures that are known by themselves, and figures that need a word near them.
    pub figures: figures::Figures,
    pub worded: figures::Figures,
    /// With what the first kind begins, and of the second the words that what begins so wants beside it.
    pub outlines: figures::Outlines,
    pub wanting: figures::Wanting,
    pub generic: crate::scan::assign::Kinds,
    /// What `edge` tries where a text ends.
    pub ends: crate::scan::edge::Rows,
}

impl Engine {
    /// How much memory the automata take.
    pub fn memory(&self) -> usize {
        let shapes = self.detectors.iter().fold(0_usize, |sum, detector| sum.saturating_add(detector.value.memory()));
        shapes
            .saturating_add(self.literals.memory())
            .saturating_add(self.figures.memory())
            .saturating_add(self.worded.memory())
    }
}

/// The one engine of this process.
pub fn engine() -> Result<&'static Engine, Failure> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    let built = ENGINE.get_or_init(build);
    built.as_ref().map_err(|why| Failure::new("SCANNER_BROKEN", why.clone()))
}

fn build() -> Result<Engine, String> {
    let rows = table::rows()?;
    let mut types: Vec<&'static str> = rows.iter().map(|row| row.kind).chain(crate::scan::assign::TYPES).collect();
    types.sort_unstable();
    types.dedup();
    let kind_of = |name: &str| {
        let at = types.iter().position(|kind| *kind == name).ok_or_else(|| format!("no type {name}"))?;
        u16::try_from(at).map_err(|_| "too many types".to_owned())
    };
    let mut words: BTreeMap<String, Vec<Action>> = BTreeMap::new();
    let mut groups: Vec<&[&'static str]> = Vec::new();
    let (mut detectors, mut kinds) = (Vec::with_capacity(rows.len()), Kinds::default());
    for (number, row) in rows.iter().enumerate() {
        let detector = u16::try_from(number).map_err(|_| "too many rows".to_owned())?;
        for (back, literal) in &row.triggers {
            let action = match row.how {
                How::Near => Action::Follow { detector },
                How::Literal | How::Whole | How::Loose | How::Figure => Action::Match { detector, back: *back },
            };
            words.entry(literal.to_ascii_lowercase()).or_default().push(action);
        }
        let context = context_group(&mut groups, &mut words, row)?;
        detectors.push(Detector::new(row, kind_of(row.kind)?, context, &mut kinds)?);
    }
    for (literal, word) in crate::scan::assign::WORDS {
        words.entry((*literal).to_owned()).or_default().push(Action::Assign { word: *word });
    }
    // The literal of one byte comes last: the tree of longer ones does not know it.
    let (short, long): (Vec<_>, Vec<_>) = words.into_iter().partition(|(word, _)| word.len() == 1);
    let patterns: Vec<&[u8]> = long.iter().map(|(word, _)| word.as_bytes()).collect();
    let literals = Words::new(&patterns)?;
    let heads: Vec<Literal> = long.iter().map(|(word, actions)| literal(word, actions, &detectors)).collect();
    let sieve = Sieve::new(&heads, |number, head, small| {
        long.get(number).is_some_and(|(word, actions)| {
            actions.iter().any(|action| lives(action, &detectors, word.len(), head, small))
        })
    })?;
    let at = u16::try_from(long.len()).map_err(|_| "too many literals".to_owned())?;
    if !short.iter().map(|(word, _)| word.as_str()).eq(["@"]) || long.iter().any(|(word, _)| word.starts_with('@')) {
        return Err(
            "the pass looks for no other literal of one byte than `@`, and for none that begins with it".to_owned()
        );
    }
    let triggers = long.into_iter().chain(short);
    let triggers =
        triggers.map(|(word, actions)| Trigger::new(word.into_bytes(), actions, &detectors, &rows)).collect();
    let figures = figures::Figures::new(&rows, false)?;
    let worded = figures::Figures::new(&rows, true)?;
    let outlines = figures::Outlines::new(&figures);
    let group_of = |detector: u16| detectors.get(usize::from(detector)).and_then(|one: &Detector| one.context);
    let wanting = figures::Wanting::new(&worded, group_of);
    let generic = crate::scan::assign::Kinds::new(kind_of)?;
    let ends = crate::scan::edge::Rows::new(&rows, &detectors);
    Ok(Engine {
        rows,
        types,
        detectors,
        literals,
        kinds,
        sieve,
        triggers,
        at,
        figures,
        worded,
        outlines,
        wanting,
        generic,
        ends,
    })
}

/// A literal as the sieve takes it: whether it is looked for elsewhere than where words begin.
fn literal<'a>(word: &'a str, actions: &[Action], detectors: &[Detector]) -> Literal<'a> {
    let is_inner = actions.iter().any(|action| match action {
        Action::Match { back: Some(_), .. } => true,
        Action::Match { detector, back: None } => {
            detectors.get(usize::from(*detector)).is_none_or(|detector| detector.how == How::Loose)
        }
        Action::Assign { word } => *word != Word::ShortPassword,
        Action::Follow { .. } | Action::Context { .. } => false,
    });
    Literal {
        word: word.as_bytes(),
        is_inner: is_inner || !word.starts_with(|first: char| first.is_ascii_alphabetic()),
    }
}

/// Whether anything can come of an action where its literal begins with these bytes as they stand (most shapes tell small
/// letters from capitals) and a small letter follows it or none.
fn lives(action: &Action, detectors: &[Detector], length: usize, head: &[u8], small: Option<bool>) -> bool {
    match action {
        Action::Match { detector, back: None } => {
            detectors.get(usize::from(*detector)).is_none_or(|detector| detector.first().may_begin(head))
        }
        // INVARIANT: as `near::is_word_of_its_own` says it.
        Action::Context { .. } => length > SHORT || small != Some(true),
        Action::Match { back: Some(_), .. } | Action::Follow { .. } | Action::Assign { .. } => true,
    }
}

/// The number of the row's set of context words; rows with the same words share one.
fn context_group<'a>(
    groups: &mut Vec<&'a [&'static str]>,
    words: &mut BTreeMap<String, Vec<Action>>,
    row: &'a Row,
) -> Result<Option<u16>, String> {
    if row.context.is_empty() {
        return Ok(None);
    }
    let known = groups.iter().position(|group| *group == row.context.as_slice());
    let at = known.unwrap_or(groups.len());
    let group = u16::try_from(at).map_err(|_| "too many groups".to_owned())?;
    if known.is_none() {
        groups.push(&row.context);
        for word in &row.context {
            words.entry(word.to_lowercase()).or_default().push(Action::Context { group });
        }
    }
    Ok(Some(group))
}

impl Detector {
    fn new(row: &Row, kind: u16, context: Option<u16>, kinds: &mut Kinds) -> Result<Self, String> {
        let (lead, value, trail) = table::parts(row.shape);
        let shape = matcher(value)?;
        let optional = |part: &str| if part.is_empty() { Ok(None) } else { matcher(part).map(Some) };
        let checks = row.checks.iter().map(|name| Check::of(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            kind,
            how: row.how,
            rank: row.rank,
            lead: optional(lead)?,
            least: if row.how == How::Near { shape.least() } else { 0 },
            begins: Ahead::of_shape(&shape),
            chains: Chains::new(&shape, kinds).filter(|_| row.how != How::Figure),
            value: shape,
            trail: optional(trail)?,
            needs: table::needed(lead).and_then(|needed| Literals::new(std::iter::once((needed.as_bytes(), true)))),
            is_plain: !checks.is_empty() && checks.iter().all(Check::is_plain),
            checks,
            context,
            dashed: row.shape.rsplit_once("-]{").is_some_and(|(_, count)| count.ends_with('}') && !count.contains(']')),
            secret: row.kind.starts_with("secret."),
            bound: row.how == How::Near,
        })
    }

    /// What its shape begins with.
    pub fn first(&self) -> &Automaton {
        self.lead.as_ref().unwrap_or(&self.value)
    }

    /// Whether its shape may stand inside a word.
    pub fn is_loose(&self) -> bool {
        self.how == How::Loose
    }
}

fn matcher(shape: &str) -> Result<Automaton, String> {
    Automaton::anchored(&[format!("(?-u){shape}")]).map_err(|why| format!("{why}: {shape}"))
}
