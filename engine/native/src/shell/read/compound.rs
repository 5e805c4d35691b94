//! Compound commands: conditions, loops, cases, functions, groups in parentheses, coprocesses.

use super::super::syntax::{Body, Command, Part, Word};
use super::{is_name, is_name_start, Read, Reader};

impl Reader<'_> {
    /// After `if`.
    pub(super) fn if_clause(&mut self) -> Read<Body> {
        let mut parts = vec![self.full_list()?];
        self.expect_keyword("then")?;
        parts.push(self.full_list()?);
        loop {
            self.skip_lines()?;
            if self.eat_keyword("elif") {
                parts.push(self.full_list()?);
                self.expect_keyword("then")?;
                parts.push(self.full_list()?);
            } else if self.eat_keyword("else") {
                parts.push(self.full_list()?);
            } else {
                self.expect_keyword("fi")?;
                return Ok(Body::If(parts));
            }
        }
    }

    /// After `while` or `until`.
    pub(super) fn while_clause(&mut self) -> Read<Body> {
        let head = self.full_list()?;
        let body = self.do_group()?;
        Ok(Body::Loop { name: None, words: Vec::new(), parts: Vec::new(), head, body })
    }

    /// After `for` or `select`.
    pub(super) fn for_clause(&mut self) -> Read<Body> {
        self.skip_blanks();
        if self.peek() == Some(b'(') && self.peek_second() == Some(b'(') {
            return self.arithmetic_for();
        }
        let Some(name) = self.next_word()? else {
            return Err(self.fault("syntax", "the name of a loop is missing"));
        };
        let name = name.literal().unwrap_or_default();
        self.skip_lines()?;
        let mut words = Vec::new();
        if self.eat_word("in") {
            while let Some(word) = self.next_word()? {
                words.push(word);
            }
        }
        self.skip_blanks();
        self.eat(b';');
        let body = self.do_group()?;
        Ok(Body::Loop { name: Some(name), words, parts: Vec::new(), head: Vec::new(), body })
    }

    fn arithmetic_for(&mut self) -> Read<Body> {
        self.bump();
        self.peek();
        self.bump();
        let Some((_, parts)) = self.arithmetic_to_parentheses()? else {
            return Err(self.fault("syntax", "`))` of a loop is missing"));
        };
        self.skip_blanks();
        self.eat(b';');
        let body = self.do_group()?;
        Ok(Body::Loop { name: None, words: Vec::new(), parts, head: Vec::new(), body })
    }

    /// `do ... done`, or `{ ... }` in its place.
    fn do_group(&mut self) -> Read<super::super::syntax::Script> {
        self.skip_lines()?;
        if self.eat_keyword("{") {
            let body = self.full_list()?;
            self.expect_keyword("}")?;
            return Ok(body);
        }
        self.expect_keyword("do")?;
        let body = self.full_list()?;
        self.expect_keyword("done")?;
        Ok(body)
    }

    /// Takes a word that is reserved only here.
    fn eat_word(&mut self, word: &str) -> bool {
        let start = self.pos;
        if self.eat_all(word) && self.peek().is_none_or(super::ends_word) {
            return true;
        }
        self.pos = start;
        false
    }

    /// After `case`.
    pub(super) fn case_clause(&mut self) -> Read<Body> {
        let Some(subject) = self.next_word()? else {
            return Err(self.fault("syntax", "the word of `case` is missing"));
        };
        self.skip_lines()?;
        if !self.eat_word("in") {
            return Err(self.fault("syntax", "`in` is missing"));
        }
        let mut arms = Vec::new();
        loop {
            self.skip_lines()?;
            if self.eat_keyword("esac") {
                return Ok(Body::Case { subject, arms });
            }
            let patterns = self.patterns()?;
            let body = self.list()?;
            arms.push((patterns, body));
            self.skip_lines()?;
            let closed = self.eat_all(";;&") || self.eat_all(";;") || self.eat_all(";&") || self.eat_all(";|");
            if !closed {
                self.expect_keyword("esac")?;
                return Ok(Body::Case { subject, arms });
            }
        }
    }

    fn patterns(&mut self) -> Read<Vec<Word>> {
        self.eat(b'(');
        let mut patterns = Vec::new();
        loop {
            let Some(pattern) = self.next_word()? else {
                return Err(self.fault("syntax", "a pattern is missing"));
            };
            patterns.push(pattern);
            self.skip_blanks();
            if self.eat(b')') {
                return Ok(patterns);
            }
            if !self.eat(b'|') {
                return Err(self.fault("syntax", "`)` after a pattern is missing"));
            }
        }
    }

    /// `( ... )`, or `(( ... ))` where both parentheses stand together at both ends.
    pub(super) fn parenthesized(&mut self) -> Read<Body> {
        self.bump();
        if self.peek() == Some(b'(') {
            let (start, waiting, odd) = (self.pos, self.pending.len(), self.oddities.len());
            self.bump();
            let from = self.pos;
            if let Ok(Some((end, parts))) = self.arithmetic_to_parentheses() {
                let text = self.text.get(from..end).unwrap_or_default().to_owned();
                self.is_bashs = true;
                return Ok(Body::Arithmetic { text, parts });
            }
            self.retry()?;
            self.pos = start;
            self.pending.truncate(waiting);
            self.oddities.truncate(odd);
        }
        let list = self.full_list()?;
        self.skip_lines()?;
        if !self.eat(b')') {
            return Err(self.fault("syntax", "`)` is missing"));
        }
        Ok(Body::Subshell(list))
    }

    /// After `function`.
    pub(super) fn function_keyword(&mut self) -> Read<Body> {
        let Some(word) = self.next_word()? else {
            return Err(self.fault("syntax", "the name of a function is missing"));
        };
        let name =
            word.parts
                .iter()
                .map(|part| if let Part::Text(text) | Part::Quoted(text) = part { text.as_str() } else { "?" });
        let name: String = name.collect();
        self.skip_blanks();
        if self.eat(b'(') {
            self.skip_blanks();
            if !self.eat(b')') {
                return Err(self.fault("syntax", "`)` is missing"));
            }
        }
        self.function_body(name)
    }

    pub(super) fn function_body(&mut self, name: String) -> Read<Body> {
        self.skip_lines()?;
        let body: Command = self.command()?;
        if matches!(body.body, Body::Simple { .. } | Body::Function { .. } | Body::Coprocess(_)) {
            return Err(self.fault("syntax", "the body of a function is missing"));
        }
        Ok(Body::Function { name, body: std::rc::Rc::new(body) })
    }

    /// After `coproc`: a command, with a name before it when it is a compound one.
    pub(super) fn coprocess(&mut self) -> Read<Body> {
        self.skip_blanks();
        let start = self.pos;
        if self.keyword().is_none() && self.peek().is_some_and(is_name_start) {
            self.take_while(is_name);
            self.skip_blanks();
            let compound = self.peek() == Some(b'(')
                || self
                    .keyword()
                    .is_some_and(|word| matches!(word, "{" | "if" | "while" | "until" | "for" | "case" | "[["));
            if !compound {
                self.pos = start;
            }
        }
        Ok(Body::Coprocess(Box::new(self.command()?)))
    }
}
