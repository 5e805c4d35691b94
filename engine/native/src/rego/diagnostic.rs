//! What is wrong with policies, and where.

use regorus::unstable::Span;

use super::encode::Writer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// A place in a file: 1-based lines and columns in characters; zero where there is no place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub message: String,
    pub place: Place,
    pub severity: Severity,
    pub help: String,
}

impl Place {
    pub fn file(name: &str) -> Self {
        Self { file: name.to_owned(), ..Self::default() }
    }

    /// Where a span of the syntax tree stands.
    pub fn of(span: &Span) -> Self {
        let contents = span.source.get_contents();
        let end = span.end.max(span.start);
        // WHY not two positions: counting lines from the beginning of the file for each rule is quadratic in the file.
        let within = contents.get(offset(span.start)..offset(end)).unwrap_or_default();
        let breaks = u32::try_from(within.matches('\n').count()).unwrap_or(u32::MAX);
        Self {
            file: span.source.get_path().clone(),
            line: span.line,
            column: column(contents, span.start),
            end_line: span.line.saturating_add(breaks),
            end_column: column(contents, end),
        }
    }
}

fn offset(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// A number as lines and columns are counted: from one.
fn counted(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1)
}

/// Column, in characters, of a byte offset.
fn column(contents: &str, at: u32) -> u32 {
    let before = contents.get(..offset(at)).unwrap_or(contents);
    let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    counted(before.get(line_start..).unwrap_or("").chars().count())
}

/// Line and column, in characters, of a byte offset.
pub fn position(contents: &str, at: u32) -> (u32, u32) {
    let before = contents.get(..offset(at)).unwrap_or(contents);
    (counted(before.matches('\n').count()), column(contents, at))
}

impl Diagnostic {
    pub fn error(code: &'static str, place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: message.into(), place, severity: Severity::Error, help: help.into() }
    }

    pub fn warning(code: &'static str, place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message, help) }
    }

    fn write(&self, writer: &mut Writer) {
        writer.map(9);
        for (key, text) in [
            ("code", self.code),
            ("message", &self.message),
            ("file", &self.place.file),
            ("severity", if self.severity == Severity::Error { "error" } else { "warning" }),
            ("help", &self.help),
        ] {
            writer.text(key);
            writer.text(text);
        }
        for (key, number) in [
            ("line", self.place.line),
            ("column", self.place.column),
            ("end_line", self.place.end_line),
            ("end_column", self.place.end_column),
        ] {
            writer.text(key);
            writer.number(u64::from(number));
        }
    }
}

/// Puts diagnostics in source order.
pub fn sort(list: &mut [Diagnostic]) {
    list.sort_by(|a, b| {
        (&a.place.file, a.place.line, a.place.column, a.code).cmp(&(
            &b.place.file,
            b.place.line,
            b.place.column,
            b.code,
        ))
    });
}

pub fn write_list(list: &[Diagnostic], writer: &mut Writer) {
    writer.array(list.len());
    list.iter().for_each(|item| item.write(writer));
}

/// A list of diagnostics as msgpack.
pub fn encode_list(list: &[Diagnostic]) -> Vec<u8> {
    let mut writer = Writer::new(usize::MAX, 8);
    write_list(list, &mut writer);
    writer.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::visit;
    use super::*;

    #[test]
    fn a_position_counts_characters_not_bytes() {
        assert_eq!(position("a\n\u{e9}\u{e9}x", 6), (2, 3));
        assert_eq!(position("", 0), (1, 1));
    }

    #[test]
    fn a_place_is_where_counting_from_the_beginning_finds_its_span() {
        let text = "package a\n\n# \u{e9}\u{e9}\nx := \"\u{e9}\" if {\n\ty == `one\ntwo`\n\tsome z in [\n1]\n}\n\ndeny contains {\n\t\"a\": \"\u{e9}\",\n} if x\n";
        let mut engine = regorus::Engine::new();
        engine.add_policy("a.rego".to_owned(), text.to_owned()).unwrap();
        let module = engine.get_modules().first().unwrap().clone();
        let mut spans = vec![module.package.span.clone()];
        for rule in &module.policy {
            visit::expressions(rule, &mut |expr| spans.push(expr.span().clone()));
        }
        assert!(spans.len() > 10);
        for span in spans {
            let place = Place::of(&span);
            assert_eq!((place.line, place.column), position(text, span.start), "{place:?}");
            assert_eq!((place.end_line, place.end_column), position(text, span.end), "{place:?}");
        }
    }

    #[test]
    fn diagnostics_stand_in_source_order() {
        let at = |line| Diagnostic::error("X", Place { line, ..Place::file("a") }, "", "");
        let mut list = [at(3), at(1), at(2)];
        sort(&mut list);
        assert_eq!(list.iter().map(|item| item.place.line).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
