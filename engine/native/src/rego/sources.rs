//! From texts to syntax trees: caps before the parser sees a text, every file's first syntax error after.

use std::num::{NonZeroU32, NonZeroUsize};

use regorus::unstable::{Module, Ref};
use regorus::{Engine, PolicyLengthConfig};

use super::diagnostic::{Diagnostic, Place};
use super::limits::Limits;

/// A policy text under the name diagnostics show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub name: String,
    pub text: String,
}

/// An engine that takes nothing longer than the limits; `v0` reads the older language.
pub fn engine(limits: &Limits, v0: bool) -> Engine {
    let mut engine = Engine::new();
    let size = |number: usize| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::new(limits.source_columns).unwrap_or(NonZeroU32::MIN),
        max_file_bytes: size(limits.source_bytes),
        max_lines: size(limits.source_lines),
    });
    engine.set_rego_v0(v0);
    engine
}

/// Parsed files.
pub struct Parsed {
    /// An engine that holds the files that parse.
    pub engine: Engine,
    /// What is wrong with each of the others.
    pub broken: Vec<Diagnostic>,
}

impl Parsed {
    /// The trees of the files that parse.
    pub fn trees(&mut self) -> Vec<Ref<Module>> {
        self.engine.get_modules().clone()
    }
}

/// Parses all files.
pub fn parse(files: &[SourceFile], limits: &Limits) -> Parsed {
    let mut engine = engine(limits, false);
    if files.len() > limits.modules {
        let message = format!("{} policy files, more than {}", files.len(), limits.modules);
        let help = "split the policies into several sets";
        let broken = vec![Diagnostic::error("TOO_MANY_FILES", Place::default(), message, help)];
        return Parsed { engine, broken };
    }
    let mut broken = Vec::new();
    for file in files {
        if let Some(found) = check_text(file, limits) {
            broken.push(found);
        } else if let Err(error) = engine.add_policy(file.name.clone(), file.text.clone()) {
            broken.push(from_error("SYNTAX", &file.name, &error));
        }
    }
    Parsed { engine, broken }
}

/// What is wrong with a text before it is parsed.
pub fn check_text(file: &SourceFile, limits: &Limits) -> Option<Diagnostic> {
    let refuse =
        |code, message: String, help: &str| Some(Diagnostic::error(code, Place::file(&file.name), message, help));
    if file.text.len() > limits.source_bytes {
        let message = format!("the file has {} bytes, more than {}", file.text.len(), limits.source_bytes);
        return refuse("TOO_LONG", message, "split the file; keep data in JSON or YAML files");
    }
    if file.text.contains('\0') {
        return refuse("SYNTAX", "the file contains a NUL byte".to_owned(), "remove it");
    }
    let deepest = nesting(&file.text, limits.nesting)?;
    let place = Place { line: deepest, end_line: deepest, column: 1, end_column: 1, ..Place::file(&file.name) };
    let message = format!("brackets are nested deeper than {}", limits.nesting);
    Some(Diagnostic::error("TOO_DEEP", place, message, "name the inner parts as rules of their own"))
}

/// The first line where brackets are nested deeper than `limit`, or where their nesting altogether would keep the
/// parser busy for long: its time doubles with each level, so a literal at depth d weighs 2^d.
fn nesting(text: &str, limit: u32) -> Option<u32> {
    const FREE: u32 = 6;
    const BUDGET: u64 = 1 << 19;
    let mut scan = Scan::new(text);
    let (mut depth, mut weight) = (0_u32, 0_u64);
    while let Some(byte) = scan.next_code() {
        match byte {
            b'[' | b'{' | b'(' => {
                depth = depth.saturating_add(1);
                weight = weight.saturating_add(1_u64.checked_shl(depth.saturating_sub(FREE)).unwrap_or(u64::MAX));
            }
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit || weight > BUDGET {
            return Some(scan.line);
        }
    }
    None
}

/// Walks the bytes of a text that are code: not in strings, not in comments.
struct Scan<'a> {
    bytes: std::slice::Iter<'a, u8>,
    line: u32,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes().iter(), line: 1 }
    }

    fn raw(&mut self) -> Option<u8> {
        let byte = self.bytes.next().copied()?;
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(byte)
    }

    fn next_code(&mut self) -> Option<u8> {
        loop {
            match self.raw()? {
                b'"' => self.skip_string(),
                b'`' => while self.raw().is_some_and(|byte| byte != b'`') {},
                b'#' => while self.raw().is_some_and(|byte| byte != b'\n') {},
                code => return Some(code),
            }
        }
    }

    fn skip_string(&mut self) {
        while let Some(byte) = self.raw() {
            match byte {
                b'\\' => {
                    self.raw();
                }
                // A string ends with its line at the latest: the lexer refuses it there, the scan must not run on.
                b'"' | b'\n' => return,
                _ => {}
            }
        }
    }
}

/// An error of regorus as a diagnostic: its text says where (`--> FILE:LINE:COLUMN`) and ends with `error: WHAT`.
pub fn from_error(code: &'static str, file: &str, error: &anyhow::Error) -> Diagnostic {
    let text = format!("{error:#}");
    let message = text.rsplit("error: ").next().unwrap_or(&text).trim();
    let message = message.lines().next().unwrap_or("refused").to_owned();
    let place = located(&text).unwrap_or_else(|| Place::file(file));
    Diagnostic::error(code, place, message, "")
}

fn located(text: &str) -> Option<Place> {
    let (_, after) = text.split_once("--> ")?;
    let mut parts = after.lines().next()?.trim().rsplitn(3, ':');
    let column: u32 = parts.next()?.parse().ok()?;
    let line: u32 = parts.next()?.parse().ok()?;
    Some(Place { file: parts.next()?.to_owned(), line, column, end_line: line, end_column: column })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile { name: "a.rego".to_owned(), text: text.to_owned() }
    }

    fn first(text: &str) -> Diagnostic {
        parse(&[file(text)], &Limits::default()).broken.swap_remove(0)
    }

    #[test]
    fn every_broken_file_is_told() {
        let files =
            [file("package a\nx := [\n"), SourceFile { name: "b.rego".to_owned(), text: "nonsense".to_owned() }];
        let mut parsed = parse(&files, &Limits::default());
        assert!(parsed.trees().is_empty());
        let wrong = parsed.broken;
        assert_eq!(wrong.iter().map(|item| item.place.file.as_str()).collect::<Vec<_>>(), ["a.rego", "b.rego"]);
        assert!(wrong.iter().all(|item| item.place.line > 0), "{wrong:?}");
    }

    #[test]
    fn nesting_is_refused_before_it_is_parsed() {
        let started = std::time::Instant::now();
        let deep = format!("package a\nx := {}{}\n", "[".repeat(40), "]".repeat(40));
        let found = first(&deep);
        assert_eq!((found.code, found.place.line), ("TOO_DEEP", 2));
        assert!(started.elapsed().as_millis() < 100);
    }

    #[test]
    fn many_deep_literals_are_refused_too() {
        let one = format!("{}1{},\n", "[".repeat(14), "]".repeat(14));
        let found = first(&format!("package a\nx := [\n{}]\n", one.repeat(5000)));
        assert_eq!(found.code, "TOO_DEEP");
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let text = format!("package a\n# {0}\nx := \"{0}\\\"{0}\"\ny := `{0}`\n", "[".repeat(60));
        assert!(parse(&[file(&text)], &Limits::default()).broken.is_empty());
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        let found = first(&format!("package a\n# {}", "x".repeat(2 << 20)));
        assert_eq!(found.code, "TOO_LONG");
    }

    #[test]
    fn an_error_keeps_its_place() {
        let found = first("package a\nx := 1 +\n\ny := }\n");
        assert_eq!((found.code, found.place.line), ("SYNTAX", 4));
    }
}
