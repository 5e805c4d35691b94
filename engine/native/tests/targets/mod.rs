//! What is asked of hostile bytes in the core: each target is a plain function that panics where the answer is wrong.
//!
//! `tests/seeds.rs` runs them over the seeds that are checked in; `fuzz/` hands them to libFuzzer, which looks for bytes
//! that reach new code. A new parser gets a function here, a line in `ALL` and seeds in `tests/fuzz/seeds/`.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use _native::postgres::copy::{copy_out, Form};
use _native::postgres::mask::copied::CopyMasker;
use _native::postgres::{mask::RowMasker, outline, rows, short};
use _native::rego::program::Program;
use _native::scan;
use _native::shell;
use _native::sql;
use _native::sql::catalog::Catalog;
use _native::web::answer::Show;
use _native::web::json::{Mask, Masks, Method, Step};

use strangers::tls;

mod made;
mod strangers;

pub type Target = fn(&[u8]);

pub const ALL: &[(&str, Target)] = &[
    ("sql", sql_text),
    ("lineage", lineage),
    ("wire", wire),
    ("mask", mask),
    ("shell", shell_text),
    ("scan", scanner),
    ("output", output),
    ("json", json),
    ("lane", lane),
    ("rego", rego),
    ("tls", tls),
];

/// The parts of a file of seeds: between lines of `====`, `\xNN` is a byte.
pub fn seeds(file: &str) -> Vec<Vec<u8>> {
    file.trim_end_matches('\n').split("\n====\n").map(unescaped).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, part.get(2..)) {
            (Some(byte), Some(rest)) => {
                out.push(byte);
                out.extend_from_slice(rest.as_bytes());
            }
            _ => panic!("`\\x` is followed by two hexadecimal digits: {text}"),
        }
    }
    out
}

/// A document as msgpack.
fn packed(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    pack(value, &mut out);
    out
}

fn pack(value: &Value, out: &mut Vec<u8>) {
    use rmp::encode as mp;
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    match value {
        Value::Null => mp::write_nil(out).unwrap_or_default(),
        Value::Bool(flag) => mp::write_bool(out, *flag).unwrap_or_default(),
        Value::Number(number) => {
            let _ = mp::write_sint(out, number.as_i64().unwrap_or_default());
        }
        Value::String(text) => mp::write_str(out, text).unwrap_or_default(),
        Value::Array(items) => {
            let _ = mp::write_array_len(out, size(items.len()));
            items.iter().for_each(|item| pack(item, out));
        }
        Value::Object(members) => {
            let _ = mp::write_map_len(out, size(members.len()));
            for (name, item) in members {
                mp::write_str(out, name).unwrap_or_default();
                pack(item, out);
            }
        }
    }
}

fn read(document: &str) -> Value {
    serde_json::from_str(document).expect("the document beside the seeds is JSON")
}

/// A text of SQL ends in a tree that says something and stands in the text, the same one each time.
fn sql_text(data: &[u8]) {
    assert_eq!(sql::parse_sql(data, None), sql::parse_sql(data, None));
    if let Ok(text) = sql::guard::readable(data) {
        sound(&sql::tree_of(text, None), text);
        agreed(text);
    }
    for (start, end) in sql::split_sql(data) {
        assert!(start <= end && end <= data.len());
    }
    let _ = outline::encoded(data);
    let _ = sql::shape::shape(data);
}

/// PostgreSQL's tree read in place is the one by protobuf, and so is a refusal.
fn agreed(text: &str) {
    use sallyport_grammar::{by_protobuf, read, Refusal};
    if !sql::guard::demand(text).is_ok_and(|demand| demand.is_modest()) {
        return;
    }
    match (read(text, 0), by_protobuf(text, 0)) {
        (Ok(None), _) => {}
        (Ok(Some(tree)), other) => assert_eq!(Ok(tree), other),
        (Err(Refusal::Grammar { message, .. }), Err(Refusal::Grammar { message: other, .. })) => {
            assert_eq!(message, other)
        }
        (read, other) => panic!("{read:?} and {other:?}"),
    }
}

fn sound(tree: &sql::tree::Tree, text: &str) {
    assert!(!tree.operations.is_empty());
    assert!(tree.complete || !tree.problems.is_empty() || !tree.features.is_empty());
    assert!(tree.operations.iter().all(|one| one.span.0 <= one.span.1 && one.span.1 <= text.len()));
    if tree.sql.outputs_proven {
        assert!(tree.sql.outputs.iter().flatten().all(|output| output.proven));
        // Those of several statements stand nowhere.
        assert!(tree.sql.outputs.is_some() || tree.sql.is_multi);
    }
}

/// The same beside a catalog with views and functions; and whatever bytes come as a catalog, it is one or it is refused.
fn lineage(data: &[u8]) {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    let catalog = CATALOG.get_or_init(|| {
        let document = read(include_str!("../../../../tests/fuzz/catalog.json"));
        Arc::new(Catalog::from_msgpack(&packed(&document)).expect("the catalog beside the seeds is one"))
    });
    match data.split_first() {
        Some((0, rest)) => {
            let _ = Catalog::from_msgpack(rest);
            let _ = catalog.for_session(rest);
        }
        _ => {
            if let Ok(text) = sql::guard::readable(data) {
                sound(&sql::tree_of(text, Some(catalog)), text);
            }
        }
    }
}

/// What is recognised on the wire is whole: a byte less, or a message more, is something else.
fn wire(data: &[u8]) {
    let shorter = data.split_last().map(|(_, rest)| rest).unwrap_or_default();
    let longer = [data, b"S\0\0\0\x04"].concat();
    if short::run(data).is_some() {
        assert!(short::run(shorter).is_none() && short::run(&longer).is_none() && short::query(data).is_none());
    }
    if let Some(found) = short::query(data) {
        let run = short::run(&found.run).expect("what is made of a simple query is a run");
        assert!(run.text == Some(found.text) && run.statement.is_empty() && run.parameters.is_empty() && run.described);
        assert!(short::query(shorter).is_none() && short::query(&longer).is_none());
    }
    if let Some(found) = short::reply(data) {
        assert!(found.shown.checked_add(found.rows).is_some_and(|upto| upto <= data.len()));
        assert!(short::reply(shorter).is_none() && short::reply(&longer).is_none());
    }
    let end = rows::skip_rows(data, 0);
    assert!(end <= data.len() && rows::skip_rows(data, end) == end);
}

const PLAN: &str = r#"[null, {"method": "null", "type_oid": 25, "format": 0}, {"method": "redact", "type_oid": 3802, "format": 1},
    {"method": "partial", "params": {"keep_first": 1, "keep_last": 2}, "type_oid": 25, "format": 0}]"#;
const NOTHING: &str = r#"[{"method": "drop", "type_oid": 25, "format": 0}]"#;

/// Rows are rewritten whole or refused; a column that is dropped leaves no byte. `plan, 0xc1, rows`, or rows alone.
fn mask(data: &[u8]) {
    copied(data);
    let found = data.iter().position(|byte| *byte == 0xc1).and_then(|at| data.split_at_checked(at));
    if let Some((plan, rest)) = found {
        if let Ok(masker) = RowMasker::new(plan) {
            rewritten(&masker, rest.get(1..).unwrap_or_default());
        }
    }
    for plan in [PLAN, NOTHING] {
        rewritten(&RowMasker::new(&packed(&read(plan))).expect("a plan of ours is one"), data);
    }
    let dropped = RowMasker::new(&packed(&read(NOTHING))).expect("a plan of ours is one");
    if let Ok(out) = dropped.mask(data) {
        assert!(out.chunks(11).all(|row| row == b"D\0\0\0\x0a\0\x01\xff\xff\xff\xff"));
    }
}

/// A text that says how it is copied, `0xc1`, and what is sent: it is rewritten whole or refused, and what is dropped leaves no byte.
fn copied(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == 0xc1);
    let (text, rest) = match at.and_then(|at| data.split_at_checked(at)) {
        Some((text, rest)) => (text, rest.get(1..).unwrap_or_default()),
        None => (b"copy t (a, b) to stdout csv".as_slice(), data),
    };
    let Some(copied) = copy_out(text, &["a".to_owned(), "b".to_owned()]) else {
        return;
    };
    assert!(copy_out(copied.query.as_bytes(), &[]).is_none());
    let format = u8::from(matches!(copied.layout.form, Form::Binary));
    let plan = format!(r#"[null, {{"method": "redact", "type_oid": 25, "format": {format}}}]"#);
    let names = || vec!["a".to_owned(), "b".to_owned()];
    let made = || CopyMasker::new(copied.layout.clone(), &packed(&read(&plan)), names());
    let (Ok(masker), Ok(again)) = (made(), made()) else {
        return;
    };
    let shown = masker.mask(rest);
    assert_eq!(again.mask(rest), shown);
    if let Ok(out) = shown {
        assert_eq!(rows::skip_rows(&out, 0), out.len());
        if let Ok(third) = made() {
            // What is shown is what a server could have sent: its cells are hidden already.
            assert_eq!(third.mask(&out), Ok(out));
        }
    }
}

fn rewritten(masker: &RowMasker, data: &[u8]) {
    if let Ok(out) = masker.mask(data) {
        assert_eq!(rows::skip_rows(data, 0), data.len());
        assert_eq!(rows::skip_rows(&out, 0), out.len());
        assert_eq!(masker.mask(data), Ok(out));
    }
}

/// A text of shell ends in a tree that says something and stands in the text, the same one each time.
fn shell_text(data: &[u8]) {
    assert_eq!(shell::parse_shell(data), shell::parse_shell(data));
    if let Ok(text) = shell::guard::readable(data) {
        let tree = shell::tree_of(text);
        assert!(!(tree.operations.is_empty() && tree.carried.is_empty()));
        assert!(!tree.incomplete || !tree.problems.is_empty());
        let spans = tree.operations.iter().map(|one| one.span).chain(tree.carried.iter().map(|one| one.span));
        spans.for_each(|span| assert!(span.0 <= span.1 && span.1 <= text.len()));
    }
}

/// What is found stands in the text and in order, its type is told, a text in pieces has what the whole has, and the fast
/// pass finds what the plain one does.
fn scanner(data: &[u8]) {
    let engine = scan::engine().expect("the engine is built");
    let found = scan::scan(engine, data);
    let types = scan::detect(engine, data);
    let mut at = 0;
    for span in &found {
        assert!(at <= span.start && span.start < span.end && span.end <= data.len());
        assert_eq!(types.get(usize::from(span.kind)), Some(&true));
        at = span.end;
    }
    let cut = data.first().map_or(0, |byte| usize::from(*byte)).min(data.len());
    let (first, rest) = data.split_at_checked(cut).unwrap_or_default();
    let mut stream = scan::Stream::new(engine);
    let mut streamed = stream.push(first);
    streamed.extend(stream.push(rest));
    streamed.extend(stream.finish());
    assert_eq!(streamed, found);
    if data.len() <= 1_024 {
        assert_eq!(scan::plain::scan(engine, data), found);
        assert_eq!(scan::plain::detect(engine, data), types);
    }
    let _ = scan::mask::without_secrets(engine, data);
    let _ = scan::encode::scanned(engine, data, &found);
}

/// Output is shown whole but for what is hidden, whatever the pieces and pauses; of a text, all that is found is hidden.
fn output(data: &[u8]) {
    static WANTED: OnceLock<Arc<[bool]>> = OnceLock::new();
    let engine = scan::engine().expect("the engine is built");
    let wanted = WANTED.get_or_init(|| engine.types.iter().map(|_| true).collect());
    let (size, rest) = data.split_first().map_or((0, data), |(size, rest)| (usize::from(*size), rest));
    // The highest bit: whether it is a terminal's; the next one: whether there are pauses.
    let (is_terminal, pauses) = (size & 0x80 != 0, size & 0x40 != 0);
    let mut made = scan::Output::new(engine, wanted, is_terminal);
    let (mut whole, mut hidden) = (Vec::new(), Vec::new());
    let mut take = |shown: scan::output::Shown| {
        let mut at = 0;
        for mark in shown.marks {
            whole.extend_from_slice(shown.bytes.get(at..mark.at).expect("marks are in order and in what is shown"));
            let from = whole.len();
            whole.extend_from_slice(&mark.value);
            hidden.push(from..whole.len());
            at = mark.at;
        }
        whole.extend_from_slice(shown.bytes.get(at..).expect("marks are in what is shown"));
    };
    for piece in rest.chunks(size & 0x3f | 1) {
        take(made.push(piece));
        if pauses {
            take(made.quiet());
        }
    }
    take(made.finish());
    let text =
        std::str::from_utf8(rest).ok().filter(|text| !text.contains(|one: char| one.is_control() && one != '\n'));
    if let Some(text) = text.filter(|_| !is_terminal && !pauses) {
        assert_eq!(String::from_utf8_lossy(&whole), text);
        for span in scan::scan(engine, text.as_bytes()) {
            assert!(
                (span.start..span.end).all(|at| hidden.iter().any(|one| one.contains(&at))),
                "{span:?} of {text:?}"
            );
        }
    }
}

/// A document is rewritten or left alone: what comes out is JSON and comes out of itself again, nothing stands where a mask is, and all else
/// is as it was.
fn json(data: &[u8]) {
    let plain = Masks::new(Vec::new());
    let Some(copied) = plain.rewritten(data) else { return };
    assert_eq!(plain.rewritten(&copied), Some(copied.clone()));
    let path = || vec![Step { name: Some("card".to_owned()), is_deep: true }];
    let masked = |method| Masks::new(vec![Mask { path: path(), method, kind: 0 }]);
    let red = masked(Method::Redact);
    if let Some(found) = red.rewritten(data) {
        assert_eq!(red.rewritten(&found), Some(found.clone()));
        // Numbers past a double's are JSON here, and none to `serde_json`.
        if let (Ok(mut document), Ok(found)) = (serde_json::from_slice(data), serde_json::from_slice::<Value>(&found)) {
            hide(&mut document);
            assert_eq!(document, found);
        }
    }
    if let Some(found) = masked(Method::Drop).rewritten(data) {
        let copied = plain.rewritten(&found).expect("what comes out is JSON");
        assert!(copied == found && masked(Method::Null).rewritten(&found) == Some(found));
    }
}

/// The plain meaning of `$..card` with `redact`.
fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => {
            for (name, inner) in members {
                match inner {
                    Value::Null => {}
                    _ if name.eq_ignore_ascii_case("card") => *inner = Value::from("[redacted]"),
                    _ => hide(inner),
                }
            }
        }
        _ => {}
    }
}

/// An answer that came in one piece is shown framed anew or left alone: a byte less or more is another answer, what is shown is an
/// answer that is shown the same, and nothing is in it that may not come back. The lowest bits of the first byte: masks, a secret.
fn lane(data: &[u8]) {
    const SECRET: &[u8] = b"TOPSECRET";
    let Some((flags, data)) = data.split_first() else { return };
    let (is_masked, signs_in) = (flags & 1 != 0, flags & 2 != 0);
    let mask =
        || Mask { path: vec![Step { name: Some("card".to_owned()), is_deep: true }], method: Method::Redact, kind: 0 };
    let show = Show {
        masks: is_masked.then(|| Arc::new(Masks::new(vec![mask()]))),
        secrets: if signs_in { vec![SECRET.to_vec()] } else { Vec::new() },
        signs_in,
    };
    let Some(found) = show.shown(data, "d-1") else { return };
    let shorter = data.split_last().map(|(_, rest)| rest).unwrap_or_default();
    assert_eq!((show.shown(shorter, "d-1"), show.shown(&[data, b"x"].concat(), "d-1")), (None, None));
    assert!((200..=599).contains(&found.status) && found.lasts > 0.0 && found.size <= found.bytes.len());
    let head = found.bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("what is shown has a head");
    let head = found.bytes.get(..head).expect("the head is in it").split(|byte| *byte == b'\n');
    let told = |name: &[u8]| head.clone().filter(|line| line.starts_with(name)).count();
    assert_eq!((told(b"sallyport-"), told(b"cache-control:"), told(b"x-sendfile:")), (1, 1, 0));
    assert_ne!(told(b"content-length:") == 1, told(b"transfer-encoding:") == 1);
    if signs_in {
        assert!(told(b"set-cookie:") == 0 && !found.bytes.windows(SECRET.len()).any(|part| part == SECRET));
    }
    if is_masked {
        assert_eq!((told(b"etag:"), told(b"x-content-type-options:")), (0, 1));
    }
    // A secret in the name of a type leaves stars there, and then it is no document any more that masks are for.
    let is_starred = is_masked && signs_in && data.windows(SECRET.len()).any(|part| part == SECRET);
    // A long one may have as many headers as there may be, and gets some more.
    if data.len() <= 600 && !is_starred {
        assert_eq!(show.shown(&found.bytes, "d-1").map(|again| again.bytes), Some(found.bytes));
    }
}

/// A policy compiles or is refused; what compiles ends, by the machine and by the interpreter, in results or an error.
fn rego(data: &[u8]) {
    static GIVEN: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (options, input) = GIVEN.get_or_init(|| {
        let document = read(include_str!("../../../../tests/fuzz/rego.json"));
        let part = |name: &str| packed(document.get(name).expect("the document has its two parts"));
        (part("options"), part("input"))
    });
    let modules = packed(&serde_json::json!([["x.rego", text]]));
    match Program::compile(&modules, &packed(&serde_json::json!({})), options) {
        Ok(program) => {
            let results = [program.evaluate(input, 1), program.evaluate_all(input, 1), program.run_tests(1)];
            assert!(results.iter().flatten().all(|result| !result.is_empty()));
            results.iter().for_each(unbroken);
            let _ = program.describe();
        }
        Err(failure) => unbroken(&Err(failure)),
    }
}

fn unbroken(result: &Result<Vec<u8>, _native::failure::Failure>) {
    assert!(result.as_ref().err().is_none_or(|failure| failure.code != "PANIC"), "{result:?}");
}
