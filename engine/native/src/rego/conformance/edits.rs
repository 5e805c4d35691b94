//! Edits of a module's text at places of its syntax tree.

use regorus::unstable::{Expr, Span};

/// Replacements of stretches of a text; the places are those of the text as it was.
#[derive(Default)]
pub struct Edits(Vec<(usize, usize, String)>);

fn at(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl Edits {
    pub fn replace(&mut self, start: u32, end: u32, text: String) {
        self.0.push((at(start), at(end), text));
    }

    /// Applies the edits; of two that overlap the outer one wins.
    pub fn apply(mut self, text: &str) -> String {
        self.0.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1)));
        let mut out = String::new();
        let mut done = 0;
        for (start, end, new) in self.0 {
            if start < done || end < start {
                continue;
            }
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str(&new);
            done = end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

/// Where a call ends: after the bracket that closes it. The tree's own span ends before.
pub fn call_end(text: &str, function: &Span, params: &[regorus::unstable::Ref<Expr>]) -> u32 {
    let from = params.last().map_or(function.end, |last| last.span().end);
    let rest = text.get(at(from)..).unwrap_or_default();
    let close = rest.find(')').map_or(0, |found| found.saturating_add(1));
    from.saturating_add(u32::try_from(close).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_do_not_move_each_other() {
        let mut edits = Edits::default();
        edits.replace(4, 5, "bbb".to_owned());
        edits.replace(0, 1, String::new());
        assert_eq!(edits.apply("a + b"), " + bbb");
    }

    #[test]
    fn the_outer_of_two_wins() {
        let mut edits = Edits::default();
        edits.replace(2, 3, "x".to_owned());
        edits.replace(0, 5, "y".to_owned());
        assert_eq!(edits.apply("abcdef"), "yf");
    }
}
