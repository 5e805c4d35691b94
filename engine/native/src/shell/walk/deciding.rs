//! Which entries of `programs.tsv` and `services.tsv` hold for a line, and which of them says what kind it is.

use super::args::Line;
use super::tables::{self, Entry};
use crate::sql::tree::Effect;

/// What has to be so for an entry to hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition {
    Option(Vec<String>),
    NoOption(Vec<String>),
    Verb(Vec<String>),
    /// So many words at least that are no options.
    Words(usize),
    Contains(Vec<String>),
}

pub(super) fn conditions(cell: Option<&&str>) -> Vec<Condition> {
    tables::words(cell)
        .iter()
        .map(|word| {
            let alternatives = |text: &str| text.split('|').map(str::to_owned).collect();
            if let Some(count) = word.strip_prefix('#').and_then(|rest| rest.parse().ok()) {
                Condition::Words(count)
            } else if let Some(rest) = word.strip_prefix('!') {
                Condition::NoOption(alternatives(rest))
            } else if let Some(rest) = word.strip_prefix('~') {
                Condition::Contains(alternatives(rest))
            } else if word.starts_with('-') {
                Condition::Option(alternatives(word))
            } else {
                Condition::Verb(alternatives(word))
            }
        })
        .collect()
}

/// Which line says what a program does: the first that holds. One that only looks gives way to a later one that does more: what
/// some option makes of a program stands below what it is without.
pub(super) fn deciding(matching: &[&'static Entry]) -> Option<&'static Entry> {
    let looks = |entry: &Entry| entry.kind.is_some_and(|kind| matches!(kind.effect(), Effect::Read | Effect::Session));
    let first = *matching.iter().find(|entry| entry.kind.is_some())?;
    let graver = matching.iter().find(|entry| entry.kind.is_some() && !looks(entry));
    Some(graver.copied().filter(|_| looks(first)).unwrap_or(first))
}

/// The entries that hold for a line, in the order of the tables.
pub(super) fn holding(entries: &'static [Entry], line: &Line) -> Vec<&'static Entry> {
    let named = |word: &str| {
        entries.iter().flat_map(|entry| &entry.when).any(|when| match when {
            Condition::Option(options) | Condition::NoOption(options) => options.iter().any(|option| option == word),
            _ => false,
        })
    };
    entries.iter().filter(|entry| entry.when.iter().all(|when| holds(when, line, &named))).collect()
}

/// `named`: whether a word is an option of some entry as it stands, so no beginning of a longer one.
fn holds(when: &Condition, line: &Line, named: &dyn Fn(&str) -> bool) -> bool {
    match when {
        Condition::Option(options) => {
            options.iter().any(|option| line.has(option) || line.has_beginning(option, named))
        }
        Condition::NoOption(words) => !words.iter().any(|word| {
            if word.starts_with('-') {
                line.has(word)
            } else {
                line.positionals.iter().take(4).any(|arg| arg.is(word))
            }
        }),
        Condition::Verb(verbs) => line.positionals.iter().take(4).any(|arg| verbs.iter().any(|verb| arg.is(verb))),
        Condition::Words(count) => line.positionals.len() >= *count,
        Condition::Contains(texts) => {
            line.args.iter().any(|arg| texts.iter().any(|text| arg.shown.contains(text.as_str())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::Arg;
    use super::super::looks;
    use super::super::tables::Touches;
    use super::*;

    /// Lines made from the conditions of an entry: each alternative once, with and without other words behind it.
    fn made(entry: &Entry) -> Vec<Vec<Arg>> {
        let mut lines: Vec<Vec<String>> = vec![Vec::new()];
        for when in &entry.when {
            let words: Vec<String> = match when {
                Condition::Option(words) | Condition::Verb(words) => words.clone(),
                Condition::Contains(texts) => texts.iter().map(|text| format!("x{text}x")).collect(),
                Condition::Words(count) => vec![vec!["word"; *count].join(" ")],
                Condition::NoOption(_) => continue,
            };
            let longer = |line: &Vec<String>| -> Vec<Vec<String>> {
                words
                    .iter()
                    .map(|word| line.iter().cloned().chain(word.split(' ').map(str::to_owned)).collect())
                    .collect()
            };
            lines = lines.iter().flat_map(longer).collect();
        }
        let ends: [&[&str]; 3] = [&[], &["word", "other"], &["--no-such-option-at-all"]];
        let ended = |line: &Vec<String>| {
            ends.map(|end| {
                line.iter().map(String::as_str).chain(end.iter().copied()).map(|word| Arg::text(word, (0, 0))).collect()
            })
        };
        lines.iter().flat_map(ended).collect()
    }

    /// Whether an entry says something of a line that no other says of it.
    fn counts(name: &str, entry: &'static Entry, args: &[Arg]) -> bool {
        if looks::form(name, args).is_some() {
            return false;
        }
        let matching = holding(tables::entries(name), &Line::of(args, tables::known(name)));
        let others = || matching.iter().filter(|other| !std::ptr::eq(**other, entry));
        let signs = entry.signs.iter().any(|sign| !others().any(|other| other.signs.contains(sign)));
        let verbs = entry.touches == Touches::Verbs && !others().any(|other| other.touches == Touches::Verbs);
        let is_there = others().count() < matching.len();
        is_there
            && if entry.kind.is_some() {
                deciding(&matching).is_some_and(|one| std::ptr::eq(one, entry))
            } else {
                signs || verbs
            }
    }

    #[test]
    fn every_entry_decides_for_some_line() {
        let mut dead: Vec<String> = Vec::new();
        for (name, entries) in tables::programs() {
            for entry in entries {
                if !made(entry).iter().any(|args| counts(name, entry, args)) {
                    dead.push(format!(
                        "{name}\t{:?}\t{:?}\t{:?}\t{:?}",
                        entry.when, entry.kind, entry.touches, entry.signs
                    ));
                }
            }
        }
        dead.sort();
        assert!(dead.is_empty(), "entries that no line makes count:\n{}", dead.join("\n"));
    }

    #[test]
    fn the_beginning_of_a_long_option_is_that_option() {
        let holding = |line: &str| {
            let words: Vec<Arg> = line.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
            let (name, rest) =
                words.split_first().map_or(("", &[] as &[Arg]), |(name, rest)| (name.shown.as_str(), rest));
            let line = Line::of(rest, tables::known(name));
            holding(tables::entries(name), &line).iter().any(|entry| !entry.signs.is_empty())
        };
        for line in ["git push --mir", "git commit --am", "git checkout --forc", "tar --remove-f -cf a src"] {
            assert!(holding(line), "{line}");
        }
        for line in ["git push --tags-x", "git commit --author=x", "git commit --all", "tar --rewind -cf a src"] {
            assert!(!holding(line), "{line}");
        }
    }

    #[test]
    fn what_only_looks_gives_way_to_what_does_more() {
        let decided = |line: &str| {
            let args: Vec<Arg> = line.split(' ').skip(1).map(|word| Arg::text(word, (0, 0))).collect();
            let name = line.split(' ').next().unwrap_or_default();
            deciding(&holding(tables::entries(name), &Line::of(&args, tables::known(name)))).and_then(|one| one.kind)
        };
        assert_eq!(decided("ss -t").map(|kind| kind.as_str()), Some("inspect"));
        assert_eq!(decided("ss -K").map(|kind| kind.as_str()), Some("process"));
    }
}
