//! `{a,b}`: the words that a shell makes of one.

/// More words than this are not made.
const MAX_WORDS: usize = 64;

/// Each word that braces make of a text; what is between them is taken as it is shown.
pub(super) fn expanded(text: &str) -> Vec<String> {
    let mut words = vec![text.to_owned()];
    let mut done: Vec<String> = Vec::new();
    while let Some(word) = words.pop() {
        match alternatives(&word) {
            Some(more) if words.len().saturating_add(more.len()).saturating_add(done.len()) <= MAX_WORDS => {
                words.extend(more.into_iter().rev());
            }
            _ => done.push(word),
        }
    }
    done
}

/// The words for the first braces that have a comma of their own.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let is_brace = |open: usize| !text.get(..open).is_some_and(|head| head.ends_with('$'));
    let opens = text.match_indices('{').map(|(open, _)| open).filter(|open| is_brace(*open));
    opens.take(MAX_WORDS).find_map(|open| {
        let inside = text.get(open.saturating_add(1)..)?;
        let (pieces, tail) = pieces(inside)?;
        let head = text.get(..open)?;
        Some(pieces.iter().map(|piece| format!("{head}{piece}{tail}")).collect())
    })
}

/// What stands between the commas up to the brace that closes, and what is behind that.
fn pieces(inside: &str) -> Option<(Vec<&str>, &str)> {
    let (mut depth, mut from) = (0_usize, 0_usize);
    let mut found: Vec<&str> = Vec::new();
    for (at, char) in inside.char_indices() {
        match char {
            '{' => depth = depth.saturating_add(1),
            ',' if depth == 0 => {
                found.push(inside.get(from..at)?);
                from = at.saturating_add(1);
            }
            '}' if depth == 0 => {
                let is_list = !found.is_empty();
                found.push(inside.get(from..at)?);
                return is_list.then_some((found, inside.get(at.saturating_add(1)..)?));
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_make_words_of_a_word() {
        assert_eq!(expanded("a{b,c}d"), ["abd", "acd"]);
        assert_eq!(expanded("{a,{b,c}}/{x,y}"), ["a/x", "a/y", "b/x", "b/y", "c/x", "c/y"]);
        assert_eq!(expanded("{,/etc/}shadow"), ["shadow", "/etc/shadow"]);
        for text in ["a", "{a}", "${a,b}", "{1..3}", "{a,b", "a,b}"] {
            assert_eq!(expanded(text), [text]);
        }
    }

    #[test]
    fn words_without_number_are_not_made() {
        assert!(expanded(&"{a,b}".repeat(40)).len() <= MAX_WORDS);
    }
}
