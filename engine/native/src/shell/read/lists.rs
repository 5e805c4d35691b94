//! Lists, and-or lists, pipelines, and what begins a command.

use super::super::syntax::{After, Body, Command, Item, Pipeline, Redirect, Script, Word};
use super::{ends_word, Read, Reader, MAX_COMMANDS};

/// Words with a meaning where a command begins.
const RESERVED: &[&str] = &[
    "!", "{", "}", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if",
    "select", "then", "time", "until", "while",
];

/// Words that end a list.
const CLOSING: &[&str] = &["}", "do", "done", "elif", "else", "esac", "fi", "then"];

impl Reader<'_> {
    /// The reserved word that comes next, where a command may begin.
    pub(super) fn keyword(&mut self) -> Option<&'static str> {
        let first = self.peek()?;
        if !(first.is_ascii_lowercase() || matches!(first, b'!' | b'{' | b'}' | b'[')) {
            return None;
        }
        let start = self.pos;
        let mut length = 0_usize;
        let mut word = [0_u8; 9];
        while let Some(byte) = self.peek().filter(|byte| !ends_word(*byte)) {
            let slot = word.get_mut(length);
            let Some(slot) = slot else {
                self.pos = start;
                return None;
            };
            *slot = byte;
            length = length.saturating_add(1);
            self.bump();
        }
        self.pos = start;
        let spelt = word.get(..length)?;
        RESERVED.iter().copied().find(|reserved| reserved.as_bytes() == spelt)
    }

    /// Takes a reserved word that comes next.
    pub(super) fn eat_keyword(&mut self, word: &str) -> bool {
        if self.keyword() == Some(RESERVED.iter().copied().find(|reserved| *reserved == word).unwrap_or_default()) {
            return self.eat_all(word);
        }
        false
    }

    pub(super) fn expect_keyword(&mut self, word: &str) -> Read<()> {
        self.skip_lines()?;
        if self.eat_keyword(word) {
            return Ok(());
        }
        Err(self.fault("syntax", &format!("`{word}` is missing")))
    }

    /// A list up to something that cannot begin a command.
    pub(super) fn list(&mut self) -> Read<Script> {
        self.nested(|reader| {
            let mut script = Vec::new();
            reader.items(&mut script)?;
            Ok(script)
        })
    }

    /// A list that must not be empty.
    pub(super) fn full_list(&mut self) -> Read<Script> {
        let script = self.list()?;
        if script.is_empty() {
            return Err(self.fault("syntax", "a command is missing"));
        }
        Ok(script)
    }

    /// Appends items to `script` as they are read, so that a fault later leaves those before it.
    pub(super) fn items(&mut self, script: &mut Script) -> Read<()> {
        loop {
            self.skip_lines()?;
            if !self.begins_command() {
                return Ok(());
            }
            let mut item = self.and_or()?;
            self.skip_blanks();
            let ended = match self.peek() {
                Some(b'&') => {
                    self.bump();
                    item.background = true;
                    true
                }
                Some(b';') if self.peek_second() != Some(b';') && self.peek_second() != Some(b'&') => {
                    self.bump();
                    true
                }
                Some(b'\n') => true,
                _ => false,
            };
            script.push(item);
            if !ended {
                return Ok(());
            }
        }
    }

    fn begins_command(&mut self) -> bool {
        match self.peek() {
            None | Some(b')' | b';' | b'|') => false,
            Some(b'&') => self.peek_second() == Some(b'>'),
            Some(_) => !self.keyword().is_some_and(|word| CLOSING.contains(&word)),
        }
    }

    fn and_or(&mut self) -> Read<Item> {
        let mut pipelines = vec![self.pipeline(After::Nothing)?];
        loop {
            self.skip_blanks();
            let after = match self.peek() {
                Some(b'&') if self.peek_second() == Some(b'&') => After::Success,
                Some(b'|') if self.peek_second() == Some(b'|') => After::Failure,
                _ => return Ok(Item { pipelines, background: false }),
            };
            self.bump();
            self.peek();
            self.bump();
            self.skip_lines()?;
            pipelines.push(self.pipeline(after)?);
        }
    }

    fn pipeline(&mut self, after: After) -> Read<Pipeline> {
        let mut timed = false;
        let mut negated = false;
        loop {
            self.skip_blanks();
            match self.keyword() {
                Some("!") => {
                    self.bump();
                    negated = true;
                }
                Some("time") if !timed && self.time_is_reserved() => {
                    self.eat_all("time");
                    self.skip_blanks();
                    self.eat_option_p();
                    timed = true;
                }
                _ => break,
            }
        }
        self.skip_blanks();
        if (timed || negated) && !self.begins_command() {
            return Ok(Pipeline { commands: Vec::new(), timed, negated, after });
        }
        let mut commands = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'|') || self.peek_second() == Some(b'|') {
                return Ok(Pipeline { commands, timed, negated, after });
            }
            self.bump();
            if self.peek() == Some(b'&') {
                self.bump();
            }
            self.skip_lines()?;
            commands.push(self.command()?);
        }
    }

    /// `time` is the shell's own unless an option other than `-p` follows: then it is the program.
    fn time_is_reserved(&mut self) -> bool {
        let start = self.pos;
        self.eat_all("time");
        self.skip_blanks();
        let reserved = self.peek() != Some(b'-') || self.eat_option_p();
        self.pos = start;
        reserved
    }

    /// Takes the `-p` of `time -p`.
    fn eat_option_p(&mut self) -> bool {
        let start = self.pos;
        if self.eat_all("-p") && self.peek().is_none_or(ends_word) {
            return true;
        }
        self.pos = start;
        false
    }

    pub(super) fn command(&mut self) -> Read<Command> {
        self.nested(Self::one_command)
    }

    fn one_command(&mut self) -> Read<Command> {
        self.commands = self.commands.saturating_add(1);
        if self.commands > MAX_COMMANDS {
            return Err(self.fault("too_complex", "the text has too many commands"));
        }
        self.skip_blanks();
        self.peek();
        let start = self.pos;
        let body = match self.keyword() {
            Some(word) if word != "time" => self.reserved(word)?,
            _ => match self.peek() {
                None => return Err(self.fault("syntax", "a command is missing")),
                Some(b'(') => self.parenthesized()?,
                Some(b'!') if self.peek_second() == Some(b'(') => {
                    // WHY: without the option extglob this negates a subshell, and that runs.
                    self.bump();
                    self.parenthesized()?
                }
                Some(_) => return self.simple_or_function(start),
            },
        };
        let mut redirects = Vec::new();
        if !matches!(body, Body::Function { .. }) {
            self.redirects(&mut redirects)?;
        }
        Ok(Command { body, redirects, span: self.span(start) })
    }

    /// Redirections after a compound command.
    fn redirects(&mut self, redirects: &mut Vec<Redirect>) -> Read<()> {
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(()),
            }
        }
    }

    fn reserved(&mut self, word: &'static str) -> Read<Body> {
        self.eat_all(word);
        match word {
            "{" => {
                let list = self.full_list()?;
                self.expect_keyword("}")?;
                Ok(Body::Group(list))
            }
            "if" => self.if_clause(),
            "while" | "until" => self.while_clause(),
            "for" | "select" => self.for_clause(),
            "case" => self.case_clause(),
            "function" => self.function_keyword(),
            "[[" => {
                self.is_bashs = true;
                self.string_test().map(Body::Test)
            }
            "coproc" => self.coprocess(),
            _ => Err(self.fault("syntax", &format!("`{word}` is not expected here"))),
        }
    }

    /// A word of a list of words, or None at its end.
    pub(super) fn next_word(&mut self) -> Read<Option<Word>> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(None),
            Some(byte) if ends_word(byte) && !self.process_begins() => Ok(None),
            Some(_) => self.word().map(Some),
        }
    }
}
