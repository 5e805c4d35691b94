//! What a program writes, on its way to somebody who reads it: values of the wanted kinds are taken out before they are shown.
//!
//! Looked at in two readings (`views`), each a text under way (`live`); what either finds is hidden. Shown is what both have
//! settled. Bytes that are no text become the sign for that, and it is said that there were some.

use std::sync::Arc;

use crate::scan::live::{End, Hidden, Live};
use crate::scan::views::{character, Part, Reader};
use crate::scan::Engine;

const NO_TEXT: &[u8] = "\u{fffd}".as_bytes();
/// How much is looked at together.
const PIECE: usize = 65_536;
/// Sequences inside a value that are shown behind what stands for it; there are never more in one that somebody meant.
const MOST_SEQUENCES: usize = 4_096;

/// Something that stands where a value stood: before this byte of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub at: usize,
    pub kind: u16,
    pub value: Vec<u8>,
}

/// What may be shown now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub bytes: Vec<u8>,
    pub marks: Vec<Mark>,
    /// There was something in it that is no text.
    pub is_broken: bool,
    /// Something is kept back.
    pub is_holding: bool,
}

/// A stretch of the output to hide. Places count bytes of the whole.
struct Stretch {
    start: usize,
    end: usize,
    kind: u16,
    value: Vec<u8>,
}

/// Where the bytes of a reading stand in the output, as runs: from this byte of it on, they stand from that one on.
#[derive(Clone, Default)]
struct Places(Vec<(usize, usize)>);

impl Places {
    /// From the byte `at` of the reading on, its bytes stand from `place` on.
    fn add(&mut self, at: usize, place: usize) {
        // Those that were taken back are said anew.
        while self.0.last().is_some_and(|(start, _)| *start >= at) {
            self.0.pop();
        }
        if self.of(at) != Some(place) {
            self.0.push((at, place));
        }
    }

    fn of(&self, at: usize) -> Option<usize> {
        let run = self.0.partition_point(|(start, _)| *start <= at).checked_sub(1)?;
        self.0.get(run).map(|(start, place)| place.saturating_add(at.saturating_sub(*start)))
    }

    /// Forgets all before the byte `at`.
    fn drop(&mut self, at: usize) {
        let gone = self.0.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        self.0.drain(..gone);
    }
}

/// One reading of the output.
#[derive(Clone)]
struct View<'a> {
    live: Live<'a>,
    places: Places,
    /// What came since it was looked at.
    fresh: Vec<u8>,
}

impl<'a> View<'a> {
    fn new(live: Live<'a>) -> Self {
        Self { live, places: Places::default(), fresh: Vec::new() }
    }

    fn end(&self) -> usize {
        self.live.end().saturating_add(self.fresh.len())
    }

    fn add(&mut self, bytes: &[u8], place: usize) {
        self.places.add(self.end(), place);
        self.fresh.extend_from_slice(bytes);
    }

    /// Takes the last character back.
    fn take_back(&mut self) {
        while let Some(last) = self.fresh.pop().or_else(|| self.live.take_back()) {
            if last & 0xc0 != 0x80 {
                return;
            }
        }
    }

    /// Stretches that are settled, and up to which byte of the output everything is; `whole`: how long that is.
    fn look(&mut self, end: End, whole: usize, out: &mut Vec<Stretch>) -> usize {
        self.live.push(&self.fresh);
        self.fresh.clear();
        let mut found: Vec<Hidden> = Vec::new();
        let settled = self.live.look(end, &mut found);
        for one in found {
            let last = one.span.end.min(self.live.end()).saturating_sub(1);
            if let (Some(start), Some(last)) = (self.places.of(one.span.start), self.places.of(last)) {
                let end = last.saturating_add(1);
                out.push(Stretch { start, end, kind: one.span.kind, value: one.value });
            }
        }
        self.places.drop(settled);
        if settled < self.live.end() {
            self.places.of(settled).unwrap_or(whole)
        } else {
            whole
        }
    }
}

/// The output of one program, or one of its streams.
pub struct Output<'a> {
    joined: View<'a>,
    /// None as long as both are the same.
    parted: Option<View<'a>>,
    reader: Reader,
    /// The beginning of a character whose end is still to come.
    begun: Vec<u8>,
    /// What is not shown yet; it begins at `base` of the whole.
    held: Vec<u8>,
    base: usize,
    /// Whole sequences in it that draw nothing: from where to where.
    sequences: Vec<(usize, usize)>,
    sequence: usize,
    stretches: Vec<Stretch>,
    is_broken: bool,
}

impl<'a> Output<'a> {
    /// `wanted`: by the number of a kind, whether values of it are hidden. `is_terminal`: somebody answers what is shown.
    pub fn new(engine: &'a Engine, wanted: &Arc<[bool]>, is_terminal: bool) -> Self {
        Self {
            joined: View::new(Live::new(engine, Arc::clone(wanted), is_terminal)),
            parted: None,
            reader: Reader::default(),
            begun: Vec::new(),
            held: Vec::new(),
            base: 0,
            sequences: Vec::new(),
            sequence: 0,
            stretches: Vec::new(),
            is_broken: false,
        }
    }

    /// What may be shown by what was written next; without it, because nothing was for a while, or is any more (`is_over`).
    pub fn take(&mut self, piece: Option<&[u8]>, is_over: bool) -> Shown {
        match piece {
            Some(piece) => self.push(piece),
            None if is_over => self.finish(),
            None => self.quiet(),
        }
    }

    /// Takes what was written next; what may be shown by it.
    pub fn push(&mut self, piece: &[u8]) -> Shown {
        let mut shown = Shown::default();
        for part in piece.chunks(PIECE) {
            let mut text = std::mem::take(&mut self.begun);
            text.extend_from_slice(part);
            self.read(&text);
            self.show(End::More, &mut shown);
        }
        self.told(shown)
    }

    /// What may be shown because nothing came for a while.
    pub fn quiet(&mut self) -> Shown {
        let mut shown = Shown::default();
        self.show(End::Quiet, &mut shown);
        self.told(shown)
    }

    /// What is left when nothing comes any more.
    pub fn finish(&mut self) -> Shown {
        let mut shown = Shown::default();
        if !std::mem::take(&mut self.begun).is_empty() {
            self.no_text();
        }
        self.show(End::Over, &mut shown);
        self.told(shown)
    }

    fn told(&mut self, mut shown: Shown) -> Shown {
        shown.is_broken = std::mem::take(&mut self.is_broken);
        shown.is_holding = !self.held.is_empty();
        shown
    }

    fn end(&self) -> usize {
        self.base.saturating_add(self.held.len())
    }

    fn read(&mut self, text: &[u8]) {
        let mut at = 0_usize;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if !self.reader.is_inside() {
                let plain = rest.iter().take_while(|byte| is_plain(**byte)).count();
                if plain > 0 {
                    self.text(rest.get(..plain).unwrap_or_default());
                    at = at.saturating_add(plain);
                    continue;
                }
            }
            match character(rest) {
                Some(0) => {
                    self.begun = rest.to_vec();
                    return;
                }
                Some(length) => {
                    self.character(rest.get(..length).unwrap_or_default());
                    at = at.saturating_add(length);
                }
                None => {
                    self.no_text();
                    at = at.saturating_add(1);
                }
            }
        }
    }

    /// Text in both readings.
    fn text(&mut self, text: &[u8]) {
        let place = self.end();
        self.joined.add(text, place);
        if let Some(parted) = &mut self.parted {
            parted.add(text, place);
        }
        self.held.extend_from_slice(text);
    }

    /// A byte that is part of no text.
    fn no_text(&mut self) {
        self.is_broken = true;
        self.character(NO_TEXT);
    }

    fn character(&mut self, bytes: &[u8]) {
        if bytes == [0] {
            // Nothing to a terminal, and to others no text.
            self.is_broken = true;
            return;
        }
        let place = self.end();
        let part = self.reader.next(bytes);
        if part == Part::Text {
            self.text(bytes);
            return;
        }
        let parted = self.parted.get_or_insert_with(|| self.joined.clone());
        match part {
            Part::Text => {}
            Part::Unseen => parted.add(bytes, place),
            Part::Back => {
                parted.add(b"\n", place);
                self.joined.take_back();
            }
            Part::Control | Part::Return => {
                parted.add(b"\n", place);
                self.sequence = place;
            }
            Part::Inside => {}
            Part::Last => {
                let end = place.saturating_add(bytes.len());
                self.sequences.push((self.sequence, end));
            }
        }
        self.held.extend_from_slice(bytes);
    }

    fn show(&mut self, end: End, shown: &mut Shown) {
        let whole = self.end();
        let mut settled = self.joined.look(end, whole, &mut self.stretches);
        if let Some(parted) = &mut self.parted {
            settled = settled.min(parted.look(end, whole, &mut self.stretches));
        }
        self.merge();
        for one in self.stretches.iter().rev() {
            // What one reading hides and the other has not settled waits for both.
            if one.start < settled && settled < one.end {
                settled = one.start;
            }
        }
        self.give(settled, shown);
    }

    /// Shows what is held up to a place that everything is settled before, and marks where a value stood.
    fn give(&mut self, settled: usize, shown: &mut Shown) {
        let ready = self.stretches.iter().take_while(|one| one.end <= settled).count();
        let text = |from: usize, to: usize| {
            let place = |at: usize| at.saturating_sub(self.base).min(self.held.len());
            self.held.get(place(from)..place(to)).unwrap_or_default()
        };
        let mut sequences = self.sequences.iter().take(MOST_SEQUENCES).peekable();
        let mut at = self.base;
        for one in self.stretches.drain(..ready) {
            shown.bytes.extend_from_slice(text(at, one.start));
            shown.marks.push(Mark { at: shown.bytes.len(), kind: one.kind, value: one.value });
            // What a value was painted with is still said, or all that follows would look so.
            while let Some((start, end)) = sequences.next_if(|(start, _)| *start < one.end) {
                if *start >= one.start && *end <= one.end {
                    shown.bytes.extend_from_slice(text(*start, *end));
                }
            }
            at = at.max(one.end);
        }
        shown.bytes.extend_from_slice(text(at, settled));
        self.held.drain(..settled.saturating_sub(self.base).min(self.held.len()));
        self.base = self.base.max(settled);
        let base = self.base;
        self.sequences.retain(|(start, _)| *start >= base);
    }

    /// Stretches in order, those that overlap as one: the value is that of the longer.
    fn merge(&mut self) {
        self.stretches.sort_by_key(|one| (one.start, one.end));
        let mut merged: Vec<Stretch> = Vec::new();
        for one in self.stretches.drain(..) {
            match merged.last_mut() {
                Some(last) if one.start < last.end => {
                    last.end = last.end.max(one.end);
                    if one.value.len() > last.value.len() {
                        (last.kind, last.value) = (one.kind, one.value);
                    }
                }
                _ => merged.push(one),
            }
        }
        self.stretches = merged;
    }
}

/// What is text and one byte long.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}
