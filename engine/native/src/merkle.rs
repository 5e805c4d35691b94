//! The growing side of the audit's Merkle tree (RFC 9162, 2.1): lines become leaves, leaves become nodes, a batch at a time
//! and without the GIL. `gateway.audit.merkle` says the same in Python for who checks; tests hold the two equal.

use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// Bytes of one hash.
const HASH: usize = 32;
const BEFORE_NUMBER: &[u8] = b"{\"seq\":";

pub type Hash = [u8; HASH];

/// The leaves of some lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    pub count: u64,
    /// Where each line begins in its segment, as eight bytes, the highest first.
    pub places: Vec<u8>,
    pub hashes: Vec<u8>,
    /// Bytes of all these lines, ends included.
    pub length: usize,
}

/// The leaves of the whole lines in `data`, which begins at `place` with the line numbered `next`, up to number `upto`.
/// A line with another number than its place in the order says is refused.
pub fn leaves(data: &[u8], place: u64, next: u64, upto: u64) -> Result<Leaves, Failure> {
    let mut found = Leaves::default();
    let (mut rest, mut number) = (data, next);
    while number <= upto {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
        let (line, after) = rest.split_at(end);
        if number_of(line) != Some(number) {
            return Err(Failure::new("OUT_OF_ORDER", format!("no entry {number} where it belongs")));
        }
        let begins = place.saturating_add(u64::try_from(found.length).unwrap_or(u64::MAX));
        found.places.extend_from_slice(&begins.to_be_bytes());
        found.hashes.extend_from_slice(&hash(&[b"\0", line]));
        found.count = found.count.saturating_add(1);
        found.length = found.length.saturating_add(end).saturating_add(1);
        rest = after.get(1..).unwrap_or_default();
        number = number.saturating_add(1);
    }
    Ok(found)
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

/// The roots of the complete subtrees of a growing tree, the largest first, each with its level.
pub type Frontier = Vec<(u32, Hash)>;

/// A tree is never higher: its size has 64 bits.
const MAX_LEVEL: u32 = 63;

/// The frontier with leaves added, and the nodes that are complete now: one run of hashes for each level from the leaves up.
pub fn grow(mut frontier: Frontier, leaves: &[u8]) -> Result<(Vec<Vec<u8>>, Frontier), Failure> {
    if frontier.iter().any(|(level, _)| *level >= MAX_LEVEL) || leaves.len().checked_rem(HASH) != Some(0) {
        return Err(Failure::new("INPUT_INVALID", "these are no nodes of a tree"));
    }
    let mut levels: Vec<Vec<u8>> = Vec::new();
    for leaf in leaves.chunks_exact(HASH) {
        let Ok(mut node) = Hash::try_from(leaf) else { continue };
        let mut level = 0_u32;
        keep(&mut levels, level, &node);
        while let Some((_, left)) = frontier.pop_if(|(other, _)| *other == level) {
            node = hash(&[b"\x01", &left, &node]);
            level = level.saturating_add(1);
            keep(&mut levels, level, &node);
        }
        frontier.push((level, node));
    }
    Ok((levels, frontier))
}

fn keep(levels: &mut Vec<Vec<u8>>, level: u32, node: &Hash) {
    let index = usize::try_from(level).unwrap_or(usize::MAX);
    while levels.len() <= index {
        levels.push(Vec::new());
    }
    if let Some(row) = levels.get_mut(index) {
        row.extend_from_slice(node);
    }
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut state = Sha256::new();
    for part in parts {
        state.update(part);
    }
    state.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_up_to_a_number_become_leaves_with_their_places() {
        let data = b"{\"seq\":9,a\n{\"seq\":10,b\n{\"seq\":11,c\n{\"seq\":12";
        let places = [100_u64.to_be_bytes(), 111_u64.to_be_bytes()].concat();
        let hashes = [hash(&[b"\0{\"seq\":9,a"]), hash(&[b"\0{\"seq\":10,b"])].concat();
        assert_eq!(leaves(data, 100, 9, 10), Ok(Leaves { count: 2, places, hashes, length: 23 }));
        assert_eq!(leaves(data, 0, 9, 99).map(|found| found.count), Ok(3));
    }

    #[test]
    fn a_line_out_of_order_is_refused() {
        for data in
            [&b"{\"seq\":2,\n"[..], b"{\"seq\":01,\n", b" {\"seq\":1,\n", b"\n", b"{\"seq\":1\n", b"{\"seq\":,\n"]
        {
            assert_eq!(leaves(data, 0, 1, 9).map_err(|failure| failure.code), Err("OUT_OF_ORDER"));
        }
    }

    #[test]
    fn a_tree_of_three_has_a_pair_and_one_left_over() {
        let [one, two, three] = [hash(&[b"1"]), hash(&[b"2"]), hash(&[b"3"])];
        let pair = hash(&[b"\x01", &one, &two]);
        let frontier = vec![(1, pair), (0, three)];
        let levels = vec![[one, two, three].concat(), pair.to_vec()];
        assert_eq!(grow(Frontier::new(), &[one, two, three].concat()), Ok((levels, frontier.clone())));
        assert!(grow(vec![(64, pair)], &[]).is_err());
        assert!(grow(frontier, &[0; 33]).is_err());
    }
}
