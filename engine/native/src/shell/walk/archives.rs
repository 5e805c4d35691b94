//! Archives of `tar`: what is packed, where it goes, where it is unpacked, and what is run on the way.

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::simple::Around;
use super::{tables, Walker};
use crate::sql::tree::Access;

/// Options with which `tar` makes or changes its archive; others unpack it or tell what is in it.
const PACKS: &[&str] =
    &["-c", "--create", "-r", "--append", "-u", "--update", "-A", "--catenate", "--concatenate", "--delete"];

pub(super) fn is_tar(name: &str) -> bool {
    matches!(name, "tar" | "bsdtar" | "gtar")
}

/// The words of an old-style `tar czf FILE`, as those of `tar -c -z -f FILE`: the letters of the first word take their values from the
/// words behind it, in order. None for words that are not so.
pub(super) fn unbundled(name: &str, args: &[Arg]) -> Option<Vec<Arg>> {
    let (program, rest) = args.split_first().filter(|_| is_tar(name))?;
    let (bundle, rest) = rest.split_first()?;
    let letters = bundle.literal.as_deref().filter(|word| !word.starts_with('-') && !word.is_empty())?;
    let known = tables::known(name)?;
    let mut words = vec![program.clone()];
    let mut values = rest.iter();
    for letter in letters.chars() {
        let option = format!("-{letter}");
        let value = if known.valued.contains(&option) { values.next() } else { None };
        words.push(Arg::text(&option, bundle.span));
        words.extend(value.cloned());
    }
    words.extend(values.cloned());
    Some(words)
}

impl Walker<'_> {
    pub(super) fn tar(&mut self, index: usize, line: &Line, around: &Around) {
        for action in line.values("--checkpoint-action") {
            if let Some(text) = action.shown.strip_prefix("exec=") {
                self.carried_text("tar", &action.part(text), around);
                self.sign(index, Sign::OpaqueCode);
            }
        }
        let packs = PACKS.iter().any(|option| line.has(option));
        for archive in line.values("-f").into_iter().chain(line.values("--file")) {
            if packs {
                self.writes(index, &archive, Access::Create);
            } else {
                self.reads(index, &archive);
            }
        }
        let unpacks = line.has("-x") || line.has("--extract") || line.has("--get");
        if unpacks && (line.has("-P") || line.has("--absolute-names")) {
            // What is in it goes where it says.
            self.sign(index, Sign::SystemWrite);
        }
        let folder =
            line.value("-C").or_else(|| line.value("--directory")).unwrap_or_else(|| Arg::text(".", around.span));
        if folder.shown == "/" {
            self.sign(index, Sign::SystemWrite);
        }
        if unpacks {
            self.takes_tree(index, &folder, true);
        }
    }
}
