//! The same as `block`, thirty-two bytes at once where the machine has such instructions (AVX2); it is asked once whether it
//! has. `pulp` makes them safe to use: what it hands out says that they are there.

use core::arch::x86_64::__m256i;
use core::hint::black_box;

use pulp::x86::V3;
use pulp::NullaryFnOnce;

use crate::scan::block::{padded, Bytes, Signs, SIZE};
use crate::scan::notes::Notes;
use crate::scan::sieve::{Sieve, HEAD};
use crate::scan::Engine;

const LANES: usize = 32;

/// Looks at as many blocks from `at` on as there are places for what is seen; says whether it could.
pub fn look(sieve: &Sieve, text: &[u8], at: usize, seen: &mut [Signs]) -> bool {
    let Some(simd) = V3::try_new() else {
        return false;
    };
    simd.vectorize(Look { simd, sieve, text, at, seen });
    true
}

/// Looks as `look` does at the blocks in `seen` after its first, and notes what is in all but its last.
pub fn note(notes: &mut Notes, engine: &Engine, text: &[u8], at: usize, seen: &mut [Signs]) -> bool {
    let Some(simd) = V3::try_new() else {
        return false;
    };
    simd.vectorize(Note { simd, notes, engine, text, at, seen });
    true
}

struct Note<'a> {
    simd: V3,
    notes: &'a mut Notes,
    engine: &'a Engine,
    text: &'a [u8],
    at: usize,
    seen: &'a mut [Signs],
}

impl NullaryFnOnce for Note<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, notes, engine, text, at, seen } = self;
        Look { simd, sieve: &engine.sieve, text, at, seen: seen.get_mut(1..).unwrap_or_default() }.call();
        notes.take(engine, text, at, seen);
    }
}

struct Look<'a> {
    simd: V3,
    sieve: &'a Sieve,
    text: &'a [u8],
    at: usize,
    seen: &'a mut [Signs],
}

impl NullaryFnOnce for Look<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = Lanes { simd: self.simd };
        let tables = lanes.tables(self.sieve);
        for (block, slot) in (self.at..).step_by(SIZE).zip(self.seen) {
            *slot = match self.text.get(block..).unwrap_or_default().first_chunk() {
                Some(bytes) => lanes.signs(&tables, bytes),
                None => lanes.signs(&tables, &padded(self.text, block)),
            };
        }
    }
}

/// By the place among four bytes: the tables of lower and of upper halves, for two times eight kinds of literals.
type Tables = [[[__m256i; 2]; 2]; HEAD];
/// The halves of a block.
type Halves = [__m256i; 2];

#[derive(Clone, Copy)]
struct Lanes {
    simd: V3,
}

impl Lanes {
    // WHY no closures here and below: the compiler need not build them with the instructions that the rest is built with.
    #[inline(always)]
    fn tables(self, sieve: &Sieve) -> Tables {
        let mut tables = [[[self.all(0); 2]; 2]; HEAD];
        for ([lows, highs], halves) in tables.iter_mut().zip(&sieve.halves) {
            for (low, table) in lows.iter_mut().zip(halves.low) {
                *low = self.twice(table);
            }
            for (high, table) in highs.iter_mut().zip(halves.high) {
                *high = self.twice(table);
            }
        }
        tables
    }

    #[inline(always)]
    fn twice(self, table: [u8; 16]) -> __m256i {
        pulp::cast([table, table])
    }

    #[inline(always)]
    fn all(self, byte: u8) -> __m256i {
        self.simd.avx._mm256_set1_epi8(byte as i8)
    }

    #[inline(always)]
    fn is(self, bytes: __m256i, byte: u8) -> __m256i {
        self.simd.avx2._mm256_cmpeq_epi8(bytes, self.all(byte))
    }

    #[inline(always)]
    fn either(self, first: __m256i, second: __m256i) -> __m256i {
        self.simd.avx2._mm256_or_si256(first, second)
    }

    #[inline(always)]
    fn both(self, first: __m256i, second: __m256i) -> __m256i {
        self.simd.avx2._mm256_and_si256(first, second)
    }

    /// `first..=last`, both below 127.
    #[inline(always)]
    fn within(self, bytes: __m256i, first: u8, last: u8) -> __m256i {
        let above = self.simd.avx2._mm256_cmpgt_epi8(bytes, self.all(first.wrapping_sub(1)));
        self.both(above, self.simd.avx2._mm256_cmpgt_epi8(self.all(last.wrapping_add(1)), bytes))
    }

    /// The highest bits of the lanes of both halves. WHY the black box: what the compiler knows to be bits of lanes it takes
    /// apart lane by lane wherever numbers are made of them, which costs several times what all else here does.
    #[inline(always)]
    fn bits(self, lower: __m256i, upper: __m256i) -> u64 {
        let lower = u64::from(self.simd.avx2._mm256_movemask_epi8(lower) as u32);
        let upper = u64::from(self.simd.avx2._mm256_movemask_epi8(upper) as u32);
        black_box(lower | upper << 32)
    }

    #[inline(always)]
    fn where_is(self, [one, other]: Halves, byte: u8) -> u64 {
        self.bits(self.is(one, byte), self.is(other, byte))
    }

    #[inline(always)]
    fn where_either(self, [one, other]: Halves, first: u8, second: u8) -> u64 {
        let lower = self.either(self.is(one, first), self.is(one, second));
        self.bits(lower, self.either(self.is(other, first), self.is(other, second)))
    }

    #[inline(always)]
    fn where_within(self, [one, other]: Halves, first: u8, last: u8) -> u64 {
        self.bits(self.within(one, first, last), self.within(other, first, last))
    }

    /// The bits of a block.
    #[inline(always)]
    fn signs(self, tables: &Tables, block: &Bytes) -> Signs {
        let (one, other) = (load(block, 0), load(block, LANES));
        let (both, case) = ([one, other], self.all(0x20));
        Signs {
            digits: self.where_within(both, b'0', b'9'),
            letters: self.where_within([self.either(one, case), self.either(other, case)], b'a', b'z'),
            capitals: self.where_within(both, b'A', b'Z'),
            underscores: self.where_is(both, b'_'),
            dots: self.where_is(both, b'.'),
            colons: self.where_is(both, b':'),
            joints: self.where_either(both, b'-', b'/'),
            pluses: self.where_is(both, b'+'),
            opens: self.where_is(both, b'('),
            closes: self.where_is(both, b')'),
            spaces: self.where_is(both, b' '),
            whites: self.bits(self.is_white(one), self.is_white(other)),
            fillings: self.where_either(both, b'%', b'|'),
            ats: self.where_is(both, b'@'),
            heads: self.bits(self.heads(tables, block, 0), self.heads(tables, block, LANES)),
        }
    }

    #[inline(always)]
    fn is_white(self, bytes: __m256i) -> __m256i {
        let lines = self.either(self.is(bytes, b'\n'), self.is(bytes, b'\r'));
        let rest = self.either(self.is(bytes, b'\t'), self.is(bytes, 0x0c));
        self.either(self.is(bytes, b' '), self.either(lines, rest))
    }

    /// Where the tables have a kind of literal in common for four bytes one after the other: not nought.
    #[inline(always)]
    fn heads(self, tables: &Tables, block: &Bytes, from: usize) -> __m256i {
        let [low, high] = [self.all(0x0f), self.all(0x0f)];
        let mut kinds = [self.all(0xff); 2];
        for (place, [lows, highs]) in (from..).zip(tables) {
            let bytes = load(block, place);
            let halves = [self.both(bytes, low), self.both(self.simd.avx2._mm256_srli_epi16::<4>(bytes), high)];
            for ((kind, lows), highs) in kinds.iter_mut().zip(lows).zip(highs) {
                let [below, above] = halves;
                let lower = self.simd.avx2._mm256_shuffle_epi8(*lows, below);
                let upper = self.simd.avx2._mm256_shuffle_epi8(*highs, above);
                *kind = self.both(*kind, self.both(lower, upper));
            }
        }
        let [first, second] = kinds;
        let none = self.is(self.either(first, second), 0);
        self.simd.avx2._mm256_xor_si256(none, self.all(0xff))
    }
}

#[inline(always)]
fn load(block: &Bytes, from: usize) -> __m256i {
    let bytes: Option<&[u8; LANES]> = block.get(from..).and_then(|rest| rest.first_chunk());
    pulp::cast(bytes.copied().unwrap_or_default())
}
