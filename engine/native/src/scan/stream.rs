//! A text that comes in pieces: the same spans as for the whole, with bounded memory.
//!
//! Findings that begin before a place are given out once everything that could concern them (`limits::TAIL`) has come.

use crate::scan::limits::{BLOCK, HEAD, TAIL};
use crate::scan::resolve::{order, Cluster};
use crate::scan::walk::{walk, Candidate, Part};
use crate::scan::{Engine, Span};

/// A scan under way.
pub struct Stream<'a> {
    engine: &'a Engine,
    /// What is kept of the text; it begins at `offset` of the whole.
    buffer: Vec<u8>,
    offset: usize,
    /// Findings that begin before this place of the whole are known.
    known: usize,
    cluster: Cluster,
}

impl<'a> Stream<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        Self { engine, buffer: Vec::new(), offset: 0, known: 0, cluster: Cluster::default() }
    }

    /// Takes a piece; gives the spans that are settled by it, as places in the whole text.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Span> {
        let mut out = Vec::new();
        for part in piece.chunks(BLOCK) {
            self.buffer.extend_from_slice(part);
            let unknown = self.offset.saturating_add(self.buffer.len()).saturating_sub(self.known);
            if unknown >= BLOCK.saturating_add(TAIL) {
                let until = self.offset.saturating_add(self.buffer.len()).saturating_sub(TAIL);
                self.look(until, &mut out);
            }
        }
        out
    }

    /// Ends the text; gives the spans that were left.
    pub fn finish(mut self) -> Vec<Span> {
        let mut out = Vec::new();
        let end = self.offset.saturating_add(self.buffer.len()).saturating_add(1);
        self.look(end, &mut out);
        self.cluster.flush(&mut out);
        out
    }

    /// Up to where the answer is final: nothing that comes can change or add a span that begins before this place.
    pub fn settled(&self) -> usize {
        if self.cluster.end() > self.known {
            self.known.min(self.cluster.start())
        } else {
            self.known
        }
    }

    fn look(&mut self, until: usize, out: &mut Vec<Span>) {
        let place = |at: usize| at.saturating_sub(self.offset);
        let mut found: Vec<Candidate> = Vec::new();
        walk(self.engine, &self.buffer, Part { from: place(self.known), to: place(until) }, &mut found);
        for one in &mut found {
            one.span.start = one.span.start.saturating_add(self.offset);
            one.span.end = one.span.end.saturating_add(self.offset);
        }
        order(self.engine, &mut found);
        for one in found {
            self.cluster.push(one, out);
        }
        self.known = until;
        if self.cluster.end() <= until {
            self.cluster.flush(out);
        }
        let drop = place(until).saturating_sub(HEAD).min(self.buffer.len());
        self.buffer.drain(..drop);
        self.offset = self.offset.saturating_add(drop);
    }
}
