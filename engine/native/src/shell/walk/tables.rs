//! The tables: what is known of programs, as data. Read once; every entry is tested.
//!
//! `wrappers.tsv`, `interpreters.tsv`, `programs.tsv`, `options.tsv`; each says in its first lines what its columns mean.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::super::vocabulary::{Kind, Sign};
use super::args::Known;
use super::builders::TAKES_COMMANDS;
use super::deciding::{conditions, Condition};
use super::variables::Variables;

/// What a wrapper runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The rest of the words is a command.
    Argv,
    /// The rest of the words, joined, is a shell text.
    Words,
    /// Each of the rest is a shell text.
    Each,
    /// The first of the rest is a shell text.
    First,
    /// Only an option carries something.
    None,
}

#[derive(Debug)]
pub struct Wrapper {
    pub form: Form,
    pub flags: Vec<String>,
    pub valued: Vec<String>,
    pub texts: Vec<String>,
    /// Options that mean nothing is run.
    pub stops: Vec<String>,
    pub before: usize,
    pub assigns: bool,
    pub plus: bool,
    /// Options nobody knows are flags: a tool of the workspace, not of the system.
    pub lenient: bool,
    pub keeps: bool,
    pub remote: bool,
    pub signs: Vec<Sign>,
}

#[derive(Debug, Default)]
pub struct Interpreter {
    pub codes: Vec<String>,
    pub valued: Vec<String>,
    pub modules: Vec<String>,
    pub shows: Vec<String>,
    /// Options whose value is a file of code, or a folder or a setting that names one.
    pub loads: Vec<String>,
    /// What follows the code are its arguments.
    pub ends: bool,
    /// Long options without a value; `*` at the end is anything.
    pub flags: Vec<String>,
}

/// What an entry of `programs.tsv` says.
#[derive(Debug)]
pub struct Entry {
    pub when: Vec<Condition>,
    pub kind: Option<Kind>,
    pub touches: Touches,
    pub signs: Vec<Sign>,
}

/// How a program touches the files that its words name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touches {
    Nothing,
    Read,
    /// All but the first are read: the first is a pattern.
    ReadRest,
    Write,
    /// The first is read, what stands behind it is made.
    Into,
    Create,
    Delete,
    DeleteTree,
    Copy,
    Move,
    /// The last one is written, the others read.
    Host,
    Verbs,
    Grant,
}

impl Touches {
    pub fn named(word: &str) -> Option<Touches> {
        Some(match word {
            "-" => Touches::Nothing,
            "read" => Touches::Read,
            "read_rest" => Touches::ReadRest,
            "write" => Touches::Write,
            "into" => Touches::Into,
            "create" => Touches::Create,
            "delete" => Touches::Delete,
            "delete_tree" => Touches::DeleteTree,
            "copy" => Touches::Copy,
            "move" => Touches::Move,
            "host" => Touches::Host,
            "verbs" => Touches::Verbs,
            "grant" => Touches::Grant,
            _ => return None,
        })
    }
}

/// What an option runs.
#[derive(Debug)]
pub struct Runs {
    pub option: String,
    pub form: RunForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunForm {
    /// Its value is a shell text.
    Shell,
    /// Its value is code nobody reads.
    Code,
    /// Its value is a file of code.
    File,
    /// Its value is a file that is written.
    Write,
    /// Its value is a folder into which a tree is mixed.
    Tree,
    /// Its value is a file that is read.
    Read,
    /// Its value is SQL.
    Sql,
    /// It takes a value.
    Value,
    /// It takes a value where it stands alone, none among other letters.
    Alone,
    /// It takes a value that is attached, or none.
    Attached,
    /// It takes none.
    Flag,
}

#[derive(Default)]
struct Tables {
    wrappers: HashMap<String, Wrapper>,
    interpreters: HashMap<String, Interpreter>,
    programs: HashMap<String, Vec<Entry>>,
    options: HashMap<String, Vec<Runs>>,
    known: HashMap<String, Known>,
    variables: Variables,
    /// Programs that have an entry `program_subcommand` among the wrappers.
    parents: HashSet<String>,
    modules: HashMap<String, (Kind, Option<Sign>)>,
    faults: Vec<String>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables::default();
        tables.read_wrappers(include_str!("wrappers.tsv"));
        tables.read_interpreters(include_str!("interpreters.tsv"));
        tables.read_programs(include_str!("programs.tsv"));
        tables.read_programs(include_str!("services.tsv"));
        tables.read_options(include_str!("options.tsv"));
        tables.read_variables(include_str!("variables.tsv"));
        tables.know_wrappers();
        tables
    })
}

/// The lines of a table, split at tabs; comments and blank lines left out.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split('\t').collect())
}

pub(super) fn words(cell: Option<&&str>) -> Vec<String> {
    cell.map(|cell| cell.split_whitespace().filter(|word| *word != "-").map(str::to_owned).collect())
        .unwrap_or_default()
}

impl Tables {
    fn signs(&mut self, cell: Option<&&str>) -> Vec<Sign> {
        let mut signs = Vec::new();
        for word in words(cell) {
            match Sign::named(&word) {
                Some(sign) => signs.push(sign),
                None => self.faults.push(format!("no sign is called {word}")),
            }
        }
        signs
    }

    fn read_wrappers(&mut self, text: &'static str) {
        for row in rows(text) {
            let marks = words(row.get(7));
            let marked = |mark: &str| marks.iter().any(|word| word == mark);
            let form = match row.get(1).copied() {
                Some("argv") => Form::Argv,
                Some("words") => Form::Words,
                Some("each") => Form::Each,
                Some("first") => Form::First,
                Some("none") => Form::None,
                other => {
                    self.faults.push(format!("no form is called {other:?}"));
                    Form::Argv
                }
            };
            let signs = self.signs(row.get(8));
            for name in words(row.first()) {
                let wrapper = Wrapper {
                    form,
                    flags: words(row.get(2)),
                    valued: words(row.get(3)),
                    texts: words(row.get(4)),
                    stops: words(row.get(5)),
                    before: row.get(6).and_then(|cell| cell.parse().ok()).unwrap_or_default(),
                    assigns: marked("assigns"),
                    plus: marked("plus"),
                    lenient: marked("lenient"),
                    keeps: marked("keeps"),
                    remote: marked("remote"),
                    signs: signs.clone(),
                };
                if let Some((parent, _)) = name.split_once('_') {
                    self.parents.insert(parent.trim_end_matches("-compose").to_owned());
                    self.parents.insert(parent.to_owned());
                }
                if self.wrappers.insert(name.clone(), wrapper).is_some() {
                    self.faults.push(format!("{name} is a wrapper twice"));
                }
            }
        }
    }

    fn read_interpreters(&mut self, text: &'static str) {
        for row in rows(text) {
            for name in words(row.first()) {
                let interpreter = Interpreter {
                    codes: words(row.get(1)),
                    valued: words(row.get(2)),
                    modules: words(row.get(3)),
                    shows: words(row.get(4)),
                    ends: row.get(5) == Some(&"ends"),
                    loads: words(row.get(6)),
                    flags: words(row.get(7)),
                };
                self.interpreters.insert(name, interpreter);
            }
        }
    }

    fn read_programs(&mut self, text: &'static str) {
        for row in rows(text) {
            let kind = match row.get(2).copied() {
                Some("-") => None,
                Some(word) => {
                    let kind = Kind::named(word);
                    if kind.is_none() {
                        self.faults.push(format!("no kind is called {word}"));
                    }
                    kind
                }
                None => None,
            };
            let touches = Touches::named(row.get(3).copied().unwrap_or("-")).unwrap_or_else(|| {
                self.faults.push(format!("nothing is touched so: {row:?}"));
                Touches::Nothing
            });
            let signs = self.signs(row.get(4));
            for name in words(row.first()) {
                let entry = Entry { when: conditions(row.get(1)), kind, touches, signs: signs.clone() };
                self.programs.entry(name).or_default().push(entry);
            }
        }
    }

    fn read_options(&mut self, text: &'static str) {
        for row in rows(text) {
            let form = match row.get(2).copied() {
                Some("shell") => RunForm::Shell,
                Some("code") => RunForm::Code,
                Some("file") => RunForm::File,
                Some("write") => RunForm::Write,
                Some("tree") => RunForm::Tree,
                Some("read") => RunForm::Read,
                Some("sql") => RunForm::Sql,
                Some("value") => RunForm::Value,
                Some("alone") => RunForm::Alone,
                Some("attached") => RunForm::Attached,
                Some("flag") => RunForm::Flag,
                other => {
                    self.faults.push(format!("no option does {other:?}"));
                    RunForm::Code
                }
            };
            for name in words(row.first()) {
                for option in words(row.get(1)) {
                    let known = self.known.entry(name.clone()).or_default();
                    match form {
                        RunForm::Alone => known.alone.push(option),
                        RunForm::Attached => known.attached.push(option),
                        RunForm::Flag => known.flags.push(option),
                        RunForm::Value => known.valued.push(option),
                        _ => {
                            known.valued.push(option.clone());
                            self.options.entry(name.clone()).or_default().push(Runs { option, form });
                        }
                    }
                }
            }
        }
    }

    /// What wrappers take themselves, where the other table says more of their options.
    fn know_wrappers(&mut self) {
        for (name, wrapper) in &self.wrappers {
            if let Some(known) = self.known.get_mut(name) {
                known.valued.extend(wrapper.valued.iter().chain(&wrapper.texts).cloned());
            }
        }
        for (name, known) in &mut self.known {
            let entries = self.programs.get(name);
            known.merges = entries.is_some_and(|all| all.iter().any(|entry| entry.touches == Touches::Verbs));
        }
    }

    fn read_variables(&mut self, text: &'static str) {
        for row in rows(text) {
            match row.first().copied() {
                Some("variable") => self.variables.know(words(row.get(1))),
                Some("plain") => self.variables.take_for_plain(words(row.get(1)), &words(row.get(2))),
                Some("module") => {
                    let kind = row.get(2).and_then(|word| Kind::named(word)).unwrap_or(Kind::RunCode);
                    let sign = self.signs(row.get(3)).first().copied();
                    for name in words(row.get(1)) {
                        self.modules.insert(name, (kind, sign));
                    }
                }
                other => self.faults.push(format!("no such row: {other:?}")),
            }
        }
    }
}

pub fn wrapper(name: &str) -> Option<&'static Wrapper> {
    let wrappers = &tables().wrappers;
    wrappers.get(name).or_else(|| wrappers.get("ld.so").filter(|_| is_loader(name)))
}

pub fn interpreter(name: &str) -> Option<&'static Interpreter> {
    let plain = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    let tables = tables();
    tables.interpreters.get(name).or_else(|| tables.interpreters.get(plain.trim_end_matches('-')))
}

/// Whether some subcommand of a program runs another command.
pub fn has_subcommands(name: &str) -> bool {
    tables().parents.contains(name)
}

pub fn entries(name: &str) -> &'static [Entry] {
    let known = tables().programs.get(name).or_else(|| {
        // `mkfs.ext4`, `python3.12-config`, `gcc-12`.
        let family = name.split_once('.').map(|(family, _)| format!("{family}.*"))?;
        tables().programs.get(&family)
    });
    known.map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
pub fn programs() -> &'static HashMap<String, Vec<Entry>> {
    &tables().programs
}

/// The options of a program whose values are more than values.
pub fn options(name: &str) -> &'static [Runs] {
    tables().options.get(name).map(Vec::as_slice).unwrap_or_default()
}

/// How a program takes its options.
pub fn known(name: &str) -> Option<&'static Known> {
    tables().known.get(name)
}

pub fn module(name: &str) -> (Kind, Option<Sign>) {
    tables().modules.get(name).copied().unwrap_or((Kind::RunCode, None))
}

pub fn is_execution_variable(name: &str) -> bool {
    tables().variables.change_runs(name)
}

/// The same of a variable that gets this value; None: only the run tells it.
pub fn is_changed_by(name: &str, value: Option<&str>) -> bool {
    tables().variables.change_runs_with(name, value)
}

/// Whether any table knows the program.
pub fn knows(name: &str) -> bool {
    is_shell(name)
        || matches!(
            name,
            "eval" | "source" | "trap" | "coproc" | "busybox" | "toybox" | "run-parts" | "gfind" | "bfs" | "xhs"
        )
        || TAKES_COMMANDS.contains(&name)
        || wrapper(name).is_some()
        || interpreter(name).is_some()
        || !entries(name).is_empty()
        || known(name).is_some()
        || has_subcommands(name)
}

/// Whether a program starts the one that its words name: the loader of a system.
fn is_loader(name: &str) -> bool {
    name.starts_with("ld") && name.contains(".so") || matches!(name, "linker" | "linker64")
}

pub fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash"
            | "dash"
            | "zsh"
            | "ksh"
            | "ksh93"
            | "mksh"
            | "ash"
            | "rbash"
            | "yash"
            | "posh"
            | "oksh"
            | "loksh"
            | "csh"
            | "tcsh"
            | "fish"
            | "rzsh"
            | "pdksh"
    )
}

/// Whether a program runs what it reads.
pub fn reads_code(name: &str) -> bool {
    is_shell(name) || interpreter(name).is_some() || matches!(name, "eval" | "source" | "xargs" | "parallel")
}

/// What is wrong with the tables; nothing, or a test fails.
pub fn faults() -> &'static [String] {
    &tables().faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_say_nothing_that_nobody_understands() {
        assert_eq!(faults(), &[] as &[String]);
    }
}
