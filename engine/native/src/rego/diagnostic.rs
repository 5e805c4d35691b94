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
        let (line, column) = position(contents, span.start);
        let (end_line, end_column) = position(contents, span.end.max(span.start));
        Self { file: span.source.get_path().clone(), line, column, end_line, end_column }
    }
}

/// Line and column, in characters, of a byte offset.
pub fn position(contents: &str, offset: u32) -> (u32, u32) {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let before = contents.get(..offset).unwrap_or(contents);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let column = before.get(line_start..).unwrap_or("").chars().count();
    (count(before.matches('\n').count()), count(column))
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
    use super::*;

    #[test]
    fn a_position_counts_characters_not_bytes() {
        assert_eq!(position("a\n\u{e9}\u{e9}x", 6), (2, 3));
        assert_eq!(position("", 0), (1, 1));
    }

    #[test]
    fn diagnostics_stand_in_source_order() {
        let at = |line| Diagnostic::error("X", Place { line, ..Place::file("a") }, "", "");
        let mut list = [at(3), at(1), at(2)];
        sort(&mut list);
        assert_eq!(list.iter().map(|item| item.place.line).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
