//! What a program does, by `programs.tsv` and `services.tsv`; for programs nobody knows, by what its words say.

use super::super::vocabulary::{Kind, Sign};
use super::args::{Arg, Line};
use super::carriers::target;
use super::deciding::{deciding, holding};
use super::simple::Around;
use super::tables::{self, Entry, Touches};
use super::{names, own_verbs, paths, Input, Walker};
use crate::sql::tree::{Access, Effect};

impl Walker<'_> {
    /// The operation of a program that is no wrapper, or of a wrapper that runs nothing.
    pub(super) fn program(&mut self, name: &str, args: &[Arg], around: Around) {
        match name {
            "awk" | "gawk" | "mawk" | "nawk" => return self.awk(args, around),
            "sed" | "gsed" | "ssed" => return self.sed(args, around),
            _ => {}
        }
        // `bun add x` is a package manager, `bun x.ts` runs code.
        let is_own = own_verbs::is_own(name, args.get(1..).unwrap_or_default());
        if let Some(interpreter) = tables::interpreter(name).filter(|_| !is_own) {
            self.interpreter(name, interpreter, args, around);
            return;
        }
        let entries = tables::entries(name);
        let bundled = super::archives::unbundled(name, args);
        let spelled = bundled.as_deref().unwrap_or(args);
        let rest = spelled.get(1..).unwrap_or_default();
        let line = Line::of(rest, tables::known(name));
        let look = super::looks::form(name, rest);
        let matching: Vec<&Entry> = if look.is_some() { Vec::new() } else { holding(entries, &line) };
        let first = deciding(&matching);
        let kind = match look {
            Some(_) => Kind::Inspect,
            None if own_verbs::is_foreign(name, rest) => Kind::Run,
            None => first.and_then(|entry| entry.kind).unwrap_or_else(|| unknown_kind(args)),
        };
        let touches = look.map(|look| look.touches).or(first.map(|entry| entry.touches)).unwrap_or(Touches::Nothing);
        let input = around.clone_plain();
        let mark = self.held.mark();
        let works_in = super::folders::options_of(name, &line);
        let (members, works_in) =
            if super::archives::is_tar(name) { (works_in, Vec::new()) } else { (Vec::new(), works_in) };
        works_in.iter().for_each(|folder| self.enters(folder));
        let index = self.described(kind, args, around);
        let looks = look.iter().flat_map(|look| &look.signs);
        for sign in looks.chain(matching.iter().flat_map(|entry| &entry.signs)) {
            self.sign(index, *sign);
        }
        self.touches(index, touches, name, &line);
        // What is named to `tar` is there; the archive is not.
        self.apart(|walker| {
            for folder in &members {
                walker.enters(folder);
                walker.touches(index, touches, name, &line);
                walker.takes_home(index, kind, &line);
            }
        });
        // A name may stand for two programs (`split`): what either of them would do counts.
        let has_verbs = matching.iter().any(|entry| entry.touches == Touches::Verbs);
        self.by_words(index, name, kind, entries.is_empty() && look.is_none() || has_verbs, &line);
        if kind == Kind::Package && look.is_none() {
            self.unlisted_package_verb(index, name, &line);
        }
        if let Some(file) = args.first() {
            self.script_words(index, file, rest);
        }
        self.named_targets(index, name, &line);
        self.options_that_run(index, name, spelled, &input);
        self.known_values(index, name, kind, &line, &input);
        self.carried_on(index, name, kind, &line, &input);
        if matches!(kind, Kind::Print | Kind::Inspect) {
            self.fills(index, name, &line, &input);
        }
        self.takes_home(index, kind, &line);
        self.named_files(index, kind, &line);
        if matches!(kind, Kind::Container | Kind::Cluster | Kind::Cloud | Kind::RemoteCopy) {
            self.puts_by_word(index, &line);
        }
        if kind == Kind::RunFile {
            if let Some(file) = args.first() {
                self.runs_file(index, file);
                self.named_script(index, file, &line);
            }
        }
        if !works_in.is_empty() {
            self.held.take(mark);
        }
    }

    fn touches(&mut self, index: usize, touches: Touches, name: &str, line: &Line) {
        let files = &line.positionals;
        match touches {
            Touches::Nothing => {}
            Touches::Read => files.iter().for_each(|file| self.reads(index, file)),
            Touches::ReadRest => files.iter().skip(1).for_each(|file| self.reads(index, file)),
            Touches::Write => files.iter().for_each(|file| self.writes(index, file, Access::Write)),
            Touches::Create => files.iter().for_each(|file| self.writes(index, file, Access::Create)),
            Touches::Into => {
                files.iter().take(1).for_each(|file| self.reads(index, file));
                files.iter().skip(1).for_each(|file| self.writes(index, file, Access::Create));
            }
            Touches::Delete => files.iter().for_each(|file| self.deletes(index, file, false)),
            Touches::DeleteTree => {
                for file in files {
                    self.deletes(index, file, true);
                }
                // Without a name it removes what the standard input or a mistake gives it.
                if files.is_empty() {
                    self.sign(index, Sign::BulkDelete);
                }
                if files.iter().any(|file| file.substitution || file.shown == "${ARG}") {
                    self.sign(index, Sign::DynamicDelete);
                }
            }
            Touches::Copy | Touches::Move => {
                let into = line.value("-t").or_else(|| line.value("--target-directory"));
                let last = if into.is_some() { None } else { files.last().copied() };
                let sources = files.len().saturating_sub(usize::from(last.is_some()));
                for file in files.iter().take(sources) {
                    self.reads(index, file);
                    if touches == Touches::Move {
                        for sign in paths::signs(&self.placed(&file.shown), Access::Delete) {
                            self.sign(index, sign);
                        }
                    }
                }
                // Without saying so only `mv` takes folders.
                let trees = touches == Touches::Move
                    || ["-r", "-R", "-a", "--recursive", "--archive"].iter().any(|option| line.has(option));
                for file in into.iter().chain(last) {
                    self.puts(index, files.get(..sources).unwrap_or_default(), file, trees);
                    if trees && (line.has("-T") || line.has("--no-target-directory")) {
                        self.takes_tree(index, file, true);
                    }
                }
            }
            Touches::Grant => {
                for file in files.iter().skip(1) {
                    let file = &self.here(file);
                    self.touch(index, target("file", file, Access::Grant));
                    for sign in paths::signs(&file.shown, Access::Grant) {
                        self.sign(index, sign);
                    }
                }
            }
            Touches::Host => {
                files.iter().take(2).for_each(|host| self.touch(index, target("host", host, Access::Execute)))
            }
            Touches::Verbs => self.verbs(index, name, line),
        }
    }

    /// What is written, left or run with what came before in the same text.
    fn carried_on(&mut self, index: usize, name: &str, kind: Kind, line: &Line, around: &Around) {
        let writes = self.at(index).is_some_and(|operation| operation.effect != Effect::Read);
        if writes && matches!(kind, Kind::Print | Kind::Inspect | Kind::WriteFile) {
            let texts: Vec<String> = match &around.input {
                Input::Document(Some(text)) | Input::Pipe(Some(text)) => vec![text.clone()],
                _ => line.args.iter().map(|arg| arg.shown.clone()).collect(),
            };
            for sign in texts.iter().flat_map(|text| super::code::signs_of(text)) {
                self.sign(index, sign);
            }
        }
        if kind == Kind::Build {
            self.builds(index, name, line);
            if line.positionals.iter().any(|file| self.made.contains(paths::file_name(&file.shown))) {
                self.sign(index, Sign::OpaqueCode);
            }
            if self.cloned {
                self.sign(index, Sign::InstallsPackages);
            }
        }
    }

    /// A whole home that is packed or copied, and files that a browser of pages or a client shows: keys are among them.
    fn takes_home(&mut self, index: usize, kind: Kind, line: &Line) {
        let packs = matches!(kind, Kind::Archive | Kind::CopyFile | Kind::RemoteCopy);
        // Of a copy the last word is where it goes.
        let taken = line.positionals.len().saturating_sub(usize::from(kind != Kind::Archive)).max(1);
        let recurses = kind != Kind::CopyFile
            || ["-r", "-R", "-a", "--recursive", "--archive"].iter().any(|option| line.has(option));
        let above = |file: &Arg| {
            matches!(self.placed(&file.shown).trim_end_matches('/'), "~" | "~/." | "~/*")
                || recurses && super::secrets::is_above_keys(&file.shown)
        };
        if packs && line.positionals.iter().take(taken).any(|file| above(file)) {
            self.sign(index, Sign::CredentialRead);
        }
        if kind == Kind::Fetch {
            for file in line.args.iter().filter(|arg| arg.shown.starts_with("file:")) {
                let name = file.shown.trim_start_matches("file:").trim_start_matches("//");
                self.reads(index, &file.part(name));
            }
        }
    }
}

fn unknown_kind(args: &[Arg]) -> Kind {
    let is_file = args.first().is_some_and(|arg| names::is_file(names::program_name(&arg.shown)));
    if is_file {
        Kind::RunFile
    } else {
        Kind::Run
    }
}

/// The signs that the entries of a program give its words.
pub(super) fn entry_signs(name: &str, args: &[Arg]) -> Vec<Sign> {
    let line = Line::of(args, tables::known(name));
    holding(tables::entries(name), &line).iter().flat_map(|entry| entry.signs.iter().copied()).collect()
}
