//! What the rest of a name says of its value: that it only tells about a secret (`password_changed_at`, `token_count`), or that
//! the secret is none (`public_key`, `cache_key`).

/// A public key is no secret: `PUBLIC_KEY`, `publicKey`, `pub_key`.
pub fn is_public(text: &[u8], start: usize) -> bool {
    const PUBLIC: Endings = Endings::new(&[b"public", b"pub", b"publishable"]);
    PUBLIC.as_letters(before(text, start))
}

/// A key or token by which something is found, and nothing opened: `cache_key`, `nextToken`, `--recv-keys`.
pub fn is_place(text: &[u8], start: usize, end: usize) -> bool {
    const WORDS: [&[u8]; 2] = [b"key", b"token"];
    const PLACES: Endings = Endings::new(&[
        b"cache",
        b"idempotency",
        b"partition",
        b"sort",
        b"primary",
        b"foreign",
        b"routing",
        b"shard",
        b"dedup",
        b"page",
        b"pagination",
        b"next",
        b"continuation",
        b"recv",
    ]);
    let is_one = text.get(start..end).is_some_and(|word| WORDS.iter().any(|one| word.eq_ignore_ascii_case(one)));
    is_one && PLACES.as_letters(before(text, start))
}

/// The part of a name before the word that begins at `start`, without what sets them apart.
fn before(text: &[u8], start: usize) -> &[u8] {
    const LONGEST: usize = 16;
    match text.get(start.saturating_sub(LONGEST)..start).unwrap_or_default() {
        [name @ .., b'_' | b'-' | b' '] => name,
        name => name,
    }
}

/// Whether a name whose part after the word is `tail` holds no password: it tells of one.
pub fn tells_of_password(tail: &[u8]) -> bool {
    const LETTERS: Endings = Endings::new(&[
        b"hash", b"length", b"file", b"path", b"field", b"policy", b"less", b"name", b"id", b"url", b"reset",
    ]);
    const MORE: Endings = Endings::new(&[
        b"attempts",
        b"required",
        b"enabled",
        b"disabled",
        b"strength",
        b"rotation",
        b"min",
        b"max",
        b"days",
        b"age",
        b"status",
        b"rules",
        b"score",
        b"type",
    ]);
    !tail.is_empty() && (LETTERS.as_letters(tail) || MORE.as_word(tail) || FACTS.as_word(tail))
}

/// Whether a name whose part after the word is `tail` holds no key: `key_id`, `tokenId`, `secretName`, `tokenizer`.
pub fn tells_of_key(tail: &[u8]) -> bool {
    const LETTERS: Endings = Endings::new(&[
        b"id", b"ids", b"name", b"names", b"url", b"uri", b"path", b"type", b"arn", b"hash", b"count", b"izer",
        b"ization", b"manager",
    ]);
    !tail.is_empty() && (LETTERS.as_letters(tail) || FACTS.as_word(tail))
}

/// Whether a name goes on as those of what a cluster runs do: `token-` and `refresher-6f7c9d8b5-abcde`.
pub fn is_of_workload(rest: &[u8]) -> bool {
    const LONGEST: usize = 64;
    const LAST: usize = 5;
    let is_of_name = |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'-';
    let name = rest.get(..rest.iter().take(LONGEST).take_while(is_of_name).count()).unwrap_or_default();
    let mut parts = name.rsplit(|byte| *byte == b'-').map(<[u8]>::len);
    let is_over = !rest.get(name.len()).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    is_over && parts.next() == Some(LAST) && parts.next().is_some_and(|length| (8..=10).contains(&length))
}

/// With what names end that hold a number or a time.
const FACTS: Endings = Endings::new(&[
    b"at",
    b"on",
    b"change",
    b"changed",
    b"changes",
    b"updated",
    b"modified",
    b"count",
    b"rate",
    b"ratio",
    b"expires",
    b"expired",
    b"expiry",
    b"expiration",
    b"date",
    b"time",
    b"version",
]);

/// Whether the letters at `end` go on the word that begins at `start`: `passport`, not `passKey`.
pub fn goes_on(text: &[u8], start: usize, end: usize) -> bool {
    let is_capital = end.checked_sub(1).filter(|last| *last >= start).and_then(|last| text.get(last));
    match text.get(end) {
        Some(b'a'..=b'z') => true,
        Some(b'A'..=b'Z') => is_capital.is_some_and(u8::is_ascii_uppercase),
        _ => false,
    }
}

/// What names end with, in small letters; and the last letters of those, a bit each.
struct Endings {
    all: &'static [&'static [u8]],
    letters: u32,
    /// How long the shortest is.
    shortest: usize,
}

impl Endings {
    const fn new(all: &'static [&'static [u8]]) -> Self {
        let (mut rest, mut letters, mut shortest) = (all, 0, usize::MAX);
        while let Some((one, more)) = rest.split_first() {
            if let Some(last) = one.last() {
                letters |= Self::bit(*last);
            }
            shortest = if one.len() < shortest { one.len() } else { shortest };
            rest = more;
        }
        Self { all, letters, shortest }
    }

    /// A letter has the same in any case.
    const fn bit(letter: u8) -> u32 {
        1_u32.wrapping_shl(letter as u32 & 31)
    }

    /// Those that end with the letter that a name ends with. WHY: it refuses nearly all.
    #[inline(always)]
    fn alike(&self, name: &[u8]) -> impl Iterator<Item = &'static [u8]> {
        let letter = name.last().map_or(0, u8::to_ascii_lowercase);
        let is_one = self.letters & Self::bit(letter) != 0 && name.len() >= self.shortest;
        let all = if is_one { self.all } else { &[] };
        all.iter().filter(move |one| one.last() == Some(&letter)).copied()
    }

    /// Whether a name ends with one, as a word: after `_` or with a capital of its own.
    #[inline]
    fn as_word(&self, name: &[u8]) -> bool {
        self.alike(name).any(|ending| {
            let Some((rest, word)) = name.len().checked_sub(ending.len()).and_then(|at| name.split_at_checked(at))
            else {
                return false;
            };
            let apart = rest.last() == Some(&b'_')
                || word.first().is_some_and(u8::is_ascii_uppercase) && !rest.last().is_some_and(u8::is_ascii_uppercase);
            apart && word.eq_ignore_ascii_case(ending)
        })
    }

    /// Whether a name ends with one of these letters, in any case.
    #[inline]
    fn as_letters(&self, name: &[u8]) -> bool {
        let last = |length: usize| name.len().checked_sub(length).and_then(|from| name.get(from..));
        self.alike(name).any(|ending| last(ending.len()).is_some_and(|part| part.eq_ignore_ascii_case(ending)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_tells_of_a_password_holds_none() {
        for tail in ["_hash", "_changed_at", "ChangedAt", "_expires", "_rate", "_count", "_change", "Length"] {
            assert!(tells_of_password(tail.as_bytes()), "{tail}");
        }
        for tail in ["", "_repeat", "_prod", "Format", "_generate", "_db"] {
            assert!(!tells_of_password(tail.as_bytes()), "{tail}");
        }
    }

    #[test]
    fn a_name_that_tells_of_a_key_holds_none() {
        for tail in ["_id", "izer", "ed_at", "smanager", "Name", "_expiration"] {
            assert!(tells_of_key(tail.as_bytes()), "{tail}");
        }
        assert!(!tells_of_key(b"_value") && !tells_of_key(b"") && !tells_of_key(b"_flat"));
    }

    #[test]
    fn a_key_by_which_something_is_found_opens_nothing() {
        let place = |text: &str, word: &str| {
            let start = text.find(word).unwrap_or_default();
            is_place(text.as_bytes(), start, start.saturating_add(word.len()))
        };
        assert!(place("cache_key", "key") && place("nextToken", "Token") && place("next_page_token", "token"));
        assert!(place("--recv-keys", "key") && place("partitionKey", "Key"));
        assert!(!place("page_password", "password") && !place("api_key", "key") && !place("nextauth_secret", "secret"));
    }

    #[test]
    fn what_a_cluster_runs_has_a_name() {
        assert!(is_of_workload(b"refresher-6f7c9d8b5-abcde 1/1") && is_of_workload(b"sync-28391040-kx7zq"));
        assert!(!is_of_workload(b"1a2b3c4d-e89b-12d3-a456-426614174000") && !is_of_workload(b"abcde"));
    }

    #[test]
    fn a_word_goes_on_in_letters_of_its_case() {
        assert!(goes_on(b"passport", 0, 4) && goes_on(b"PASSPORT", 0, 4));
        assert!(!goes_on(b"passKey", 0, 4) && !goes_on(b"pass_x", 0, 4) && !goes_on(b"PASS", 0, 4));
    }
}
