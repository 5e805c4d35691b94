//! The lines that the log has taken, with their numbers, until they stand in its file. What is written, and when, is the
//! log's affair (`gateway/audit/log.py`), which lets one at a time in here. INVARIANT: every byte is what
//! `gateway.audit.entry` makes of the same entry and number (tests/property/gateway/audit/test_unwritten.py).

use std::io::Write;

/// Where the numbers stand, and what waits to be written with the next line.
pub struct Unwritten {
    next: u64,
    noted: Vec<u8>,
    waiting: usize,
    most: usize,
    /// What was given out last holds a line besides what waits.
    has_line: bool,
}

impl Unwritten {
    /// `next` is the number of the next line; `most` lines may wait.
    pub fn new(next: u64, most: usize) -> Self {
        Self { next, noted: Vec::new(), waiting: 0, most, has_line: false }
    }

    /// The number of the next line.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many lines wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        self.noted.clear();
        self.waiting = 0;
    }

    /// Takes a line that may wait, and says its number; `None` when too many do, or `body` makes none.
    pub fn note(&mut self, body: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<u64> {
        if self.waiting >= self.most {
            return None;
        }
        let (seq, before) = (self.next, self.noted.len());
        begin(seq, &mut self.noted);
        if !body(&mut self.noted) {
            self.noted.truncate(before);
            return None;
        }
        self.noted.push(b'\n');
        self.next = seq.saturating_add(1);
        self.waiting = self.waiting.saturating_add(1);
        Some(seq)
    }

    /// What is to be written for one more line, with all that waits before it; `None` when `body` makes none. Until `wrote` is
    /// called nothing has changed.
    pub fn with_line(&mut self, body: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<Vec<u8>> {
        let mut data = Vec::with_capacity(self.noted.len().saturating_add(1024));
        data.extend_from_slice(&self.noted);
        begin(self.next, &mut data);
        if !body(&mut data) {
            return None;
        }
        data.push(b'\n');
        self.has_line = true;
        Some(data)
    }

    /// What is to be written of what waits, alone.
    pub fn noted(&mut self) -> &[u8] {
        self.has_line = false;
        &self.noted
    }

    /// What was given out last stands in the file: the number of its last line.
    pub fn wrote(&mut self) -> u64 {
        self.clear();
        if std::mem::take(&mut self.has_line) {
            self.next = self.next.saturating_add(1);
        }
        self.next.saturating_sub(1)
    }
}

fn begin(seq: u64, out: &mut Vec<u8>) {
    // To a vector nothing fails.
    let _ = write!(out, "{{\"seq\":{seq},");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &'static str) -> impl FnOnce(&mut Vec<u8>) -> bool {
        move |out| {
            out.extend_from_slice(text.as_bytes());
            true
        }
    }

    fn shown(data: Option<Vec<u8>>) -> Option<String> {
        data.map(|data| String::from_utf8_lossy(&data).into_owned())
    }

    #[test]
    fn lines_are_numbered_and_what_waits_goes_before_the_next() {
        let mut lines = Unwritten::new(7, 2);
        assert_eq!(lines.note(put("\"a\":1}")), Some(7));
        assert_eq!(
            shown(lines.with_line(put("\"b\":2}"))).as_deref(),
            Some("{\"seq\":7,\"a\":1}\n{\"seq\":8,\"b\":2}\n")
        );
        assert_eq!((lines.next(), lines.waiting()), (8, 1), "nothing has changed");
        assert_eq!(
            shown(lines.with_line(put("\"c\":3}"))).as_deref(),
            Some("{\"seq\":7,\"a\":1}\n{\"seq\":8,\"c\":3}\n")
        );
        assert_eq!(lines.wrote(), 8);
        assert_eq!((lines.next(), lines.waiting()), (9, 0));
        assert_eq!(shown(lines.with_line(put("\"d\":4}"))).as_deref(), Some("{\"seq\":9,\"d\":4}\n"));
    }

    #[test]
    fn what_waits_may_be_written_alone() {
        let mut lines = Unwritten::new(1, 2);
        lines.note(put("\"a\":1}"));
        lines.note(put("\"b\":2}"));
        assert!(lines.with_line(put("\"c\":3}")).is_some(), "and is not written in the end");
        assert_eq!(lines.noted(), b"{\"seq\":1,\"a\":1}\n{\"seq\":2,\"b\":2}\n");
        assert_eq!((lines.wrote(), lines.next()), (2, 3));
    }

    #[test]
    fn what_makes_no_line_leaves_no_trace_and_too_many_are_refused() {
        let mut lines = Unwritten::new(1, 1);
        let none = |out: &mut Vec<u8>| {
            out.push(b'x');
            false
        };
        assert_eq!((lines.note(none), lines.with_line(none)), (None, None));
        assert_eq!(lines.noted(), b"");
        assert_eq!(lines.note(put("\"a\":1}")), Some(1));
        assert_eq!(lines.note(put("\"b\":2}")), None);
        assert_eq!(lines.noted(), b"{\"seq\":1,\"a\":1}\n");
        lines.clear();
        assert_eq!(lines.note(put("\"b\":2}")), Some(2));
    }
}
