//! The words of a command as a program would get them, and its options.

use std::collections::HashMap;

use super::super::syntax::{Part, Span, Word};

/// One argument.
#[derive(Clone, Debug, Default)]
pub struct Arg {
    /// The value, where it is the same whatever the shell's state is.
    pub literal: Option<String>,
    /// The value with what is only known at run time spelt as in the text: `~`, `${NAME}`, `$()`, globs.
    pub shown: String,
    /// Whether an expansion stands in it that is no glob or tilde.
    pub dynamic: bool,
    /// Whether it is quoted as a whole or has no expansion that could make several words of it.
    pub single: bool,
    /// `$(...)` or `<(...)` stands in it.
    pub substitution: bool,
    pub span: Span,
}

impl Arg {
    /// `known`: what variables were last set to, for what is shown.
    pub fn of(word: &Word, known: &HashMap<String, String>) -> Arg {
        let literal = word.literal();
        let shown = literal.clone().unwrap_or_else(|| shown_with(&word.parts, known));
        Arg {
            single: literal.is_some(),
            dynamic: word.is_dynamic(),
            substitution: word.parts.iter().any(|part| matches!(part, Part::Command(_) | Part::Process(_))),
            literal,
            shown,
            span: word.span,
        }
    }

    pub fn text(value: &str, span: Span) -> Arg {
        Arg { literal: Some(value.to_owned()), shown: value.to_owned(), single: true, span, ..Arg::default() }
    }

    /// An argument that only the run will tell.
    pub fn unknown(span: Span) -> Arg {
        Arg { shown: "${ARG}".to_owned(), dynamic: true, span, ..Arg::default() }
    }

    /// The file of a process substitution.
    pub fn process(span: Span) -> Arg {
        Arg { shown: "<()".to_owned(), dynamic: true, single: true, substitution: true, span, ..Arg::default() }
    }

    pub fn is(&self, value: &str) -> bool {
        self.literal.as_deref() == Some(value)
    }

    /// A part of it as an argument of its own.
    pub fn part(&self, value: &str) -> Arg {
        Arg { literal: self.literal.is_some().then(|| value.to_owned()), shown: value.to_owned(), ..self.clone() }
    }

    /// Whether it is, or may be, an option.
    pub fn is_option(&self) -> bool {
        self.shown.starts_with('-') && self.shown.len() > 1
    }
}

/// A value with its unknown parts spelt out.
pub fn shown(parts: &[Part]) -> String {
    shown_with(parts, &HashMap::new())
}

pub(super) fn shown_with(parts: &[Part], known: &HashMap<String, String>) -> String {
    let mut value = String::new();
    for part in parts {
        match part {
            Part::Text(text) | Part::Quoted(text) => value.push_str(text),
            Part::Parameter(parameter) if parameter.plain && parameter.name == "HOME" => value.push('~'),
            Part::Parameter(parameter) => match super::expansions::shown(parameter, known) {
                Some(text) => value.push_str(&text),
                None => {
                    value.push_str("${");
                    value.push_str(&parameter.name);
                    value.push('}');
                }
            },
            Part::Arithmetic(_) => value.push_str("$(())"),
            Part::Command(script) => match super::said::of_script(script, known) {
                Some(text) => value.push_str(&text),
                None => value.push_str("$()"),
            },
            Part::Process(_) => value.push_str("<()"),
        }
    }
    value
}

/// How a program takes its options, as far as the tables know.
#[derive(Debug, Default)]
pub struct Known {
    /// Options with a value: the next word, or what is attached.
    pub valued: Vec<String>,
    /// Options with a value where they stand alone; among other letters they are flags (`docker build -t x`, `docker run -it x`).
    pub alone: Vec<String>,
    /// Options whose value is attached or none: `-i.bak`, `--color=auto`.
    pub attached: Vec<String>,
    /// Long options without a value. Where there are any, the program's long options are all known.
    pub flags: Vec<String>,
    /// Whether it is the program of many subcommands: a letter may take a value with one of them and none with another.
    pub merges: bool,
}

impl Known {
    fn is_valued(&self, option: &str) -> bool {
        self.valued.iter().any(|known| known == option)
    }

    fn takes(&self, option: &str) -> bool {
        self.is_valued(option) || self.attached.iter().any(|known| known == option)
    }

    /// Whether it is known if the next word is this option's value.
    fn is_clear(&self, word: &str) -> bool {
        let all = || self.valued.iter().chain(&self.alone).chain(&self.attached).chain(&self.flags);
        let spelt = |option: &str| all().any(|known| known == option);
        let lone = word.get(..2).is_some_and(|letter| !word.starts_with("--") && self.takes(letter));
        spelt(word) || lone || word.starts_with("--") && spelt(self.whole(word))
    }

    /// Whether words with one dash are names of options here: `-var-file`.
    fn is_worded(&self) -> bool {
        self.valued.iter().any(|option| option.len() > 2 && !option.starts_with("--"))
    }

    /// The letters of a cluster before what is the value of one of them: of `-Iseconds` those of `-I`.
    fn letters<'w>(&self, word: &'w str) -> &'w str {
        if self.merges || !word.starts_with('-') || word.starts_with("--") {
            return word;
        }
        let end = word.char_indices().skip(1).find(|(_, letter)| self.takes(&format!("-{letter}")));
        end.and_then(|(at, letter)| word.get(..at.saturating_add(letter.len_utf8()))).unwrap_or(word)
    }

    /// The long option that a word spells, whole or by a beginning that is no other's, as getopt takes it.
    fn whole<'k>(&'k self, word: &'k str) -> &'k str {
        let all = || self.valued.iter().chain(&self.attached).chain(&self.flags).map(String::as_str);
        if word.len() < 3 || all().any(|known| known == word) {
            return word;
        }
        // `git apply --index` is whole; what filters a branch is held by its verb.
        let mut meant = all().filter(|known| known.starts_with(word) && !known.ends_with("-filter"));
        match (meant.next(), meant.next()) {
            (Some(one), None) => one,
            _ => word,
        }
    }
}

/// An option as the program reads it.
#[derive(Debug)]
struct Seen {
    name: String,
    value: Option<Arg>,
}

/// The options of a command, and what is left of its words.
pub struct Line<'a> {
    pub args: &'a [Arg],
    pub positionals: Vec<&'a Arg>,
    /// Options that nobody knows, so that the next word may be their value, with how many positionals stand before each.
    pub unclear: Vec<(usize, &'a Arg)>,
    known: Option<&'static Known>,
    seen: Vec<Seen>,
}

impl<'a> Line<'a> {
    /// `args`: the words after the program's name; `known`: what the tables say about its options.
    pub fn of(args: &'a [Arg], known: Option<&'static Known>) -> Line<'a> {
        let mut line = Line { args, positionals: Vec::new(), unclear: Vec::new(), known, seen: Vec::new() };
        let mut rest = args.iter();
        let mut options_end = false;
        while let Some(arg) = rest.next() {
            if options_end || !arg.is_option() {
                line.positionals.push(arg);
            } else if arg.is("--") {
                options_end = true;
            } else {
                if !arg.shown.contains('=') && !known.is_some_and(|known| known.is_clear(&arg.shown)) {
                    line.unclear.push((line.positionals.len(), arg));
                }
                if let Some(known) = known {
                    line.option(known, arg, &mut rest);
                }
            }
        }
        line
    }

    fn option(&mut self, known: &Known, arg: &'a Arg, rest: &mut std::slice::Iter<'a, Arg>) {
        let word = arg.shown.as_str();
        if known.is_valued(word) || known.alone.iter().any(|option| option == word) {
            self.saw(word, rest.next().cloned());
            return;
        }
        let (name, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        if word.starts_with("--") {
            let whole = known.whole(name);
            let value = match attached {
                Some(value) => Some(arg.part(value)),
                None if !known.is_valued(whole) => None,
                None if known.flags.is_empty() => {
                    // It may be another option that nobody knows: then the next word is what it is elsewhere.
                    rest.as_slice().first().cloned()
                }
                None => rest.next().cloned(),
            };
            self.saw(whole, value);
            return;
        }
        if let Some(value) = attached.filter(|_| known.takes(name)) {
            self.saw(name, Some(arg.part(value)));
            return;
        }
        let worded = known.is_worded();
        for (place, letter) in word.char_indices().skip(1) {
            let spelt = format!("-{letter}");
            if known.takes(&spelt) {
                let after = word.get(place.saturating_add(letter.len_utf8())..).unwrap_or_default();
                let value = match after {
                    "" if known.is_valued(&spelt) => rest.next().cloned(),
                    "" => None,
                    _ => Some(arg.part(after.strip_prefix('=').unwrap_or(after))),
                };
                self.saw(&spelt, value);
                return;
            }
            if worded || !letter.is_ascii_alphanumeric() {
                return;
            }
            self.saw(&spelt, None);
        }
    }

    fn saw(&mut self, name: &str, value: Option<Arg>) {
        self.seen.push(Seen { name: name.to_owned(), value });
    }

    /// Whether an option is there: `--name`, `--name=value`, `-x` alone, with its value or in a cluster.
    pub fn has(&self, option: &str) -> bool {
        let spells = |word: &str| match self.known.filter(|_| option.len() == 2) {
            Some(known) => matches_option(word, option) && matches_option(known.letters(word), option),
            None => matches_option(word, option),
        };
        self.seen.iter().any(|seen| seen.name == option) || self.args.iter().any(|arg| spells(&arg.shown))
    }

    /// Whether a word may be a long option cut short, as getopt takes it; `named`: what is an option as it stands.
    pub fn has_beginning(&self, option: &str, named: &dyn Fn(&str) -> bool) -> bool {
        let own = self.args.iter().take_while(|arg| !arg.is("--")).map(|arg| arg.shown.as_str());
        own.filter(|word| word.len() > 2 && word.starts_with("--")).any(|word| {
            let name = word.split('=').next().unwrap_or(word);
            name.len() < option.len()
                && option.starts_with(name)
                && !option.contains('=')
                && !named(name)
                && !self.known.is_some_and(|known| known.is_clear(name))
        })
    }

    /// Whether one of some options was read, as those of this program are.
    pub fn saw_any(&self, options: &[&str]) -> bool {
        self.seen.iter().any(|seen| options.contains(&seen.name.as_str()))
    }

    /// The value of an option: the next argument or what stands after `=` or the letter.
    pub fn value(&self, option: &str) -> Option<Arg> {
        self.values(option).into_iter().next()
    }

    /// The values of an option, each time that it is given.
    pub fn values(&self, option: &str) -> Vec<Arg> {
        if self.known.is_some_and(|known| known.takes(option) || known.alone.iter().any(|alone| alone == option)) {
            let seen = self.seen.iter().filter(|seen| seen.name == option);
            return seen.filter_map(|seen| seen.value.clone()).collect();
        }
        self.guessed(option).into_iter().collect()
    }

    /// The value of an option that the tables do not know of this program.
    fn guessed(&self, option: &str) -> Option<Arg> {
        let mut rest = self.args.iter();
        while let Some(arg) = rest.next() {
            if arg.shown == option || ends_cluster(&arg.shown, option) {
                return rest.next().cloned();
            }
            let attached = if option.starts_with("--") || option.len() > 2 {
                arg.shown.strip_prefix(option).and_then(|rest| rest.strip_prefix('='))
            } else if arg.shown.starts_with("--") {
                None
            } else {
                arg.shown.strip_prefix(option)
            };
            if let Some(value) = attached {
                return Some(arg.part(value));
            }
        }
        None
    }
}

/// Whether a cluster of short options ends in one that takes a value: `-avze ssh`.
fn ends_cluster(arg: &str, option: &str) -> bool {
    let Some(letter) = option.strip_prefix('-').filter(|letter| letter.len() == 1) else {
        return false;
    };
    arg.len() > 2
        && arg.len() <= 8
        && arg.starts_with('-')
        && arg.ends_with(letter)
        && arg.bytes().skip(1).all(|byte| byte.is_ascii_alphabetic())
}

/// Whether an argument spells an option.
pub fn matches_option(arg: &str, option: &str) -> bool {
    if arg == option {
        return true;
    }
    if option.starts_with("--") || option.len() > 2 {
        return arg.strip_prefix(option).is_some_and(|rest| rest.starts_with('='));
    }
    let letter = option.trim_start_matches('-');
    // A cluster of short options; longer single-dash words are names of options.
    arg.starts_with('-') && !arg.starts_with("--") && arg.len() <= 12 && {
        let cluster = arg.trim_start_matches('-');
        cluster.contains(letter) && cluster.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }
}
