//! Scripts that a framework brings: their words are as well known as those of a program (`manage.py flush`, `artisan db:wipe`).

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::deciding::holding;
use super::{paths, tables, Walker};

/// Scripts that take the beginning of each part of a command for the command: `d:d:d` is `doctrine:database:drop`.
const SHORTENS: &[&str] = &["artisan", "console"];

/// Commands of theirs after which data is gone, or that run code.
const GRAVE: &[(&str, Sign)] = &[
    ("migrate:fresh", Sign::DestructiveVerb),
    ("migrate:refresh", Sign::DestructiveVerb),
    ("migrate:reset", Sign::DestructiveVerb),
    ("migrate:rollback", Sign::DestructiveVerb),
    ("db:wipe", Sign::DestructiveVerb),
    ("doctrine:database:drop", Sign::DestructiveVerb),
    ("doctrine:schema:drop", Sign::DestructiveVerb),
    ("doctrine:schema:update", Sign::DestructiveVerb),
    ("doctrine:fixtures:load", Sign::DestructiveVerb),
    ("dbal:run-sql", Sign::OpaqueCode),
    ("tinker", Sign::OpaqueCode),
];

impl Walker<'_> {
    /// What the words behind a script say, by the entries `script:NAME` of `programs.tsv`.
    pub(super) fn script_words(&mut self, index: usize, file: &Arg, rest: &[Arg]) {
        let name = paths::file_name(&file.shown);
        let entries = tables::entries(&format!("script:{name}"));
        let line = Line::of(rest, None);
        let mut signs: Vec<Sign> =
            holding(entries, &line).iter().flat_map(|entry| entry.signs.iter().copied()).collect();
        if let Some(command) = line.positionals.first().filter(|_| SHORTENS.contains(&name)) {
            signs.extend(GRAVE.iter().filter(|(grave, _)| shortens(&command.shown, grave)).map(|(_, sign)| *sign));
        }
        if signs.contains(&Sign::OpaqueCode) {
            for sign in rest.iter().flat_map(|arg| super::code::signs_of(&arg.shown)) {
                self.sign(index, sign);
            }
        }
        for sign in signs {
            self.sign(index, sign);
        }
    }
}

/// Whether each part of a word begins the same part of a command.
fn shortens(word: &str, command: &str) -> bool {
    let (parts, whole) = (word.split(':'), command.split(':'));
    parts.clone().count() == whole.clone().count()
        && parts.zip(whole).all(|(part, whole)| !part.is_empty() && whole.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_cut_short_is_that_command() {
        for (word, command) in [("d:d:d", "doctrine:database:drop"), ("db:w", "db:wipe"), ("tin", "tinker")] {
            assert!(shortens(word, command), "{word}");
        }
        for (word, command) in [("migrate", "migrate:fresh"), ("db:seed", "db:wipe"), ("test", "tinker")] {
            assert!(!shortens(word, command), "{word}");
        }
    }
}
