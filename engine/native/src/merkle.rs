//! The growing side of the audit's Merkle tree (RFC 9162, 2.1), all of it without the GIL: lines become leaves and both go to the tree's
//! files (`stored`), leaves become nodes (here). `gateway.audit.merkle` says the same in Python for who checks; tests hold the two equal.

use sha2::{Digest, Sha256};

use crate::failure::Failure;

pub mod stored;

/// Bytes of one hash.
const HASH: usize = 32;

pub type Hash = [u8; HASH];

/// A tree is never higher: its size has 64 bits.
const MAX_LEVEL: u32 = 63;

/// The roots of the complete subtrees of a growing tree, the largest first, each with its level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    nodes: Vec<(u32, Hash)>,
    size: u64,
}

impl Frontier {
    /// A tree of which these are the roots.
    pub fn of(nodes: Vec<(u32, Hash)>) -> Result<Self, Failure> {
        let (mut size, mut below) = (0_u64, MAX_LEVEL);
        for (level, _) in &nodes {
            if *level >= below {
                return Err(Failure::new("INPUT_INVALID", "these are no nodes of a tree"));
            }
            (size, below) = (size | 1_u64.wrapping_shl(*level), *level);
        }
        Ok(Self { nodes, size })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf. `complete` is told of every node that is complete now, with its level, the leaf first.
    pub fn append(&mut self, leaf: Hash, mut complete: impl FnMut(usize, &Hash)) {
        let (mut node, mut level, mut row) = (leaf, 0_u32, 0_usize);
        complete(row, &node);
        while let Some((_, left)) = self.nodes.pop_if(|(other, _)| *other == level) {
            node = hash(&[b"\x01", &left, &node]);
            (level, row) = (level.saturating_add(1), row.saturating_add(1));
            complete(row, &node);
        }
        self.nodes.push((level, node));
        self.size = self.size.saturating_add(1);
    }

    /// The root of the leaves so far.
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev().map(|(_, node)| *node);
        let last = nodes.next().unwrap_or_else(|| hash(&[]));
        nodes.fold(last, |root, left| hash(&[b"\x01", &left, &root]))
    }
}

/// The leaf of a line without its end.
fn leaf(line: &[u8]) -> Hash {
    hash(&[b"\0", line])
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

    fn grown(leaves: &[Hash]) -> (Frontier, Vec<(usize, Hash)>) {
        let (mut frontier, mut told) = (Frontier::default(), Vec::new());
        for leaf in leaves {
            frontier.append(*leaf, |level, node| told.push((level, *node)));
        }
        (frontier, told)
    }

    #[test]
    fn a_tree_of_three_has_a_pair_and_one_left_over() {
        let [one, two, three] = [leaf(b"1"), leaf(b"2"), leaf(b"3")];
        let pair = hash(&[b"\x01", &one, &two]);
        let (frontier, told) = grown(&[one, two, three]);
        assert_eq!(told, [(0, one), (0, two), (1, pair), (0, three)]);
        assert_eq!((frontier.size(), frontier.root()), (3, hash(&[b"\x01", &pair, &three])));
        assert_eq!(Frontier::of(vec![(1, pair), (0, three)]), Ok(frontier));
    }

    #[test]
    fn an_empty_tree_has_the_root_of_nothing() {
        assert_eq!((Frontier::default().size(), Frontier::default().root()), (0, hash(&[])));
    }

    #[test]
    fn what_is_no_frontier_is_refused() {
        let node = leaf(b"1");
        for levels in [&[63_u32][..], &[64], &[1, 1], &[0, 1]] {
            let nodes = levels.iter().map(|level| (*level, node)).collect();
            assert_eq!(Frontier::of(nodes).map_err(|failure| failure.code), Err("INPUT_INVALID"), "{levels:?}");
        }
    }
}
