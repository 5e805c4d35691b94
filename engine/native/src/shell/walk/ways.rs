//! Ways through a text: what has a state of its own, what may be gone or not, what is gone several times, and each text that a
//! variable may have. INVARIANT: what is looked at again is paid for, so that no text takes time without end.

use std::collections::hash_map::DefaultHasher;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::effort;
use super::held::{Changes, FOLDER};
use super::{Operation, Walker};
use crate::sql::tree::Problem;

/// How many texts of the variables of one command are looked at.
const MAX_CHOICES: usize = 64;
/// How many words are looked at again in a whole text.
pub(super) const MAX_AGAIN: usize = 20_000;
/// How often the body of a loop is gone through until nothing new comes of it.
const MAX_ROUNDS: usize = 4;

impl Walker<'_> {
    /// What is set on this way is not set afterwards.
    pub(super) fn apart<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.held.mark();
        let result = work(self);
        self.held.take(mark);
        result
    }

    /// A way that may be gone or not.
    pub(super) fn perhaps<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.held.mark();
        let result = work(self);
        let changes = self.held.take(mark);
        self.held.join(&[changes, Changes::new()]);
        result
    }

    /// A way that is gone several times.
    pub(super) fn rounds(&mut self, work: impl Fn(&mut Self)) {
        let first = self.tree.operations.len();
        for round in 0..MAX_ROUNDS {
            let before = self.tree.operations.len();
            let mark = self.held.mark();
            self.again = self.again.saturating_add(usize::from(round > 0));
            work(self);
            self.again = self.again.saturating_sub(usize::from(round > 0));
            let changes = self.held.take(mark);
            self.merge(first, before, before);
            let is_news = self.held.is_news(&changes);
            self.held.join(&[changes.clone(), Changes::new()]);
            if !is_news {
                return;
            }
            if round.saturating_add(1) == MAX_ROUNDS {
                for name in changes.keys() {
                    let mut texts = self.held.texts(name);
                    texts.push(None);
                    self.held.set(name, texts);
                }
            }
        }
    }

    /// Whether so many words may be looked at again.
    pub(super) fn spend(&mut self, words: usize) -> bool {
        self.left = self.left.saturating_sub(words);
        if self.left == 0 {
            self.incomplete(Problem::new("too_complex", "variables may have too many texts", None));
        }
        self.left > 0
    }

    /// What nobody reads was run in the shell itself.
    pub(super) fn sets_anything(&mut self) {
        let names = self.held.variables();
        if self.spend(names.len()) {
            self.held.doubt(names);
        }
    }

    /// Does something for each text that the variables of some words may have, and for each folder where the shell may be.
    pub(super) fn for_each_text(&mut self, mut names: Vec<String>, weight: usize, mut work: impl FnMut(&mut Self)) {
        names.push(FOLDER.to_owned());
        names.retain(|name| self.held.is_several(name));
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            work(self);
            return;
        }
        let choices = self.held.choices(&names, MAX_CHOICES);
        let choices = choices.filter(|choices| self.spend(choices.len().saturating_mul(weight.saturating_add(1))));
        let Some(choices) = choices else {
            self.incomplete(Problem::new("too_complex", "variables may have too many texts", None));
            let unknown = vec![None; names.len()];
            self.held.choose(&names, &unknown);
            work(self);
            self.held.release(&names);
            return;
        };
        let first = self.tree.operations.len();
        let mut ways = Vec::new();
        for choice in choices {
            if self.is_spent() {
                break;
            }
            let before = self.tree.operations.len();
            let carried = self.tree.carried.len();
            let mark = self.held.mark();
            self.held.choose(&names, &choice);
            work(self);
            let changes = self.held.take(mark);
            self.held.release(&names);
            if before > first {
                self.merge(first, before, before);
                self.merge_carried(carried);
            }
            ways.push(changes);
        }
        self.held.join(&ways);
    }

    /// Operations from `new` on that are those from `first` to `end` again are one with them.
    pub(super) fn merge(&mut self, first: usize, end: usize, new: usize) {
        if new >= self.tree.operations.len() || first >= end {
            return;
        }
        if !self.affords(end.saturating_sub(first).saturating_mul(effort::COMPARING)) {
            return;
        }
        let added = self.tree.operations.split_off(new);
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, operation) in self.tree.operations.iter().enumerate().take(end).skip(first) {
            places.entry(key(operation)).or_default().push(at);
        }
        for operation in added {
            let among = places.get(&key(&operation)).cloned().unwrap_or_default();
            let same =
                among.into_iter().find(|at| self.tree.operations.get(*at).is_some_and(|old| is_same(old, &operation)));
            match same.and_then(|at| self.tree.operations.get_mut(at)) {
                Some(old) => {
                    for target in operation.targets {
                        if !old.targets.contains(&target) {
                            old.targets.push(target);
                        }
                    }
                }
                None => {
                    let at = self.tree.operations.len();
                    places.entry(key(&operation)).or_default().push(at);
                    self.tree.operations.push(operation);
                }
            }
        }
    }

    /// SQL that is carried again as it was.
    fn merge_carried(&mut self, new: usize) {
        let added = self.tree.carried.split_off(new.min(self.tree.carried.len()));
        let shown = |carried: &super::Carried| format!("{carried:?}");
        for carried in added {
            let text = shown(&carried);
            if !self.tree.carried.iter().rev().take(100).any(|old| old.span == carried.span && shown(old) == text) {
                self.tree.carried.push(carried);
            }
        }
    }
}

fn key(operation: &Operation) -> u64 {
    let mut hasher = DefaultHasher::new();
    operation.span.hash(&mut hasher);
    operation.kind.hash(&mut hasher);
    operation.facts.argv.hash(&mut hasher);
    operation.facts.signs.hash(&mut hasher);
    hasher.finish()
}

/// Whether two operations are one that touches several things. The path to them may differ: a function is gone through where it is
/// declared and where it is called.
fn is_same(one: &Operation, other: &Operation) -> bool {
    one.kind == other.kind
        && one.effect == other.effect
        && one.span == other.span
        && one.facts == other.facts
        && one.targets.len().saturating_add(other.targets.len()) <= 200
}

#[cfg(test)]
mod tests {
    use super::super::super::read;
    use super::super::Walker;

    /// Names of the files that a text touches, in order, with those of one operation together.
    fn files(text: &str) -> Vec<String> {
        let mut walker = Walker::new(text);
        walker.whole(&read::read(text, None, 0));
        let operations = walker.tree.operations.iter();
        let names = operations.map(|operation| {
            let files = operation.targets.iter().filter(|target| target.class == "file");
            files.map(|target| target.name.as_str()).collect::<Vec<_>>().join(" ")
        });
        names.filter(|names| !names.is_empty()).collect()
    }

    #[test]
    fn each_text_of_a_variable_is_looked_at() {
        assert_eq!(files("for f in a b; do cat $f; done"), ["a b"]);
        assert_eq!(files("if x; then F=a; else F=b; fi; cat $F"), ["a b"]);
        assert_eq!(files("for d in a b; do for e in x y; do cat $d/$e; done; done"), ["a/x a/y b/x b/y"]);
        assert_eq!(files("F=a; for i in 1 2; do cat $F; F=b; done"), ["a b"]);
        assert_eq!(files("f() { cat $1; }; f a; f b"), ["${1} a b"]);
        assert_eq!(files("A=(a b); cat ${A[1]}"), ["a b ${A}"]);
    }

    #[test]
    fn what_has_a_state_of_its_own_leaves_that_outside() {
        for text in ["(F=b)", "F=b true", "F=b | cat", "F=b & ", "x=$(F=b)", "bash -c 'F=b'"] {
            assert_eq!(
                files(&format!("F=a; {text}; cat $F").replace("& ;", "&")).first().map(|name| name.contains('a')),
                Some(true),
                "{text}"
            );
        }
        assert_eq!(files("F=a; eval 'F=b'; cat $F"), ["b"]);
        assert_eq!(files("F=a; x && F=b; cat $F"), ["b a"]);
    }

    #[test]
    fn folders_are_followed() {
        assert_eq!(files("cd src && cat a"), ["src/a"]);
        assert_eq!(files("(cd src && cat a); cat b"), ["src/a", "b"]);
        assert_eq!(files("cd src && x; cd ..; cat b"), ["b"]);
        assert_eq!(files("cd /etc; cat b; cd x; cat c"), ["/etc/b", "/etc/x/c /etc/c"]);
        assert_eq!(files("cd /etc && cd x || exit; cat c"), ["/etc/x/c"]);
        assert_eq!(files("for d in a b; do cd $d; cat x; cd ..; done"), ["a/x b/x"]);
    }

    #[test]
    fn what_is_too_much_is_not_seen_to_the_bottom() {
        let words: Vec<String> = (0..60).map(|number| format!("w{number}")).collect();
        let words = words.join(" ");
        let mut text = String::from("cat $a$b$c$d");
        for name in ["a", "b", "c", "d"] {
            text = format!("for {name} in {words}; do {text}; done");
        }
        let mut walker = Walker::new(&text);
        walker.whole(&read::read(&text, None, 0));
        assert!(walker.tree.incomplete);
    }
}
