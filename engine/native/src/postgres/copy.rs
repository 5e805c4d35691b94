//! COPY ... TO STDOUT, as far as hiding columns in what it sends needs it: the query whose rows it sends, and how they are written.
//!
//! INVARIANT: an option that is not read here makes the whole statement one that nothing is known of.

use pg_query::protobuf::{CopyStmt, DefElem, RangeVar, Token};
use pg_query::NodeEnum;

use crate::sql::names::strings;
use crate::sql::room::on_big_stack;
use crate::sql::{guard, parse};

/// A COPY to the client. `query` has the same columns as what is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOut {
    pub query: String,
    pub layout: Layout,
}

/// How rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub form: Form,
    /// The first row is the names of the columns.
    pub has_header: bool,
}

/// The formats of COPY, with PostgreSQL's own defaults where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Text { delimiter: u8, null: Vec<u8> },
    Csv { delimiter: u8, quote: u8, escape: u8, null: Vec<u8>, forced: Forced },
    Binary,
}

/// Which columns of CSV are always quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forced {
    All,
    Some(Vec<String>),
}

/// The COPY TO STDOUT that is all of a text; `columns` are those of its relation, where it names none.
///
/// None: it is another statement, or one with options that are not known, or that the server refuses.
pub fn copy_out(bytes: &[u8], columns: &[String]) -> Option<CopyOut> {
    let text = guard::readable(bytes).ok()?;
    if guard::demand(text).ok()?.is_modest() {
        return read(text, columns);
    }
    let (owned, columns) = (text.to_owned(), columns.to_vec());
    on_big_stack(move || read(&owned, &columns))?
}

fn read(text: &str, columns: &[String]) -> Option<CopyOut> {
    let parsed = parse::parse(text).ok()?;
    let [raw] = parsed.stmts.as_slice() else {
        return None;
    };
    let Some(NodeEnum::CopyStmt(copy)) = raw.stmt.as_ref()?.node.as_ref() else {
        return None;
    };
    if copy.is_from || copy.is_program || !copy.filename.is_empty() {
        return None;
    }
    let query = match &copy.relation {
        Some(relation) => whole(relation, copy, columns),
        None => inside_brackets(text)?.to_owned(),
    };
    Some(CopyOut { query, layout: Layout::of(copy)? })
}

/// COPY of a relation sends its own rows, not those of the relations that inherit from it.
fn whole(relation: &RangeVar, copy: &CopyStmt, columns: &[String]) -> String {
    let listed = strings(&copy.attlist);
    let names: Vec<&str> =
        if listed.is_empty() { columns.iter().map(String::as_str).collect() } else { listed.into_iter().collect() };
    let columns: Vec<String> = names.into_iter().map(quoted).collect();
    let path = [&relation.catalogname, &relation.schemaname, &relation.relname];
    let path: Vec<String> = path.into_iter().filter(|part| !part.is_empty()).map(|part| quoted(part)).collect();
    format!("SELECT {} FROM ONLY {}", columns.join(", "), path.join("."))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What stands in the first brackets, by PostgreSQL's own scanner: the query of a COPY that has one.
fn inside_brackets(text: &str) -> Option<&str> {
    let (mut depth, mut from) = (0_usize, 0_usize);
    for token in pg_query::scan_tokens(text).ok()? {
        match Token::try_from(token.token) {
            Ok(Token::Ascii40) => {
                if depth == 0 {
                    from = usize::try_from(token.end).ok()?;
                }
                depth = depth.saturating_add(1);
            }
            Ok(Token::Ascii41) => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return text.get(from..usize::try_from(token.start).ok()?);
                }
            }
            _ => {}
        }
    }
    None
}

/// The options as they are written; what is said twice is not known.
#[derive(Default)]
struct Said {
    format: Option<String>,
    header: Option<bool>,
    delimiter: Option<String>,
    null: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    forced: Option<Forced>,
    encoding: Option<String>,
}

impl Layout {
    /// Source: `ProcessCopyOptions` of PostgreSQL's `copy.c`.
    fn of(copy: &CopyStmt) -> Option<Self> {
        let mut said = Said::default();
        for option in &copy.options {
            let Some(NodeEnum::DefElem(option)) = option.node.as_ref() else {
                return None;
            };
            said.read(option)?;
        }
        // WHY no other: in some a byte of a longer character is a delimiter's.
        if said.encoding.is_some_and(|name| !matches!(name.to_lowercase().as_str(), "utf8" | "utf-8" | "unicode")) {
            return None;
        }
        let has_header = said.header.unwrap_or(false);
        let is_quoting = said.quote.is_some() || said.escape.is_some() || said.forced.is_some();
        let delimiter = said.delimiter.as_deref();
        let form = match said.format.as_deref().unwrap_or("text") {
            "text" if !is_quoting => Form::Text {
                delimiter: byte(delimiter.unwrap_or("\t"))?,
                null: said.null.as_deref().unwrap_or("\\N").into(),
            },
            "csv" => {
                let quote = byte(said.quote.as_deref().unwrap_or("\""))?;
                Form::Csv {
                    delimiter: byte(delimiter.unwrap_or(","))?,
                    quote,
                    escape: said.escape.as_deref().map_or(Some(quote), byte)?,
                    null: said.null.as_deref().unwrap_or_default().into(),
                    forced: said.forced.unwrap_or(Forced::Some(Vec::new())),
                }
            }
            "binary" if !is_quoting && delimiter.is_none() && said.null.is_none() && !has_header => Form::Binary,
            _ => return None,
        };
        form.is_sound().then_some(Self { form, has_header })
    }
}

impl Form {
    /// Whether the server takes it.
    fn is_sound(&self) -> bool {
        const NEVER_IN_TEXT: &[u8] = b"\\.abcdefghijklmnopqrstuvwxyz0123456789";
        let (delimiter, null) = match self {
            Self::Text { delimiter, .. } if NEVER_IN_TEXT.contains(delimiter) => return false,
            Self::Text { delimiter, null } => (delimiter, null),
            Self::Csv { delimiter, quote, null, .. } if delimiter == quote || null.contains(quote) => return false,
            Self::Csv { delimiter, null, .. } => (delimiter, null),
            Self::Binary => return true,
        };
        let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n');
        !breaks(delimiter) && !null.contains(delimiter) && !null.iter().any(breaks)
    }
}

impl Said {
    fn read(&mut self, option: &DefElem) -> Option<()> {
        let value = option.arg.as_deref().and_then(|arg| arg.node.as_ref());
        match option.defname.as_str() {
            "header" => once(&mut self.header, truth(value)?),
            "force_quote" => once(&mut self.forced, forced(value?)?),
            name => {
                let place = match name {
                    "format" => &mut self.format,
                    "delimiter" => &mut self.delimiter,
                    "null" => &mut self.null,
                    "quote" => &mut self.quote,
                    "escape" => &mut self.escape,
                    "encoding" => &mut self.encoding,
                    _ => return None,
                };
                match value? {
                    NodeEnum::String(text) => once(place, text.sval.clone()),
                    _ => None,
                }
            }
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn truth(value: Option<&NodeEnum>) -> Option<bool> {
    match value {
        None => Some(true),
        Some(NodeEnum::Boolean(flag)) => Some(flag.boolval),
        Some(NodeEnum::Integer(number)) => match number.ival {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Some(NodeEnum::String(word)) => match word.sval.to_lowercase().as_str() {
            "true" | "on" => Some(true),
            "false" | "off" => Some(false),
            _ => None,
        },
        Some(_) => None,
    }
}

fn forced(value: &NodeEnum) -> Option<Forced> {
    match value {
        NodeEnum::AStar(_) => Some(Forced::All),
        NodeEnum::List(list) => Some(Forced::Some(strings(&list.items).into_iter().map(str::to_owned).collect())),
        _ => None,
    }
}

fn byte(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] => Some(*byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<CopyOut> {
        copy_out(text.as_bytes(), &["id".to_owned(), "a \"b\"".to_owned()])
    }

    fn query(text: &str) -> String {
        found(text).map(|found| found.query).unwrap_or_default()
    }

    #[test]
    fn the_query_is_the_one_in_brackets_or_that_of_the_relation() {
        assert_eq!(
            query("copy /* ( */ ( select ')' -- )\n from (select 1) t ) to stdout"),
            " select ')' -- )\n from (select 1) t "
        );
        assert_eq!(query("COPY t TO STDOUT"), r#"SELECT "id", "a ""b""" FROM ONLY "t""#);
        assert_eq!(query("copy S.\"T \" (b, \"C\") to stdout"), r#"SELECT "b", "C" FROM ONLY "s"."T ""#);
        assert_eq!(
            query("copy (with w as (select 1) select * from w) to stdout with csv"),
            "with w as (select 1) select * from w"
        );
    }

    #[test]
    fn other_statements_are_none() {
        for text in [
            "copy t from stdin",
            "copy t to '/x'",
            "copy t to program 'x'",
            "select 1",
            "copy t to stdout; select 1",
            "copy t to",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn options_are_read_as_the_server_reads_them() {
        let text = |delimiter, null: &[u8]| Form::Text { delimiter, null: null.to_vec() };
        let csv = |delimiter, quote, escape, null: &[u8], forced| Form::Csv {
            delimiter,
            quote,
            escape,
            null: null.to_vec(),
            forced,
        };
        let none = || Forced::Some(Vec::new());
        for (options, form, has_header) in [
            ("", text(b'\t', b"\\N"), false),
            ("(header)", text(b'\t', b"\\N"), true),
            ("(format text, delimiter '|', null '', header off)", text(b'|', b""), false),
            ("delimiter as ',' null as 'x y'", text(b',', b"x y"), false),
            ("(format csv)", csv(b',', b'"', b'"', b"", none()), false),
            ("with csv header quote as '''' escape '\\' null 'n'", csv(b',', b'\'', b'\\', b"n", none()), true),
            (
                "csv force quote a, \"B\"",
                csv(b',', b'"', b'"', b"", Forced::Some(vec!["a".to_owned(), "B".to_owned()])),
                false,
            ),
            ("(format 'csv', force_quote *, header 1)", csv(b',', b'"', b'"', b"", Forced::All), true),
            (
                "(force_quote (a), format csv, header 'ON')",
                csv(b',', b'"', b'"', b"", Forced::Some(vec!["a".to_owned()])),
                true,
            ),
            ("binary", Form::Binary, false),
            ("(format binary, encoding 'UTF8', header false)", Form::Binary, false),
        ] {
            let layout = found(&format!("copy t to stdout {options}")).map(|found| found.layout);
            assert_eq!(layout, Some(Layout { form, has_header }), "{options}");
        }
    }

    #[test]
    fn an_option_that_is_not_known_or_refused_makes_it_unknown() {
        for options in [
            "(format json)",
            "(format 'CSV')",
            "(format csv, format text)",
            "(header, header off)",
            "(header match)",
            "(header 2)",
            "(header (a))",
            "(encoding 'sjis')",
            "(encoding 'latin1', format csv)",
            "(delimiter '||')",
            "(delimiter '')",
            "(delimiter 'a')",
            "(delimiter '\\')",
            "(delimiter E'\\n')",
            "(null E'a\\nb')",
            "(null 'a|b', delimiter '|')",
            "(quote 'x')",
            "(format csv, quote ',')",
            "(format csv, null '\"')",
            "(format csv, quote 'ab')",
            "(format csv, escape '')",
            "(format binary, header)",
            "(format binary, null '')",
            "(format csv, force_quote a)",
            "(null 5)",
            "(freeze)",
            "(default 'x')",
            "(\"FORMAT\" csv)",
            "(unheard_of)",
        ] {
            assert_eq!(found(&format!("copy t to stdout {options}")), None, "{options}");
        }
    }
}
