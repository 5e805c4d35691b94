//! Simple commands: assignments, words, redirections; and functions of the form `name()`.

use std::cell::OnceCell;
use std::rc::Rc;

use super::super::syntax::{Assign, Body, Command, Part, Redirect, Value, Word};
use super::{ends_word, is_name, is_name_start, Pending, Read, Reader};

/// Longer subscripts are no subscripts.
const MAX_SUBSCRIPT: usize = 256;

/// Builtins whose arguments are assignments.
const DECLARING: &[&str] = &["alias", "declare", "export", "let", "local", "readonly", "typeset"];

/// Redirection operators, longer ones first.
const OPERATORS: &[&str] = &["&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "<", ">"];

impl Reader<'_> {
    pub(super) fn simple_or_function(&mut self, start: usize) -> Read<Command> {
        let mut assigns = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        let mut declares = false;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if words.is_empty() || declares {
                if let Some(assign) = self.assignment()? {
                    if declares {
                        words.push(as_word(&assign));
                    }
                    assigns.push(assign);
                    continue;
                }
            }
            let Some(word) = self.next_word()? else {
                break;
            };
            if words.is_empty() {
                declares = word.bare().is_some_and(|name| DECLARING.contains(&name));
            }
            words.push(word);
        }
        if self.peek() == Some(b'(') {
            if let ([name], true, true) = (words.as_slice(), assigns.is_empty(), redirects.is_empty()) {
                let name = name.clone();
                let body = self.function_after_name(&name)?;
                return Ok(Command { body, redirects, span: self.span(start) });
            }
            return Err(self.fault("syntax", "`(` is not expected here"));
        }
        if words.is_empty() && assigns.is_empty() && redirects.is_empty() {
            return Err(self.fault("syntax", "a command is missing"));
        }
        if declares {
            // The words say it already; what is nested stands in them too.
            assigns.clear();
        }
        Ok(Command { body: Body::Simple { assigns, words }, redirects, span: self.span(start) })
    }

    fn function_after_name(&mut self, name: &Word) -> Read<Body> {
        let Some(name) = name.literal() else {
            return Err(self.fault("syntax", "`(` is not expected here"));
        };
        self.bump();
        self.skip_blanks();
        if !self.eat(b')') {
            return Err(self.fault("syntax", "`(` is not expected here"));
        }
        self.function_body(name)
    }

    /// A redirection, if one comes next.
    pub(super) fn redirect(&mut self) -> Read<Option<Redirect>> {
        let start = self.pos;
        let descriptor = self.descriptor();
        if self.process_begins() {
            self.pos = start;
            return Ok(None);
        }
        let Some(operator) = OPERATORS.iter().copied().find(|operator| self.eat_all(operator)) else {
            self.pos = start;
            return Ok(None);
        };
        self.is_bashs |= operator.starts_with('&');
        self.skip_blanks();
        let Some(target) = self.next_word()? else {
            return Err(self.fault("syntax", &format!("what follows `{operator}` is missing")));
        };
        let document = matches!(operator, "<<" | "<<-").then(|| Rc::new(OnceCell::new()));
        if let Some(body) = &document {
            let quoted = target.parts.iter().any(|part| matches!(part, Part::Quoted(_))) || target.parts.is_empty();
            let delimiter = self.spelt(&target);
            self.pending.push(Pending { delimiter, quoted, strips_tabs: operator == "<<-", body: Rc::clone(body) });
        }
        Ok(Some(Redirect { descriptor, operator, target, document, span: self.span(start) }))
    }

    /// A here-document's delimiter: quotes removed, nothing expanded.
    fn spelt(&self, word: &Word) -> String {
        if word.parts.iter().all(|part| matches!(part, Part::Text(_) | Part::Quoted(_))) {
            return word
                .parts
                .iter()
                .map(|part| if let Part::Text(text) | Part::Quoted(text) = part { text.as_str() } else { "" })
                .collect();
        }
        self.text.get(word.span.0..word.span.1).unwrap_or_default().to_owned()
    }

    /// Digits or `{name}` right before a redirection.
    fn descriptor(&mut self) -> Option<String> {
        let start = self.pos;
        let found = match self.peek() {
            Some(byte) if byte.is_ascii_digit() => self.take_while(|byte| byte.is_ascii_digit()),
            Some(b'{') => {
                self.bump();
                let name = self.take_while(is_name);
                if name.is_empty() || !self.eat(b'}') {
                    self.pos = start;
                    return None;
                }
                format!("{{{name}}}")
            }
            _ => return None,
        };
        if matches!(self.peek(), Some(b'<' | b'>')) {
            return Some(found);
        }
        self.pos = start;
        None
    }

    /// `name=value`, `name[i]+=value`, `name=(...)`, if it comes next.
    fn assignment(&mut self) -> Read<Option<Assign>> {
        self.peek();
        let start = self.pos;
        if !self.peek().is_some_and(is_name_start) {
            return Ok(None);
        }
        let name = self.take_while(is_name);
        let mut subscript = Vec::new();
        if self.peek() == Some(b'[') {
            let Some(close) = self.subscript_end() else {
                self.pos = start;
                return Ok(None);
            };
            let from = self.pos.saturating_add(1);
            subscript = self.parts_between(from, close)?;
            self.pos = close.saturating_add(1);
        }
        let appends = self.eat(b'+');
        if !self.eat(b'=') {
            self.pos = start;
            return Ok(None);
        }
        let value = if self.peek() == Some(b'(') {
            self.bump();
            Value::Array(self.array()?)
        } else if self.peek().is_none_or(ends_word) && !self.process_begins() {
            Value::Word(Word { parts: Vec::new(), span: self.span(self.pos) })
        } else {
            Value::Word(self.word()?)
        };
        Ok(Some(Assign { name, subscript, appends, value, span: self.span(start) }))
    }

    /// Where the bracket that comes next closes, when `=` or `+=` follows it.
    fn subscript_end(&self) -> Option<usize> {
        let mut depth = 0_usize;
        let limit = self.pos.saturating_add(MAX_SUBSCRIPT);
        let mut at = self.pos;
        while at < limit {
            match self.byte(at)? {
                b'[' => depth = depth.saturating_add(1),
                b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        let next = at.saturating_add(1);
                        let assigns = self.byte(next) == Some(b'=')
                            || (self.byte(next) == Some(b'+') && self.byte(next.saturating_add(1)) == Some(b'='));
                        return assigns.then_some(at);
                    }
                }
                b'\n' => return None,
                _ => {}
            }
            at = at.saturating_add(1);
        }
        None
    }

    /// The elements of an array up to its `)`.
    fn array(&mut self) -> Read<Vec<Word>> {
        self.nested(|reader| {
            let mut elements = Vec::new();
            loop {
                reader.skip_lines()?;
                if reader.eat(b')') {
                    return Ok(elements);
                }
                if reader.peek() == Some(b'[') && reader.peek_second() == Some(b')') {
                    return Err(reader.fault("syntax", "`]` is missing"));
                }
                match reader.next_word()? {
                    Some(word) => elements.push(word),
                    None => return Err(reader.fault("syntax", "`)` of an array is missing")),
                }
            }
        })
    }
}

/// An assignment that a builtin gets as an argument, as the word it is.
fn as_word(assign: &Assign) -> Word {
    let mut parts = vec![Part::Text(format!("{}=", assign.name))];
    parts.extend(assign.subscript.iter().cloned());
    match &assign.value {
        Value::Word(word) => parts.extend(word.parts.iter().cloned()),
        Value::Array(words) => parts.extend(words.iter().flat_map(|word| word.parts.iter().cloned())),
    }
    Word { parts, span: assign.span }
}
