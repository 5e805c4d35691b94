//! What `$` and backquotes begin: parameters, arithmetic, substitutions.

use std::rc::Rc;

use super::super::syntax::{Parameter, Part, Script};
use super::words::Parts;
use super::{is_name, is_name_start, Read, Reader};

impl Reader<'_> {
    /// At `$`.
    pub(super) fn dollar(&mut self, parts: &mut Parts, quoted: bool) -> Read<()> {
        self.bump();
        match self.peek() {
            Some(b'(') => self.parenthesis_after_dollar(parts),
            Some(b'{') => {
                self.bump();
                let part = self.nested(|reader| reader.braces(quoted))?;
                parts.push(part);
                Ok(())
            }
            Some(b'[') => {
                self.bump();
                let inside = self.nested(|reader| reader.arithmetic_to_bracket())?;
                parts.push(Part::Arithmetic(Rc::new(inside)));
                Ok(())
            }
            Some(b'\'') if !quoted => {
                self.bump();
                self.ansi_quotes(parts)
            }
            Some(b'"') if !quoted => {
                self.bump();
                self.double_quotes(parts)
            }
            Some(byte) if is_name_start(byte) => {
                let name = self.take_while(is_name);
                parts.push(plain(name));
                Ok(())
            }
            Some(byte) if byte.is_ascii_digit() || matches!(byte, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.bump();
                parts.push(plain(char::from(byte).to_string()));
                Ok(())
            }
            _ => {
                if quoted {
                    parts.quoted().push('$');
                } else {
                    parts.text().push('$');
                }
                Ok(())
            }
        }
    }

    /// `$((` arithmetic `))`, else `$(` commands `)`.
    fn parenthesis_after_dollar(&mut self, parts: &mut Parts) -> Read<()> {
        self.bump();
        if self.peek() == Some(b'(') {
            let (start, waiting, odd) = (self.pos, self.pending.len(), self.oddities.len());
            self.bump();
            if let Ok(Some((_, inside))) = self.nested(|reader| reader.arithmetic_to_parentheses()) {
                parts.push(Part::Arithmetic(Rc::new(inside)));
                return Ok(());
            }
            self.retry()?;
            self.pos = start;
            self.pending.truncate(waiting);
            self.oddities.truncate(odd);
        }
        let script = self.script_to_parenthesis()?;
        parts.push(Part::Command(Rc::new(script)));
        Ok(())
    }

    /// Commands up to the `)` that closes a substitution.
    pub(super) fn script_to_parenthesis(&mut self) -> Read<Script> {
        // Here-documents that wait outside get their lines after the substitution.
        let waiting = std::mem::take(&mut self.pending);
        let script = self.list();
        let skipped = self.skip_lines();
        let left = std::mem::replace(&mut self.pending, waiting);
        let script = script?;
        skipped?;
        if !self.eat(b')') {
            return Err(self.fault("syntax", "`)` of a substitution is missing"));
        }
        if !left.is_empty() {
            let fault = self.fault("here_document", "a here-document does not end in its substitution");
            self.oddities.push(fault);
            self.pending.extend(left);
        }
        Ok(script)
    }

    /// After `${`.
    fn braces(&mut self, quoted: bool) -> Read<Part> {
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|')) {
            self.eat(b'|');
            let script = self.list()?;
            self.skip_lines()?;
            if !self.eat(b'}') {
                return Err(self.fault("syntax", "`}` is missing"));
            }
            return Ok(Part::Command(Rc::new(script)));
        }
        let prefixed = self.prefix_of_name();
        let name = self.parameter_name()?;
        let mut inside = Parts::default();
        let subscript = self.peek() == Some(b'[');
        if subscript {
            self.bump();
            let nested = self.arithmetic_to_bracket()?;
            inside.push(Part::Arithmetic(Rc::new(nested)));
        }
        if self.eat(b'}') {
            // An element is one of those that the array was given.
            let plain = !prefixed;
            return Ok(Part::Parameter(Rc::new(Parameter {
                name,
                plain,
                evaluates: false,
                assigns: false,
                indirect: prefixed,
                inside: inside.done(),
            })));
        }
        let operator = self.peek();
        let second = self.peek_second();
        let evaluates = operator == Some(b'@') && second == Some(b'P');
        let assigns = operator == Some(b'=') || operator == Some(b':') && second == Some(b'=');
        // In double quotes a single quote is only a quote after the operators that cut.
        let cuts = matches!(operator, Some(b'#' | b'%' | b'/' | b'^' | b',' | b'@'));
        let from = self.pos;
        self.up_to_brace(quoted && !cuts, &mut inside)?;
        let places = operator == Some(b':') && !matches!(second, Some(b'-' | b'=' | b'+' | b'?'));
        if places && self.text.get(from..self.pos).is_some_and(|text| text.contains('\'')) {
            // From where and how much of a value: arithmetic.
            self.expanded_again(from, &mut inside);
        }
        let inside = inside.done();
        Ok(Part::Parameter(Rc::new(Parameter { name, plain: false, evaluates, assigns, indirect: prefixed, inside })))
    }

    /// `#` for a length and `!` for indirection, when a name follows.
    fn prefix_of_name(&mut self) -> bool {
        let prefix = matches!(self.peek(), Some(b'#' | b'!'));
        let named = self
            .peek_second()
            .is_some_and(|byte| is_name(byte) || matches!(byte, b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-'));
        let alone = self.peek_second() == Some(b'}');
        if prefix && named && !alone {
            self.bump();
            return true;
        }
        false
    }

    fn parameter_name(&mut self) -> Read<String> {
        match self.peek() {
            Some(byte) if is_name(byte) => Ok(self.take_while(is_name)),
            Some(byte) if matches!(byte, b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.bump();
                Ok(char::from(byte).to_string())
            }
            _ => Err(self.fault("syntax", "the name of a parameter is missing")),
        }
    }

    /// Everything up to the `}` that closes a parameter.
    fn up_to_brace(&mut self, as_quoted: bool, parts: &mut Parts) -> Read<()> {
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.bump();
                    return Ok(());
                }
                b'"' => {
                    self.bump();
                    self.double_quotes(parts)?;
                }
                b'\'' if as_quoted => self.take_char(parts.quoted()),
                _ if self.process_begins() && !as_quoted => {
                    self.bump();
                    self.bump();
                    let script = self.script_to_parenthesis()?;
                    parts.push(Part::Process(Rc::new(script)));
                }
                b'\\' | b'\'' | b'$' | b'`' => self.piece(byte, parts)?,
                _ => self.take_char(parts.text()),
            }
        }
        Err(self.fault("syntax", "`}` of a parameter is missing"))
    }

    /// At a backquote: what stands between two of them is a text of its own, once a backslash is taken off.
    pub(super) fn backquotes(&mut self, parts: &mut Parts, quoted: bool) -> Read<()> {
        let start = self.pos;
        self.bump();
        let mut inner = String::new();
        loop {
            match self.byte(self.pos) {
                None => return Err(self.fault("syntax", "a closing backquote is missing")),
                Some(b'`') => {
                    self.bump();
                    break;
                }
                Some(b'\\') => {
                    self.bump();
                    match self.byte(self.pos) {
                        Some(next) if matches!(next, b'`' | b'\\' | b'$') || (quoted && next == b'"') => {}
                        _ => inner.push('\\'),
                    }
                    if self.byte(self.pos).is_some() {
                        self.take_char(&mut inner);
                    }
                }
                Some(_) => self.take_char(&mut inner),
            }
        }
        let place = self.span(start);
        if self.depth.saturating_add(1) >= super::MAX_DEPTH {
            return Err(self.fault("too_deep", "the text is nested too deeply"));
        }
        let mut outcome = self.inner(&inner, place);
        if let Some(position) = outcome.faults.iter().position(|fault| fault.code != "here_document") {
            return Err(outcome.faults.swap_remove(position));
        }
        self.oddities.append(&mut outcome.faults);
        parts.push(Part::Command(Rc::new(outcome.script)));
        Ok(())
    }
}

fn plain(name: String) -> Part {
    let (evaluates, assigns, indirect) = (false, false, false);
    Part::Parameter(Rc::new(Parameter { name, plain: true, evaluates, assigns, indirect, inside: Vec::new() }))
}
