//! What queries and schemas share: tokens one after the other, values, types, directives.

use regorus::Value;

use super::lexer::{tokens, Token};
use crate::rego::own::object_of;

/// How deep selections, values and types may nest.
const DEPTH: u32 = 64;

pub type Parsed<T> = Result<T, String>;

/// Fields of an object that is being made; empty lists are left out, as OPA leaves them out.
#[derive(Default)]
pub struct Node(Vec<(&'static str, Value)>);

impl Node {
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    pub fn list(mut self, key: &'static str, items: Vec<Value>) -> Self {
        if !items.is_empty() {
            self.0.push((key, Value::from(items)));
        }
        self
    }

    pub fn maybe(mut self, key: &'static str, value: Option<Value>) -> Self {
        self.0.extend(value.map(|value| (key, value)));
        self
    }

    pub fn done(self) -> Value {
        object_of(self.0)
    }
}

pub struct Parser {
    tokens: Vec<(Token, u32, u32)>,
    at: usize,
    depth: u32,
}

impl Parser {
    pub fn new(text: &str) -> Parsed<Self> {
        Ok(Self { tokens: tokens(text)?, at: 0, depth: 0 })
    }

    pub fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _, _)| token)
    }

    pub fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = self.at.saturating_add(1);
        token
    }

    /// An error at the next token.
    pub fn refuse<T>(&self, message: &str) -> Parsed<T> {
        let (line, column) = self.tokens.get(self.at).map_or((0, 0), |(_, line, column)| (*line, *column));
        Err(format!("{message} in GraphQL string at location {line}:{column}"))
    }

    fn shown(&self) -> String {
        match self.peek() {
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Name(name) => format!("Name \"{name}\""),
            Token::Int(text) => format!("Int \"{text}\""),
            Token::Float(text) => format!("Float \"{text}\""),
            Token::String(text) => format!("String \"{text}\""),
            Token::Block(text) => format!("BlockString \"{text}\""),
            Token::End => "<EOF>".to_owned(),
        }
    }

    pub fn unexpected<T>(&self) -> Parsed<T> {
        self.refuse(&format!("Unexpected {}", self.shown()))
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        self.refuse(&format!("Expected {what}, found {}", self.shown()))
    }

    pub fn skip(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(next) if *next == sign);
        if found {
            self.next();
        }
        found
    }

    pub fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.skip(sign) {
            Ok(())
        } else {
            self.expected(sign)
        }
    }

    pub fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if name == word)
    }

    pub fn skip_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next();
        }
        found
    }

    pub fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.skip_word(word) {
            Ok(())
        } else {
            self.expected(&format!("\"{word}\""))
        }
    }

    pub fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.next();
                Ok(name)
            }
            _ => self.expected("Name"),
        }
    }

    /// Runs `inner` one level deeper.
    pub fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH {
            return self.refuse("nested too deep");
        }
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Items between two signs, none where the first does not stand.
    pub fn between(&mut self, open: &str, close: &str, item: fn(&mut Self) -> Parsed<Value>) -> Parsed<Vec<Value>> {
        let mut items = Vec::new();
        if self.skip(open) {
            while !self.skip(close) {
                items.push(item(self)?);
            }
        }
        Ok(items)
    }

    /// The same with at least one item where the first sign stands.
    pub fn some(&mut self, open: &str, close: &str, item: fn(&mut Self) -> Parsed<Value>) -> Parsed<Vec<Value>> {
        if matches!(self.peek(), Token::Sign(sign) if *sign == open) {
            let empty =
                matches!(self.tokens.get(self.at.saturating_add(1)), Some((Token::Sign(sign), _, _)) if *sign == close);
            if empty {
                self.next();
                return self.refuse(&format!("expected at least one definition, found {close}"));
            }
        }
        self.between(open, close, item)
    }

    pub fn value(&mut self) -> Parsed<Value> {
        self.any_value(false)
    }

    pub fn constant(&mut self) -> Parsed<Value> {
        self.any_value(true)
    }

    fn any_value(&mut self, constant: bool) -> Parsed<Value> {
        let made = |kind: u64, raw: &str, children: Vec<Value>| {
            Node::default()
                .with("Kind", kind)
                .with("Raw", raw)
                .with("ExpectedTypeHasDefault", false)
                .list("Children", children)
                .done()
        };
        match self.peek().clone() {
            Token::Sign("$") if !constant => {
                self.next();
                Ok(made(0, &self.name()?, Vec::new()))
            }
            Token::Sign("[") => self.deeper(|parser| {
                let item = if constant { Self::constant_item } else { Self::item };
                Ok(made(8, "", parser.between("[", "]", item)?))
            }),
            Token::Sign("{") => self.deeper(|parser| {
                let field = if constant { Self::constant_field } else { Self::field };
                Ok(made(9, "", parser.between("{", "}", field)?))
            }),
            Token::Int(text) => self.taken(made(1, &text, Vec::new())),
            Token::Float(text) => self.taken(made(2, &text, Vec::new())),
            Token::String(text) => self.taken(made(3, &text, Vec::new())),
            Token::Block(text) => self.taken(made(4, &text, Vec::new())),
            Token::Name(name) => {
                let kind = match name.as_str() {
                    "true" | "false" => 5,
                    "null" => 6,
                    _ => 7,
                };
                self.taken(made(kind, &name, Vec::new()))
            }
            _ => self.unexpected(),
        }
    }

    fn taken(&mut self, value: Value) -> Parsed<Value> {
        self.next();
        Ok(value)
    }

    fn item(&mut self) -> Parsed<Value> {
        Ok(Node::default().with("Name", "").with("Value", self.value()?).done())
    }

    fn constant_item(&mut self) -> Parsed<Value> {
        Ok(Node::default().with("Name", "").with("Value", self.constant()?).done())
    }

    /// `name: value`, of an object or an argument.
    pub fn field(&mut self) -> Parsed<Value> {
        let name = self.name()?;
        self.expect(":")?;
        Ok(Node::default().with("Name", name).with("Value", self.value()?).done())
    }

    fn constant_field(&mut self) -> Parsed<Value> {
        let name = self.name()?;
        self.expect(":")?;
        Ok(Node::default().with("Name", name).with("Value", self.constant()?).done())
    }

    pub fn type_reference(&mut self) -> Parsed<Value> {
        self.deeper(|parser| {
            let mut node = Node::default();
            if parser.skip("[") {
                node = node.with("Elem", parser.type_reference()?).with("NamedType", "");
                parser.expect("]")?;
            } else {
                node = node.with("NamedType", parser.name()?);
            }
            Ok(node.with("NonNull", parser.skip("!")).done())
        })
    }

    pub fn directives(&mut self) -> Parsed<Vec<Value>> {
        let mut found = Vec::new();
        while self.skip("@") {
            let name = self.name()?;
            let arguments = self.some("(", ")", Self::field)?;
            found.push(Node::default().with("Name", name).with("Location", "").list("Arguments", arguments).done());
        }
        Ok(found)
    }

    /// `= value`.
    pub fn default_value(&mut self) -> Parsed<Option<Value>> {
        if self.skip("=") {
            self.constant().map(Some)
        } else {
            Ok(None)
        }
    }
}
