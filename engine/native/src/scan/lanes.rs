//! The same as `block`, thirty-two bytes at once where the machine has such instructions (AVX2); it is asked once whether it
//! has. `pulp` makes them safe to use: what it hands out says that they are there.

use core::arch::x86_64::__m256i;

use pulp::x86::V3;
use pulp::NullaryFnOnce;

use crate::scan::block::{padded, Bytes, Signs, SIZE};
use crate::scan::notes::Notes;
use crate::scan::sieve::Sieve;
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
type Tables = [[[__m256i; 2]; 2]; 4];

#[derive(Clone, Copy)]
struct Lanes {
    simd: V3,
}

impl Lanes {
    #[inline(always)]
    fn tables(self, sieve: &Sieve) -> Tables {
        sieve
            .halves
            .each_ref()
            .map(|halves| [halves.low.map(|table| self.twice(table)), halves.high.map(|table| self.twice(table))])
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

    #[inline(always)]
    fn bits(self, lanes: __m256i) -> u64 {
        u64::from(self.simd.avx2._mm256_movemask_epi8(lanes) as u32)
    }

    #[inline(always)]
    fn signs(self, tables: &Tables, block: &Bytes) -> Signs {
        let first = self.half(tables, block, 0);
        let second = self.half(tables, block, LANES);
        first.joined(&second)
    }

    /// The bits of one half of a block.
    #[inline(always)]
    fn half(self, tables: &Tables, block: &Bytes, from: usize) -> Signs {
        let bytes = load(block, from);
        let letters = self.within(self.either(bytes, self.all(0x20)), b'a', b'z');
        let capitals = self.within(bytes, b'A', b'Z');
        let spaces = self.is(bytes, b' ');
        let lines = self.either(self.is(bytes, b'\n'), self.is(bytes, b'\r'));
        let rest = self.either(self.is(bytes, b'\t'), self.is(bytes, 0x0c));
        Signs {
            digits: self.bits(self.within(bytes, b'0', b'9')),
            letters: self.bits(letters),
            capitals: self.bits(capitals),
            underscores: self.bits(self.is(bytes, b'_')),
            dots: self.bits(self.is(bytes, b'.')),
            colons: self.bits(self.is(bytes, b':')),
            joints: self.bits(self.either(self.is(bytes, b'-'), self.is(bytes, b'/'))),
            pluses: self.bits(self.is(bytes, b'+')),
            opens: self.bits(self.is(bytes, b'(')),
            closes: self.bits(self.is(bytes, b')')),
            spaces: self.bits(spaces),
            whites: self.bits(self.either(spaces, self.either(lines, rest))),
            fillings: self.bits(self.either(self.is(bytes, b'%'), self.is(bytes, b'|'))),
            ats: self.bits(self.is(bytes, b'@')),
            heads: self.heads(tables, block, from),
        }
    }

    /// Where the tables have a kind of literal in common for four bytes one after the other.
    #[inline(always)]
    fn heads(self, tables: &Tables, block: &Bytes, from: usize) -> u64 {
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
        self.bits(none) ^ 0xffff_ffff
    }
}

#[inline(always)]
fn load(block: &Bytes, from: usize) -> __m256i {
    let bytes: Option<&[u8; LANES]> = block.get(from..).and_then(|rest| rest.first_chunk());
    pulp::cast(bytes.copied().unwrap_or_default())
}
