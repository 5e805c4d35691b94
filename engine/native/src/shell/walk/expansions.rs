//! What `${...}` makes of a value, as far as the text tells: the word that may stand for it, and what cutting, replacing and other
//! letters leave of a value that is known. What is not told so is shown as the variable, which may be anything.

use std::collections::HashMap;

use super::super::syntax::{Parameter, Part, Word};
use super::args::shown_with;
use super::held::{ABSENT, PRESENT};

/// Longer values are not made.
const MAX_MADE: usize = 1_024;

/// What stands behind the name, without the subscript: the operator and the first text, and what follows.
fn operator(parameter: &Parameter) -> Option<(&str, &[Part])> {
    let inside = match parameter.inside.as_slice() {
        [Part::Arithmetic(_), rest @ ..] => rest,
        inside => inside,
    };
    match inside.split_first() {
        Some((Part::Text(text), rest)) => Some((text, rest)),
        _ => None,
    }
}

/// The word that may stand for the value, and which of the two ways leads to it.
fn word_of(parameter: &Parameter) -> Option<(&'static str, &str, &[Part])> {
    let (text, rest) = operator(parameter)?;
    let plain = text.strip_prefix(':').unwrap_or(text);
    if let Some(word) = plain.strip_prefix(['-', '=']) {
        return Some((ABSENT, word, rest));
    }
    if let Some(word) = plain.strip_prefix('+') {
        return Some((PRESENT, word, rest));
    }
    // Whatever the value is, all of it is cut off, or replaced.
    if matches!(text, "##*" | "%%*") && rest.is_empty() {
        return Some((PRESENT, "", rest));
    }
    let replaced = text.strip_prefix("//").or_else(|| text.strip_prefix('/'))?;
    replaced.strip_prefix("*/").map(|word| (PRESENT, word, rest))
}

/// The two ways to look at words that may stand for a value, as far as they are in some words, and the variables in those.
pub(super) fn names_in<'w>(words: impl Iterator<Item = &'w Word>) -> Vec<String> {
    let mut names = Vec::new();
    let mut left: Vec<&Part> = words.flat_map(|word| &word.parts).collect();
    while let Some(part) = left.pop() {
        if let Part::Parameter(parameter) = part {
            names.push(parameter.name.clone());
            if let Some((way, _, _)) = word_of(parameter) {
                names.push(way.to_owned());
            }
            left.extend(&parameter.inside);
        }
    }
    names
}

/// The value, where it is known by what variables were last set to.
pub(super) fn shown(parameter: &Parameter, known: &HashMap<String, String>) -> Option<String> {
    if parameter.indirect || parameter.evaluates {
        return None;
    }
    if let Some((_, word, rest)) = word_of(parameter).filter(|(way, ..)| known.contains_key(*way)) {
        return Some(format!("{word}{}", shown_with(rest, known)));
    }
    let value = known.get(&parameter.name)?;
    let Some((text, rest)) = operator(parameter) else {
        return parameter.plain.then(|| value.clone());
    };
    if let Some(places) =
        text.strip_prefix(':').filter(|places| places.starts_with(|char: char| char == ':' || char.is_ascii_digit()))
    {
        return sliced(value, places).filter(|_| rest.is_empty());
    }
    let made = match text.strip_prefix(':').unwrap_or(text).chars().next()? {
        '-' | '=' | '?' if !value.is_empty() => Some(value.clone()),
        '#' | '%' => cut(value, &pattern(text, rest)?),
        '/' => replaced(value, &pattern(text, rest)?),
        '^' | ',' if rest.is_empty() => other_letters(value, text),
        _ => None,
    };
    made.filter(|made| made.len() <= MAX_MADE)
}

/// An operator and its pattern as one text; None where the run tells it, or a part of it is quoted, which is another pattern.
fn pattern(text: &str, rest: &[Part]) -> Option<String> {
    rest.is_empty().then(|| text.to_owned())
}

/// `${x#pattern}`, `${x%%pattern}`: patterns without a glob, or with one `*` at an end.
fn cut(value: &str, text: &str) -> Option<String> {
    let (is_front, is_long, pattern) = if let Some(pattern) = text.strip_prefix("##") {
        (true, true, pattern)
    } else if let Some(pattern) = text.strip_prefix("%%") {
        (false, true, pattern)
    } else {
        (text.starts_with('#'), false, text.get(1..)?)
    };
    let left = match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if is_plain(pattern) && is_front => value.strip_prefix(pattern),
        _ if is_plain(pattern) => value.strip_suffix(pattern),
        (Some(""), _) => return Some(if is_long { String::new() } else { value.to_owned() }),
        (Some(end), _) if is_plain(end) && is_front => {
            let at = if is_long { value.rfind(end) } else { value.find(end) };
            at.and_then(|at| value.get(at.saturating_add(end.len())..))
        }
        (_, Some(start)) if is_plain(start) && !is_front => {
            let at = if is_long { value.find(start) } else { value.rfind(start) };
            at.and_then(|at| value.get(..at))
        }
        _ => return None,
    };
    Some(left.unwrap_or(value).to_owned())
}

/// `${x/pattern/word}`, for patterns without a glob.
fn replaced(value: &str, text: &str) -> Option<String> {
    let text = text.strip_prefix('/')?;
    let (pattern, word) = match text.strip_prefix(['/', '#', '%']) {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => text.split_once('/').unwrap_or((text, "")),
    };
    // WHY not `&`: some shells put in there what matched.
    if pattern.is_empty() || !is_plain(pattern) || word.contains(['&', '\\']) {
        return None;
    }
    let made = match text.chars().next()? {
        '#' => format!("{word}{}", value.strip_prefix(pattern)?),
        '%' => format!("{}{word}", value.strip_suffix(pattern)?),
        '/' if value.matches(pattern).count().saturating_mul(word.len()) <= MAX_MADE => value.replace(pattern, word),
        '/' => return None,
        _ => value.replacen(pattern, word, 1),
    };
    Some(made)
}

fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', '\\', '('])
}

/// `${x^^}`, `${x,}`.
fn other_letters(value: &str, text: &str) -> Option<String> {
    let first = value.chars().next().map_or(0, char::len_utf8);
    let (first, rest) = value.split_at_checked(first)?;
    match text {
        "^^" => Some(value.to_uppercase()),
        ",," => Some(value.to_lowercase()),
        "^" => Some(format!("{}{rest}", first.to_uppercase())),
        "," => Some(format!("{}{rest}", first.to_lowercase())),
        _ => None,
    }
}

/// `${x:2}`, `${x:0:3}`.
fn sliced(value: &str, text: &str) -> Option<String> {
    let (from, length) = match text.split_once(':') {
        Some((from, length)) => (from, Some(length.parse::<usize>().ok()?)),
        None => (text, None),
    };
    let from = if from.is_empty() { 0 } else { from.parse::<usize>().ok()? };
    let left = value.chars().skip(from);
    Some(match length {
        Some(length) => left.take(length).collect(),
        None => left.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::syntax::{Body, Word};
    use super::super::super::{read, tree_of};
    use super::*;

    fn word(text: &str) -> Word {
        let outcome = read::read(&format!("echo {text}"), None, 0);
        let commands = outcome.script.iter().flat_map(|item| &item.pipelines).flat_map(|one| &one.commands);
        let mut words = commands.filter_map(|command| match &command.body {
            Body::Simple { words, .. } => words.get(1).cloned(),
            _ => None,
        });
        words.next_back().unwrap_or_default()
    }

    fn made(text: &str, value: &str) -> String {
        let known = HashMap::from([("x".to_owned(), value.to_owned())]);
        shown_with(&word(text).parts, &known)
    }

    #[test]
    fn what_is_left_of_a_known_value_is_what_bash_leaves() {
        for (text, value, left) in [
            ("${x%c}", "abc", "ab"),
            ("${x%.*}", "a.b.c", "a.b"),
            ("${x%%.*}", "a.b.c", "a"),
            ("${x#a}", "abc", "bc"),
            ("${x#*/}", "/a/b", "a/b"),
            ("${x##*/}", "/a/b", "b"),
            ("${x%%*}", "abc", ""),
            ("${x#*}", "abc", "abc"),
            ("${x%/}", "abc", "abc"),
            ("${x/b/d}", "abcb", "adcb"),
            ("${x//b/d}", "abcb", "adcd"),
            ("${x//b}", "abcb", "ac"),
            ("${x//b/}", "abcb", "ac"),
            ("${x/#a/d}", "aba", "dba"),
            ("${x/%a/d}", "aba", "abd"),
            ("${x^^}", "ab", "AB"),
            ("${x,}", "AB", "aB"),
            ("${x:1}", "abc", "bc"),
            ("${x:1:1}", "abc", "b"),
            ("${x::2}", "abc", "ab"),
            ("${x:-d}", "abc", "abc"),
            ("\"${x%c}\"", "abc", "ab"),
        ] {
            assert_eq!(made(text, value), left, "{text}");
        }
    }

    #[test]
    fn what_the_text_does_not_tell_is_shown_as_the_variable() {
        for text in ["${x%[a-c]}", "${x%$y}", "${!x}", "${!x%c}", "${#x}", "${x@Q}", "${x/[a]/b}", "${x: -1}", "${y%c}"]
        {
            assert!(made(text, "abc").starts_with("${"), "{text}");
        }
    }

    /// Names of the files that a text touches.
    fn files(text: &str) -> Vec<String> {
        let operations = tree_of(text).operations;
        let targets = operations.into_iter().flat_map(|operation| operation.targets);
        targets.filter(|target| target.class == "file").map(|target| target.name).collect()
    }

    #[test]
    fn a_word_that_may_stand_for_a_value_is_looked_at_as_well() {
        assert_eq!(files("cat ${x:-a}"), ["${x}", "a"]);
        assert_eq!(files("cat ${x-a}"), ["${x}", "a"]);
        assert_eq!(files("cat ${x:+a}"), ["${x}", "a"]);
        assert_eq!(files("cat ${x:-${y:-a}}"), ["${x}", "a"]);
        assert_eq!(files("cat ${x/*/a}"), ["${x}", "a"]);
        assert_eq!(files("cat ${x%%*}a"), ["${x}a", "a"]);
        assert_eq!(files("cat ${x:-a}${y:+b}"), ["${x}${y}", "a${y}", "${x}b", "ab"]);
        assert_eq!(files("cat ${x:-${y%c}}; y=ac; cat ${x:-${y%c}}"), ["${x}", "${y}", "${x}", "a"]);
        assert_eq!(files("x=${y:-a}; cat $x"), ["${x}", "a"]);
        assert_eq!(files("for x in ${y:-a}; do cat $x; done"), ["${x}", "a"]);
        assert_eq!(files("ls > ${x:-a}"), ["${x}", "a"]);
        assert_eq!(files("x=b; cat ${x:-a}"), ["b", "a"]);
    }

    #[test]
    fn many_of_them_are_no_more_ways_than_one() {
        let text = format!("cat {}", "${x:-a} ".repeat(40));
        assert!(!tree_of(&text).incomplete);
    }
}
