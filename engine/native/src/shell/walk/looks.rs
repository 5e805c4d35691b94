//! Forms of programs that only look, though the program can do more: `looks.tsv`. Asked before `programs.tsv`.
//!
//! INVARIANT: a form says every option that may stand in it. A line with another one, or with a word that only the run tells,
//! is none of them, so the program counts for what it can do.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::super::vocabulary::Sign;
use super::args::Arg;
use super::tables::{self, Touches};

/// A form of a program that only looks.
#[derive(Debug)]
pub struct Look {
    /// One of these options has to be there; where there are none, nothing has to.
    needs: Vec<String>,
    /// What may be beside it: options without a value.
    flags: Vec<String>,
    /// The same with one.
    valued: Vec<String>,
    /// How its words begin, one of these; where there are none, as they like.
    begins: Vec<Vec<Step>>,
    /// More words than this are another form.
    most: usize,
    pub touches: Touches,
    pub signs: Vec<Sign>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Word(String),
    Any,
    End,
}

#[derive(Default)]
struct Looks {
    forms: HashMap<String, Vec<Look>>,
    faults: Vec<String>,
}

fn looks() -> &'static Looks {
    static LOOKS: OnceLock<Looks> = OnceLock::new();
    LOOKS.get_or_init(|| read(include_str!("looks.tsv")))
}

fn read(text: &'static str) -> Looks {
    let mut looks = Looks::default();
    for row in tables::rows(text) {
        let options = |cell: Option<&&str>| -> (Vec<String>, Vec<String>) {
            let (valued, flags) = tables::words(cell).into_iter().partition(|word| word.ends_with('='));
            let valued: Vec<String> = valued;
            (valued.iter().map(|word| word.trim_end_matches('=').to_owned()).collect(), flags)
        };
        let (needs, beside) = (options(row.get(1)), options(row.get(2)));
        let most = row.get(4).and_then(|cell| if *cell == "any" { Some(usize::MAX) } else { cell.parse().ok() });
        let touches = row.get(5).copied().and_then(Touches::named);
        let signs: Vec<Option<Sign>> = tables::words(row.get(6)).iter().map(|word| Sign::named(word)).collect();
        let (Some(most), Some(touches), 7, false) = (most, touches, row.len(), signs.contains(&None)) else {
            looks.faults.push(row.join(" "));
            continue;
        };
        for name in tables::words(row.first()) {
            looks.forms.entry(name).or_default().push(Look {
                needs: needs.0.iter().chain(&needs.1).cloned().collect(),
                flags: needs.1.iter().chain(&beside.1).cloned().collect(),
                valued: needs.0.iter().chain(&beside.0).cloned().collect(),
                begins: tables::words(row.get(3)).iter().flat_map(|cell| cell.split('|')).map(steps).collect(),
                most,
                touches,
                signs: signs.iter().copied().flatten().collect(),
            });
        }
    }
    looks
}

fn steps(text: &str) -> Vec<Step> {
    let (text, ends) = text.strip_suffix('$').map_or((text, false), |text| (text, true));
    let words = text.split('_').map(|word| if word == "*" { Step::Any } else { Step::Word(word.to_owned()) });
    words.chain(ends.then_some(Step::End)).collect()
}

/// The form of a program that its words, those after its name, have, if they only look.
pub(super) fn form(name: &str, args: &[Arg]) -> Option<&'static Look> {
    let looks = looks();
    let forms = looks.forms.get(name).or_else(|| {
        let (family, _) = name.split_once('.')?;
        looks.forms.get(&format!("{family}.*"))
    })?;
    forms.iter().find(|look| look.holds(args))
}

impl Look {
    fn holds(&self, args: &[Arg]) -> bool {
        let mut words: Vec<&str> = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut rest = args.iter();
        let mut options_end = false;
        while let Some(arg) = rest.next() {
            let Some(word) = arg.literal.as_deref() else {
                return false;
            };
            if options_end || word.len() < 2 || !word.starts_with('-') {
                words.push(word);
            } else if word == "--" {
                options_end = true;
            } else if !self.takes(word, &mut rest, &mut seen) {
                return false;
            }
        }
        // Some programs make one text of their words and read it as a language of their own.
        let is_plain = |word: &&str| !word.contains([';', '\n', '\r', '{', '}', '`', '|']);
        words.len() <= self.most
            && words.iter().all(is_plain)
            && (self.needs.is_empty() || seen.iter().any(|option| self.needs.contains(option)))
            && (self.begins.is_empty() || self.begins.iter().any(|steps| begins(&words, steps)))
    }

    /// Whether an option may stand here; it takes its value from `rest`.
    fn takes(&self, word: &str, rest: &mut std::slice::Iter<'_, Arg>, seen: &mut Vec<String>) -> bool {
        let is_flag = |option: &str| self.flags.iter().any(|flag| flag == option);
        let is_valued = |option: &str| self.valued.iter().any(|valued| valued == option);
        if is_flag(word) {
            seen.push(word.to_owned());
            return true;
        }
        if is_valued(word) {
            seen.push(word.to_owned());
            return rest.next().is_some_and(|value| value.literal.is_some());
        }
        if let Some((name, _)) = word.split_once('=').filter(|(name, _)| is_valued(name)) {
            seen.push(name.to_owned());
            return true;
        }
        if word.starts_with("--") {
            return false;
        }
        for (at, letter) in word.char_indices().skip(1) {
            let option = format!("-{letter}");
            let after = word.get(at.saturating_add(letter.len_utf8())..).unwrap_or_default();
            seen.push(option.clone());
            if is_valued(&option) {
                return !after.is_empty() || rest.next().is_some_and(|value| value.literal.is_some());
            }
            if !is_flag(&option) {
                return false;
            }
        }
        true
    }
}

fn begins(words: &[&str], steps: &[Step]) -> bool {
    steps.iter().enumerate().all(|(at, step)| match (step, words.get(at)) {
        (Step::Word(wanted), Some(word)) => wanted == word,
        (Step::Any, Some(_)) | (Step::End, None) => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(line: &str) -> bool {
        let words: Vec<Arg> = line.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
        words.split_first().is_some_and(|(name, rest)| form(&name.shown, rest).is_some())
    }

    #[test]
    fn the_table_says_nothing_that_nobody_understands() {
        assert_eq!(looks().faults, &[] as &[String]);
        for row in tables::rows(include_str!("looks.tsv")) {
            assert_eq!(row.len(), 7, "{row:?}");
        }
    }

    /// Of each form of each program: a line made from it has it, and no form before it.
    #[test]
    fn every_form_is_that_of_some_line() {
        for (name, forms) in &looks().forms {
            for (place, look) in forms.iter().enumerate() {
                let mut lines: Vec<Vec<Arg>> = Vec::new();
                let none = [Step::Any];
                let begins: Vec<&[Step]> = if look.begins.is_empty() {
                    vec![none.get(..usize::from(look.needs.is_empty() && look.most > 0)).unwrap_or_default()]
                } else {
                    look.begins.iter().map(Vec::as_slice).collect()
                };
                for steps in begins {
                    let words = steps.iter().filter_map(|step| match step {
                        Step::Word(word) => Some(word.as_str()),
                        Step::Any => Some("x"),
                        Step::End => None,
                    });
                    let needed = look.needs.first().into_iter().map(String::as_str);
                    let value = look.needs.first().filter(|option| look.valued.contains(option)).map(|_| "x");
                    let line = needed.chain(value).chain(words);
                    lines.push(line.map(|word| Arg::text(word, (0, 0))).collect());
                }
                for line in lines {
                    let first = forms.iter().position(|look| look.holds(&line));
                    let shown: Vec<&str> = line.iter().map(|arg| arg.shown.as_str()).collect();
                    assert_eq!(first, Some(place), "{name} {}", shown.join(" "));
                }
            }
        }
    }

    #[test]
    fn one_option_that_nobody_listed_makes_it_another_form() {
        for line in [
            "iptables -vnL",
            "iptables -t nat -L",
            "iptables -tnat -S INPUT",
            "nft -a list ruleset",
            "mount",
            "crontab -u ann -l",
        ] {
            assert!(holds(line), "{line}");
        }
        for line in [
            "iptables -L -F",
            "iptables -LZ",
            "iptables -L --modprobe=./x",
            "iptables",
            "nft list ruleset; flush ruleset",
            "nft flush ruleset list",
            "mount x",
            "mount -o remount",
            "crontab -l x",
            "crontab -u -l x",
            "tcpdump -r x -w y",
            "tcpdump -r x -z y",
            "zpool status -c x",
        ] {
            assert!(!holds(line), "{line}");
        }
    }

    #[test]
    fn what_only_the_run_tells_may_be_an_option() {
        assert!(form("iptables", &[Arg::text("-L", (0, 0)), Arg::unknown((0, 0))]).is_none());
    }
}
