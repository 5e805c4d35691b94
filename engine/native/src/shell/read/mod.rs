//! Shell text to its syntax tree, in one pass over the bytes: bash's grammar, POSIX's within it.
//!
//! Hostile text ends as a `Fault`, never as a panic: nesting, steps back and size are bounded. What a shell reads in two
//! ways depending on its options is read in the way that runs more.

mod arithmetic;
mod compound;
mod documents;
mod expansions;
mod lists;
mod simple;
mod tests_of_strings;
mod words;

use std::cell::OnceCell;
use std::rc::Rc;

use super::syntax::{Item, Part, Script, Span};

/// How deep commands, words and expansions may stand in one another.
pub const MAX_DEPTH: usize = 120;

/// How often the reader may go back to read something in another way.
const MAX_RETRIES: usize = 64;

/// How many commands one text may hold: a tree of more takes hundreds of megabytes.
const MAX_COMMANDS: usize = 20_000;

/// Why a text is no shell text.
#[derive(Debug, Clone)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
    pub at: usize,
}

pub type Read<T> = Result<T, Fault>;

/// A here-document whose lines come after the next newline.
struct Pending {
    delimiter: String,
    quoted: bool,
    strips_tabs: bool,
    body: Rc<OnceCell<Vec<Part>>>,
}

/// Where reading stands.
pub struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    pos: usize,
    end: usize,
    depth: usize,
    retries: usize,
    commands: usize,
    pending: Vec<Pending>,
    /// Where the text stands in the whole command, when its own offsets mean nothing there.
    place: Option<Span>,
    /// What was read although a shell would complain or read on.
    pub oddities: Vec<Fault>,
    /// Something was read that dash, zsh or others take for commands, or for the end of a quote: `&>`, `[[`, `((`, `$'`, `*(...)`.
    is_bashs: bool,
}

/// What could be read of a text: all of it, or what stands before the fault.
pub struct Outcome {
    pub script: Script,
    pub faults: Vec<Fault>,
    /// Whether a shell that is not bash may run something else than what was read.
    pub is_bashs: bool,
    /// How often the reader went back.
    pub retries: usize,
}

/// Reads a whole text. `place`: where it stands when it is not the command itself; `depth`: how deep it stands.
pub fn read(text: &str, place: Option<Span>, depth: usize) -> Outcome {
    Reader::new(text, place, depth).outcome()
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, place: Option<Span>, depth: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            end: text.len(),
            depth,
            retries: 0,
            commands: 0,
            pending: Vec::new(),
            place,
            oddities: Vec::new(),
            is_bashs: false,
        }
    }

    fn outcome(&mut self) -> Outcome {
        let mut script: Vec<Item> = Vec::new();
        let mut faults = Vec::new();
        if let Err(fault) = self.whole(&mut script) {
            faults.push(fault);
        }
        faults.append(&mut self.oddities);
        if let Some((start, _)) = self.place {
            for fault in &mut faults {
                fault.at = start;
            }
        }
        Outcome { script, faults, is_bashs: self.is_bashs, retries: self.retries }
    }

    /// Reads a text that was put together from a piece of this one. Its steps back are steps back of the whole.
    fn inner(&mut self, text: &str, place: Span) -> Outcome {
        let depth = self.depth.saturating_add(1);
        let mut reader =
            Reader { retries: self.retries, commands: self.commands, ..Reader::new(text, Some(place), depth) };
        let outcome = reader.outcome();
        (self.retries, self.commands) = (reader.retries, reader.commands);
        outcome
    }

    fn whole(&mut self, script: &mut Script) -> Read<()> {
        self.items(script)?;
        if self.peek().is_some() {
            return Err(self.fault("syntax", &format!("`{}` is not expected here", self.next_token())));
        }
        self.finish_documents()
    }

    fn fault(&self, code: &'static str, message: &str) -> Fault {
        Fault { code, message: message.to_owned(), at: self.pos }
    }

    fn span(&self, start: usize) -> Span {
        self.place.unwrap_or((start, self.pos))
    }

    /// A few characters of what comes, for messages.
    fn next_token(&self) -> String {
        let rest = self.text.get(self.pos..self.end).unwrap_or_default();
        rest.chars().take_while(|char| !char.is_whitespace()).take(12).collect()
    }

    /// Runs `work` one level deeper.
    fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fault("too_deep", "the text is nested too deeply"));
        }
        self.depth = self.depth.saturating_add(1);
        let result = work(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Counts a step back; a text made of them is refused.
    fn retry(&mut self) -> Read<()> {
        self.retries = self.retries.saturating_add(1);
        if self.retries > MAX_RETRIES {
            return Err(self.fault("too_complex", "the text can be read in too many ways"));
        }
        Ok(())
    }

    fn byte(&self, at: usize) -> Option<u8> {
        if at < self.end {
            self.bytes.get(at).copied()
        } else {
            None
        }
    }

    /// The next byte, after joining lines that end in a backslash.
    fn peek(&mut self) -> Option<u8> {
        while self.byte(self.pos) == Some(b'\\') && self.byte(self.pos.saturating_add(1)) == Some(b'\n') {
            self.pos = self.pos.saturating_add(2);
        }
        self.byte(self.pos)
    }

    /// The byte after the next one, in the same way.
    fn peek_second(&self) -> Option<u8> {
        let mut at = self.pos.saturating_add(1);
        while self.byte(at) == Some(b'\\') && self.byte(at.saturating_add(1)) == Some(b'\n') {
            at = at.saturating_add(2);
        }
        self.byte(at)
    }

    fn bump(&mut self) {
        self.pos = self.pos.saturating_add(1).min(self.end);
    }

    /// Takes the byte if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.bump();
        }
        found
    }

    /// Takes the text if it comes next, a line joined inside it or not.
    fn eat_all(&mut self, expected: &str) -> bool {
        let start = self.pos;
        for byte in expected.bytes() {
            if !self.eat(byte) {
                self.pos = start;
                return false;
            }
        }
        true
    }

    /// Takes one whole character.
    fn take_char(&mut self, into: &mut String) {
        let rest = self.text.get(self.pos..self.end).unwrap_or_default();
        match rest.chars().next() {
            Some(char) => {
                into.push(char);
                self.pos = self.pos.saturating_add(char.len_utf8()).min(self.end);
            }
            None => self.bump(),
        }
    }

    /// Takes bytes as long as they satisfy the test, all ASCII.
    fn take_while(&mut self, test: impl Fn(u8) -> bool) -> String {
        let mut taken = String::new();
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii() && test(*byte)) {
            taken.push(char::from(byte));
            self.bump();
        }
        taken
    }

    /// Skips blanks and comments within a line.
    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => self.bump(),
                b'#' => self.skip_comment(),
                _ => break,
            }
        }
    }

    fn skip_comment(&mut self) {
        // WHY: `cp #{file} x` is a template before it is filled in; what stands for `#{file}` later is not what a shell skips.
        let template = self.byte(self.pos.saturating_add(1)) == Some(b'{');
        if template && !self.oddities.iter().any(|fault| fault.code == "placeholder") {
            let fault =
                self.fault("placeholder", "`#{` is a placeholder that nobody filled in, and a comment to a shell");
            self.oddities.push(fault);
        }
        while self.byte(self.pos).is_some_and(|byte| byte != b'\n') {
            self.bump();
        }
    }

    /// Skips blanks, comments and newlines; here-documents are read where their lines begin.
    fn skip_lines(&mut self) -> Read<()> {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// Takes a newline and the here-documents that wait for it.
    fn newline(&mut self) -> Read<()> {
        self.bump();
        if self.pending.is_empty() {
            return Ok(());
        }
        self.read_documents()
    }
}

/// Bytes that end a word when they are not quoted.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::super::syntax::{Body, Word};
    use super::*;

    fn words(text: &str) -> Vec<Option<String>> {
        let outcome = read(text, None, 0);
        assert!(outcome.faults.is_empty(), "{text}: {:?}", outcome.faults);
        let commands = outcome.script.iter().flat_map(|item| &item.pipelines).flat_map(|pipeline| &pipeline.commands);
        let simple = commands.filter_map(|command| match &command.body {
            Body::Simple { words, .. } => Some(words.iter().map(Word::literal)),
            _ => None,
        });
        simple.flatten().collect()
    }

    fn refused(text: &str) -> bool {
        !read(text, None, 0).faults.is_empty()
    }

    #[test]
    fn quotes_are_taken_off_and_escapes_resolved() {
        for spelt in ["rm", "r\\m", "r\"\"m", "\"r\"m", "$'\\x72m'", "$'\\162m'", "r\\\nm", "'r'm"] {
            assert_eq!(words(spelt), [Some("rm".to_owned())], "{spelt}");
        }
        assert_eq!(words("echo \"a\\$b\\c\""), [Some("echo".to_owned()), Some("a$b\\c".to_owned())]);
    }

    #[test]
    fn what_only_the_run_will_tell_is_no_literal() {
        for spelt in ["$X", "`x`", "$(x)", "r?", "{a,b}", "~", "*", "${x:-y}", "<(x)"] {
            assert_eq!(words(spelt), [None], "{spelt}");
        }
    }

    #[test]
    fn texts_that_are_no_shell_texts_are_refused() {
        for text in [
            "(",
            "a |",
            "if x; then",
            "'",
            "\"",
            "$(",
            "${",
            "`",
            ")",
            ";;",
            "a && ",
            "f() b",
            "<",
            "case x in",
            "[[ ]]",
        ] {
            assert!(refused(text), "{text}");
        }
    }

    #[test]
    fn nesting_and_going_back_are_bounded() {
        for piece in ["$(", "(", "{ ", "${a:-", "((", "$((", "`", "\"$(", "<(", "if (", "@("] {
            // An odd number: pairs of backquotes are empty substitutions.
            assert!(refused(&piece.repeat(20_001)), "{piece}");
        }
    }
}
