//! Everything built once from the table: the two automata that run over text, and a matcher for each shape.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::failure::Failure;
use crate::scan::assign::Word;
use crate::scan::automaton::Automaton;
use crate::scan::checks::Check;
use crate::scan::figures;
use crate::scan::table::{self, Back, How, Row};
use crate::scan::words::Words;

/// What a trigger sets off.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Match this detector's shape here.
    Match { detector: u16, back: Option<Back> },
    /// Look for this detector's value after here.
    Follow { detector: u16 },
    /// Remember that a word of this group of context words stood here.
    Context { group: u16 },
    /// Read `name = value` here.
    Assign { word: Word },
}

/// One row, built.
pub struct Detector {
    pub kind: u16,
    pub how: How,
    pub rank: u8,
    pub lead: Option<Automaton>,
    pub value: Automaton,
    pub trail: Option<Automaton>,
    pub checks: Vec<Check>,
    pub context: Option<u16>,
}

/// The scanner, built.
pub struct Engine {
    pub rows: Vec<Row>,
    pub types: Vec<&'static str>,
    pub detectors: Vec<Detector>,
    pub literals: Words,
    /// By the number of a literal: its length and what it sets off.
    pub triggers: Vec<(usize, Vec<Action>)>,
    pub outlines: Automaton,
    pub figures: figures::Figures,
    pub generic: crate::scan::assign::Kinds,
}

impl Engine {
    /// How much memory the automata take.
    pub fn memory(&self) -> usize {
        let shapes = self.detectors.iter().fold(0_usize, |sum, detector| sum.saturating_add(detector.value.memory()));
        shapes
            .saturating_add(self.literals.memory())
            .saturating_add(self.outlines.memory())
            .saturating_add(self.figures.memory())
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
    let mut detectors = Vec::with_capacity(rows.len());
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
        detectors.push(Detector::new(row, kind_of(row.kind)?, context)?);
    }
    for (literal, word) in crate::scan::assign::WORDS {
        words.entry((*literal).to_owned()).or_default().push(Action::Assign { word: *word });
    }
    let patterns: Vec<&[u8]> = words.keys().map(String::as_bytes).collect();
    let literals = Words::new(&patterns)?;
    let outlines = Automaton::searching(figures::OUTLINES)?;
    let triggers = words.into_iter().map(|(word, actions)| (word.len(), actions)).collect();
    let figures = figures::Figures::new(&rows)?;
    let generic = crate::scan::assign::Kinds::new(kind_of)?;
    Ok(Engine { rows, types, detectors, literals, triggers, outlines, figures, generic })
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
    fn new(row: &Row, kind: u16, context: Option<u16>) -> Result<Self, String> {
        let (lead, value, trail) = table::parts(row.shape);
        let optional = |part: &str| if part.is_empty() { Ok(None) } else { matcher(part).map(Some) };
        Ok(Self {
            kind,
            how: row.how,
            rank: row.rank,
            lead: optional(lead)?,
            value: matcher(value)?,
            trail: optional(trail)?,
            checks: row.checks.iter().map(|name| Check::of(name)).collect::<Result<_, _>>()?,
            context,
        })
    }
}

fn matcher(shape: &str) -> Result<Automaton, String> {
    Automaton::anchored(&[format!("(?-u){shape}")]).map_err(|why| format!("{why}: {shape}"))
}
