//! What copies, moves, links and unpacked archives put where. A destination may be a folder: then what is put there keeps its
//! name, and a whole tree may become the folder or be mixed into it.

use super::args::{Arg, Line};
use super::{paths, Walker};
use crate::sql::tree::Access;

/// Names that say nothing about how a thing is called where it is put.
const NAMELESS: &[&str] = &["", ".", "..", "*", "~"];

/// Words of tools that copy between machines, containers and buckets.
const COPIES: &[&str] = &["cp", "copy", "copyto", "sync", "mv", "move", "moveto", "rsync", "download"];

impl Walker<'_> {
    /// Sources are put at, or in, a destination. `trees`: they may be folders with anything in them.
    pub(super) fn puts(&mut self, index: usize, sources: &[&Arg], into: &Arg, trees: bool) {
        self.writes(index, into, Access::Create);
        if paths::is_nothing(&into.shown) {
            return;
        }
        let folder = self.placed(&into.shown);
        let folder = folder.trim_end_matches('/');
        for source in sources {
            // Of `host:name` the name.
            let name = paths::file_name(&source.shown).rsplit(':').next().unwrap_or_default();
            if !NAMELESS.contains(&name) {
                let inside = format!("{folder}/{name}");
                let tree = if trees { paths::tree_signs(&inside, false) } else { Vec::new() };
                for sign in paths::signs(&inside, Access::Create).into_iter().chain(tree) {
                    self.sign(index, sign);
                }
            }
        }
        if !trees {
            return;
        }
        let mixed = sources.iter().any(|source| is_contents(&source.shown));
        // A slash behind it says that the folder is there: what is put there does not become it.
        if mixed || !into.shown.ends_with('/') {
            self.takes_tree(index, into, mixed);
        }
    }

    /// A folder that is replaced by a tree, or has one `mixed` into it.
    pub(super) fn takes_tree(&mut self, index: usize, folder: &Arg, mixed: bool) {
        for sign in paths::tree_signs(&self.placed(&folder.shown), mixed) {
            self.sign(index, sign);
        }
    }

    /// `docker cp`, `aws s3 cp`, `rclone copy`: a word says that the last one is where the others go.
    pub(super) fn puts_by_word(&mut self, index: usize, line: &Line) {
        // The last word of `aws s3api get-object` is the file.
        if line.positionals.iter().any(|word| word.is("get-object")) {
            if let Some(file) = line.positionals.last().filter(|word| !word.is("get-object")) {
                self.writes(index, file, Access::Create);
            }
        }
        let Some(at) = line.positionals.iter().take(3).position(|word| COPIES.contains(&word.shown.as_str())) else {
            return;
        };
        let named = line.positionals.get(at.saturating_add(1)..).unwrap_or_default();
        let Some((into, sources)) = named.split_last() else {
            return;
        };
        if !sources.is_empty() && !into.shown.contains(':') {
            self.puts(index, sources, into, true);
        }
    }

    /// `rsync`, `scp` and `sftp` to this machine.
    pub(super) fn puts_from_afar(&mut self, index: usize, name: &str, line: &Line) {
        let Some((into, sources)) = line.positionals.split_last() else {
            return;
        };
        if sources.is_empty() || into.shown.contains(':') {
            return;
        }
        let trees = ["-a", "-r", "--archive", "--recursive"].iter().any(|option| line.has(option));
        self.puts(index, sources, into, trees);
        // What stands behind a slash is sent without its folder.
        if name == "rsync" && trees && sources.iter().any(|source| source.shown.ends_with('/')) {
            self.takes_tree(index, into, true);
        }
    }
}

/// Whether a name stands for all that is in a folder.
fn is_contents(name: &str) -> bool {
    matches!(name, "." | "./" | "*") || name.ends_with("/.") || name.ends_with("/./") || name.ends_with("/*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_from_the_folder_itself() {
        let told: Vec<bool> = ["a/.", "a/*", ".", "*", "a", "a/", "a.", "a*"].map(is_contents).to_vec();
        assert_eq!(told, [true, true, true, true, false, false, false, false]);
    }
}
