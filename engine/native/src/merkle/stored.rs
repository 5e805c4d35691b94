//! The tree on the disk as it grows (`gateway/audit/tree.py` says what its files are, and mends them): a piece of a segment at a time
//! is read, hashed and added to the files, with nothing of it in the hands of Python.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{leaf, Frontier};
use crate::failure::Failure;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// Bytes of the longest line, its end included; a longer one is none.
const MAX_LINE: u64 = 8 << 20;
/// Lines that are taken at once: bounds what is kept of them until it is in the files, some 70 bytes each.
const MAX_LINES: u64 = 1 << 15;
const BEFORE_NUMBER: &[u8] = b"{\"seq\":";
const PLACES: &str = "places";

/// Lines of a segment that the tree grew by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub count: u64,
    /// Bytes, ends included.
    pub length: u64,
}

/// The tree in one folder. After a failure its files may hold less than it does: it has to be taken up from them again.
pub struct Tree {
    folder: PathBuf,
    frontier: Frontier,
    /// What is to be added to the files: where each line begins in its segment, as eight bytes, the highest first; the nodes that are
    /// complete now, a run of them for each level from the leaves up.
    places: Vec<u8>,
    levels: Vec<Vec<u8>>,
}

impl Tree {
    pub fn new(folder: PathBuf, frontier: Frontier) -> Self {
        Self { folder, frontier, places: Vec::new(), levels: Vec::new() }
    }

    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Adds the whole lines that stand in a segment from `place` on, up to entry `upto`, and puts them on the disk; none is no failure.
    /// One call takes a bounded number of them. A line with another number than its place in the order says is refused.
    pub fn grow(&mut self, segment: &Path, place: u64, upto: u64) -> Result<Taken, Failure> {
        let source = opened(segment, place).map_err(|error| failed("UNREADABLE", &error))?;
        let taken = self.take(source, place, upto)?;
        if taken.count > 0 {
            self.keep().map_err(|error| failed("UNWRITABLE", &error))?;
        }
        Ok(taken)
    }

    fn take(&mut self, mut source: impl BufRead, place: u64, upto: u64) -> Result<Taken, Failure> {
        self.places.clear();
        self.levels.iter_mut().for_each(Vec::clear);
        let (mut taken, mut line) = (Taken::default(), Vec::new());
        while self.frontier.size() < upto && taken.count < MAX_LINES {
            if !next_line(&mut source, &mut line).map_err(|error| failed("UNREADABLE", &error))? {
                break;
            }
            let number = self.frontier.size().saturating_add(1);
            if number_of(&line) != Some(number) {
                return Err(Failure::new("OUT_OF_ORDER", format!("no entry {number} where it belongs")));
            }
            self.places.extend_from_slice(&place.saturating_add(taken.length).to_be_bytes());
            self.frontier.append(leaf(&line), |level, node| keep_row(&mut self.levels, level, node));
            taken.count = taken.count.saturating_add(1);
            taken.length = taken.length.saturating_add(line.len() as u64).saturating_add(1);
        }
        Ok(taken)
    }

    fn keep(&self) -> io::Result<()> {
        // WHY leaves last: a tree with a leaf too few is grown again from the log; `open_tree` mends the rest.
        append(&self.folder.join(PLACES), &self.places)?;
        for (level, row) in self.levels.iter().enumerate().rev() {
            if !row.is_empty() {
                append(&self.folder.join(format!("{level:02}")), row)?;
            }
        }
        Ok(())
    }
}

fn keep_row(levels: &mut Vec<Vec<u8>>, level: usize, node: &[u8]) {
    if levels.len() <= level {
        levels.resize_with(level.saturating_add(1), Vec::new);
    }
    if let Some(row) = levels.get_mut(level) {
        row.extend_from_slice(node);
    }
}

fn opened(segment: &Path, place: u64) -> io::Result<impl BufRead> {
    let mut file = File::open(segment)?;
    file.seek(SeekFrom::Start(place))?;
    Ok(BufReader::with_capacity(PIECE, file))
}

/// Reads the next line, without its end; no where none is whole.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    source.take(MAX_LINE).read_until(b'\n', line)?;
    Ok(line.pop_if(|byte| *byte == b'\n').is_some())
}

/// The number a line begins with, written as the log writes it.
fn number_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(BEFORE_NUMBER)?;
    let end = rest.iter().position(|byte| *byte == b',')?;
    let digits = rest.get(..end)?;
    if digits.first() == Some(&b'0') || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn append(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.write_all(data)?;
    file.sync_data()
}

/// With the system's words alone.
fn failed(code: &'static str, error: &io::Error) -> Failure {
    let said = error.to_string();
    Failure::new(code, said.split(" (os error").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::merkle::{hash, Hash};

    fn tree() -> Tree {
        Tree::new(PathBuf::new(), Frontier::default())
    }

    /// A tree of so many entries, of which nobody asks what they were.
    fn tree_of(size: u64) -> Tree {
        let mut tree = tree();
        for _ in 0..size {
            tree.frontier.append([0; 32], |_, _| ());
        }
        tree
    }

    fn leaves(lines: &[&[u8]]) -> Vec<u8> {
        lines.iter().flat_map(|line| hash(&[b"\0", line])).collect()
    }

    #[test]
    fn whole_lines_up_to_a_number_become_leaves_with_their_places() {
        let data = b"{\"seq\":9,a\n{\"seq\":10,b\n{\"seq\":11,c\n{\"seq\":12";
        let mut some = tree_of(8);
        assert_eq!(some.take(&data[..], 100, 10), Ok(Taken { count: 2, length: 23 }));
        assert_eq!(some.places, [100_u64.to_be_bytes(), 111_u64.to_be_bytes()].concat());
        assert_eq!(some.levels.first(), Some(&leaves(&[b"{\"seq\":9,a", b"{\"seq\":10,b"])));
        assert_eq!(tree_of(8).take(&data[..], 0, 99), Ok(Taken { count: 3, length: 35 }));
        assert_eq!(tree_of(8).take(&data[..], 0, 8), Ok(Taken::default()));
        assert_eq!(tree_of(0).take(&b""[..], 0, 9), Ok(Taken::default()));
    }

    #[test]
    fn a_line_out_of_order_is_refused() {
        for data in
            [&b"{\"seq\":2,\n"[..], b"{\"seq\":01,\n", b" {\"seq\":1,\n", b"\n", b"{\"seq\":1\n", b"{\"seq\":,\n"]
        {
            assert_eq!(tree().take(data, 0, 9).map_err(|failure| failure.code), Err("OUT_OF_ORDER"));
        }
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_once_and_has_an_end() {
        let line = |length: usize| [&b"{\"seq\":1,"[..], &vec![b'x'; length]].concat();
        let (long, too_long) = (line(3 * PIECE), line(8 << 20));
        let mut some = tree();
        let data = [&long[..], b"\n{\"seq\":2,\n"].concat();
        assert_eq!(some.take(BufReader::with_capacity(PIECE, &data[..]), 0, 9).map(|taken| taken.count), Ok(2));
        assert_eq!(some.levels.first(), Some(&leaves(&[&long, b"{\"seq\":2,"])));
        assert_eq!(tree().take(&[&too_long[..], b"\n"].concat()[..], 0, 9), Ok(Taken::default()));
    }

    #[test]
    fn so_many_lines_are_taken_at_once_and_no_more() {
        let data: Vec<u8> =
            (1..=MAX_LINES + 3).flat_map(|number| format!("{{\"seq\":{number},\n").into_bytes()).collect();
        let mut some = tree();
        let first = some.take(&data[..], 0, u64::MAX).unwrap_or_default();
        assert_eq!(first.count, MAX_LINES);
        let rest = data.get(usize::try_from(first.length).unwrap_or_default()..).unwrap_or_default();
        assert_eq!(some.take(rest, first.length, u64::MAX).map(|taken| taken.count), Ok(3));
        assert_eq!((some.places.len(), some.levels.first().map(Vec::len)), (3 * 8, Some(3 * 32)), "of these alone");
    }

    #[test]
    fn the_files_hold_what_was_taken_and_places_come_first() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("sallyport-tree-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let lines: [&[u8]; 3] = [b"{\"seq\":1,", b"{\"seq\":2,", b"{\"seq\":3,"];
        let segment = folder.join("segment");
        fs::write(&segment, lines.map(|line| [line, b"\n"].concat()).concat())?;
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        let [one, two, three]: [Hash; 3] = lines.map(leaf);

        let mut some = Tree::new(folder.clone(), Frontier::default());
        assert_eq!(some.grow(&folder.join("none"), 0, 3).map_err(|failure| failure.code), Err("UNREADABLE"));
        assert_eq!(some.grow(&segment, 0, 2), Ok(Taken { count: 2, length: 20 }));
        assert_eq!((read("00"), read("01")), ([one, two].concat(), hash(&[b"\x01", &one, &two]).to_vec()));
        fs::rename(folder.join("00"), folder.join("kept"))?;
        std::os::unix::fs::symlink("/dev/full", folder.join("00"))?;
        let full = some.grow(&segment, 20, 3).map_err(|failure| (failure.code, failure.message));
        assert_eq!(full, Err(("UNWRITABLE", "No space left on device".to_owned())));
        assert_eq!(read("places"), [0_u64, 10, 20].map(u64::to_be_bytes).concat(), "these came first");
        fs::rename(folder.join("kept"), folder.join("00"))?;
        let mut again =
            Tree::new(folder.clone(), Frontier::of(vec![(1, hash(&[b"\x01", &one, &two]))]).unwrap_or_default());
        assert_eq!(again.grow(&segment, 20, 9), Ok(Taken { count: 1, length: 10 }));
        assert_eq!(read("00"), [one, two, three].concat());
        fs::remove_dir_all(&folder)
    }
}
