//! Which subcommands a tool has of its own: `verbs.tsv`. Any other word may be an alias or a plugin, or does what nobody listed, so
//! it counts as a program nobody sees.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::{verb_words, Walker};

#[derive(Default)]
struct Own {
    valued: HashSet<&'static str>,
    /// Options without a value. Where there are any, one that nobody knows may take the next word as its value.
    flags: HashSet<&'static str>,
    /// `install`, and `pr_view` for a verb in a group.
    verbs: HashSet<&'static str>,
}

/// What the first words of a line are to a tool.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// There is none, or only a group, which shows what is in it.
    Nothing,
    Own,
    Foreign,
}

impl Own {
    fn sort(&self, args: &[Arg]) -> Sort {
        let mut group: Option<&str> = None;
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if self.valued.contains(arg.shown.as_str()) {
                rest.next();
                continue;
            }
            if arg.is_option() || arg.shown.starts_with('+') {
                if self.may_take_the_next(&arg.shown) && group.is_none() {
                    return Sort::Foreign;
                }
                continue;
            }
            // WHY literal: a word that only the run tells may be any alias.
            let Some(word) = arg.literal.as_deref() else {
                return Sort::Foreign;
            };
            let is_listed = match group {
                Some(group) => self.verbs.contains(format!("{group}_{word}").as_str()),
                None => !word.contains('_') && self.verbs.contains(word),
            };
            if self.verbs.contains("*") || is_listed {
                return Sort::Own;
            }
            if group.is_some() || !self.is_group(word) {
                return Sort::Foreign;
            }
            group = Some(word);
        }
        Sort::Nothing
    }

    fn may_take_the_next(&self, option: &str) -> bool {
        !self.flags.is_empty() && !self.flags.contains(option) && !option.contains('=') && !option.starts_with("--no-")
    }

    fn is_group(&self, word: &str) -> bool {
        self.verbs.iter().any(|verb| verb.strip_prefix(word).is_some_and(|rest| rest.starts_with('_')))
    }
}

fn tools() -> &'static HashMap<&'static str, Own> {
    static TOOLS: OnceLock<HashMap<&'static str, Own>> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let mut tools = HashMap::new();
        for line in include_str!("verbs.tsv").lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (names, valued, verbs, flags) = (cells.next(), cells.next(), cells.next(), cells.next());
            for name in names.unwrap_or_default().split(' ').filter(|name| !name.is_empty()) {
                let own = Own {
                    valued: valued.unwrap_or_default().split(' ').collect(),
                    verbs: verbs.unwrap_or_default().split(' ').collect(),
                    flags: flags.unwrap_or_default().split(' ').filter(|flag| !flag.is_empty()).collect(),
                };
                tools.insert(name, own);
            }
        }
        tools
    })
}

/// Whether the subcommand is not one of the tool's own; `args` are the words after the tool's name.
pub(super) fn is_foreign(name: &str, args: &[Arg]) -> bool {
    tools().get(name).is_some_and(|own| own.sort(args) == Sort::Foreign)
}

/// Whether the subcommand is one of the tool's own.
pub(super) fn is_own(name: &str, args: &[Arg]) -> bool {
    tools().get(name).is_some_and(|own| own.sort(args) == Sort::Own)
}

impl Walker<'_> {
    /// A package manager whose verbs nobody listed installs what it is given, unless its verb looks.
    pub(super) fn unlisted_package_verb(&mut self, index: usize, name: &str, line: &Line) {
        let shows =
            line.args.iter().all(|arg| matches!(arg.shown.as_str(), "--help" | "-h" | "--version" | "-V" | "-v"));
        if !shows && !tools().contains_key(name) && !verb_words::verbs(name, line).looks {
            self.sign(index, Sign::InstallsPackages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(line: &str) -> bool {
        let words: Vec<Arg> = line.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
        words.split_first().is_some_and(|(tool, rest)| is_foreign(&tool.shown, rest))
    }

    #[test]
    fn a_verb_in_a_group_is_own_only_there() {
        for line in [
            "gh pr view 12",
            "gh -R a/b pr list",
            "gh pr",
            "gh api user",
            "npm ci",
            "npm run x",
            "npm --silent run x",
            "npm --a=b run x",
            "npx evil",
        ] {
            assert!(!foreign(line), "{line}");
        }
        for line in [
            "gh repo edit x",
            "gh pr merge-all",
            "gh view",
            "npm isntall evil",
            "jj frob",
            "npm --unknown test in evil",
            "glab mr merge 1",
        ] {
            assert!(foreign(line), "{line}");
        }
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
