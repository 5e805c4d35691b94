//! What the shell holds where we are: the texts that each variable may have, and the folders in which it may be.
//!
//! A name has several texts where ways through the text meet (branches, loops, lists); each of them is looked at. What was held is
//! written down, so that a way can be taken back at the end of what has a state of its own.

use std::collections::{HashMap, HashSet};

/// The texts that a name may have; None: one that only the run tells.
pub(super) type Texts = Vec<Option<String>>;

/// What a way through the text changed.
pub(super) type Changes = HashMap<String, Texts>;

/// The folder where the shell is, as from where it began. No variable has such a name, nor those that follow.
pub(super) const FOLDER: &str = ".";
/// The folder it was in before.
pub(super) const BEFORE: &str = "-";
/// Folders that were put on the stack.
pub(super) const PUSHED: &str = "+";
/// Where the shell still is if the `cd` that was last met failed.
pub(super) const FAILED: &str = "!";
/// Set where the shell may be in a folder above, below where it began: a `cd` may have failed.
pub(super) const UNSURE: &str = "?";
/// Set where the shell ends at the first command that fails.
pub(super) const STRICT: &str = "=";
/// Set where `${x:-word}` is looked at as its word, and where `${x:+word}` is: two ways to look at any command that has one.
pub(super) const ABSENT: &str = ":-";
pub(super) const PRESENT: &str = ":+";

/// More texts than this of one name are not looked at.
const MAX_TEXTS: usize = 64;
/// Nor longer ones.
const MAX_LENGTH: usize = 1_024;
/// Nor more names.
const MAX_NAMES: usize = 500;

#[derive(Debug, Default)]
pub(super) struct Held {
    /// What is shown for a name: its only text, or the one that is looked at.
    constants: HashMap<String, String>,
    all: HashMap<String, Texts>,
    chosen: HashMap<String, Option<String>>,
    log: Vec<(String, Option<Texts>)>,
    /// Whether something was left out.
    pub overflowed: bool,
}

impl Held {
    pub fn constants(&self) -> &HashMap<String, String> {
        &self.constants
    }

    /// All that a name may be: where one is looked at, that.
    pub fn texts(&self, name: &str) -> Texts {
        if let Some(text) = self.chosen.get(name) {
            return vec![text.clone()];
        }
        self.all.get(name).cloned().unwrap_or_else(|| initial(name))
    }

    pub fn is_several(&self, name: &str) -> bool {
        let all = self.all.get(name);
        !self.chosen.contains_key(name) && all.map_or_else(|| is_way(name), |texts| texts.len() > 1)
    }

    /// From here on a name has one of these texts.
    pub fn set(&mut self, name: &str, texts: Texts) {
        let mut seen = HashSet::new();
        let mut kept: Texts = texts
            .into_iter()
            .map(|text| text.filter(|text| is_known(text)))
            .filter(|text| seen.insert(text.clone()))
            .collect();
        if kept.len() > MAX_TEXTS || self.all.len() >= MAX_NAMES && !self.all.contains_key(name) {
            self.overflowed = true;
            kept = vec![None];
        }
        self.chosen.remove(name);
        let old = self.all.insert(name.to_owned(), kept);
        self.log.push((name.to_owned(), old));
        self.shows(name);
    }

    /// The variables of which something is known.
    pub fn variables(&self) -> Vec<String> {
        self.all.keys().filter(|name| is_variable(name)).cloned().collect()
    }

    /// Besides what they are known to be, these may be anything.
    pub fn doubt(&mut self, names: Vec<String>) {
        for name in names {
            let mut texts = self.texts(&name);
            texts.push(None);
            self.set(&name, texts);
        }
    }

    fn shows(&mut self, name: &str) {
        let text = match (self.chosen.get(name), self.all.get(name).map(Vec::as_slice)) {
            (Some(text), _) => text.clone(),
            (None, Some([text])) => text.clone(),
            (None, Some(_)) => None,
            (None, None) => initial(name).pop().flatten().filter(|_| !is_way(name)),
        };
        match text {
            Some(text) => self.constants.insert(name.to_owned(), text),
            None => self.constants.remove(name),
        };
    }

    /// Where a way begins.
    pub fn mark(&self) -> usize {
        self.log.len()
    }

    /// What a way changed; it is taken back.
    pub fn take(&mut self, mark: usize) -> Changes {
        let mut changes = Changes::new();
        while self.log.len() > mark {
            let Some((name, old)) = self.log.pop() else {
                break;
            };
            let now = match old {
                Some(old) => self.all.insert(name.clone(), old),
                None => self.all.remove(&name),
            };
            self.chosen.remove(&name);
            self.shows(&name);
            changes.entry(name).or_insert(now.unwrap_or_default());
        }
        changes
    }

    /// What was held before a way, of the names that it changed.
    pub fn held_before(&self, mark: usize, into: &mut Changes) {
        let mut seen = HashSet::new();
        for (name, old) in self.log.iter().skip(mark) {
            if seen.insert(name.as_str()) {
                let texts = into.entry(name.clone()).or_default();
                for text in old.clone().unwrap_or_else(|| initial(name)) {
                    // INVARIANT: one more than are looked at is enough to say that there are too many.
                    if texts.len() <= MAX_TEXTS && !texts.contains(&text) {
                        texts.push(text);
                    }
                }
            }
        }
    }

    /// One of these ways was gone.
    pub fn join(&mut self, ways: &[Changes]) {
        let names: HashSet<&String> = ways.iter().flat_map(HashMap::keys).collect();
        let mut joined: Vec<(String, Texts)> = Vec::new();
        for name in names {
            let before = self.texts(name);
            let texts = ways.iter().flat_map(|way| way.get(name).unwrap_or(&before)).cloned().collect();
            joined.push((name.clone(), texts));
        }
        joined.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (name, texts) in joined {
            self.set(&name, texts);
        }
    }

    /// Besides what they are, names may be these.
    pub fn also(&mut self, others: &Changes) {
        self.join(&[Changes::new(), others.clone()]);
    }

    /// Whether a way leaves something that was not held before.
    pub fn is_news(&self, changes: &Changes) -> bool {
        changes.iter().any(|(name, texts)| {
            let before = self.texts(name);
            texts.iter().any(|text| !before.contains(text))
        })
    }

    /// Each way to choose one text for each of these names; None where they are too many.
    pub fn choices(&self, names: &[String], most: usize) -> Option<Vec<Texts>> {
        let mut choices: Vec<Texts> = vec![Vec::new()];
        for name in names {
            let texts = self.texts(name);
            if choices.len().saturating_mul(texts.len()) > most {
                return None;
            }
            choices = choices
                .iter()
                .flat_map(|choice| {
                    texts.iter().map(move |text| choice.iter().chain(std::iter::once(text)).cloned().collect())
                })
                .collect();
        }
        Some(choices)
    }

    /// Looks at one text of each of some names from here on.
    pub fn choose(&mut self, names: &[String], texts: &[Option<String>]) {
        for (name, text) in names.iter().zip(texts) {
            self.chosen.insert(name.clone(), text.clone());
            self.shows(name);
        }
    }

    /// Looks at all of them again.
    pub fn release(&mut self, names: &[String]) {
        for name in names {
            self.chosen.remove(name);
            self.shows(name);
        }
    }
}

/// What a name is when nothing was said of it.
fn initial(name: &str) -> Texts {
    match name {
        FOLDER => vec![Some(String::new())],
        PUSHED | FAILED | UNSURE => Vec::new(),
        _ if is_way(name) => vec![None, Some(String::new())],
        _ => vec![None],
    }
}

fn is_way(name: &str) -> bool {
    matches!(name, ABSENT | PRESENT)
}

fn is_variable(name: &str) -> bool {
    !matches!(name, FOLDER | BEFORE | PUSHED | FAILED | UNSURE | STRICT)
}

fn is_known(text: &str) -> bool {
    text.len() <= MAX_LENGTH && !text.contains("${") && !text.contains("$()") && !text.contains("<()")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_way_is_taken_back_and_joined() {
        let mut held = Held::default();
        held.set("X", vec![text("a")]);
        let mark = held.mark();
        held.set("X", vec![text("b")]);
        held.set("Y", vec![text("c")]);
        let changes = held.take(mark);
        assert_eq!(held.constants().get("X").map(String::as_str), Some("a"));
        assert_eq!(held.texts("Y"), [None]);
        assert!(held.is_news(&changes));
        held.join(&[changes.clone(), Changes::new()]);
        assert_eq!(held.texts("X"), [text("b"), text("a")]);
        assert_eq!(held.texts("Y"), [text("c"), None]);
        assert!(held.is_several("X") && !held.constants().contains_key("X"));
        assert!(!held.is_news(&changes));
    }

    #[test]
    fn each_text_is_chosen_once_and_one_that_is_set_is_no_longer_chosen() {
        let mut held = Held::default();
        held.set("X", vec![text("a"), text("b"), text("a")]);
        held.set("Y", vec![text("c"), None]);
        let names = ["X".to_owned(), "Y".to_owned()];
        assert_eq!(held.choices(&names, 4).map(|all| all.len()), Some(4));
        assert_eq!(held.choices(&names, 3), None);
        held.choose(&names, &[text("b"), None]);
        assert_eq!((held.texts("X"), held.texts("Y")), (vec![text("b")], vec![None]));
        held.set("X", vec![text("z")]);
        held.release(&names);
        assert_eq!(held.texts("X"), [text("z")]);
        assert_eq!(held.texts("Y"), [text("c"), None]);
    }

    #[test]
    fn what_is_too_much_is_not_known_and_said() {
        let mut held = Held::default();
        held.set("X", (0..65).map(|number| Some(number.to_string())).collect());
        assert!(held.overflowed);
        assert_eq!(held.texts("X"), [None]);
        let mut long = Held::default();
        long.set("X", vec![Some("x".repeat(1_025)), text("${Y}")]);
        assert_eq!(long.texts("X"), [None]);
    }
}
