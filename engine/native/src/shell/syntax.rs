//! The syntax tree of a shell text, to the bottom: what stands in substitutions is parsed, not kept as text.
//!
//! `read` makes it, `walk` says what it would do. Spans are byte offsets in the whole text.

use std::cell::OnceCell;
use std::rc::Rc;

/// Byte offsets [start, end).
pub type Span = (usize, usize);

/// Commands one after the other.
pub type Script = Vec<Item>;

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub struct Item {
    pub pipelines: Vec<Pipeline>,
    pub background: bool,
}

#[derive(Debug)]
pub struct Pipeline {
    pub commands: Vec<Command>,
    pub timed: bool,
    /// Whether `!` stands before it.
    pub negated: bool,
    pub after: After,
}

/// When a pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// First in its list.
    Nothing,
    /// Behind `&&`.
    Success,
    /// Behind `||`.
    Failure,
}

#[derive(Debug)]
pub struct Command {
    pub body: Body,
    pub redirects: Vec<Redirect>,
    pub span: Span,
}

#[derive(Debug)]
pub enum Body {
    Simple {
        assigns: Vec<Assign>,
        words: Vec<Word>,
    },
    Group(Script),
    Subshell(Script),
    /// `for`, `select`, `while`, `until`; `parts` are what an arithmetic head holds.
    Loop {
        name: Option<String>,
        words: Vec<Word>,
        parts: Vec<Part>,
        head: Script,
        body: Script,
    },
    /// Conditions and branches in order.
    If(Vec<Script>),
    Case {
        subject: Word,
        arms: Vec<(Vec<Word>, Script)>,
    },
    Function {
        name: String,
        body: Rc<Command>,
    },
    /// `(( ... ))`.
    Arithmetic {
        text: String,
        parts: Vec<Part>,
    },
    /// `[[ ... ]]`.
    Test(Vec<Word>),
    Coprocess(Box<Command>),
}

#[derive(Debug)]
pub struct Assign {
    pub name: String,
    pub subscript: Vec<Part>,
    /// `+=`: the value is put behind what is there.
    pub appends: bool,
    pub value: Value,
    pub span: Span,
}

#[derive(Debug)]
pub enum Value {
    Word(Word),
    Array(Vec<Word>),
}

#[derive(Debug)]
pub struct Redirect {
    pub descriptor: Option<String>,
    pub operator: &'static str,
    pub target: Word,
    /// The body of a here-document, filled in when its lines were read.
    pub document: Option<Rc<OnceCell<Vec<Part>>>>,
    pub span: Span,
}

#[derive(Debug, Default, Clone)]
pub struct Word {
    pub parts: Vec<Part>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Part {
    /// Unquoted text: globs, braces and tildes in it mean something.
    Text(String),
    /// Text that stands for itself.
    Quoted(String),
    Parameter(Rc<Parameter>),
    /// Arithmetic: only what is nested in it.
    Arithmetic(Rc<Vec<Part>>),
    /// `$( )`, backquotes, `${ ; }`.
    Command(Rc<Script>),
    /// `<( )`, `>( )`.
    Process(Rc<Script>),
}

/// `$name` or `${...}`.
#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    /// Nothing but the value: no default, no cutting, no indirection.
    pub plain: bool,
    /// `${x@P}` and the like: the value is run through expansion again.
    pub evaluates: bool,
    /// `${x:=word}`: the variable gets the word where it has no value.
    pub assigns: bool,
    /// `${!x...}`, `${#x}`: not the value of this name.
    pub indirect: bool,
    /// `${x:-word}`: what stands for the value when there is none.
    pub inside: Vec<Part>,
}

impl Word {
    /// The word when it is nothing but unquoted text.
    pub fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The value when it is the same whatever the shell's state is: no expansion, glob, brace or tilde.
    pub fn literal(&self) -> Option<String> {
        let mut value = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    if text.contains(['*', '?', '[']) && !is_plain_bracket(text)
                        || (index == 0 && text.starts_with('~'))
                    {
                        return None;
                    }
                    value.push_str(text);
                }
                Part::Quoted(text) => value.push_str(text),
                _ => return None,
            }
        }
        (!self.has_braces()).then_some(value)
    }

    /// Whether `{a,b}` or `{1..3}` makes several words of it.
    pub fn has_braces(&self) -> bool {
        let mut open = false;
        let mut splits = false;
        let mut dots = false;
        for part in &self.parts {
            let Part::Text(text) = part else {
                dots = false;
                continue;
            };
            for char in text.chars() {
                match char {
                    '{' => (open, splits) = (true, false),
                    ',' if open => splits = true,
                    '.' if open && dots => splits = true,
                    '}' if open && splits => return true,
                    _ => {}
                }
                dots = char == '.';
            }
        }
        false
    }

    /// Whether a glob stands in it.
    pub fn has_glob(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Text(text) if text.contains(['*', '?', '[']) && !is_plain_bracket(text)))
    }

    /// Whether something in it is only known when it runs.
    pub fn is_dynamic(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_) | Part::Quoted(_)))
    }
}

/// `[` and `[[` are names of commands, not patterns.
fn is_plain_bracket(text: &str) -> bool {
    text == "[" || text == "[["
}
