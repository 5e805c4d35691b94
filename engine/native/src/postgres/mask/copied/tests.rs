//! What becomes of COPY by format; that it is written as the server would write it; that nothing else passes.

use super::*;
use crate::postgres::copy::copy_out;

/// `redact` of the second of three columns, `partial` of the third.
fn plan(format: u64) -> Vec<u8> {
    let mut out = vec![0x93, 0xc0];
    for (method, last) in [("redact", None), ("partial", Some(2))] {
        let _ = rmp::encode::write_map_len(&mut out, if last.is_some() { 4 } else { 3 });
        let _ = rmp::encode::write_str(&mut out, "method");
        let _ = rmp::encode::write_str(&mut out, method);
        for (name, value) in [("type_oid", 25), ("format", format)] {
            let _ = rmp::encode::write_str(&mut out, name);
            let _ = rmp::encode::write_uint(&mut out, value);
        }
        if let Some(last) = last {
            let _ = rmp::encode::write_str(&mut out, "params");
            let _ = rmp::encode::write_map_len(&mut out, 1);
            let _ = rmp::encode::write_str(&mut out, "keep_last");
            let _ = rmp::encode::write_uint(&mut out, last);
        }
    }
    out
}

fn masker(options: &str) -> Result<CopyMasker, &'static str> {
    let copied = copy_out(format!("copy t (id, ssn, note) to stdout {options}").as_bytes(), &[]).ok_or("no copy")?;
    let format = u64::from(matches!(copied.layout.form, Form::Binary));
    let names = ["id", "ssn", "note"].map(str::to_owned).to_vec();
    CopyMasker::new(copied.layout, &plan(format), names).map_err(|failure| failure.code)
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut out = vec![COPY_DATA];
    out.extend_from_slice(&u32::try_from(body.len().saturating_add(4)).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn masked(options: &str, lines: &[&str]) -> Result<String, &'static str> {
    let masker = masker(options)?;
    let mut shown = String::new();
    for line in lines {
        let made = masker.mask(&message(line.as_bytes())).map_err(|failure| failure.code)?;
        let body = made.get(5..).unwrap_or_default();
        assert_eq!(made, message(body), "a message says how long it is");
        shown.push_str(&String::from_utf8_lossy(body));
    }
    Ok(shown)
}

#[test]
fn text_is_rewritten_in_its_own_escapes() {
    assert_eq!(masked("", &["1\tann\tabcdef\n"]), Ok("1\t[redacted]\t****ef\n".to_owned()));
    assert_eq!(masked("", &["\\N\t\\N\t\\N\n"]), Ok("\\N\t\\N\t\\N\n".to_owned()));
    assert_eq!(masked("", &["a\\tb\ta\\\\\\n\tabc\\n\\\\\n"]), Ok("a\\tb\t[redacted]\t***\\n\\\\\n".to_owned()));
    assert_eq!(masked("(delimiter '|')", &["\\||\\||abc\\|d\n"]), Ok("\\||[redacted]|***\\|d\n".to_owned()));
    assert_eq!(masked("(null '')", &["1\t\t\n"]), Ok("1\t\t\n".to_owned()));
}

#[test]
fn csv_is_quoted_by_what_is_shown_and_not_by_what_was() {
    assert_eq!(masked("csv", &["1,ann,abcdef\n"]), Ok("1,[redacted],****ef\n".to_owned()));
    assert_eq!(masked("csv", &["\"1,\",\"a,\"\"\n\",\"ab,def\"\n"]), Ok("\"1,\",[redacted],****ef\n".to_owned()));
    assert_eq!(masked("csv", &["1,ann,\"abcd,\"\"\"\n"]), Ok("1,[redacted],\"****,\"\"\"\n".to_owned()));
    assert_eq!(masked("csv", &[",,\n"]), Ok(",,\n".to_owned()));
    assert_eq!(masked("csv", &[",\"\",\"\"\n"]), Ok(",[redacted],\"\"\n".to_owned()));
    assert_eq!(masked("csv null '[redacted]'", &["1,x,[redacted]\n"]), Ok("1,\"[redacted]\",[redacted]\n".to_owned()));
    assert_eq!(masked("csv force quote ssn", &["1,\"ann\",abc\n"]), Ok("1,\"[redacted]\",*bc\n".to_owned()));
    let escaped = masked("csv quote '''' escape '\\'", &["1,'a\\'\\\\','a\\\\b'\n"]);
    assert_eq!(escaped, Ok("1,[redacted],*\\b\n".to_owned()));
}

#[test]
fn the_first_row_is_shown_only_as_the_names_of_the_columns() {
    assert_eq!(masked("csv header", &["id,ssn,note\n", "1,a,b\n"]), Ok("id,ssn,note\n1,[redacted],*\n".to_owned()));
    assert_eq!(
        masked("(header)", &["id\tssn\tnote\n", "id\tssn\tnote\n"]),
        Ok("id\tssn\tnote\nid\t[redacted]\t**te\n".to_owned())
    );
    assert_eq!(masked("csv header", &["1,ann,b\n"]), Err("MALFORMED"));
}

#[test]
fn what_no_server_writes_does_not_pass() -> Result<(), &'static str> {
    for (options, line) in [
        ("", "1\tann\tb"),
        ("", "1\tann\n"),
        ("", "1\tann\tb\tc\n"),
        ("", "1\tan\nn\tb\n"),
        ("", "1\ta\\x\tb\n"),
        ("", "1\ta\tb\\\n"),
        ("csv", "1,\"ann,b\n"),
        ("csv", "1,\"ann\"x,b\n"),
        ("csv", "1,a\"nn,b\n"),
        ("csv", "1,a\nn,b\n"),
        ("csv escape '\\'", "1,\"a\\n\",b\n"),
        ("binary", "1\tann\tb\n"),
    ] {
        assert_eq!(masked(options, &[line]), Err("MALFORMED"), "{options} {line:?}");
    }
    let masker = masker("")?;
    assert!(masker.mask(b"D\0\0\0\x06\0\0").is_err());
    assert!(masker.mask(b"d\0\0\0\x09a").is_err());
    Ok(())
}

#[test]
fn null_that_a_value_could_be_is_refused() {
    for options in ["(null 'x')", "null '123-45-6789'", "(null '\\\\')", "(null '\\t')"] {
        assert_eq!(masked(options, &[]), Err("NULL_UNCLEAR"), "{options}");
    }
    assert_eq!(masked("(null '\\q')", &["1\t\\q\tabc\n"]), Ok("1\t\\q\t*bc\n".to_owned()));
}

fn binary_row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut out = u16::try_from(cells.len()).unwrap_or(0).to_be_bytes().to_vec();
    for cell in cells {
        match cell {
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_be_bytes());
                out.extend_from_slice(value);
            }
        }
    }
    out
}

#[test]
fn binary_is_rewritten_between_its_header_and_its_end() -> Result<(), &'static str> {
    let masker = masker("binary")?;
    let first = [SIGNATURE, &binary_row(&[Some(b"1"), Some(b"ann"), None])].concat();
    let shown = [SIGNATURE, &binary_row(&[Some(b"1"), Some(b"[redacted]"), None])].concat();
    assert_eq!(masker.mask(&message(&first)), Ok(message(&shown)));
    let second = message(&binary_row(&[None, None, Some(b"abc")]));
    assert_eq!(masker.mask(&second), Ok(message(&binary_row(&[None, None, Some(b"*bc")]))));
    assert!(masker.mask(&message(&binary_row(&[None]))).is_err());
    assert_eq!(masker.mask(&message(&NO_MORE)), Ok(message(&NO_MORE)));
    assert!(masker.mask(&second).is_err());
    assert_eq!(masker.cells(), 2);
    Ok(())
}

#[test]
fn it_fits_only_what_the_server_announces() {
    for (options, announced, fits) in [
        ("", b"\0\0\x03\0\0\0\0\0\0".as_slice(), true),
        ("csv", b"\0\0\x03\0\0\0\0\0\0", true),
        ("binary", b"\x01\0\x03\0\x01\0\x01\0\x01", true),
        ("binary", b"\0\0\x03\0\0\0\0\0\0", false),
        ("", b"\0\0\x02\0\0\0\0", false),
        ("", b"\x01\0\x03\0\x01\0\x01\0\x01", false),
        ("", b"", false),
    ] {
        assert_eq!(masker(options).is_ok_and(|masker| masker.fits(announced)), fits, "{options} {announced:?}");
    }
}
