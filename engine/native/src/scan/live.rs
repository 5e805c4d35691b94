//! A text that somebody reads while it comes: as much of it as can be said at once, not a block later as `stream` does.
//!
//! What may be hidden is hidden: of findings that overlap the whole stretch is, whichever of them would win. So what is
//! hidden is all that `scan` finds of the kinds that are wanted, and what touches it.

use std::sync::Arc;

use crate::scan::edge::{edge, Asked};
use crate::scan::limits::{HEAD, LONGEST};
use crate::scan::walk::{walk_open, Candidate, Trigger};
use crate::scan::{Engine, Span};

/// Why it is asked what is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More may come at once.
    More,
    /// Nothing came for a while: what only waits for words beside it is taken as it is.
    Quiet,
    /// Nothing comes any more.
    Over,
}

/// A stretch to hide, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    pub span: Span,
    pub value: Vec<u8>,
}

/// Findings that overlap, one to hide.
#[derive(Clone, Copy)]
struct Group {
    start: usize,
    end: usize,
    /// What it is called: the kind of the member with the highest rank, of those the longest.
    best: (u8, usize),
    kind: u16,
}

/// A text under way.
#[derive(Clone)]
pub struct Live<'a> {
    engine: &'a Engine,
    wanted: Arc<[bool]>,
    is_terminal: bool,
    /// What is kept of the text; it begins at `offset` of the whole.
    buffer: Vec<u8>,
    offset: usize,
    /// Findings that begin before this place of the whole are known.
    known: usize,
    group: Option<Group>,
    /// Where the last stretch ends that was given out.
    done: usize,
}

impl<'a> Live<'a> {
    pub fn new(engine: &'a Engine, wanted: Arc<[bool]>, is_terminal: bool) -> Self {
        Self { engine, wanted, is_terminal, buffer: Vec::new(), offset: 0, known: 0, group: None, done: 0 }
    }

    /// How long the text is by now.
    pub fn end(&self) -> usize {
        self.offset.saturating_add(self.buffer.len())
    }

    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Takes the last byte back, where nothing is settled about it.
    pub fn take_back(&mut self) -> Option<u8> {
        if self.end() > self.known {
            self.buffer.pop()
        } else {
            None
        }
    }

    /// What there is to hide by now, in order; and up to where the text is settled by that.
    pub fn look(&mut self, end: End, out: &mut Vec<Hidden>) -> usize {
        let (mut found, literals) = walk_open(self.engine, &self.buffer);
        let until = self.until(end, &literals);
        let place = |at: usize| at.saturating_sub(self.offset);
        let part = place(self.known)..place(until);
        found.retain(|one| {
            part.contains(&one.span.start) && self.wanted.get(usize::from(one.span.kind)).copied().unwrap_or(false)
        });
        found.sort_unstable_by_key(|one| (one.span.start, one.span.end, one.span.kind, one.rank));
        for one in found {
            self.take(one, out);
        }
        self.known = until;
        if end == End::Over || self.group.is_some_and(|group| group.end <= until) {
            self.flush(out);
        }
        let settled = self.group.map_or(until, |group| until.min(group.start)).min(self.end());
        let drop = settled.saturating_sub(self.offset).saturating_sub(HEAD).min(self.buffer.len());
        self.buffer.drain(..drop);
        self.offset = self.offset.saturating_add(drop);
        settled
    }

    /// Up to where everything that begins is decided.
    fn until(&self, end: End, literals: &[Trigger]) -> usize {
        if end == End::Over {
            return self.end().saturating_add(1);
        }
        let from = self.known.saturating_sub(self.offset);
        let edge = edge(&Asked {
            engine: self.engine,
            wanted: &self.wanted,
            text: &self.buffer,
            literals,
            from,
            is_terminal: self.is_terminal,
        });
        let mut at = if end == End::More { edge.grows.min(edge.waits) } else { edge.grows };
        // INVARIANT: between characters, as findings begin there.
        while at > from && self.buffer.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
            at = at.saturating_sub(1);
        }
        at.saturating_add(self.offset).max(self.known)
    }

    fn take(&mut self, one: Candidate, out: &mut Vec<Hidden>) {
        let start = one.span.start.saturating_add(self.offset).max(self.done);
        let end = one.span.end.saturating_add(self.offset);
        if start >= end {
            return;
        }
        let rank = (one.rank, end.saturating_sub(start));
        match &mut self.group {
            // WHY a longest group: hostile text may chain overlaps for ever, and nobody keeps it all.
            Some(group) if start < group.end && end.saturating_sub(group.start) <= LONGEST.saturating_mul(2) => {
                group.end = group.end.max(end);
                if rank > group.best {
                    (group.best, group.kind) = (rank, one.span.kind);
                }
            }
            _ => {
                self.flush(out);
                let start = start.max(self.done);
                if start < end {
                    self.group = Some(Group { start, end, best: rank, kind: one.span.kind });
                }
            }
        }
    }

    /// Gives the group out.
    fn flush(&mut self, out: &mut Vec<Hidden>) {
        if let Some(group) = self.group.take() {
            let place = |at: usize| at.saturating_sub(self.offset).min(self.buffer.len());
            let value = self.buffer.get(place(group.start)..place(group.end)).unwrap_or_default().to_vec();
            self.done = group.end;
            out.push(Hidden { span: Span { start: group.start, end: group.end, kind: group.kind }, value });
        }
    }
}
