//! Builtins that set variables from what they make or read.

use super::super::vocabulary::Sign;
use super::args::Line;
use super::held::Texts;
use super::simple::Around;
use super::{tables, Input, Walker};

/// Variables that a builtin sets from what it makes or reads.
fn set_by(name: &str, line: &Line) -> Vec<String> {
    let named = || line.positionals.iter().map(|arg| arg.shown.clone());
    match name {
        "printf" => line.value("-v").map(|arg| arg.shown).into_iter().collect(),
        "read" if line.positionals.is_empty() => vec!["REPLY".to_owned()],
        "mapfile" | "readarray" if line.positionals.is_empty() => vec!["MAPFILE".to_owned()],
        "read" | "mapfile" | "readarray" => named().chain(line.value("-a").map(|arg| arg.shown)).collect(),
        "unset" => named().collect(),
        "let" => named().map(|text| text.split(['=', '+', '-', '*']).next().unwrap_or_default().to_owned()).collect(),
        "getopts" => {
            line.positionals.iter().skip(1).take(1).map(|arg| arg.shown.clone()).chain(["OPTARG".to_owned()]).collect()
        }
        _ => Vec::new(),
    }
}

/// What they may be set to: each word that a builtin is given, and what it reads where that is known.
fn set_to(name: &str, line: &Line, around: &Around, piped: &str) -> Texts {
    let read = match &around.input {
        Input::Document(Some(text)) | Input::Pipe(Some(text)) => text.as_str(),
        Input::Pipe(None) | Input::Inherited | Input::Process => piped,
        Input::Document(None) | Input::File(_) => "",
    };
    let given: Vec<&str> = match name {
        "printf" => line.args.iter().map(|arg| arg.shown.as_str()).collect(),
        "read" | "mapfile" | "readarray" => read.lines().chain(read.split_whitespace()).collect(),
        _ => Vec::new(),
    };
    std::iter::once(None).chain(given.into_iter().take(40).map(|text| Some(text.to_owned()))).collect()
}

impl Walker<'_> {
    /// `set -- a b`: the words that a script was given.
    pub(super) fn sets_words(&mut self, line: &Line) {
        let words = line.args.iter().skip_while(|arg| arg.is_option() && !arg.is("--"));
        let words: Texts = words.skip_while(|arg| arg.is("--")).map(|arg| Some(arg.shown.clone())).collect();
        for (at, word) in words.iter().take(9).enumerate() {
            self.held.set(&at.saturating_add(1).to_string(), vec![word.clone()]);
        }
        if !words.is_empty() {
            self.held.set("@", words.clone());
            self.held.set("*", words);
        }
    }

    /// What a builtin sets from what it makes or reads is no longer what it was.
    pub(super) fn sets_variables(&mut self, index: usize, name: &str, line: &Line, around: &Around) {
        let texts = set_to(name, line, around, self.piped.as_deref().unwrap_or_default());
        for variable in set_by(name, line) {
            if tables::is_execution_variable(&variable) && name != "unset" {
                self.sign(index, Sign::ExecutionVariable);
            }
            self.held.set(&variable, texts.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::Arg;
    use super::*;

    fn set(line: &str) -> Vec<String> {
        let words: Vec<Arg> = line.split(' ').map(|word| Arg::text(word, (0, 0))).collect();
        let rest = words.get(1..).unwrap_or_default();
        set_by(words.first().map(|word| word.shown.as_str()).unwrap_or_default(), &Line::of(rest, None))
    }

    #[test]
    fn what_a_builtin_sets_is_named_by_its_words() {
        assert_eq!(set("read a b"), ["a", "b"]);
        assert_eq!(set("read"), ["REPLY"]);
        assert_eq!(set("printf -v a %s x"), ["a"]);
        assert_eq!(set("mapfile lines"), ["lines"]);
        assert_eq!(set("getopts f: o"), ["o", "OPTARG"]);
        assert_eq!(set("unset a"), ["a"]);
        assert_eq!(set("echo a"), [] as [&str; 0]);
    }
}
