//! Wrappers: commands that run another command. The table `wrappers.tsv` says how each takes its options.

use std::collections::HashSet;

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::simple::Around;
use super::tables::{self, Form, RunForm, Wrapper};
use super::{Input, Walker};

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
    /// Where else the command may begin: behind an option nobody knows stands its value, or the command.
    pub others: Vec<usize>,
    /// Variables set on the way (`env A=b`, `strace -E A=b`).
    pub assigned: Vec<(String, Option<String>)>,
    /// Options seen, as spelt.
    pub seen: Vec<String>,
    /// The program that an option names for what is run (`docker run --entrypoint`).
    pub entrypoint: Option<Arg>,
}

/// More places than this at which a command may begin are not followed.
const MAX_BEGINNINGS: usize = 8;
/// Nor more in a whole text. WHY: each is another reading of all that stands behind it, and they multiply where wrappers stand in one another.
const MAX_DOUBTS: usize = 16;

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
        signs.extend(
            taken.assigned.iter().filter_map(|(name, value)| super::simple::variable_signs(name, value.as_deref())),
        );
        let (wrapper_name, remote) = (name.to_owned(), wrapper.remote);
        if wrapper.keeps {
            let reads = matches!(name, "mapfile" | "readarray");
            let input = if reads { around.input.clone() } else { Input::Inherited };
            self.program(name, args, Around { span: around.span, input, ..Around::default() });
        } else {
            self.wrapper_writes(name, args.get(..taken.rest).unwrap_or_default(), around);
        }
        let rest: Vec<Arg> = args.get(taken.rest..).unwrap_or_default().to_vec();
        let is_form = |form: Form| wrapper.form == form;
        if let Some(unknown) = self.doubts_too_often(name, taken.others.len()) {
            return unknown;
        }
        for other in taken.others.iter().filter(|_| is_form(Form::Argv)) {
            let inner = args.get(*other..).unwrap_or_default();
            self.inside(name, remote, &signs, |walker| walker.run(inner, around.clone_plain()));
        }
        if !taken.texts.is_empty() {
            let mut texts = taken.texts;
            match rest.is_empty() || is_form(Form::None) {
                true => {}
                false if is_form(Form::Argv) => texts.push(joined(&rest)),
                false => texts.extend(rest),
            }
            return Unwrapped::Texts { wrapper: wrapper_name, texts, signs, remote };
        }
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

    /// What is left where a command may begin at so many more places, and that is too often.
    pub(super) fn doubts_too_often(&mut self, name: &str, more: usize) -> Option<Unwrapped> {
        self.doubts = self.doubts.saturating_add(more);
        (more > 0 && self.doubts > MAX_DOUBTS).then(|| Unwrapped::Unknown {
            code: "too_deep",
            message: format!("`{name}` has options nobody knows, and what it runs may begin at too many places"),
        })
    }

    /// A wrapper that writes a file of its own (`strace -o FILE`) is an operation beside what it runs.
    fn wrapper_writes(&mut self, name: &str, own: &[Arg], around: &Around) {
        let line = Line::of(own.get(1..).unwrap_or_default(), tables::known(name));
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
    let mut ways = Ways::default();
    let rest = take_from(wrapper, args, (1, wrapper.before), &mut taken, &mut ways)?;
    taken.rest = rest.unwrap_or(args.len());
    ways.others.retain(|other| *other != taken.rest);
    taken.others = ways.others;
    taken.texts = ways.texts;
    Ok(taken)
}

/// The ways to read the words of a wrapper with options that nobody knows. INVARIANT: two ways that come together are one from there
/// on, and a text is taken once by whichever way: else ways, and what is read along them, would double with each such option.
#[derive(Default)]
struct Ways {
    /// How many options are flags on the way that is gone.
    depth: usize,
    /// Where some way was: the word, the words that are left before the command, whether its program was named.
    been: HashSet<(usize, usize, bool)>,
    others: Vec<usize>,
    texts: Vec<Arg>,
    /// The options whose texts were taken.
    taken: HashSet<usize>,
}

impl Ways {
    /// Whether this way comes to where another one was.
    fn joins(&mut self, place: (usize, usize, bool)) -> bool {
        // Before the first option that nobody knows there is one way.
        let is_one = self.depth == 0 && self.been.is_empty();
        !is_one && !self.been.insert(place) && self.depth > 0
    }

    /// The texts that an option carries.
    fn take(&mut self, option: usize, texts: Vec<Arg>) {
        if !texts.is_empty() && self.taken.insert(option) {
            self.texts.extend(texts);
        }
    }
}

/// Where the command begins; None where another way came to the same place before.
fn take_from(
    wrapper: &Wrapper,
    args: &[Arg],
    from: (usize, usize),
    taken: &mut Taken,
    ways: &mut Ways,
) -> Result<Option<usize>, String> {
    let (mut at, mut before) = from;
    while let Some(arg) = args.get(at) {
        if ways.joins((at, before, taken.entrypoint.is_some())) {
            return Ok(None);
        }
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
            let next = option(wrapper, args, at, taken)?;
            ways.take(at, std::mem::take(&mut taken.texts));
            match next {
                Next::At(next) => at = next,
                Next::Doubtful => {
                    at = at.saturating_add(1);
                    if args.get(at).is_some_and(|next| !next.is_option()) {
                        if ways.others.len().saturating_add(ways.depth) >= MAX_BEGINNINGS {
                            return Err(word.to_owned());
                        }
                        // As a flag: the command begins here, or after the words before it.
                        ways.depth = ways.depth.saturating_add(1);
                        let other = take_from(wrapper, args, (at, before), &mut Taken::default(), ways)?;
                        ways.depth = ways.depth.saturating_sub(1);
                        let other = other.filter(|other| *other < args.len() && !ways.others.contains(other));
                        ways.others.extend(other);
                        at = at.saturating_add(1);
                    }
                }
            }
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
        if before == 0 && taken.entrypoint.is_some() {
            // What follows are the words of the program that was named.
            break;
        }
    }
    Ok(Some(at))
}

/// Where reading goes on behind an option.
enum Next {
    At(usize),
    /// Nobody knows the option: the next word may be its value.
    Doubtful,
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Takes one option: where what is behind it and its value begins.
fn option(wrapper: &Wrapper, args: &[Arg], at: usize, taken: &mut Taken) -> Result<Next, String> {
    let next = at.saturating_add(1);
    let Some(arg) = args.get(at) else {
        return Ok(Next::At(next));
    };
    let word = arg.shown.as_str();
    let (name, attached) = match word.split_once('=') {
        Some((name, value)) if word.starts_with("--") => (name, Some(value)),
        _ => (word, None),
    };
    let known = |all: &[String], name: &str| all.iter().any(|option| option == name);
    let takes = |name: &str| known(&wrapper.valued, name) || known(&wrapper.texts, name);
    // A beginning that is of one known option only is that option to getopt.
    let name = if word.starts_with("--") && name.len() > 3 && !takes(name) && !known(&wrapper.flags, name) {
        let all = wrapper.valued.iter().chain(&wrapper.texts).chain(&wrapper.flags);
        let mut meant = all.map(|option| option.trim_end_matches('?')).filter(|option| option.starts_with(name));
        match (meant.next(), meant.next()) {
            (Some(one), None) => one,
            _ => name,
        }
    } else {
        name
    };
    taken.seen.push(name.to_owned());
    if takes(name) {
        let value = attached.map(|value| arg.part(value)).or_else(|| args.get(next).cloned());
        took(wrapper, name, value.unwrap_or_else(|| Arg::unknown(arg.span)), taken);
        return Ok(Next::At(if attached.is_some() { next } else { next.saturating_add(1) }));
    }
    if known(&wrapper.flags, name) || known(&wrapper.flags, &format!("{name}?")) {
        return Ok(Next::At(next));
    }
    if word.starts_with("--") {
        return match (wrapper.lenient, attached) {
            (true, Some(_)) => Ok(Next::At(next)),
            (true, None) => Ok(Next::Doubtful),
            (false, _) => Err(name.to_owned()),
        };
    }
    cluster(wrapper, args, at, taken)
}

/// An option has a value.
fn took(wrapper: &Wrapper, name: &str, value: Arg, taken: &mut Taken) {
    if wrapper.texts.iter().any(|option| option == name) {
        taken.texts.push(value);
    } else if name == "--entrypoint" {
        taken.entrypoint = Some(value);
    } else if let Some((variable, set)) =
        value.shown.split_once('=').filter(|_| matches!(name, "-E" | "--env" | "--setenv"))
    {
        taken.assigned.push((variable.to_owned(), value.literal.is_some().then(|| set.to_owned())));
    }
}

/// `-abc`, `-n10`, `-uroot`.
fn cluster(wrapper: &Wrapper, args: &[Arg], at: usize, taken: &mut Taken) -> Result<Next, String> {
    let next = at.saturating_add(1);
    let Some(arg) = args.get(at) else {
        return Ok(Next::At(next));
    };
    let sign = if arg.shown.starts_with('+') { '+' } else { '-' };
    let mut is_doubtful = false;
    for (place, letter) in arg.shown.char_indices().skip(1) {
        let spelt = format!("{sign}{letter}");
        let after = arg.shown.get(place.saturating_add(letter.len_utf8())..).unwrap_or_default();
        let known = |all: &[String], name: &str| all.iter().any(|option| option == name);
        taken.seen.push(spelt.clone());
        if known(&wrapper.texts, &spelt) || known(&wrapper.valued, &spelt) {
            let attached = (!after.is_empty()).then(|| arg.part(after));
            let value = attached.clone().or_else(|| args.get(next).cloned());
            took(wrapper, &spelt, value.unwrap_or_else(|| Arg::unknown(arg.span)), taken);
            return Ok(Next::At(if attached.is_some() { next } else { next.saturating_add(1) }));
        }
        if known(&wrapper.flags, &format!("{spelt}?")) {
            return Ok(Next::At(next));
        }
        if !(known(&wrapper.flags, &spelt) || letter.is_ascii_digit() && known(&wrapper.flags, "-#")) {
            if !wrapper.lenient {
                return Err(arg.shown.clone());
            }
            is_doubtful = true;
        }
    }
    Ok(if is_doubtful { Next::Doubtful } else { Next::At(next) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(line: &str) -> Result<(Vec<String>, usize, Vec<usize>), String> {
        let args: Vec<Arg> = line.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
        let name = line.split(' ').next().unwrap_or_default();
        let taken = take(tables::wrapper(name).ok_or("no wrapper")?, &args)?;
        Ok((taken.texts.iter().map(|text| text.shown.clone()).collect(), taken.rest, taken.others))
    }

    #[test]
    fn a_text_is_taken_once_whatever_the_ways_to_it() {
        for count in 0..8 {
            let line = format!("su{} -c id", " -x a".repeat(count));
            assert_eq!(taken(&line).map(|taken| taken.0), Ok(vec!["id".to_owned()]), "{line}");
        }
        let both = taken("su -x -c id root -c ls");
        assert_eq!(both.map(|taken| taken.0), Ok(vec!["id".to_owned(), "ls".to_owned()]));
    }

    #[test]
    fn each_place_where_a_command_may_begin_is_one() {
        assert_eq!(taken("valgrind --foo a id"), Ok((Vec::new(), 3, vec![2])));
        assert_eq!(taken("valgrind --foo a --foo b id"), Ok((Vec::new(), 5, vec![2, 4])));
        assert!(taken(&format!("valgrind{} id", " --foo a".repeat(20))).is_err());
    }
}
