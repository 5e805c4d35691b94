//! Where the verb of a tool stands, and whether it only looks: `verb_places.tsv`, and for tools it does not name, words whose meaning
//! is the same everywhere.
//!
//! INVARIANT: a line only looks where its verb stands at a known place and looks. The name of a resource, of a service or the value of
//! an option is no verb; behind an option nobody knows stands its value, or the verb: then both have to look.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::super::tree::Target;
use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::carriers::target;
use super::tables;
use super::Walker;
use crate::sql::tree::{Access, Effect};

/// Words whose meaning is the same with every tool: `verb_words.tsv`.
#[derive(Default)]
struct Words {
    /// Verbs after which something is gone.
    destroys: Vec<String>,
    /// Verbs after which something is different.
    changes: Vec<String>,
    /// Verbs that only look, wherever they stand.
    looks: Vec<String>,
    /// The same where they are a tool's first word; behind another they may be the name of something.
    looks_first: Vec<String>,
    /// Words that show what they name where nothing stands behind them.
    looks_alone: Vec<String>,
    /// Options after which something is gone.
    destroying_options: Vec<String>,
    faults: Vec<String>,
}

fn listed() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut listed = Words::default();
        for row in tables::rows(include_str!("verb_words.tsv")) {
            let list = match row.first().copied() {
                Some("destroys") => &mut listed.destroys,
                Some("changes") => &mut listed.changes,
                Some("looks") => &mut listed.looks,
                Some("looks_first") => &mut listed.looks_first,
                Some("looks_alone") => &mut listed.looks_alone,
                Some("destroying_options") => &mut listed.destroying_options,
                _ => &mut listed.faults,
            };
            list.extend(tables::words(row.get(1)));
        }
        listed
    })
}

fn is_one(list: &[String], word: &str) -> bool {
    list.iter().any(|one| one == word)
}

/// Where a tool has its verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// The first word, or the first that is no group of verbs: `docker image ls`.
    First,
    /// The second: `aws s3 ls`.
    Second,
    /// Behind any number of groups: `az monitor metrics list`.
    Nested,
}

#[derive(Debug)]
struct Place {
    style: Style,
    groups: Vec<String>,
    /// Its own verbs that look; one that ends in `-` is a beginning.
    looks: Vec<String>,
    /// Options before the verb that take no value.
    flags: Vec<String>,
}

impl Place {
    fn looks(&self, verb: &str) -> bool {
        is_one(&listed().looks, verb)
            || is_one(&listed().looks, first_part(verb))
            || self.looks.iter().any(|look| look == verb || look.ends_with('-') && verb.starts_with(look.as_str()))
    }

    fn is_group(&self, word: &str) -> bool {
        self.groups.iter().any(|group| group == word)
    }
}

#[derive(Default)]
struct Places {
    places: HashMap<String, Place>,
    faults: Vec<String>,
}

fn places() -> &'static Places {
    static PLACES: OnceLock<Places> = OnceLock::new();
    PLACES.get_or_init(|| {
        let mut places = Places::default();
        for row in tables::rows(include_str!("verb_places.tsv")) {
            let style = match row.get(1).copied() {
                Some("first") => Style::First,
                Some("second") => Style::Second,
                Some("nested") => Style::Nested,
                _ => {
                    places.faults.push(row.join(" "));
                    continue;
                }
            };
            for name in tables::words(row.first()) {
                let cell = |at: usize| tables::words(row.get(at));
                let place = Place { style, groups: cell(2), looks: cell(3), flags: cell(4) };
                if places.places.insert(name, place).is_some() {
                    places.faults.push(row.join(" "));
                }
            }
        }
        places
    })
}

/// What the words of a line are, read as verbs.
pub(super) struct Verbs<'l> {
    /// The words that may be verbs.
    pub words: Vec<&'l str>,
    pub looks: bool,
}

/// More words than this are no verbs.
const MOST_VERBS: usize = 6;
/// Nor are lines that only look known behind more options nobody knows.
const MOST_UNCLEAR: usize = 3;

/// The verbs of a tool's line.
pub(super) fn verbs<'l>(name: &str, line: &'l Line) -> Verbs<'l> {
    let place = places().places.get(name);
    let words: Vec<&str> = line
        .positionals
        .iter()
        .map(|arg| arg.shown.as_str())
        .take_while(|word| is_verb(word))
        .take(MOST_VERBS)
        .collect();
    let is_flag = |option: &Arg| place.is_some_and(|place| place.flags.iter().any(|flag| option.is(flag)));
    let unclear = || line.unclear.iter().filter(|(_, option)| !is_flag(option)).map(|(before, _)| *before);
    // What stands behind an option nobody knows may be its value.
    let sure = unclear().find(|before| *before > 0).unwrap_or(MOST_VERBS).min(words.len());
    let leading = unclear().take_while(|before| *before == 0).count();
    let mut readings = (0..=leading).map(|skipped| words.get(skipped..sure).unwrap_or_default());
    let looks = leading <= MOST_UNCLEAR
        && readings.next().is_some_and(|words| looks(place, words))
        && readings.all(|words| words.is_empty() || looks(place, words));
    Verbs { words, looks }
}

fn looks(place: Option<&Place>, words: &[&str]) -> bool {
    let Some(place) = place else {
        return looks_anywhere(words);
    };
    let first = words.first().copied().unwrap_or_default();
    match place.style {
        Style::First => {
            let groups = words.iter().take_while(|word| place.is_group(word)).count();
            let verb = words.get(groups).or(words.last()).copied().unwrap_or_default();
            place.looks(verb) || groups == 0 && is_one(&listed().looks_first, verb)
        }
        Style::Second => {
            words.get(2) == Some(&"help") || words.get(1).map_or(first == "help", |verb| place.looks(verb))
        }
        Style::Nested => {
            let behind = words.get(usize::from(place.is_group(first))..).unwrap_or_default();
            let verb = behind.iter().find(|word| place.looks(word) || changes(word));
            verb.is_some_and(|verb| place.looks(verb))
        }
    }
}

/// Of a tool whose verb may stand anywhere: the first word that is a verb, if that looks.
fn looks_anywhere(words: &[&str]) -> bool {
    let first = words.first().copied().unwrap_or_default();
    if words.len() == 1 && is_one(&listed().looks_alone, first) {
        return true;
    }
    if is_one(&listed().looks_first, first) || is_one(&listed().looks, first_part(first)) {
        return true;
    }
    let verb = words.iter().map(|word| verb_of(word)).find(|verb| is_one(&listed().looks, verb) || changes(verb));
    verb.is_some_and(|verb| is_one(&listed().looks, verb))
}

/// `ps:restart` is a verb in a group.
fn verb_of(word: &str) -> &str {
    word.rsplit(':').next().unwrap_or(word)
}

fn first_part(word: &str) -> &str {
    match word.contains(':') {
        true => word,
        false => word.split(['-', '_']).next().unwrap_or(word),
    }
}

fn changes(word: &str) -> bool {
    let verb = verb_of(word);
    is_one(&listed().changes, verb) || is_one(&listed().changes, first_part(verb)) || has_part(word, &listed().destroys)
}

/// A word that could be a verb or the name of a kind of resource.
fn is_verb(word: &str) -> bool {
    word.len() <= 40
        && word.starts_with(|char: char| char.is_ascii_lowercase())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b':'))
}

/// Whether a verb, or its first or last part, is one of the list.
fn has_part(verb: &str, list: &[String]) -> bool {
    if is_one(list, verb) {
        return true;
    }
    let mut parts = verb.split(['-', ':', '_']);
    parts.next().is_some_and(|first| is_one(list, first)) || parts.next_back().is_some_and(|last| is_one(list, last))
}

/// Whether one of some words is a verb after which something is gone.
pub(super) fn destroys(words: &[&str]) -> bool {
    words.iter().any(|word| has_part(word, &listed().destroys))
}

fn destroying_option(line: &Line) -> bool {
    line.args.iter().any(|arg| {
        listed().destroying_options.iter().any(|option| {
            arg.shown.strip_prefix(option.as_str()).is_some_and(|rest| rest.is_empty() || rest == "=true")
        })
    })
}

impl Walker<'_> {
    /// A tool of verbs and resources: `git push origin`, `kubectl delete pod web`.
    pub(super) fn verbs(&mut self, index: usize, name: &str, line: &Line) {
        let verbs = verbs(name, line);
        let words = verbs.words.get(..verbs.words.len().min(3)).unwrap_or_default();
        if words.is_empty() {
            return;
        }
        let access = if verbs.looks { Access::Read } else { Access::Execute };
        self.touch(index, Target { class: "verb", name: words.join(" "), access, literal: true });
        for resource in line.positionals.iter().skip(words.len()).take(20) {
            self.touch(index, target("resource", resource, access));
        }
        if let (true, Some(operation)) = (verbs.looks && !destroying_option(line), self.at(index)) {
            if matches!(operation.effect, Effect::Execute | Effect::Write) && operation.facts.redirects.is_empty() {
                operation.effect = Effect::Read;
            }
        }
    }

    /// What the words of any program say: verbs that destroy.
    pub(super) fn by_words(&mut self, index: usize, name: &str, kind: Kind, open: bool, line: &Line) {
        if !open
            || super::targets::names_script(name, line)
            || line.has("--help")
            || line.has("--dry-run")
            || matches!(kind, Kind::RunFile)
        {
            return;
        }
        let verbs = verbs(name, line);
        // `git archive` writes a copy and leaves what it packs.
        let packs = kind == Kind::VersionControl && verbs.words.first() == Some(&"archive");
        if destroys(&verbs.words) && !verbs.looks && !packs || destroying_option(line) {
            self.sign(index, Sign::DestructiveVerb);
            if let Some(operation) = self.at(index) {
                operation.effect = operation.effect.max(Effect::Delete);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_looks(text: &str) -> bool {
        let words: Vec<Arg> = text.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
        let Some((name, rest)) = words.split_first() else {
            return false;
        };
        verbs(&name.shown, &Line::of(rest, tables::known(&name.shown))).looks
    }

    #[test]
    fn the_table_says_nothing_that_nobody_understands() {
        assert_eq!((&places().faults, &listed().faults), (&Vec::new(), &Vec::new()));
        for row in tables::rows(include_str!("verb_places.tsv")) {
            assert_eq!(row.len(), 5, "{row:?}");
        }
    }

    #[test]
    fn a_verb_that_looks_at_its_place() {
        for line in [
            "aws s3 ls",
            "aws --profile dev ec2 describe-instances --filters Name=tag:x,Values=delete-me",
            "aws --no-cli-pager s3 ls s3://bucket",
            "aws dynamodb batch-get-item",
            "gcloud compute instances list",
            "gcloud compute instances describe delete-me --zone z",
            "gcloud run services list",
            "az vm list -g rg",
            "az monitor activity-log list",
            "az search service list",
            "gh pr view 12",
            "gh run list",
            "docker logs -f web",
            "docker image ls",
            "docker ps",
            "docker --debug ps",
            "heroku logs --tail",
            "heroku pg:info",
            "netlify sites:list",
            "fly apps list",
            "vault list auth",
            "rabbitmqctl list_queues",
            "helm history web",
            "kubectl rollout status deploy",
            "frob --unknown list",
        ] {
            assert!(only_looks(line), "{line}");
        }
    }

    #[test]
    fn a_name_or_a_value_that_looks_like_a_verb_is_none() {
        for line in [
            "aws lambda update-function-code --function-name get-orders --zip-file fileb://x.zip",
            "aws logs put-retention-policy",
            "aws events put-rule",
            "aws --unknown x s3 rm",
            "heroku ps:restart",
            "netlify env:set X y",
            "vercel env add SECRET production",
            "fly scale count 0",
            "pulumi watch --yes",
            "helm upgrade --install search-api ./charts/search-api",
            "docker restart log-collector",
            "docker compose up -d search",
            "argocd app sync search",
            "az vm start audit",
            "az monitor log-analytics workspace delete -n w",
            "az search service delete -n x",
            "gh repo delete logs --yes",
            "gh label delete status",
            "apt-get purge -y tree",
            "brew uninstall tree",
            "frob --unknown list web",
            "docker --unknown ps restart web",
            "docker image",
        ] {
            assert!(!only_looks(line), "{line}");
        }
    }

    #[test]
    fn what_destroys_counts_beyond_the_third_word() {
        assert!(destroys(&["monitor", "log-analytics", "workspace", "linked", "delete"]));
        assert!(!destroys(&["monitor", "log-analytics", "workspace", "list"]));
    }
}
