//! What the names of a project's own targets and scripts say: `make prod-destroy`, `npm run deploy:prod`, `./teardown.sh`. What runs is in a
//! file that nobody reads here, so a name that speaks of loss or of what is live is a reason to ask, and any other is none.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::{paths, tables, Walker};

/// More words than this are no targets.
const MOST_WORDS: usize = 4;

#[derive(Default)]
struct Names {
    runners: HashMap<String, String>,
    parts: HashMap<String, Vec<String>>,
}

impl Names {
    fn has(&self, list: &str, part: &str) -> bool {
        self.parts.get(list).is_some_and(|words| words.iter().any(|word| word == part))
    }
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names::default();
        for row in tables::rows(include_str!("targets.tsv")) {
            let words = tables::words(row.get(1));
            match (row.first().copied().unwrap_or_default(), row.get(2)) {
                ("runners", way) => {
                    let way = way.copied().unwrap_or_default();
                    names.runners.extend(words.into_iter().map(|name| (name, way.to_owned())));
                }
                (list, _) => {
                    names.parts.insert(list.to_owned(), words);
                }
            }
        }
        names
    })
}

/// The parts of a name in small letters: of `:app:deployProd` `app`, `deploy` and `prod`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_small = false;
    for char in name.chars() {
        if !char.is_alphanumeric() || was_small && char.is_uppercase() {
            parts.push(String::new());
        }
        was_small = char.is_lowercase() || char.is_ascii_digit();
        if let Some(part) = parts.last_mut().filter(|_| char.is_alphanumeric()) {
            part.extend(char.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What a name says; `is_live`: that what is live is meant stands beside it.
fn sign_of(name: &str, is_live: bool) -> Option<Sign> {
    let parts = parts(name);
    let has = |list: &str| parts.iter().any(|part| names().has(list, part));
    if has("quiet") {
        return None;
    }
    let is_live = is_live || has("live");
    if has("gone") || has("resets") && (is_live || has("stored")) {
        return Some(Sign::DestructiveVerb);
    }
    // `assembleRelease` makes one, `release:patch` publishes it.
    let releases = parts.first().is_some_and(|part| part == "release");
    (has("public") || releases || is_live && has("changes")).then_some(Sign::Publishes)
}

/// Whether a line only says what it would do.
fn is_quiet(name: &str, line: &Line) -> bool {
    let shows = |arg: &Arg| matches!(arg.shown.as_str(), "--help" | "-h" | "--dry-run" | "--just-print" | "--list");
    line.args.iter().any(shows) || matches!(name, "make" | "gmake" | "just" | "rake") && line.has("-n")
}

fn says_live(line: &Line) -> bool {
    let value = |arg: &Arg| arg.shown.rsplit('=').next().map(str::to_lowercase);
    line.args.iter().filter_map(value).any(|value| names().has("live", &value))
}

/// The targets that a line names to a runner of them.
fn targets_of<'l>(name: &str, line: &'l Line) -> Vec<&'l str> {
    let Some(way) = names().runners.get(name) else {
        return Vec::new();
    };
    let words = line.positionals.iter().map(|arg| arg.shown.as_str());
    match way.as_str() {
        "words" => words.filter(|word| !word.contains('=')).take(MOST_WORDS).collect(),
        "run" => words.skip_while(|word| is_run(word)).take(1).collect(),
        option => {
            let at = line.args.iter().position(|arg| arg.is(option));
            let value = at.and_then(|at| line.args.get(at.saturating_add(1)));
            value.iter().map(|arg| arg.shown.as_str()).collect()
        }
    }
}

fn is_run(word: &str) -> bool {
    matches!(word, "run" | "run-script" | "task")
}

/// Whether the first word of a line says that the next one is the name of a script, which is no verb of the tool.
pub(super) fn names_script(name: &str, line: &Line) -> bool {
    names().runners.get(name).is_some_and(|way| way == "run")
        && line.positionals.first().is_some_and(|word| is_run(&word.shown))
}

impl Walker<'_> {
    /// What the targets say that a line names.
    pub(super) fn named_targets(&mut self, index: usize, name: &str, line: &Line) {
        let targets = targets_of(name, line);
        if targets.is_empty() || is_quiet(name, line) {
            return;
        }
        let is_live = says_live(line);
        for sign in targets.into_iter().filter_map(|target| sign_of(target, is_live)) {
            self.sign(index, sign);
        }
    }

    /// The same of a script and its first word: `./db.sh reset`.
    pub(super) fn named_script(&mut self, index: usize, file: &Arg, line: &Line) {
        if is_quiet("", line) {
            return;
        }
        let stem = paths::file_name(&file.shown).split('.').next().unwrap_or_default();
        let first = line.positionals.first().map_or("", |arg| arg.shown.as_str());
        let first = if first.contains(['/', '.']) { "" } else { first };
        if let Some(sign) = sign_of(&format!("{stem} {first}"), says_live(line)) {
            self.sign(index, sign);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tree_of;
    use super::*;

    fn signs(text: &str) -> Vec<Sign> {
        tree_of(text).operations.into_iter().flat_map(|operation| operation.facts.signs).collect()
    }

    #[test]
    fn parts_of_a_name() {
        assert_eq!(parts(":app:deployProd"), ["app", "deploy", "prod"]);
        assert_eq!(parts("db:reset_all"), ["db", "reset", "all"]);
        assert_eq!(parts("//x/y:z.w"), ["x", "y", "z", "w"]);
    }

    #[test]
    fn a_name_that_speaks_of_loss_is_a_sign() {
        for text in [
            "make prod-destroy",
            "make clean-prod",
            "make clean ENV=production",
            "make reset-db",
            "just nuke",
            "task db:drop",
            "npm run db:reset",
            "pnpm teardown:all",
            "tox -e destroy",
            "./scripts/destroy.sh",
            "./db.sh reset",
            "bash wipe_all.sh",
            "python3 tools/teardown.py",
        ] {
            assert_eq!(signs(text), [Sign::DestructiveVerb], "{text}");
        }
    }

    #[test]
    fn a_name_that_speaks_of_what_is_live_is_a_sign() {
        for text in [
            "make deploy-production",
            "make migrate ENV=prod",
            "npm run deploy:prod",
            "yarn run release:patch",
            "nx run app:deploy",
            "nox -s publish",
            "gradle deployProd",
            "bazel run //deploy:prod",
            "./deploy.sh prod",
            "./migrate.sh --env=production",
        ] {
            assert_eq!(signs(text), [Sign::Publishes], "{text}");
        }
    }

    #[test]
    fn other_names_are_none() {
        for text in [
            "make",
            "make clean",
            "make clean test",
            "make -n prod-destroy",
            "make release-notes",
            "make db-up",
            "npm run clean",
            "npm run format",
            "npm run build:prod",
            "npm run start:prod",
            "npm run deploy:dry",
            "./gradlew assembleRelease",
            "./gradlew publishToMavenLocal",
            "bazel build //deploy:image",
            "tox -e py311",
            "./deploy.sh --dry-run",
            "python3 tests/test_deploy.py",
            "bash scripts/test.sh deploy",
            "gcc destroy.c",
            "cat deploy.sh",
        ] {
            assert!(!signs(text).contains(&Sign::Publishes), "{text}");
            assert!(!signs(text).contains(&Sign::DestructiveVerb), "{text}");
        }
    }
}
