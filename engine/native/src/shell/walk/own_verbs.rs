//! Which subcommands a tool has of its own: `verbs.tsv`. Any other word may be an alias or a plugin, so a program nobody sees.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::args::Arg;

#[derive(Default)]
struct Own {
    valued: HashSet<&'static str>,
    verbs: HashSet<&'static str>,
}

fn tools() -> &'static HashMap<&'static str, Own> {
    static TOOLS: OnceLock<HashMap<&'static str, Own>> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let mut tools = HashMap::new();
        for line in include_str!("verbs.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (names, valued, verbs) = (cells.next(), cells.next(), cells.next());
            for name in names.unwrap_or_default().split(' ').filter(|name| !name.is_empty()) {
                let own = Own {
                    valued: valued.unwrap_or_default().split(' ').collect(),
                    verbs: verbs.unwrap_or_default().split(' ').collect(),
                };
                tools.insert(name, own);
            }
        }
        tools
    })
}

/// Whether the subcommand is not one of the tool's own; `args` are the words after the tool's name.
pub(super) fn is_foreign(name: &str, args: &[Arg]) -> bool {
    let Some(own) = tools().get(name) else {
        return false;
    };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if own.valued.contains(arg.shown.as_str()) {
            rest.next();
        } else if !arg.is_option() && !arg.shown.starts_with('+') {
            // WHY literal: a word that only the run tells may be any alias.
            return !arg.literal.as_deref().is_some_and(|verb| own.verbs.contains(verb));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(line: &str) -> bool {
        let words: Vec<Arg> = line.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
        words.split_first().is_some_and(|(tool, rest)| is_foreign(&tool.shown, rest))
    }

    #[test]
    fn a_word_that_is_no_subcommand_of_the_tool_is_foreign() {
        for line in ["git RESET", "git -C x foo", "git -c a=b l", "cargo +nightly xtask", "kubectl -n web tree pods"] {
            assert!(foreign(line), "{line}");
        }
        for line in ["git reset", "git -c a=b -C x log", "git --version", "git", "cargo +nightly build", "frob x"] {
            assert!(!foreign(line), "{line}");
        }
    }
}
