//! Whether a stage of a pipeline takes what it is given for code: `| sh`, `| python3 -`, `| xargs sh -c`. What a program of the
//! project's own is given to read, `| python3 parse.py`, is data.

use super::super::syntax::{Body, Command, Item};
use super::args::Arg;
use super::code::code_of;
use super::tables::{self, Interpreter};
use super::unwrap::{joined, take};
use super::{names, Walker};

/// How deep commands may stand in one another: what is deeper counts as code.
const MOST_NESTED: usize = 12;

/// How many words of a program that starts others, with options nobody knows, are looked at.
const MOST_SEARCHED: usize = 12;

/// Parts of a text of code that may run what the code reads. `-c` of Python is read by itself, later.
const RUNS_WHAT_IT_READS: &[&str] = &[
    "eval",
    "exec",
    "system",
    "popen",
    "subprocess",
    "child_process",
    "spawn",
    "Function(",
    "vm.",
    "require(\"vm",
    "require('vm",
    "compile(",
    "qx",
    "`",
    "shell",
    "include(",
    "include '",
    "include \"",
    "include_once",
    "require_once",
    "dofile",
    "loadstring",
    "load(io",
    "import(",
    "/ee",
    "do $",
    "run(`",
    "Meta.parse",
    "Marshal",
    "unserialize",
    "|-",
    "-|",
];

/// How what was fetched gets to a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    /// On its standard input.
    Input,
    /// As words behind its own, or put into them.
    Words,
}

impl Walker<'_> {
    /// Whether a command runs what comes from the command before it.
    pub(super) fn takes_code(&self, command: &Command) -> bool {
        let any = |script: &[Item]| {
            let commands = script.iter().flat_map(|item| &item.pipelines).flat_map(|pipeline| &pipeline.commands);
            commands.take(50).any(|inner| self.takes_code(inner))
        };
        match &command.body {
            Body::Simple { assigns, words } => {
                let args: Vec<Arg> = words.iter().map(|word| Arg::of(word, self.held.constants())).collect();
                // Python goes on to read code from its input when this is set.
                let inspects = assigns.iter().any(|assign| assign.name == "PYTHONINSPECT");
                runs_given(&args, Given::Input, 0) || inspects && args.iter().any(|arg| reads_code(&arg.shown))
            }
            Body::Group(script) | Body::Subshell(script) => any(script),
            Body::Loop { head, body, .. } => any(head) || any(body),
            Body::If(scripts) => scripts.iter().any(|script| any(script)),
            Body::Case { arms, .. } => arms.iter().any(|(_, script)| any(script)),
            _ => false,
        }
    }
}

fn reads_code(word: &str) -> bool {
    names::of(word).any(|name| tables::reads_code(&name))
}

/// Whether a program that runs code stands somewhere in a text.
fn names_runner(text: &str) -> bool {
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '/' | '-');
    text.split(|char| !is_name(char)).any(reads_code)
}

/// Whether a file is what the command is given on its standard input.
fn is_input(file: &Arg) -> bool {
    file.substitution
        || matches!(
            file.shown.as_str(),
            "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0" | "/proc/thread-self/fd/0"
        )
}

fn runs_given(args: &[Arg], given: Given, depth: usize) -> bool {
    let Some(first) = args.first() else {
        return false;
    };
    if depth > MOST_NESTED {
        return true;
    }
    let Some(word) = first.literal.as_deref() else {
        // Which program it is only the run tells: the walk says so itself, unless the name is what was fetched, or stands there.
        let known = names::known(&first.shown);
        return given == Given::Words || known.is_some_and(|name| program_runs(&name, args, given, depth));
    };
    if given == Given::Words && word.contains("{}") {
        return true;
    }
    names::of(word).any(|name| program_runs(&name, args, given, depth))
}

/// The same of the words of a program.
fn program_runs(name: &str, args: &[Arg], given: Given, depth: usize) -> bool {
    let deeper = depth.saturating_add(1);
    let rest = args.get(1..).unwrap_or_default();
    let anywhere = || {
        let found = rest.iter().take(MOST_SEARCHED).enumerate().filter(|(_, arg)| reads_code(&arg.shown));
        found.map(|(at, _)| at).any(|at| runs_given(rest.get(at..).unwrap_or_default(), given, deeper))
    };
    match name {
        _ if tables::is_shell(name) => return shell_runs(rest, given),
        "eval" => return true,
        "source" | "." => return rest.first().is_none_or(is_input) || given == Given::Words,
        "xargs" | "gxargs" | "parallel" => return words_run(name, args, deeper),
        "awk" | "gawk" | "mawk" | "nawk" | "sed" | "gsed" | "make" | "gmake" => {
            let files = rest.iter().zip(rest.iter().skip(1)).any(|(option, file)| option.is("-f") && is_input(file));
            return files || rest.iter().any(|arg| arg.is("-f-") || arg.is("--file=-") || arg.is("--makefile=-"));
        }
        "busybox" | "toybox" => return runs_given(rest, given, deeper),
        _ => {}
    }
    if let Some(interpreter) = tables::interpreter(name) {
        return interpreter_runs(name, interpreter, rest, given);
    }
    if let Some(wrapper) = tables::wrapper(name) {
        let Ok(taken) = take(wrapper, args) else {
            return rest.iter().any(|arg| names_runner(&arg.shown));
        };
        let from = |at: usize| args.get(at..).unwrap_or_default();
        let as_text = wrapper.form != tables::Form::Argv && names_runner(&joined(from(taken.rest)).shown);
        return as_text
            || taken.texts.iter().any(|text| names_runner(&text.shown))
            || taken.others.iter().any(|at| runs_given(from(*at), given, deeper))
            || runs_given(from(taken.rest), given, deeper);
    }
    if tables::has_subcommands(name) || name == "su" || !tables::knows(name) {
        return anywhere();
    }
    false
}

/// `| sh`, `| bash -s x`, `| sh /dev/stdin`; not `| sh x.sh`.
fn shell_runs(rest: &[Arg], given: Given) -> bool {
    let mut words = rest.iter();
    let mut carries = false;
    while let Some(arg) = words.next() {
        let word = arg.shown.as_str();
        if arg.literal.is_none() {
            return true;
        }
        if carries && !word.starts_with('-') {
            return given == Given::Words || names_runner(word) || word.contains(['`', '$']);
        }
        match word {
            "-" | "--" => continue,
            "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file" => {
                words.next();
            }
            "--command" => carries = true,
            _ if word.starts_with("--") || word.starts_with('+') => {}
            _ if word.starts_with('-') => {
                if word.contains('s') {
                    return true;
                }
                carries |= word.contains('c');
            }
            _ => return is_input(arg) || given == Given::Words && word.contains("{}"),
        }
    }
    true
}

/// `| python3`, `| node -`, `| perl -ne 'eval'`; not `| python3 -m json.tool`, `| node x.js`.
fn interpreter_runs(name: &str, kind: &Interpreter, rest: &[Arg], given: Given) -> bool {
    let has = |options: &[String], word: &str| options.iter().any(|option| option == word);
    let mut at = 0_usize;
    let mut goes_on = false;
    let mut has_code = false;
    while let Some(arg) = rest.get(at) {
        let word = arg.shown.as_str();
        if !arg.is_option() || word == "--" {
            break;
        }
        at = at.saturating_add(1);
        if has(&kind.shows, word) && rest.len() == 1 {
            return false;
        }
        if let Some(module) = kind.module_at(arg, rest.get(at)) {
            return module.literal.is_none_or(|module| tables::module(&module).1.is_some() || module.contains('{'));
        }
        if let Some(code) = code_of(kind, word, rest.get(at)) {
            let is_python = kind.modules.iter().any(|option| option == "-m");
            // An expression that is matched, not a program.
            let text = code.shown.replace(".exec(", "");
            let runs = RUNS_WHAT_IT_READS.iter().any(|mark| text.contains(mark));
            if given == Given::Words || is_python || runs || code.shown.is_empty() {
                return true;
            }
            if kind.ends {
                return false;
            }
            has_code = true;
            at = at.saturating_add(1);
        } else if has(&kind.valued, word) {
            at = at.saturating_add(1);
        } else if !word.starts_with("--") {
            goes_on |= word.contains('i') && name != "perl" && name != "ruby" || word == "-a";
        } else {
            goes_on |= word == "--interactive";
        }
    }
    let rest = rest.get(at..).unwrap_or_default();
    let mut words = rest.iter().skip_while(|arg| arg.is("--"));
    match words.next() {
        None => !has_code || goes_on,
        Some(file) if is_input(file) => !has_code,
        // `deno run -`, `bun run -`, `deno repl`.
        Some(verb) if matches!(name, "deno" | "bun") && !verb.shown.contains(['.', '/']) => {
            verb.is("repl") || verb.is("eval") || words.any(is_input)
        }
        Some(file) => goes_on || given == Given::Words && file.shown.contains("{}"),
    }
}

/// `| xargs sh -c`, `| xargs -I{} {}`, `| parallel`; not `| xargs echo`, `| xargs python3 x.py`.
fn words_run(name: &str, args: &[Arg], depth: usize) -> bool {
    let Some(Ok(taken)) = tables::wrapper(name).map(|wrapper| take(wrapper, args)) else {
        return true;
    };
    let inner = args.get(taken.rest..).unwrap_or_default();
    let is_text = name == "parallel" && (inner.is_empty() || names_runner(&joined(inner).shown));
    is_text || runs_given(inner, Given::Words, depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(line: &str) -> bool {
        let words: Vec<Arg> = line.split(' ').map(|word| Arg::text(&word.replace('_', " "), (0, 0))).collect();
        runs_given(&words, Given::Input, 0)
    }

    #[test]
    fn what_a_program_is_given_for_code_is_run() {
        for line in [
            "sh",
            "bash -s x",
            "bash -es -- -y",
            "sudo -E bash -",
            "sudo -u app -H -n bash",
            "env A=1 sh",
            "timeout 5 python3",
            "python3 -",
            "python3 -u",
            "python3 /dev/stdin",
            "python3 -i x.py",
            "python3 -m code",
            "python3 -c exec(input())",
            "node",
            "node -",
            "perl",
            "perl -ne system_$_",
            "deno run -",
            "deno repl",
            "xargs sh -c",
            "xargs -I{} sh -c {}",
            "xargs -n1 bash",
            "xargs -I{} {}",
            "xargs env python3",
            "parallel",
            "docker run -i alpine sh",
            "ssh host bash -s",
            "bash -c $(cat)",
            "bash -c python3",
            "eval x",
            "source /dev/stdin",
            "awk -f - x",
            "make -f -",
            "busybox sh",
            "unheard-of-tool bash",
        ] {
            assert!(runs(line), "{line}");
        }
    }

    #[test]
    fn what_a_program_is_given_to_read_is_not_run() {
        for line in [
            "python3 -m json.tool",
            "python3 parse.py",
            "python3 -u scripts/parse.py --since 3",
            "node scripts/x.js",
            "node --no-warnings scripts/x.js",
            "perl -ne print_if_/a/",
            "ruby -ne puts_$_",
            "node -p JSON.parse(require('fs').readFileSync(0)).version",
            "bash scripts/x.sh",
            "bash -c cat_>_out",
            "xargs -n1 echo",
            "xargs -I{} echo {}",
            "xargs",
            "xargs -n1 python3 parse.py",
            "jq -r .a",
            "tee out",
            "grep python3",
            "sudo tee /etc/x",
            "awk -f x.awk",
            "deno run x.ts",
        ] {
            assert!(!runs(line), "{line}");
        }
    }
}
