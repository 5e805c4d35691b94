//! What becomes of findings that overlap: the higher rank wins, then the longer, then the earlier, then the name.
//!
//! Settled cluster by cluster, left to right, so that a stream needs to keep one cluster and no more.

use std::collections::BTreeMap;

use crate::scan::limits::LONGEST;
use crate::scan::walk::Candidate;
use crate::scan::{Engine, Span};

/// A run of findings of which each overlaps one before it.
#[derive(Debug, Default)]
pub struct Cluster {
    members: Vec<Candidate>,
    start: usize,
    end: usize,
    /// Where the last span given out ends.
    done: usize,
}

impl Cluster {
    /// Takes the next finding, which must not begin before the last one; gives out what is settled by it.
    pub fn push(&mut self, next: Candidate, out: &mut Vec<Span>) {
        // WHY a longest cluster: hostile text may chain overlaps for ever, and a stream must not keep it all.
        let full = next.span.end.saturating_sub(self.start) > LONGEST.saturating_mul(2);
        if next.span.start >= self.end || full {
            self.flush(out);
            self.start = next.span.start;
        }
        self.end = self.end.max(next.span.end);
        self.members.push(next);
    }

    /// Where the members begin.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Where the members end: nothing that begins there or later concerns them.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Settles the cluster.
    pub fn flush(&mut self, out: &mut Vec<Span>) {
        if let [only] = self.members.as_slice() {
            if only.span.start >= self.done {
                self.done = only.span.end;
                out.push(only.span);
                self.members.clear();
                return;
            }
        }
        self.members.sort_by_key(|one| {
            (std::cmp::Reverse((one.rank, one.span.end.saturating_sub(one.span.start))), one.span.start, one.span.kind)
        });
        // By where they begin: none overlaps another.
        let mut kept: BTreeMap<usize, Span> = BTreeMap::new();
        for one in self.members.drain(..) {
            // What an earlier cluster of the same chain took is cut off, never shown.
            let span = Span { start: one.span.start.max(self.done), ..one.span };
            let is_free = || kept.range(..span.end).next_back().is_none_or(|(_, other)| other.end <= span.start);
            if span.start < span.end && is_free() {
                kept.insert(span.start, span);
            }
        }
        if let Some((_, last)) = kept.last_key_value() {
            self.done = last.end;
        }
        out.extend(kept.into_values());
    }
}

/// Puts findings in the order in which clusters take them.
pub fn order(engine: &Engine, candidates: &mut Vec<Candidate>) {
    let _ = engine;
    candidates.sort_unstable_by_key(|one| (one.span.start, one.span.end, one.span.kind, one.rank));
    candidates.dedup();
}

/// Settles all findings of a whole text.
pub fn all(engine: &Engine, mut candidates: Vec<Candidate>) -> Vec<Span> {
    order(engine, &mut candidates);
    let (mut cluster, mut out) = (Cluster::default(), Vec::new());
    for one in candidates {
        cluster.push(one, &mut out);
    }
    cluster.flush(&mut out);
    out
}
