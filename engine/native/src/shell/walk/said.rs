//! What commands print of names, as far as the text tells: only ever a reason to look closer at who gets it.

use std::collections::HashMap;

use super::super::syntax::{Body, Command, Part, Redirect, Script};
use super::args::{shown, Arg};
use super::pipelines::decode_base64;
use super::{names, reaching, Walker};

/// Longer texts are not followed.
const MAX_TEXT: usize = 4_096;
/// Nor more names in one.
const MAX_NAMES: usize = 32;

/// Programs that hand on what they get, in part or in another order.
const HANDS_ON: &[&str] = &["sort", "uniq", "head", "tail", "grep", "tee", "tr", "sed", "shuf", "tac", "xargs"];

impl Walker<'_> {
    /// What a command of a pipeline prints of names.
    pub(super) fn said_by(&self, command: &Command) -> Option<String> {
        let before = self.piped.as_deref();
        let Body::Simple { words, .. } = &command.body else {
            return None;
        };
        let args: Vec<Arg> = words.iter().map(|word| Arg::of(word, self.held.constants())).collect();
        let (program, rest) = args.split_first()?;
        let word = program.literal.as_deref()?;
        match names::known(word).as_deref().unwrap_or(word) {
            "ls" => Some(listed(rest).join("\n")),
            "find" => Some(self.found_names(&args).join("\n")),
            name if HANDS_ON.contains(&name) => before.map(str::to_owned),
            _ => printed(command, self.held.constants(), before),
        }
    }

    /// What a process whose output is read prints.
    pub(super) fn said_by_process(&self, redirects: &[Redirect]) -> Option<String> {
        redirects.iter().flat_map(|redirect| &redirect.target.parts).find_map(|part| match part {
            Part::Process(script) => of_script(script, self.held.constants()),
            _ => None,
        })
    }

    /// Names that a `find` looks for, from where it begins: those that are known below that among them.
    pub(super) fn found_names(&self, args: &[Arg]) -> Vec<String> {
        let own = args.get(1..).unwrap_or_default();
        let begins = |arg: &&Arg| !arg.shown.starts_with(['-', '(', '!']);
        let mut starts: Vec<String> = own.iter().take_while(begins).map(|arg| self.placed(&arg.shown)).collect();
        if starts.is_empty() {
            starts.push(self.placed("."));
        }
        let mut names = Vec::new();
        for (at, arg) in own.iter().enumerate() {
            if !matches!(arg.shown.as_str(), "-name" | "-iname") {
                continue;
            }
            let Some(pattern) = own.get(at.saturating_add(1)) else {
                continue;
            };
            for start in starts.iter().take(MAX_NAMES) {
                names.push(format!("{}/{}", start.trim_end_matches('/'), pattern.shown));
                names.extend(reaching::known_below(start, &pattern.shown).into_iter().map(str::to_owned));
            }
        }
        names.truncate(MAX_NAMES);
        names
    }

    /// Runs `work` where a command gets these names.
    pub(super) fn getting<T>(&mut self, names: Vec<String>, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.gets, names);
        let result = work(self);
        self.gets = outer;
        result
    }

    /// The same, where so many names may be looked up.
    pub(super) fn names_of(&mut self, file: &Arg) -> Vec<Arg> {
        let names = self.may_be(file);
        let each = file.shown.len().saturating_mul(2).saturating_add(super::effort::NAME);
        let all = names.len().saturating_add(1).saturating_mul(each);
        match self.affords(all) {
            true => names,
            false => Vec::new(),
        }
    }

    /// What else a file may be that only the run tells: what is put in its place, and each word of a text that is split.
    pub(super) fn may_be(&self, file: &Arg) -> Vec<Arg> {
        let names: Vec<String> = if file.shown.contains("${ARG}") {
            self.gets.iter().map(|name| file.shown.replace("${ARG}", name)).collect()
        } else if file.substitution && file.shown.contains(char::is_whitespace) {
            file.shown.split_whitespace().take(MAX_NAMES).map(str::to_owned).collect()
        } else if file.literal.is_none() && file.shown.contains('{') && file.shown.contains(',') {
            super::braces::expanded(&file.shown)
        } else {
            Vec::new()
        };
        names.into_iter().map(|name| Arg { shown: self.placed(&name), literal: None, ..file.clone() }).collect()
    }
}

/// What `ls` lists: what it is given, or what is in it.
fn listed(args: &[Arg]) -> Vec<String> {
    let given: Vec<&str> = args.iter().filter(|arg| !arg.is_option()).map(|arg| arg.shown.as_str()).collect();
    if given.is_empty() {
        return vec!["*".to_owned()];
    }
    given.iter().flat_map(|name| [(*name).to_owned(), format!("{}/*", name.trim_end_matches('/'))]).collect()
}

/// The names in a text that a command gets.
pub(super) fn names_in(text: &str) -> Vec<String> {
    text.split(|char: char| char.is_whitespace() || char == '\0')
        .filter(|name| !name.is_empty())
        .take(MAX_NAMES)
        .map(str::to_owned)
        .collect()
}

/// What a substitution is replaced by, where its commands only print.
pub(super) fn of_script(script: &Script, known: &HashMap<String, String>) -> Option<String> {
    let [item] = script.as_slice() else {
        return None;
    };
    let [pipeline] = item.pipelines.as_slice() else {
        return None;
    };
    let mut text: Option<String> = None;
    for command in &pipeline.commands {
        text = Some(printed(command, known, text.as_deref())?);
    }
    text.map(|text| text.trim_end_matches('\n').to_owned()).filter(|text| !text.is_empty() && text.len() <= MAX_TEXT)
}

/// What `echo`, `printf` and `cat` print; None for others and where the text does not tell.
fn printed(command: &Command, known: &HashMap<String, String>, before: Option<&str>) -> Option<String> {
    let Body::Simple { words, .. } = &command.body else {
        return None;
    };
    let args: Vec<Arg> = words.iter().map(|word| Arg::of(word, known)).collect();
    let (program, rest) = args.split_first()?;
    let rest: Vec<&str> = rest.iter().map(|arg| arg.shown.as_str()).collect();
    let text = match program.literal.as_deref()? {
        "echo" => {
            let is_option = |word: &&&str| matches!(**word, "-n" | "-e" | "-E" | "-ne" | "-en");
            let words: Vec<&str> = rest.iter().skip_while(is_option).copied().collect();
            words.join(" ").replace("\\n", "\n")
        }
        "printf" => {
            let (format, values) = rest.split_first()?;
            let format = format.replace("\\n", "\n").replace("\\0", "\n").replace("\\t", "\t");
            match values {
                [] => format,
                values if format.contains("%s") => {
                    values.iter().map(|value| format.replacen("%s", value, 1)).collect::<Vec<_>>().join("")
                }
                _ => return None,
            }
        }
        "cat" if rest.is_empty() => taken_in(command, known, before)?,
        "base64" if matches!(rest.as_slice(), ["-d" | "-D" | "--decode"]) => {
            decode_base64(&taken_in(command, known, before)?)?
        }
        "rev" if rest.is_empty() => {
            let lines = taken_in(command, known, before)?;
            lines.lines().map(|line| line.chars().rev().collect::<String>()).collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    (text.len() <= MAX_TEXT && !text.contains("${") && !text.contains("$(")).then_some(text)
}

/// What a command gets on its standard input.
fn taken_in(command: &Command, known: &HashMap<String, String>, before: Option<&str>) -> Option<String> {
    match command.redirects.first() {
        None => before.map(str::to_owned),
        Some(redirect) if redirect.operator == "<<<" => Some(Arg::of(&redirect.target, known).shown),
        Some(redirect) if redirect.operator.starts_with("<<") => document(redirect.document.as_ref()?.get()?),
        Some(_) => None,
    }
}

fn document(parts: &[Part]) -> Option<String> {
    parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Quoted(_))).then(|| shown(parts))
}

#[cfg(test)]
mod tests {
    use super::super::super::read;
    use super::*;

    fn said(text: &str) -> Option<String> {
        of_script(&read::read(text, None, 0).script, &HashMap::new())
    }

    #[test]
    fn what_is_only_printed_is_known() {
        assert_eq!(said("echo /etc/shadow").as_deref(), Some("/etc/shadow"));
        assert_eq!(said("echo -n ~/.bashrc").as_deref(), Some("~/.bashrc"));
        assert_eq!(said("printf '%s\\n' a /etc/shadow").as_deref(), Some("a\n/etc/shadow"));
        assert_eq!(said("printf '%s/%s' /etc").as_deref(), Some("/etc/%s"));
        assert_eq!(said("echo /etc/shadow | cat").as_deref(), Some("/etc/shadow"));
        assert_eq!(said("cat <<< /etc/shadow").as_deref(), Some("/etc/shadow"));
        assert_eq!(said("echo $(echo x)").as_deref(), Some("x"));
        assert_eq!(said("echo L2V0Yy9zaGFkb3c= | base64 -d").as_deref(), Some("/etc/shadow"));
        assert_eq!(said("base64 --decode <<< L2V0Yy9zaGFkb3c=").as_deref(), Some("/etc/shadow"));
        assert_eq!(said("rev <<< wodahs").as_deref(), Some("shadow"));
    }

    #[test]
    fn what_only_the_run_tells_is_not() {
        for text in [
            "date",
            "echo $X",
            "echo $(date)",
            "cat file",
            "echo a; echo b",
            "echo a && echo b",
            "echo a | tac",
            "base64 x",
            "rev < x",
            "echo",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
