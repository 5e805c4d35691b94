//! Scripts that a framework brings: their words are as well known as those of a program (`manage.py flush`, `artisan db:wipe`).

use super::super::vocabulary::Sign;
use super::args::{Arg, Line};
use super::deciding::holding;
use super::{paths, tables, Walker};

impl Walker<'_> {
    /// What the words behind a script say, by the entries `script:NAME` of `programs.tsv`.
    pub(super) fn script_words(&mut self, index: usize, file: &Arg, rest: &[Arg]) {
        let entries = tables::entries(&format!("script:{}", paths::file_name(&file.shown)));
        let line = Line::of(rest, None);
        let signs: Vec<Sign> = holding(entries, &line).iter().flat_map(|entry| entry.signs.iter().copied()).collect();
        if signs.contains(&Sign::OpaqueCode) {
            for sign in rest.iter().flat_map(|arg| super::code::signs_of(&arg.shown)) {
                self.sign(index, sign);
            }
        }
        for sign in signs {
            self.sign(index, sign);
        }
    }
}
