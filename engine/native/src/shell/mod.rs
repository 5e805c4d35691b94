//! Shell text to the command tree: `guard` refuses what nobody may follow, `read` parses, `walk` says what would run and
//! what it touches, `encode` writes it for Python and the policies.
//!
//! Hostile text is no error here: whatever cannot be understood is an operation of kind `unknown` and a problem.

pub mod encode;
pub mod guard;
pub mod read;
pub mod syntax;
pub mod tree;
pub mod vocabulary;
pub mod walk;

use crate::sql::tree::Problem;
use crate::stack;

use self::tree::Tree;
use self::walk::Walker;

/// The command tree of a text, as msgpack.
pub fn parse_shell(bytes: &[u8]) -> Vec<u8> {
    let digest = encode::digest(bytes);
    match guard::readable(bytes) {
        Ok(text) => encode::command(&tree_of(text), text, &digest),
        Err(problem) => {
            // WHY the cut: what is refused for its length must not be carried on in full.
            let shown = bytes.get(..guard::MAX_TEXT.min(bytes.len())).unwrap_or(bytes);
            encode::command(&Tree::refused(problem, bytes.len()), &String::from_utf8_lossy(shown), &digest)
        }
    }
}

/// The command tree of a readable text.
pub fn tree_of(text: &str) -> Tree {
    stack::with_bounded_room(|| {
        let mut walker = Walker::new(text);
        if let Some(problem) = guard::misleading(text) {
            walker.feature("control_character");
            walker.incomplete(problem);
        }
        let outcome = read::read(text, None, 0);
        walker.whole(&outcome);
        walker.tree
    })
}

/// A fault of reading as a problem of the tree.
pub(crate) fn problem_of(fault: &read::Fault) -> Problem {
    Problem::new(fault.code, fault.message.clone(), Some(fault.at))
}
