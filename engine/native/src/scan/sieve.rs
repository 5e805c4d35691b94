//! Where a literal may begin, told from four bytes: what most bytes of most texts are refused by.
//!
//! Two questions. Of a place where a word begins (and of any that the second lets through): are its first four bytes those
//! of a literal that can come to anything in one case at least? Three of them tell a cell of a table that stays in the nearest
//! cache, the fourth a bit in it; at the few places that are left literals are compared (`words`). Of every other place: may a literal begin here that may stand inside a
//! word, or that begins with no letter? `lanes` asks that of thirty-two places at once, of each byte its two halves in small
//! tables; other machines a window of three bytes.

use std::collections::BTreeMap;

use crate::scan::block::{Bytes, SIZE};

/// How many of the first bytes of a literal are looked at.
pub const HEAD: usize = 4;
/// Literals are put into so many kinds, of which the bits of a byte are eight.
const KINDS: usize = 16;

/// A literal, in lower case.
pub struct Literal<'a> {
    pub word: &'a [u8],
    /// It is wanted inside words, or begins with no letter.
    pub is_inner: bool,
}

/// For each of the first four bytes: by its lower and by its upper half, the kinds of literals that may have it there.
#[derive(Clone, Default)]
pub struct Halves {
    pub low: [[u8; 16]; 2],
    pub high: [[u8; 16]; 2],
}

/// A bit for each of the numbers that bytes are mixed into.
type Cells = [u64; 1 << 10];
/// Into so many bits three bytes are mixed.
const MIXED: u32 = 11;

/// The questions, built.
pub struct Sieve {
    /// By three bytes in small letters: the kinds of bytes that may follow them, a bit each.
    heads: Box<[u64; 1 << MIXED]>,
    /// The kinds of bytes, as `kind_of` has them.
    kinds: [u8; 256],
    /// For other machines: classes of bytes, and three classes with which inner literals begin.
    coarse: [u8; 256],
    windows: Cells,
    pub halves: [Halves; HEAD],
}

impl Sieve {
    /// Builds it. `lives` says of the number of a literal, its first bytes as they stand and whether a small letter follows
    /// it (when it is known) whether anything can come of it.
    pub fn new(literals: &[Literal], lives: impl Fn(usize, &[u8], Option<bool>) -> bool) -> Result<Self, String> {
        let mut sieve = Self {
            heads: Box::new([0; 1 << MIXED]),
            kinds: std::array::from_fn(|byte| kind_of(byte as u8)),
            coarse: coarse(literals),
            windows: [0; 1 << 10],
            halves: Default::default(),
        };
        let mut inner = Vec::new();
        for (number, literal) in literals.iter().enumerate() {
            let head = literal.word.get(..HEAD.min(literal.word.len())).unwrap_or_default();
            let mut allowed = Kind::default();
            for raw in cases(head) {
                match *raw.as_slice() {
                    [a, b, c, d] if lives(number, &raw, None) => sieve.admit([a, b, c], |next| next == d),
                    [a, b, c] => {
                        let followed = [false, true].map(|small| lives(number, &raw, Some(small)));
                        let [other, small] = followed;
                        sieve.admit([a, b, c], |next| if next.is_ascii_lowercase() { small } else { other });
                        if followed == [false, false] {
                            continue;
                        }
                    }
                    [_, _, _, _] => continue,
                    _ => return Err("a literal has less than three bytes".to_owned()),
                }
                allowed.admit(&raw);
            }
            if literal.is_inner && allowed != Kind::default() {
                sieve.open(head);
                inner.push(allowed);
            }
        }
        sieve.take_kinds(&few(inner));
        Ok(sieve)
    }

    /// Whether a literal may begin with these four bytes, as the lowest bit.
    #[inline(always)]
    pub fn passes(&self, head: u32) -> u64 {
        let kind = self.kinds.get((head >> 24) as usize).copied().unwrap_or(0);
        self.heads.get(mixed(head)).copied().unwrap_or(0).wrapping_shr(u32::from(kind)) & 1
    }

    /// Lets through what begins with three bytes and one behind them for which `holds`.
    fn admit(&mut self, [a, b, c]: [u8; 3], holds: impl Fn(u8) -> bool) {
        let bits = (0..=u8::MAX)
            .filter(|byte| holds(*byte))
            .fold(0, |all, byte| all | 1_u64.wrapping_shl(u32::from(kind_of(byte))));
        if let Some(cell) = self.heads.get_mut(mixed(u32::from_le_bytes([a, b, c, 0]))) {
            *cell |= bits;
        }
    }

    /// The places of a block where inner literals may begin: on any machine.
    pub fn heads(&self, block: &Bytes) -> u64 {
        let class = |byte: &u8| u32::from(self.coarse.get(usize::from(*byte)).copied().unwrap_or(0));
        let (mut bits, mut window) = (0_u64, 0);
        for (place, byte) in block.iter().take(SIZE.wrapping_add(2)).enumerate() {
            window = (window << 5 | class(byte)) & 0x7fff;
            if place >= 2 {
                bits = bits >> 1 | bit(&self.windows, window) << 63;
            }
        }
        bits
    }

    /// Lets through the windows that begin with these bytes.
    fn open(&mut self, head: &[u8]) {
        let class = |byte: &u8| u32::from(self.coarse.get(usize::from(*byte)).copied().unwrap_or(0));
        let window = head.iter().take(3).fold(0, |window, byte| window << 5 | class(byte));
        set(&mut self.windows, window);
    }

    /// Writes the kinds into the tables of halves.
    fn take_kinds(&mut self, kinds: &[Kind]) {
        for (number, kind) in kinds.iter().enumerate() {
            let (group, flag) = (number / 8, 1_u8.wrapping_shl((number % 8) as u32));
            for (halves, (low, high)) in self.halves.iter_mut().zip(kind.0) {
                for (table, half) in [(&mut halves.low, low), (&mut halves.high, high)] {
                    let cells = table.get_mut(group).into_iter().flatten().enumerate();
                    cells.filter(|(place, _)| half >> place & 1 == 1).for_each(|(_, cell)| *cell |= flag);
                }
            }
        }
    }
}

/// By place: the lower and the upper halves of the bytes that may stand there.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Kind([(u16, u16); HEAD]);

impl Kind {
    /// With a literal as it stands; where it has no byte, any may stand.
    fn admit(&mut self, raw: &[u8]) {
        for (place, (low, high)) in self.0.iter_mut().enumerate() {
            match raw.get(place) {
                Some(byte) => (*low, *high) = (*low | 1 << (byte & 15), *high | 1 << (byte >> 4)),
                None => (*low, *high) = (u16::MAX, u16::MAX),
            }
        }
    }

    fn with(&self, other: &Self) -> Self {
        let mut both = *self;
        for ((low, high), (lower, higher)) in both.0.iter_mut().zip(other.0) {
            (*low, *high) = (*low | lower, *high | higher);
        }
        both
    }

    /// How often it lets a place of an ordinary text through.
    fn weight(&self) -> f64 {
        let share = |(low, high): &(u16, u16)| {
            let rows = SHARES.iter().enumerate().filter(|(row, _)| high >> row & 1 == 1);
            let sum = |row: &[u16; 16]| {
                row.iter()
                    .enumerate()
                    .filter(|(place, _)| low >> place & 1 == 1)
                    .map(|(_, share)| u32::from(*share))
                    .sum::<u32>()
            };
            f64::from(rows.map(|(_, row)| sum(row)).sum::<u32>()) / 1000.0
        };
        self.0.iter().map(share).product()
    }
}

/// Makes the kinds few: the two that together let the least more through become one, until there are no more than `KINDS`.
fn few(mut kinds: Vec<Kind>) -> Vec<Kind> {
    kinds.sort_unstable();
    kinds.dedup();
    let added = |one: &Kind, other: &Kind| one.with(other).weight() - one.weight() - other.weight();
    let mut costs = BTreeMap::new();
    for (second, one) in kinds.iter().enumerate() {
        costs.extend(kinds.iter().take(second).enumerate().map(|(first, other)| ((first, second), added(one, other))));
    }
    let mut kept: BTreeMap<usize, Kind> = kinds.into_iter().enumerate().collect();
    while kept.len() > KINDS {
        let cheapest = costs.iter().min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(pair, _)| *pair);
        let Some((first, second)) = cheapest else {
            break;
        };
        costs.retain(|(one, other), _| *one != second && *other != second);
        if let (Some(one), Some(gone)) = (kept.get(&first).copied(), kept.remove(&second)) {
            let both = one.with(&gone);
            kept.insert(first, both);
            for (place, other) in kept.iter().filter(|(place, _)| **place != first) {
                costs.insert((first.min(*place), first.max(*place)), added(&both, other));
            }
        }
    }
    kept.into_values().collect()
}

/// How many of a thousand bytes of rows, logs and code are which, by their upper and lower halves, about. Nothing but speed
/// hangs on it.
const SHARES: [[u16; 16]; 16] = [
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 12, 0, 0, 1, 0, 0],
    [0; 16],
    [110, 1, 25, 1, 1, 1, 1, 3, 5, 5, 1, 1, 14, 14, 10, 8],
    [25, 25, 20, 12, 12, 12, 12, 12, 12, 12, 14, 3, 2, 5, 2, 1],
    [1, 4, 3, 4, 4, 5, 3, 2, 2, 4, 1, 1, 3, 3, 4, 4],
    [3, 1, 4, 5, 5, 2, 2, 2, 1, 1, 1, 2, 2, 2, 1, 12],
    [1, 45, 10, 25, 25, 70, 12, 12, 18, 42, 2, 5, 25, 18, 42, 45],
    [18, 2, 45, 40, 50, 20, 7, 8, 3, 9, 2, 3, 3, 3, 1, 0],
    [3; 16],
    [3; 16],
    [3; 16],
    [3; 16],
    [3; 16],
    [3; 16],
    [3; 16],
    [1; 16],
];

/// All ways to write some bytes in small and capital letters.
fn cases(word: &[u8]) -> Vec<Vec<u8>> {
    word.iter().fold(vec![Vec::new()], |made, byte| {
        let mut both = vec![*byte];
        if byte.is_ascii_lowercase() {
            both.push(byte.to_ascii_uppercase());
        }
        let longer =
            |start: &Vec<u8>| both.iter().map(|byte| [start.as_slice(), &[*byte]].concat()).collect::<Vec<_>>();
        made.iter().flat_map(longer).collect()
    })
}

/// The kind of a byte, of sixty-four: letters are each of their own, and what often stands in literals.
fn kind_of(byte: u8) -> u8 {
    const SIGNS: &[u8] = b"_-. =:/01@\"";
    const OTHERS: u8 = 52;
    match byte {
        b'a'..=b'z' => byte.wrapping_sub(b'a'),
        b'A'..=b'Z' => byte.wrapping_sub(b'A').wrapping_add(26),
        _ => (OTHERS..).zip(SIGNS).find(|(_, sign)| **sign == byte).map_or(63, |(kind, _)| kind),
    }
}

/// The number of what begins with three bytes, the same in any case.
#[inline(always)]
fn mixed(head: u32) -> usize {
    const SMALL: u32 = 0x20_2020;
    ((head | SMALL) & 0xff_ffff).wrapping_mul(0x9e37_79b1).wrapping_shr(u32::BITS.wrapping_sub(MIXED)) as usize
}

fn set(cells: &mut Cells, place: u32) {
    if let Some(cell) = cells.get_mut((place >> 6) as usize) {
        *cell |= 1_u64.wrapping_shl(place & 63);
    }
}

/// The bit of a place as the lowest of those that come back.
#[inline(always)]
fn bit(cells: &Cells, place: u32) -> u64 {
    cells.get((place >> 6) as usize).copied().unwrap_or(0).wrapping_shr(place & 63) & 1
}

/// A class for each byte that literals have, capital letters with small ones; 0 is the rest.
fn coarse(literals: &[Literal]) -> [u8; 256] {
    let mut coarse = [0_u8; 256];
    for byte in literals.iter().flat_map(|literal| literal.word) {
        let class = match byte {
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(1),
            b'0'..=b'9' => 27,
            b'_' | b'-' => 28,
            b'.' | b'/' | b':' => 29,
            b' ' | b'=' | b'"' | b'\'' => 30,
            _ => 31,
        };
        for same in [*byte, byte.to_ascii_uppercase()] {
            if let Some(slot) = coarse.get_mut(usize::from(same)) {
                *slot = class;
            }
        }
    }
    coarse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Option<Sieve> {
        let literal = |word: &'static str, is_inner| Literal { word: word.as_bytes(), is_inner };
        let literals = [literal("token", true), literal("akia", true), literal("tax", false), literal("never", true)];
        // The third is one where no small letter follows, the fourth never.
        let lives = |number, _: &[u8], small| match number {
            3 => false,
            2 => small != Some(true),
            _ => true,
        };
        Sieve::new(&literals, lives).ok()
    }

    #[test]
    fn heads_pass_with_which_something_may_come() {
        let passing = |head: &[u8; 4]| built().is_some_and(|sieve| sieve.passes(u32::from_le_bytes(*head)) == 1);
        assert!([b"toke", b"TOKE", b"ToKe", b"AKIA", b"tax ", b"TAX:", b"taxI"].into_iter().all(passing));
        assert!(![b"neve", b"taxi", b"ordi", b"toks"].into_iter().any(passing));
    }

    #[test]
    fn inner_literals_are_seen_at_every_place_and_others_are_not() {
        let places = |text: &[u8]| built().map(|sieve| sieve.heads(&crate::scan::block::padded(text, 0)));
        assert_eq!(places(b"mytokenAKIA tax"), Some(1 << 2 | 1 << 7));
    }

    #[test]
    fn a_literal_of_two_bytes_is_refused() {
        assert!(Sieve::new(&[Literal { word: b"ey", is_inner: true }], |_, _, _| true).is_err());
    }

    #[test]
    fn few_kinds_let_through_what_many_do() {
        let kind = |word: &[u8]| {
            let mut kind = Kind::default();
            kind.admit(word);
            kind
        };
        let words: Vec<[u8; 4]> = (b'a'..=b'z').map(|byte| [byte, b'b', byte, b'd']).collect();
        let made = few(words.iter().map(|word| kind(word)).collect());
        assert_eq!(made.len(), KINDS);
        assert!(words.iter().all(|word| made.iter().any(|one| one.with(&kind(word)) == *one)));
    }
}
