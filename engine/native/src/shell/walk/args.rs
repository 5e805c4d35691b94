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

    pub fn is(&self, value: &str) -> bool {
        self.literal.as_deref() == Some(value)
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

fn shown_with(parts: &[Part], known: &HashMap<String, String>) -> String {
    let mut value = String::new();
    for part in parts {
        match part {
            Part::Text(text) | Part::Quoted(text) => value.push_str(text),
            Part::Parameter(parameter) if parameter.plain && parameter.name == "HOME" => value.push('~'),
            Part::Parameter(parameter) if parameter.plain && known.contains_key(&parameter.name) => {
                value.push_str(known.get(&parameter.name).map(String::as_str).unwrap_or_default());
            }
            Part::Parameter(parameter) => {
                value.push_str("${");
                value.push_str(&parameter.name);
                value.push('}');
            }
            Part::Arithmetic(_) => value.push_str("$(())"),
            Part::Command(_) => value.push_str("$()"),
            Part::Process(_) => value.push_str("<()"),
        }
    }
    value
}

/// Options and what is left of a command's words, read without knowing the program better than a list of valued options.
pub struct Line<'a> {
    pub args: &'a [Arg],
    pub positionals: Vec<&'a Arg>,
}

impl<'a> Line<'a> {
    /// `valued`: options whose value is the next argument.
    pub fn of(args: &'a [Arg], valued: &[&str]) -> Line<'a> {
        let mut positionals = Vec::new();
        let mut rest = args.iter();
        let mut options_end = false;
        while let Some(arg) = rest.next() {
            if options_end || !arg.is_option() {
                positionals.push(arg);
            } else if arg.is("--") {
                options_end = true;
            } else if valued.iter().any(|option| arg.is(option)) {
                rest.next();
            }
        }
        Line { args, positionals }
    }

    /// Whether an option is there: `--name`, `--name=value`, `-x` alone, with its value or in a cluster.
    pub fn has(&self, option: &str) -> bool {
        self.args.iter().any(|arg| matches_option(&arg.shown, option))
    }

    /// The value of an option: the next argument or what stands after `=` or the letter.
    pub fn value(&self, option: &str) -> Option<Arg> {
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
                let mut found = arg.clone();
                found.literal = arg.literal.is_some().then(|| value.to_owned());
                value.clone_into(&mut found.shown);
                return Some(found);
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
