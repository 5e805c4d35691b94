//! Whether a value looks like chance made it. All arithmetic is in hundredths of a bit, in whole numbers.

use std::sync::OnceLock;

use crate::scan::automaton::Automaton;
use crate::scan::checks::tally::Tally;

/// What is asked of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    pub shortest: usize,
    /// Bits a byte, in hundredths.
    pub entropy: u32,
}

/// After a name that promises a key.
pub const KEY: Demand = Demand { shortest: 10, entropy: 280 };
/// After a name that promises little.
pub const WEAK: Demand = Demand { shortest: 20, entropy: 340 };
/// After a name that ends with a word that promises little: `formcraft_key`.
pub const NAMED: Demand = Demand { shortest: 16, entropy: 320 };

impl Demand {
    /// When nothing but space stands between name and value.
    pub fn stricter(self) -> Self {
        Self { shortest: self.shortest.saturating_add(4).max(14), entropy: self.entropy.max(290) }
    }
}

pub fn hundredths(bits: f64) -> u32 {
    // Saturating by definition of `as`; the table has small numbers.
    (bits * 100.0) as u32
}

/// Shannon's entropy of the bytes, bits a byte in hundredths.
pub fn entropy(value: &[u8]) -> u32 {
    let mut counts = [0_u32; 256];
    if value.len() < counts.len() {
        return Tally::of(value).hundredths();
    }
    for byte in value {
        if let Some(slot) = counts.get_mut(usize::from(*byte)) {
            *slot = slot.saturating_add(1);
        }
    }
    let total = value.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    hundredths(bits + 1e-9)
}

/// What is asked of a value to tell whether chance made it. WHY a trait: where values lie in one another the answers are kept
/// (`values`), elsewhere they are found out as they are needed.
pub trait Facts {
    fn bytes(&self) -> &[u8];
    fn digits(&mut self) -> usize;
    fn letters(&mut self) -> usize;
    fn capitals(&mut self) -> usize;
    /// Digits and letters up to `f`.
    fn hexes(&mut self) -> usize;
    /// How often a letter is of another case than the letter before it.
    fn changes(&mut self) -> usize;
    fn has_scheme(&mut self) -> bool;
    fn entropy(&mut self) -> u32;
    fn parts(&mut self) -> Parts;
    /// Whether it has a part that stands for a value, or opens a place for one.
    fn has_part(&mut self) -> bool;
}

/// The parts of a value, apart by what is no letter or digit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub count: usize,
    pub words: usize,
    /// How long all are together, and those that are words.
    pub length: usize,
    pub spelled: usize,
}

impl Parts {
    /// With one more.
    pub fn and(self, part: &[u8]) -> Self {
        let letters = part.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let plain = letters == part.len() && !changes_case(part);
        let is_word = plain || (letters == 0 && part.len() <= 4) || is_made_of_words(part);
        Self {
            count: self.count.saturating_add(1),
            words: self.words.saturating_add(usize::from(is_word)),
            length: self.length.saturating_add(part.len()),
            spelled: self.spelled.saturating_add(if is_word { part.len() } else { 0 }),
        }
    }

    /// Less some that are among them.
    pub fn without(self, others: Self) -> Self {
        Self {
            count: self.count.saturating_sub(others.count),
            words: self.words.saturating_sub(others.words),
            length: self.length.saturating_sub(others.length),
            spelled: self.spelled.saturating_sub(others.spelled),
        }
    }

    pub fn of(value: &[u8]) -> Self {
        let parts = value.split(|byte| !byte.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        parts.fold(Self::default(), Self::and)
    }
}

/// The facts of a value by itself.
pub struct Alone<'a>(pub &'a [u8]);

impl Alone<'_> {
    fn count(&self, is_in: fn(&u8) -> bool) -> usize {
        self.0.iter().filter(|byte| is_in(byte)).count()
    }
}

impl Facts for Alone<'_> {
    fn bytes(&self) -> &[u8] {
        self.0
    }

    fn digits(&mut self) -> usize {
        self.count(u8::is_ascii_digit)
    }

    fn letters(&mut self) -> usize {
        self.count(u8::is_ascii_alphabetic)
    }

    fn capitals(&mut self) -> usize {
        self.count(u8::is_ascii_uppercase)
    }

    fn hexes(&mut self) -> usize {
        self.count(u8::is_ascii_hexdigit)
    }

    fn changes(&mut self) -> usize {
        changes(self.0)
    }

    fn has_scheme(&mut self) -> bool {
        self.0.windows(3).any(|part| part == b"://")
    }

    fn entropy(&mut self) -> u32 {
        entropy(self.0)
    }

    fn parts(&mut self) -> Parts {
        Parts::of(self.0)
    }

    fn has_part(&mut self) -> bool {
        has_part(self.0)
    }
}

/// Letters and digits mixed by chance, and no word, path, version, date or number.
pub fn looks_random(value: &[u8], demand: Demand) -> bool {
    is_random(&mut Alone(value), demand)
}

/// The same of a value whose facts are kept.
pub fn is_random(value: &mut impl Facts, demand: Demand) -> bool {
    let length = value.bytes().len();
    if length < demand.shortest {
        return false;
    }
    let digits = value.digits();
    let letters = value.letters();
    let other = length.saturating_sub(digits).saturating_sub(letters);
    if digits < 2 && value.capitals() == 0 {
        // One of small letters may look random all the same.
        let is_one = length >= LONG_RUN && (letters == length || value.hexes() == length || is_uuid(value.bytes()));
        if !is_one {
            return false;
        }
    }
    if is_moment(value.bytes()) {
        return false;
    }
    if is_uuid(value.bytes()) {
        return value.entropy() >= 180 && !stands_for(value);
    }
    if letters == 0 {
        return digits >= demand.shortest.max(16) && other == 0 && value.entropy() >= 250;
    }
    // WHY this order: what costs least comes first, what is asked of words last.
    if other.saturating_mul(3) > length || is_path(value.bytes()) || value.has_scheme() {
        return false;
    }
    let is_hex = value.hexes() == length;
    let is_long_hex = is_hex && length >= 32;
    let needed = match () {
        () if is_long_hex => 240,
        () if is_hex => demand.entropy.min(300),
        () => demand.entropy,
    };
    let is_cased = digits >= 2 || is_long_hex || mixes_cases(value.changes(), letters);
    (is_cased || is_long_run(value))
        && value.entropy() >= needed
        && (is_long_hex || !is_spelled(value))
        && !stands_for(value)
}

/// A day, or a moment of one: `2026-01-02T03:04:05Z`.
pub fn is_moment(value: &[u8]) -> bool {
    let parts = (value.get(..4), value.get(4), value.get(5..7), value.get(7), value.get(8..10));
    let (Some(year), Some(b'-'), Some(month), Some(b'-'), Some(day)) = parts else {
        return false;
    };
    [year, month, day].into_iter().flatten().all(u8::is_ascii_digit)
        && value.iter().all(|byte| byte.is_ascii_digit() || b"-:.+TZ_ ".contains(byte))
}

/// What begins as a path does.
fn is_path(value: &[u8]) -> bool {
    value.starts_with(b"/") || value.starts_with(b"./")
}

/// Groups of 8, 4, 4, 4 and 12.
fn is_uuid(value: &[u8]) -> bool {
    let lengths = || value.split(|byte| *byte == b'-').map(<[u8]>::len);
    value.len() == 36
        && lengths().eq([8, 4, 4, 4, 12])
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// The shortest run of letters that no language has as a word.
const LONG_RUN: usize = 20;

/// Letters alone, in cases as words have them.
fn is_long_run(value: &mut impl Facts) -> bool {
    let length = value.bytes().len();
    length >= LONG_RUN && value.letters() == length && !mixes_cases(value.changes(), length) && value.entropy() >= 350
}

/// Names as people write them: words of letters with few digits, set apart by dots, dashes or capitals.
fn is_spelled(value: &mut impl Facts) -> bool {
    let parts = value.parts();
    let one_long = parts.count == 1 && is_long_run(value) && !is_made_of_words(value.bytes());
    !one_long && (parts.count == parts.words || parts.count >= 3 && parts.spelled.saturating_mul(2) > parts.length)
}

/// `getUserByIdentifier`: nearly all of it is words that begin with a capital and can be spoken.
fn is_made_of_words(part: &[u8]) -> bool {
    const SHORTEST: usize = 3;
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    let (mut spoken, mut begin) = (0_usize, 0_usize);
    while begin < part.len() {
        let rest = part.get(begin..).unwrap_or_default();
        let small = rest.iter().skip(1).take_while(|byte| byte.is_ascii_lowercase()).count();
        let length = small.saturating_add(1);
        let word = rest.get(..length).unwrap_or_default();
        if length >= SHORTEST && can_be_spoken(word) {
            spoken = spoken.saturating_add(length);
        }
        begin = begin.saturating_add(length);
    }
    // Capitals by themselves are initials (`RSA`) where most of it is small letters.
    let small = part.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let capitals = part.windows(2).filter(|two| two.iter().all(u8::is_ascii_uppercase)).count();
    let initials = if small.saturating_mul(5) >= part.len().saturating_mul(3) { capitals } else { 0 };
    let spoken = spoken.saturating_add(initials);
    spoken.saturating_mul(5) >= part.len().saturating_mul(4) && digits.saturating_mul(6) <= part.len()
}

/// A word has vowels, and no long run of consonants.
fn can_be_spoken(word: &[u8]) -> bool {
    const MOST: usize = 4;
    const LONGEST: usize = 16;
    let is_vowel = |byte: &u8| b"aeiouy".contains(&byte.to_ascii_lowercase());
    let longest = word.split(is_vowel).map(<[u8]>::len).max().unwrap_or(0);
    word.len() <= LONGEST && word.iter().all(u8::is_ascii_alphabetic) && word.iter().any(is_vowel) && longest <= MOST
}

/// Cases that alternate as no word's do.
fn changes_case(value: &[u8]) -> bool {
    mixes_cases(changes(value), value.iter().filter(|byte| byte.is_ascii_alphabetic()).count())
}

fn mixes_cases(changes: usize, letters: usize) -> bool {
    changes.saturating_mul(7) >= letters.saturating_mul(2) && changes >= 3
}

/// How often a letter is of another case than the letter before it.
fn changes(value: &[u8]) -> usize {
    let mut changes = 0_usize;
    let mut before: Option<bool> = None;
    for byte in value.iter().filter(|byte| byte.is_ascii_alphabetic()) {
        let upper = byte.is_ascii_uppercase();
        if before.is_some_and(|last| last != upper) {
            changes = changes.saturating_add(1);
        }
        before = Some(upper);
    }
    changes
}

const STANDS_FOR: &[&str] = &[
    "none",
    "null",
    "nil",
    "true",
    "false",
    "undefined",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "string",
    "str",
    "text",
    "redacted",
    "masked",
    "hidden",
    "placeholder",
    "required",
    "optional",
    "prompt",
    "input",
    "empty",
    "todo",
    "value",
    "int",
    "bytes",
    "object",
    "enabled",
    "disabled",
    "token",
    "apikey",
    "username",
    "user",
    "test",
    "admin",
    "varchar",
    "boolean",
];
/// What no value has in it: words for a place where one belongs.
pub const PARTS: &[&[u8]] = &[
    b"xxxx",
    b"****",
    b"....",
    b"your_",
    b"your-",
    b"yourp",
    b"<your",
    b"example",
    b"placeholder",
    b"changeme",
    b"change_me",
    b"change-me",
    b"insert_",
    b"replace",
    b"getenv",
    b"environ",
    b"process.env",
    b"_here",
    b"redacted",
    b"dummy",
];

/// What opens a place for a value in a template.
pub const OPENINGS: [&[u8]; 8] = [b"${", b"{{", b"$(", b"<%", b"#{", b"%(", b"%s", b"@{"];

fn has_part(value: &[u8]) -> bool {
    let opens = |byte: &u8| matches!(byte, b'$' | b'{' | b'<' | b'#' | b'%' | b'@');
    if value.iter().any(opens) && value.windows(2).any(|two| OPENINGS.contains(&two)) {
        return true;
    }
    static SHAPE: OnceLock<Option<Automaton>> = OnceLock::new();
    let built = || {
        let parts: Vec<String> = PARTS.iter().map(|part| format!("(?i-u:{})", escaped(part))).collect();
        Automaton::searching(&parts.iter().map(String::as_str).collect::<Vec<_>>()).ok()
    };
    SHAPE.get_or_init(built).as_ref().is_some_and(|shape| shape.is_begun(value, 0))
}

/// A literal as a pattern.
pub fn escaped(literal: &[u8]) -> String {
    literal.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// Code where a value would stand: calls, members, templates.
pub fn is_code(value: &[u8]) -> bool {
    let has = |sign: &[u8]| value.windows(sign.len()).any(|part| part == sign);
    has(b"->") || has(b"::") || has(b"()") || has(b"://") || has(b"</") || has(b"[0") || has(b"\\n")
}

/// So many letters in a row that stand for letters which were taken away.
pub const BLANKED: usize = 7;

/// Whether it may stand for a letter that was taken away.
pub fn is_blank(byte: &u8) -> bool {
    matches!(byte, b'x' | b'X' | b'*')
}

/// One letter many times in a row stands for letters that were taken away.
pub fn is_blanked(value: &[u8]) -> bool {
    // A run of seven has a place of every seven.
    (BLANKED.wrapping_sub(1)..value.len()).step_by(BLANKED).any(|place| {
        let (before, rest) = value.split_at_checked(place).unwrap_or_default();
        let after = rest.iter().take_while(|byte| is_blank(byte)).count();
        after > 0 && before.iter().rev().take_while(|byte| is_blank(byte)).count().saturating_add(after) >= BLANKED
    })
}

/// What stands where a secret would: a variable, a word for one, stars.
pub fn is_placeholder(value: &[u8]) -> bool {
    stands_for(&mut Alone(value))
}

/// The same of a value whose facts are kept.
pub fn stands_for(facts: &mut impl Facts) -> bool {
    const LONGEST: usize = 11;
    let value = facts.bytes();
    if value.first().is_none_or(|byte| b"$<%[{(*&".contains(byte)) {
        return true;
    }
    let first = value.first();
    if value.iter().all(|byte| Some(byte) == first) {
        return true;
    }
    let bare = value.trim_ascii();
    let begin = bare.iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
    let end = bare.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last.saturating_add(1));
    let bare = bare.get(begin..end).unwrap_or_default();
    bare.len() <= LONGEST && STANDS_FOR.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(bare))
        || facts.has_part()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_counts_bits() {
        assert_eq!(entropy(b""), 0);
        assert_eq!(entropy(b"aaaa"), 0);
        assert_eq!(entropy(b"abab"), 100);
        assert_eq!(entropy(b"abcd"), 200);
    }

    #[test]
    fn a_moment_is_no_value() {
        assert!(is_moment(b"2026-01-02") && is_moment(b"2026-01-02T03:04:05.678901Z"));
        assert!(!is_moment(b"2026-01-02x") && !is_moment(b"2026") && !is_moment(b"20260102"));
        assert!(!looks_random(b"2026-01-02T03:04:05.678901Z", KEY));
    }

    #[test]
    fn what_stands_for_a_value_is_none() {
        for value in ["os.environ[", "%s", "x${A}", "your_key", "changeme1", "aaaa", "Password"] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        assert!(!is_placeholder(b"hunter2"));
    }

    #[test]
    fn a_run_of_seven_stands_for_what_was_taken_away_wherever_it_is() {
        for before in 0..9 {
            for run in 0..16 {
                let value = ["a".repeat(before), "xX*".chars().cycle().take(run).collect(), "b".to_owned()].concat();
                assert_eq!(is_blanked(value.as_bytes()), run >= 7, "{value}");
            }
        }
    }

    #[test]
    fn chance_is_told_from_words() {
        for value in ["f81d4fae7dec11d0a765", "Zk3vN9qLx2TbW8yR", "dafa7817-e246-48f3-91a7-e87653d587b8"] {
            assert!(looks_random(value.as_bytes(), KEY), "{value}");
        }
        for value in [
            "getUserByIdentifier",
            "sha256WithRSAEncryption",
            "my-service-account",
            "https://example.org/a1b2",
            "2024-01-05",
            "xxxxxxxxxxxxxxx1",
            "${SECRET_1234567}",
        ] {
            assert!(!looks_random(value.as_bytes(), KEY), "{value}");
        }
    }
}
