//! Many literals, in any case: which of them begin at a place.
//!
//! Those of which the first bytes are mixed into the same number lie side by side; at a place the few with its number are
//! compared with it, eight bytes at once.

/// Into so many numbers the first bytes are mixed, as bits.
const BITS: u32 = 12;
/// So many bytes tell the number, and so many every literal has.
const LEAST: usize = 3;

/// The literals, built.
pub struct Words {
    /// In lower case, as they were given: in order.
    literals: Vec<Box<[u8]>>,
    /// Those of fewer bytes than are compared at once, told by the least that every literal has; and the others.
    short: Told<{ (1 << (8 * LEAST)) - 1 }>,
    long: Told<{ u64::MAX }>,
}

/// Literals that are told by those of their first bytes that are set in `BY`, mixed into a number.
struct Told<const BY: u64> {
    /// By their number; of those that have the same, in order.
    words: Vec<Word>,
    /// By number: the first word that has it, and how many have.
    cells: Box<[(u16, u16); 1 << BITS]>,
}

/// A literal as it is compared.
struct Word {
    /// Its first eight bytes, of a shorter one all; where one is a letter, the bit by which it differs from a capital; and which
    /// bytes there are.
    head: u64,
    cases: u64,
    mask: u64,
    /// What it has behind them.
    tail: Box<[u8]>,
    length: usize,
    literal: u16,
}

impl Words {
    /// Builds it from literals in lower case and in order; a literal's number is its place.
    pub fn new(literals: &[&[u8]]) -> Result<Self, String> {
        if literals.iter().any(|literal| literal.len() < LEAST) || !literals.is_sorted() {
            return Err("literals have three bytes at least, and are in order".to_owned());
        }
        let words = (0..).zip(literals).map(|(number, literal)| Word::new(literal, number));
        let (long, short): (Vec<Word>, Vec<Word>) = words.partition(|word| word.mask == u64::MAX);
        let literals = literals.iter().map(|literal| Box::from(*literal)).collect();
        Ok(Self { literals, short: Told::new(short)?, long: Told::new(long)? })
    }

    /// Each literal that begins at `at`, the shortest first: its number and where it ends.
    #[inline]
    pub fn at(&self, text: &[u8], at: usize, mut each: impl FnMut(u16, usize)) {
        let rest = text.get(at..).unwrap_or_default();
        let head = u64::from_le_bytes(rest.first_chunk().copied().unwrap_or_else(|| padded(rest)));
        for word in self.short.alike(head) {
            if word.is_at(head) {
                each(word.literal, at.wrapping_add(word.length));
            }
        }
        for word in self.long.alike(head) {
            if word.is_at(head) && word.goes_on(rest) {
                each(word.literal, at.wrapping_add(word.length));
            }
        }
    }

    /// Whether the text ends, at `at` or later, in the middle of a literal that begins at `at`.
    pub fn may_go_on(&self, text: &[u8], at: usize) -> bool {
        let rest = text.get(at..).unwrap_or_default().to_ascii_lowercase();
        let next = self.literals.partition_point(|literal| **literal <= *rest);
        self.literals.get(next).is_some_and(|literal| literal.starts_with(&rest))
    }

    pub fn memory(&self) -> usize {
        self.literals
            .len()
            .saturating_mul(size_of::<Word>())
            .saturating_add(size_of_val(&*self.short.cells).saturating_mul(2))
    }
}

impl<const BY: u64> Told<BY> {
    fn new(mut words: Vec<Word>) -> Result<Self, String> {
        words.sort_by_key(|word| mixed(word.head, BY));
        let mut cells = Box::new([(0, 0); 1 << BITS]);
        for (number, cell) in cells.iter_mut().enumerate() {
            let place = |least: usize| words.partition_point(|word| mixed(word.head, BY) < least);
            let (from, to) = (place(number), place(number.saturating_add(1)));
            *cell = (count(from)?, count(to.saturating_sub(from))?);
        }
        Ok(Self { words, cells })
    }

    /// Those that may be what begins with these bytes, the shortest first.
    #[inline(always)]
    fn alike(&self, head: u64) -> &[Word] {
        match self.cells.get(mixed(head, BY)).copied() {
            // WHY first: nearly all have none.
            None | Some((_, 0)) => &[],
            Some((from, count)) => {
                let words = self.words.get(usize::from(from)..).unwrap_or_default();
                words.get(..usize::from(count)).unwrap_or_default()
            }
        }
    }
}

fn count(words: usize) -> Result<u16, String> {
    u16::try_from(words).map_err(|_| "too many literals".to_owned())
}

impl Word {
    fn new(literal: &[u8], number: u16) -> Self {
        let (head, tail) = literal.split_at(literal.len().min(size_of::<u64>()));
        let each = |of: fn(u8) -> u8| {
            let mut bytes = padded(head);
            bytes.iter_mut().zip(head).for_each(|(byte, letter)| *byte = of(*letter));
            u64::from_le_bytes(bytes)
        };
        Self {
            head: each(|byte| byte),
            cases: each(|byte| if byte.is_ascii_lowercase() { 0x20 } else { 0 }),
            mask: each(|_| u8::MAX),
            tail: Box::from(tail),
            length: literal.len(),
            literal: number,
        }
    }

    #[inline(always)]
    fn is_at(&self, head: u64) -> bool {
        (head | self.cases) & self.mask == self.head
    }

    /// Whether what is behind the first bytes stands there too.
    #[inline]
    fn goes_on(&self, rest: &[u8]) -> bool {
        self.tail.is_empty()
            || rest.get(size_of::<u64>()..self.length).is_some_and(|there| there.eq_ignore_ascii_case(&self.tail))
    }
}

/// The number of what begins with these bytes, the same in any case; of them count those that are set in `by`.
#[inline(always)]
fn mixed(head: u64, by: u64) -> usize {
    const SMALL: u64 = 0x2020_2020_2020_2020;
    ((head | SMALL) & by).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_shr(u64::BITS.wrapping_sub(BITS)) as usize
}

/// The first bytes of what is shorter.
fn padded(rest: &[u8]) -> [u8; size_of::<u64>()] {
    let mut made = [0; size_of::<u64>()];
    made.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_in_any_case_and_inside_each_other() {
        let words = Words::new(&[b"hers", b"sh-", b"she", b"shepherd's", b"shers"]);
        assert!(words.is_ok());
        let Ok(words) = words else {
            return;
        };
        let (text, mut found) = (b"uSHErs SH- shePHERD'S shepherd' SHE", Vec::new());
        for at in 0..text.len() {
            words.at(text, at, |number, end| found.push((end, number)));
        }
        assert_eq!(found, [(4, 2), (6, 4), (6, 0), (10, 1), (14, 2), (21, 3), (25, 2), (35, 2)]);
        assert!(words.may_go_on(b"xSH", 1) && words.may_go_on(b"she", 0) && words.may_go_on(b"SHEPHERD'", 0));
        assert!(!words.may_go_on(b"hers", 0) && !words.may_go_on(b"sx", 0) && !words.may_go_on(b"shers", 0));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        assert!(Words::new(&[b"ab"]).is_err() && Words::new(&[b"she", b"hers"]).is_err());
    }
}
