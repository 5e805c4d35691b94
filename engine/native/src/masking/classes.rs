//! Which characters of a text may become which others. A table here and in `engine/masking/classes.py`; a property holds them equal.

/// (class, first, last, step), in the order in which the members of a class are counted.
pub const RANGES: &[(u8, u32, u32, u32)] = &[
    (1, 0x30, 0x39, 1),
    (2, 0x61, 0x7a, 1),
    (3, 0x41, 0x5a, 1),
    // Latin with marks: small, then capital.
    (4, 0xdf, 0xf6, 1),
    (4, 0xf8, 0xff, 1),
    (4, 0x101, 0x137, 2),
    (4, 0x13a, 0x148, 2),
    (4, 0x14b, 0x177, 2),
    (4, 0x17a, 0x17e, 2),
    (5, 0xc0, 0xd6, 1),
    (5, 0xd8, 0xde, 1),
    (5, 0x100, 0x136, 2),
    (5, 0x139, 0x147, 2),
    (5, 0x14a, 0x176, 2),
    (5, 0x179, 0x17d, 2),
    // Greek, Cyrillic: small, then capital.
    (6, 0x3ac, 0x3ce, 1),
    (7, 0x391, 0x3a1, 1),
    (7, 0x3a3, 0x3ab, 1),
    (8, 0x430, 0x45f, 1),
    (9, 0x400, 0x42f, 1),
    // Han, Hiragana, Katakana, Hangul, Arabic, Hebrew.
    (10, 0x4e00, 0x9fff, 1),
    (11, 0x3041, 0x3096, 1),
    (12, 0x30a1, 0x30fa, 1),
    (13, 0xac00, 0xd7a3, 1),
    (14, 0x621, 0x63a, 1),
    (14, 0x641, 0x64a, 1),
    (15, 0x5d0, 0x5ea, 1),
];
pub const DIGITS: u8 = 1;
const CLASSES: usize = 16;

/// What a character is to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// It stays: an ASCII sign or blank.
    Sign,
    /// One of a class, counted from 0.
    Member { class: u8, index: u32 },
    /// Nobody says what it may become.
    Unknown,
}

pub fn sort_of(character: char) -> Sort {
    let code = u32::from(character);
    let mut before = [0_u32; CLASSES];
    for &(class, first, last, step) in RANGES {
        let Some(counted) = before.get_mut(usize::from(class)) else { continue };
        let offset = code.wrapping_sub(first);
        if (first..=last).contains(&code) && offset.is_multiple_of(step) {
            return Sort::Member { class, index: counted.saturating_add(offset.checked_div(step).unwrap_or(0)) };
        }
        *counted = counted.saturating_add(length(first, last, step));
    }
    match character {
        ' '..='~' | '\t' | '\n' | '\r' => Sort::Sign,
        _ => Sort::Unknown,
    }
}

/// How many members a class has.
pub fn radix(class: u8) -> u32 {
    RANGES
        .iter()
        .filter(|range| range.0 == class)
        .fold(0, |sum, &(_, first, last, step)| sum.saturating_add(length(first, last, step)))
}

pub fn member(class: u8, index: u32) -> Option<char> {
    let mut left = index;
    for &(_, first, last, step) in RANGES.iter().filter(|range| range.0 == class) {
        let length = length(first, last, step);
        if left < length {
            return char::from_u32(first.saturating_add(left.saturating_mul(step)));
        }
        left = left.saturating_sub(length);
    }
    None
}

fn length(first: u32, last: u32, step: u32) -> u32 {
    last.saturating_sub(first).checked_div(step).unwrap_or(0).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_again_and_none_is_in_two_classes() {
        let mut seen = std::collections::BTreeSet::new();
        for class in 1..16 {
            for index in 0..radix(class) {
                let found = member(class, index);
                assert!(found.is_some_and(|character| seen.insert(character)), "{class} {index}");
                assert_eq!(found.map(sort_of), Some(Sort::Member { class, index }));
            }
            assert_eq!(member(class, radix(class)), None);
        }
        assert_eq!((radix(1), radix(2), radix(3), radix(16)), (10, 26, 26, 0));
    }

    #[test]
    fn cases_are_kept_apart_and_signs_stay() {
        let class = |character| match sort_of(character) {
            Sort::Member { class, .. } => class,
            _ => 0,
        };
        for (small, capital) in [('a', 'A'), ('é', 'É'), ('ł', 'Ł'), ('ž', 'Ž'), ('ω', 'Ω'), ('ж', 'Ж')] {
            assert_eq!(class(capital), class(small).saturating_add(1), "{small}");
        }
        assert_eq!(sort_of('-'), Sort::Sign);
        for unknown in ['\u{301}', '\u{1f600}', '\0', '\u{7f}', '×', '÷', '\u{a0}'] {
            assert_eq!(sort_of(unknown), Sort::Unknown, "{unknown:?}");
        }
    }
}
