//! The lines that the log has taken, with their numbers, until they stand in its file. What is written, and when, is the
//! log's affair (`gateway/audit/log.py`), which lets one at a time in here, and says when a lane may write a line itself
//! (`at_once`), and what waits is written here too (`let_out`). INVARIANT: every byte is what `gateway.audit.entry` makes of the same entry and number
//! (tests/property/gateway/audit/test_unwritten.py).

use std::fs::File;
use std::io::{self, Write};

/// Above this much room, it is given back once nothing waits.
const MOST_KEPT: usize = 64 * 1024;

/// Where the numbers stand, and what waits to be written with the next line.
pub struct Unwritten {
    next: u64,
    noted: Vec<u8>,
    waiting: usize,
    most: usize,
    /// Bytes of the segment that stand in its file, and the number of the last line there.
    size: u64,
    written: u64,
    /// What was given out and does not stand in the file yet: its bytes, and whether it holds a line besides what waits.
    given: Option<(usize, bool)>,
    /// The segment as lanes write it, until it has so many bytes; `None` while everything is for the log to write.
    segment: Option<(File, u64)>,
    /// A write into the lent segment failed: behind `size` there may be a piece of it.
    is_torn: bool,
}

impl Unwritten {
    /// `next` is the number of the next line; `most` lines may wait.
    pub fn new(next: u64, most: usize) -> Self {
        let (noted, written) = (Vec::new(), next.saturating_sub(1));
        Self { next, noted, waiting: 0, most, size: 0, written, given: None, segment: None, is_torn: false }
    }

    /// Bytes of the segment that stand in its file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A segment is written from now on that has `size` bytes.
    pub fn begin(&mut self, size: u64) {
        self.size = size;
    }

    /// The number of the last line that stands in the file.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Lets lanes write into the segment until it has `upto` bytes; with `None` nobody but the log does.
    pub fn lend(&mut self, segment: Option<(File, u64)>) {
        self.segment = segment;
    }

    /// Whether a write into the lent segment failed, so that behind `size` there may be a piece of it.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// That piece is cut off.
    pub fn mended(&mut self) {
        self.is_torn = false;
    }

    /// Whether a lane may let a line wait here.
    pub fn has_room(&self) -> bool {
        // INVARIANT: nothing is added to what the log is writing at the moment: `wrote` would forget it.
        self.segment.is_some() && self.given.is_none() && self.waiting < self.most
    }

    /// Writes one more line, with all that waits before it, for a lane; its number. `None`: nothing has changed, and the log has to
    /// be asked, which writes it or says why not.
    pub fn at_once(&mut self, body: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<u64> {
        if self.given.is_some() || self.segment.as_ref().is_none_or(|(_, upto)| self.size >= *upto) {
            return None;
        }
        // WHY behind what waits: so there is nothing to copy, and the processor has the place at hand.
        let line = Behind::new(&mut self.noted);
        begin(self.next, line.lines);
        if !body(line.lines) {
            return None;
        }
        line.lines.push(b'\n');
        let (bytes, done) = (line.lines.len(), self.segment.as_mut().map(|(file, _)| file.write(line.lines)));
        drop(line);
        self.settle(done, (bytes, true))
    }

    /// Writes what waits, where a lane might write. No: the log has to, and to cut off first what `is_torn` tells of.
    pub fn let_out(&mut self) -> bool {
        if self.given.is_some() || self.segment.is_none() {
            return false;
        }
        let done = self.segment.as_mut().map(|(file, _)| file.write(&self.noted));
        self.settle(done, (self.noted.len(), false)).is_some()
    }

    /// What a write that was no affair of the log's came to, of so many bytes with a line besides what waits or without: the number of the
    /// last line that stands in the file then.
    fn settle(&mut self, done: Option<io::Result<usize>>, written: (usize, bool)) -> Option<u64> {
        if matches!(done, Some(Ok(done)) if done == written.0) {
            self.given = Some(written);
            return Some(self.wrote());
        }
        (self.segment, self.is_torn) = (None, true);
        None
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
        if self.noted.capacity() > MOST_KEPT {
            self.noted = Vec::new();
        }
        self.noted.clear();
        self.waiting = 0;
    }

    /// Takes a line that may wait, and says its number; `None` when too many do, or `body` makes none.
    pub fn note(&mut self, body: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<u64> {
        if self.waiting >= self.most {
            return None;
        }
        let seq = self.next;
        let line = Behind::new(&mut self.noted);
        begin(seq, line.lines);
        if !body(line.lines) {
            return None;
        }
        line.lines.push(b'\n');
        line.keep();
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
        self.given = Some((data.len(), true));
        Some(data)
    }

    /// What is to be written of what waits, alone.
    pub fn noted(&mut self) -> &[u8] {
        self.given = Some((self.noted.len(), false));
        &self.noted
    }

    /// What was given out last was not written.
    pub fn failed(&mut self) {
        self.given = None;
    }

    /// What was given out last stands in the file: the number of its last line.
    pub fn wrote(&mut self) -> u64 {
        self.clear();
        if let Some((bytes, has_line)) = self.given.take() {
            self.next = self.next.saturating_add(u64::from(has_line));
            self.size = self.size.saturating_add(bytes as u64);
        }
        self.written = self.next.saturating_sub(1);
        self.written
    }
}

/// What is put behind others and is gone with this, however that comes about, unless it is kept.
struct Behind<'a> {
    lines: &'a mut Vec<u8>,
    before: usize,
}

impl<'a> Behind<'a> {
    fn new(lines: &'a mut Vec<u8>) -> Self {
        let before = lines.len();
        Self { lines, before }
    }

    fn keep(mut self) {
        self.before = self.lines.len();
    }
}

impl Drop for Behind<'_> {
    fn drop(&mut self) {
        self.lines.truncate(self.before);
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
    fn a_line_that_nobody_finished_leaves_nothing() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("unwritten-{}", std::process::id()));
        let mut lines = Unwritten::new(1, 9);
        lines.note(put("\"a\":1}"));
        lines.lend(Some((File::create(&path)?, 1 << 20)));
        let half = |out: &mut Vec<u8>| {
            out.extend_from_slice(b"half of a li");
            false
        };
        assert_eq!((lines.note(half), lines.at_once(half)), (None, None));
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            lines.at_once(|out| {
                half(out);
                std::panic::resume_unwind(Box::new(()))
            })
        }));
        assert!(broken.is_err());
        assert_eq!(lines.at_once(put("\"b\":2}")), Some(2));
        assert_eq!(std::fs::read(&path)?, b"{\"seq\":1,\"a\":1}\n{\"seq\":2,\"b\":2}\n");
        std::fs::remove_file(path)
    }

    #[test]
    fn room_is_given_back() {
        let mut lines = Unwritten::new(1, 9);
        let long = |out: &mut Vec<u8>| {
            out.resize(MOST_KEPT.saturating_mul(2), b'a');
            true
        };
        lines.note(long);
        assert!(lines.noted.capacity() > MOST_KEPT);
        lines.noted();
        lines.wrote();
        assert_eq!(lines.noted.capacity(), 0);
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

    fn lent(path: &str) -> io::Result<Unwritten> {
        let mut lines = Unwritten::new(1, 2);
        lines.lend(Some((File::options().append(true).open(path)?, 0)));
        Ok(lines)
    }

    #[test]
    fn what_waits_is_let_out_into_a_lent_segment_whole_or_not_at_all() -> io::Result<()> {
        let mut lines = lent("/dev/null")?;
        lines.note(put("\"a\":1}"));
        assert!(lines.let_out(), "a full segment too: the next line begins another");
        assert_eq!((lines.waiting(), lines.written(), lines.size()), (0, 1, 16));
        lines.note(put("\"b\":2}"));
        lines.lend(None);
        assert!(!lines.let_out());
        let mut lines = lent("/dev/full")?;
        lines.note(put("\"a\":1}"));
        assert!(!lines.let_out());
        assert_eq!((lines.waiting(), lines.written(), lines.size(), lines.is_torn()), (1, 0, 0, true));
        assert!(!lines.has_room(), "nobody writes there any more");
        Ok(())
    }

    #[test]
    fn nothing_is_let_out_while_the_log_writes() -> io::Result<()> {
        let mut lines = lent("/dev/null")?;
        lines.note(put("\"a\":1}"));
        assert!(lines.with_line(put("\"b\":2}")).is_some());
        assert!(!lines.let_out());
        assert_eq!((lines.wrote(), lines.is_torn()), (2, false));
        Ok(())
    }
}
