//! Wrappers: commands that run another command. The table `wrappers.tsv` says how each takes its options.

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::simple::Around;
use super::tables::{self, Form, RunForm, Wrapper};
use super::Walker;

/// What is left when a wrapper is taken off.
#[derive(Debug)]
pub(super) enum Unwrapped {
    /// No wrapper, or one that runs nothing this time.
    Program,
    Inner {
        wrapper: String,
        args: Vec<Arg>,
        signs: Vec<Sign>,
        remote: bool,
    },
    Texts {
        wrapper: String,
        texts: Vec<Arg>,
        signs: Vec<Sign>,
        remote: bool,
    },
    Unknown {
        code: &'static str,
        message: String,
    },
}

/// A wrapper's own words, read by its table entry.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Values of the options that carry a shell text.
    pub texts: Vec<Arg>,
    /// Index of the first word that is not the wrapper's own.
    pub rest: usize,
    /// Variables set on the way (`env A=b`).
    pub assigned: Vec<(String, Option<String>)>,
    /// Options seen, as spelt.
    pub seen: Vec<String>,
}

impl Walker<'_> {
    pub(super) fn unwrap(&mut self, name: &str, args: &[Arg], around: &Around) -> Unwrapped {
        if name == "parallel" {
            // Its options are its own wherever they stand: no other program has one of these names.
            self.wrapper_writes(name, args, around);
        }
        if let Some(found) = self.special(name, args, around) {
            return found;
        }
        let Some(wrapper) = tables::wrapper(name) else {
            return Unwrapped::Program;
        };
        let taken = match take(wrapper, args) {
            Ok(taken) => taken,
            Err(option) => {
                return Unwrapped::Unknown {
                    code: "unknown_option",
                    message: format!("`{name}` has an option nobody knows, `{option}`: what it runs cannot be told"),
                };
            }
        };
        let mut signs = wrapper.signs.clone();
        signs.extend(super::programs::entry_signs(name, args.get(1..taken.rest).unwrap_or_default()));
        signs.extend(taken.assigned.iter().filter_map(|(name, _)| super::simple::variable_signs(name)));
        let (wrapper_name, remote) = (name.to_owned(), wrapper.remote);
        if wrapper.keeps {
            self.program(name, args, Around { span: around.span, ..Around::default() });
        } else {
            self.wrapper_writes(name, args.get(..taken.rest).unwrap_or_default(), around);
        }
        if !taken.texts.is_empty() {
            return Unwrapped::Texts { wrapper: wrapper_name, texts: taken.texts, signs, remote };
        }
        let rest: Vec<Arg> = args.get(taken.rest..).unwrap_or_default().to_vec();
        if rest.is_empty() || wrapper.stops.iter().any(|option| taken.seen.contains(option)) {
            return if wrapper.keeps { self.kept(around) } else { Unwrapped::Program };
        }
        match wrapper.form {
            Form::Argv => Unwrapped::Inner { wrapper: wrapper_name, args: rest, signs, remote },
            Form::Words => Unwrapped::Texts { wrapper: wrapper_name, texts: vec![joined(&rest)], signs, remote },
            Form::Each => Unwrapped::Texts { wrapper: wrapper_name, texts: rest, signs, remote },
            Form::First => {
                Unwrapped::Texts { wrapper: wrapper_name, texts: rest.into_iter().take(1).collect(), signs, remote }
            }
            Form::None => {
                if wrapper.keeps {
                    self.kept(around)
                } else {
                    Unwrapped::Program
                }
            }
        }
    }

    /// A wrapper that writes a file of its own (`strace -o FILE`) is an operation beside what it runs.
    fn wrapper_writes(&mut self, name: &str, own: &[Arg], around: &Around) {
        let line = Line::of(own.get(1..).unwrap_or_default(), &[]);
        let mut options = tables::options(name).iter().filter(|runs| runs.form == RunForm::Write);
        if options.any(|runs| line.value(&runs.option).is_some()) {
            self.program(name, own, Around { span: around.span, ..Around::default() });
        }
    }

    /// The wrapper was an operation already and runs nothing else.
    fn kept(&mut self, around: &Around) -> Unwrapped {
        // The operation that was pushed last is the wrapper's own: it gets what surrounds the words.
        let index = self.tree.operations.len().saturating_sub(1);
        if let Some(operation) = self.at(index) {
            operation.targets.extend(around.redirected.targets.iter().cloned());
            operation.facts.redirects = around.redirected.facts.clone();
            operation.facts.env = around.env.clone();
            operation.facts.signs.extend(around.redirected.signs.iter().copied());
            operation.facts.signs.extend(around.signs.iter().copied());
            operation.effect = operation.effect.max(around.redirected.effect.unwrap_or(operation.effect));
        }
        Unwrapped::Texts { wrapper: String::new(), texts: Vec::new(), signs: Vec::new(), remote: false }
    }
}

/// Words joined by blanks, as `eval` and `ssh` do.
pub(super) fn joined(args: &[Arg]) -> Arg {
    let literal: Option<Vec<&str>> = args.iter().map(|arg| arg.literal.as_deref()).collect();
    let shown: Vec<&str> = args.iter().map(|arg| arg.shown.as_str()).collect();
    let span =
        (args.first().map(|arg| arg.span.0).unwrap_or_default(), args.last().map(|arg| arg.span.1).unwrap_or_default());
    Arg {
        literal: literal.map(|words| words.join(" ")),
        shown: shown.join(" "),
        dynamic: args.iter().any(|arg| arg.dynamic),
        substitution: args.iter().any(|arg| arg.substitution),
        single: false,
        span,
    }
}

/// Reads a wrapper's own words; the option nobody knows otherwise.
pub(super) fn take(wrapper: &Wrapper, args: &[Arg]) -> Result<Taken, String> {
    let mut taken = Taken::default();
    let mut at = 1_usize;
    let mut before = wrapper.before;
    while let Some(arg) = args.get(at) {
        let word = arg.shown.as_str();
        if word == "--" {
            at = at.saturating_add(1);
            if before == 0 {
                break;
            }
            continue;
        }
        if word.len() > 1 && word.starts_with('-') || wrapper.plus && word.len() > 1 && word.starts_with('+') {
            if arg.literal.is_none() && arg.dynamic && !word.contains('=') && !wrapper.lenient {
                return Err(word.to_owned());
            }
            at = option(wrapper, args, at, &mut taken)?;
            continue;
        }
        if wrapper.assigns && is_assignment(word) {
            let name = word.split('=').next().unwrap_or_default().to_owned();
            let value = arg.literal.as_ref().and_then(|word| word.split_once('=')).map(|(_, value)| value.to_owned());
            taken.assigned.push((name, value));
            at = at.saturating_add(1);
            continue;
        }
        if before == 0 {
            break;
        }
        before = before.saturating_sub(1);
        at = at.saturating_add(1);
    }
    taken.rest = at;
    Ok(taken)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Takes one option; the index after it and its value.
fn option(wrapper: &Wrapper, args: &[Arg], at: usize, taken: &mut Taken) -> Result<usize, String> {
    let next = at.saturating_add(1);
    let Some(arg) = args.get(at) else {
        return Ok(next);
    };
    let word = arg.shown.as_str();
    let (name, value) = match word.split_once('=') {
        Some((name, value)) if word.starts_with("--") => (name, Some(value)),
        _ => (word, None),
    };
    taken.seen.push(name.to_owned());
    if wrapper.texts.iter().any(|option| option == name) {
        return Ok(match value {
            Some(value) => {
                let literal = arg.literal.is_some().then(|| value.to_owned());
                taken.texts.push(Arg { literal, shown: value.to_owned(), ..arg.clone() });
                next
            }
            None => {
                taken.texts.push(args.get(next).cloned().unwrap_or_else(|| Arg::unknown(arg.span)));
                next.saturating_add(1)
            }
        });
    }
    if wrapper.valued.iter().any(|option| option == name) {
        return Ok(if value.is_some() { next } else { next.saturating_add(1) });
    }
    if wrapper.flags.iter().any(|option| option == name) {
        return Ok(next);
    }
    if word.starts_with("--") {
        // A prefix of one known option is that option to getopt.
        let known = wrapper.valued.iter().chain(&wrapper.flags).filter(|option| option.starts_with(name)).count();
        if known == 1 && name.len() > 3 {
            let takes = value.is_none() && wrapper.valued.iter().any(|option| option.starts_with(name));
            return Ok(if takes { next.saturating_add(1) } else { next });
        }
        return if wrapper.lenient { Ok(next) } else { Err(name.to_owned()) };
    }
    cluster(wrapper, args, at, taken)
}

/// `-abc`, `-n10`, `-uroot`.
fn cluster(wrapper: &Wrapper, args: &[Arg], at: usize, taken: &mut Taken) -> Result<usize, String> {
    let next = at.saturating_add(1);
    let Some(arg) = args.get(at) else {
        return Ok(next);
    };
    let sign = if arg.shown.starts_with('+') { '+' } else { '-' };
    let mut carries = false;
    for (place, letter) in arg.shown.char_indices().skip(1) {
        let spelt = format!("{sign}{letter}");
        let last = place.saturating_add(letter.len_utf8()) >= arg.shown.len();
        taken.seen.push(spelt.clone());
        if wrapper.texts.contains(&spelt) {
            // A shell's `-c` takes its text after all other options.
            carries = true;
        } else if wrapper.valued.contains(&spelt) {
            if carries {
                return Err(arg.shown.clone());
            }
            return Ok(if last { next.saturating_add(1) } else { next });
        } else if !(wrapper.flags.contains(&spelt)
            || letter.is_ascii_digit() && wrapper.flags.contains(&"-#".to_owned()))
        {
            return if wrapper.lenient { Ok(next) } else { Err(arg.shown.clone()) };
        }
    }
    if carries {
        taken.texts.push(args.get(next).cloned().unwrap_or_else(|| Arg::unknown(arg.span)));
        return Ok(next.saturating_add(1));
    }
    Ok(next)
}
