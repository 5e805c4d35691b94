//! What the rest of a name says of its value: that it only tells about a secret (`password_changed_at`, `token_count`), or that
//! the secret is none (`public_key`, `cache_key`).

/// A public key is no secret: `PUBLIC_KEY`, `publicKey`, `pub_key`.
pub fn is_public(text: &[u8], start: usize) -> bool {
    ends_with_any(before(text, start), &[b"public", b"pub", b"publishable"])
}

/// A key or token by which something is found, and nothing opened: `cache_key`, `nextToken`, `--recv-keys`.
pub fn is_place(text: &[u8], start: usize, end: usize) -> bool {
    const WORDS: [&[u8]; 2] = [b"key", b"token"];
    const PLACES: [&[u8]; 14] = [
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
    ];
    let is_one = text.get(start..end).is_some_and(|word| WORDS.iter().any(|one| word.eq_ignore_ascii_case(one)));
    is_one && ends_with_any(before(text, start), &PLACES)
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
    const LETTERS: [&[u8]; 11] =
        [b"hash", b"length", b"file", b"path", b"field", b"policy", b"less", b"name", b"id", b"url", b"reset"];
    const MORE: [&[u8]; 14] = [
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
    ];
    !tail.is_empty() && (ends_with_any(tail, &LETTERS) || ends_with_word(tail, &MORE) || ends_with_word(tail, &FACTS))
}

/// Whether a name whose part after the word is `tail` holds no key: `key_id`, `tokenId`, `secretName`, `tokenizer`.
pub fn tells_of_key(tail: &[u8]) -> bool {
    const LETTERS: [&[u8]; 14] = [
        b"id", b"ids", b"name", b"names", b"url", b"uri", b"path", b"type", b"arn", b"hash", b"count", b"izer",
        b"ization", b"manager",
    ];
    !tail.is_empty() && (ends_with_any(tail, &LETTERS) || ends_with_word(tail, &FACTS))
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
const FACTS: [&[u8]; 17] = [
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
];

/// Whether the letters at `end` go on the word that begins at `start`: `passport`, not `passKey`.
pub fn goes_on(text: &[u8], start: usize, end: usize) -> bool {
    let is_capital = end.checked_sub(1).filter(|last| *last >= start).and_then(|last| text.get(last));
    match text.get(end) {
        Some(b'a'..=b'z') => true,
        Some(b'A'..=b'Z') => is_capital.is_some_and(u8::is_ascii_uppercase),
        _ => false,
    }
}

/// Whether it ends with one of these, as a word: after `_` or with a capital of its own.
fn ends_with_word(tail: &[u8], endings: &[&[u8]]) -> bool {
    let letter = tail.last().map(u8::to_ascii_lowercase);
    let mut alike = endings.iter().filter(|ending| ending.last().copied() == letter);
    alike.any(|ending| {
        let Some((rest, word)) = tail.len().checked_sub(ending.len()).and_then(|at| tail.split_at_checked(at)) else {
            return false;
        };
        let apart = rest.last() == Some(&b'_')
            || word.first().is_some_and(u8::is_ascii_uppercase) && !rest.last().is_some_and(u8::is_ascii_uppercase);
        apart && word.eq_ignore_ascii_case(ending)
    })
}

/// Whether it ends with one of these letters, in any case.
fn ends_with_any(tail: &[u8], endings: &[&[u8]]) -> bool {
    let last = |length: usize| tail.len().checked_sub(length).and_then(|from| tail.get(from..));
    let letter = tail.last().map(u8::to_ascii_lowercase);
    // WHY the last letter first: it refuses nearly all.
    let mut alike = endings.iter().filter(|ending| ending.last().copied() == letter);
    alike.any(|ending| last(ending.len()).is_some_and(|part| part.eq_ignore_ascii_case(ending)))
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
