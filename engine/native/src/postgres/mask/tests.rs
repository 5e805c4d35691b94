//! What becomes of rows, by method, type and format; and that nothing malformed passes.

use super::*;

fn plan(columns: &[Option<(&str, u64, u64)>]) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = rmp::encode::write_array_len(&mut out, u32::try_from(columns.len()).unwrap_or(0));
    for column in columns {
        let Some((method, oid, format)) = column else {
            let _ = rmp::encode::write_nil(&mut out);
            continue;
        };
        let _ = rmp::encode::write_map_len(&mut out, 4);
        let _ = rmp::encode::write_str(&mut out, "method");
        let _ = rmp::encode::write_str(&mut out, method);
        let _ = rmp::encode::write_str(&mut out, "type_oid");
        let _ = rmp::encode::write_uint(&mut out, *oid);
        let _ = rmp::encode::write_str(&mut out, "format");
        let _ = rmp::encode::write_uint(&mut out, *format);
        let _ = rmp::encode::write_str(&mut out, "params");
        let _ = rmp::encode::write_map_len(&mut out, 2);
        let _ = rmp::encode::write_str(&mut out, "key");
        let _ = rmp::encode::write_bin(&mut out, b"a key");
        let _ = rmp::encode::write_str(&mut out, "keep_last");
        let _ = rmp::encode::write_uint(&mut out, 4);
    }
    out
}

fn row(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap_or(0).to_be_bytes().to_vec();
    for cell in cells {
        match cell {
            None => body.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                body.extend_from_slice(&i32::try_from(value.len()).unwrap_or(0).to_be_bytes());
                body.extend_from_slice(value);
            }
        }
    }
    let mut out = vec![b'D'];
    out.extend_from_slice(&u32::try_from(body.len().saturating_add(4)).unwrap_or(0).to_be_bytes());
    out.extend(body);
    out
}

fn masked(method: &str, oid: u64, format: u64, cell: &[u8]) -> Result<Vec<u8>, &'static str> {
    let masker = RowMasker::new(&plan(&[Some((method, oid, format)), None])).map_err(|failure| failure.code)?;
    masker.mask(&row(&[Some(cell), Some(b"kept")])).map_err(|failure| failure.code)
}

fn one(cell: Option<&[u8]>) -> Result<Vec<u8>, &'static str> {
    Ok(row(&[cell, Some(b"kept")]))
}

#[test]
fn characters_are_rewritten_by_each_method() {
    assert_eq!(masked("redact", 25, 0, b"ann@x.org"), one(Some(b"[redacted]")));
    assert_eq!(masked("redact", 1043, 1, b"ann@x.org"), one(Some(b"[redacted]")));
    assert_eq!(masked("null", 25, 0, b"ann"), one(None));
    assert_eq!(masked("drop", 25, 0, b"ann"), one(None));
    assert_eq!(masked("partial", 25, 0, b"4111111111111111"), one(Some(b"************1111")));
    assert_eq!(masked("partial", 25, 0, b"1111"), one(Some(b"****")));
    assert_eq!(masked("partial", 25, 0, "ééééé".as_bytes()), one(Some("*éééé".as_bytes())));
    assert_eq!(masked("partial", 25, 0, b"\xff\xfe\xff\xfe\xff\xfe"), one(None));
}

#[test]
fn a_keyed_code_is_the_same_in_both_formats_and_differs_by_purpose() {
    let text = masked("hash", 3802, 0, b"{}");
    let binary = masked("hash", 3802, 1, b"\x01{}");
    let (text, binary) = (text.unwrap_or_default(), binary.unwrap_or_default());
    assert_eq!(text.get(12..76), binary.get(13..77));
    assert_ne!(masked("hash", 25, 0, b"a"), masked("tokenize", 25, 0, b"a"));
}

#[test]
fn a_type_that_characters_do_not_fit_becomes_null() {
    for method in ["redact", "partial"] {
        for (oid, format) in [(23, 0), (23, 1), (1114, 1), (2950, 1), (1700, 0), (1007, 1), (17, 0)] {
            assert_eq!(masked(method, oid, format, b"\0\0\0\x07"), one(None), "{method} {oid} {format}");
        }
    }
    for method in ["hash", "tokenize"] {
        for (oid, format) in [(21, 0), (16, 0), (700, 1), (3904, 0), (600, 0), (16_400, 0)] {
            assert_eq!(masked(method, oid, format, b"7"), one(None), "{method} {oid} {format}");
        }
    }
}

#[test]
fn what_cannot_be_read_as_its_type_is_null() {
    for method in ["hash", "tokenize"] {
        for (oid, format) in [(23, 0), (23, 1), (20, 1), (1114, 1), (1082, 0), (2950, 1), (869, 0), (829, 1), (1007, 0)]
        {
            assert_eq!(masked(method, oid, format, b"canaries!"), one(None), "{method} {oid} {format}");
        }
    }
    assert_eq!(masked("tokenize", 1700, 0, b"NaN"), one(None));
    assert_eq!(masked("tokenize", 1082, 0, b"infinity"), one(None));
    assert_eq!(masked("tokenize", 114, 0, b"{'a': 1}"), one(None));
}

#[test]
fn text_and_binary_say_the_same_token() {
    let cell = |method, oid, format, value: &[u8]| {
        let row = masked(method, oid, format, value).unwrap_or_default();
        let end = row.len().saturating_sub(8);
        row.get(11..end).unwrap_or_default().to_vec()
    };
    for method in ["hash", "tokenize"] {
        let text = cell(method, 23, 0, b"1234567");
        let binary = cell(method, 23, 1, &1_234_567_i32.to_be_bytes());
        let number = binary.try_into().map(i32::from_be_bytes).unwrap_or_default();
        assert_eq!(String::from_utf8(text), Ok(number.to_string()));
        let days = cell(method, 1082, 1, &60_i32.to_be_bytes());
        let days = days.try_into().map(i32::from_be_bytes).unwrap_or_default();
        let text = String::from_utf8(cell(method, 1082, 0, b"2000-03-01")).ok();
        assert_eq!(text, crate::masking::moments::print_day(i64::from(days)));
        let listed = cell(method, 1007, 0, b"{1234567,NULL}");
        assert_eq!(String::from_utf8(listed), Ok(format!("{{\"{number}\",NULL}}")));
    }
}

#[test]
fn json_stays_json() {
    assert_eq!(masked("redact", 114, 0, b"{\"a\":1}"), one(Some(b"\"[redacted]\"")));
    assert_eq!(masked("redact", 3802, 1, b"\x01{}"), one(Some(b"\x01\"[redacted]\"")));
    let given = br#"{"card": "4111111111111111", "n": [12345, true, null]}"#;
    let made = br#"{"card": "************1111", "n": ["*2345", "****", null]}"#;
    assert_eq!(masked("partial", 3802, 0, given), one(Some(made)));
    let binary = [b"\x01".as_slice(), given].concat();
    assert_eq!(masked("partial", 3802, 1, &binary), one(Some(&[b"\x01".as_slice(), made].concat())));
}

#[test]
fn null_stays_null_and_only_rewritten_cells_are_counted() {
    let masker = RowMasker::new(&plan(&[Some(("redact", 25, 0)), None]));
    let Ok(masker) = masker else {
        assert!(masker.is_ok(), "the plan is refused");
        return;
    };
    let rows = [row(&[None, None]), row(&[Some(b"x"), Some(b"y")])].concat();
    assert_eq!(masker.mask(&rows), Ok([row(&[None, None]), row(&[Some(b"[redacted]"), Some(b"y")])].concat()));
    assert_eq!(masker.cells(), 1);
}

#[test]
fn a_malformed_row_is_an_error_and_never_passes() {
    let Ok(masker) = RowMasker::new(&plan(&[Some(("redact", 25, 0)), None])) else {
        return;
    };
    let good = row(&[Some(b"secret"), Some(b"y")]);
    let mut bad: Vec<Vec<u8>> = (1..good.len()).map(|cut| good.get(..cut).unwrap_or_default().to_vec()).collect();
    bad.push(row(&[Some(b"secret")]));
    bad.push(row(&[Some(b"secret"), Some(b"y"), Some(b"z")]));
    bad.push([good.clone(), b"C\0\0\0\x04".to_vec()].concat());
    let mut long = good.clone();
    long.push(0);
    bad.push(long);
    bad.push(b"D\0\0\0\x0e\0\x02\xff\xff\xff\xfe\0\0\0\0".to_vec());
    bad.push(b"D\0\0\0\x0f\0\x02\xff\xff\xff\xff\0\0\0\0!".to_vec());
    for case in bad {
        assert_eq!(masker.mask(&case).map_err(|failure| failure.code), Err("MALFORMED"), "{case:?}");
    }
}

/// What becomes of a cell of which only addresses and card numbers are hidden, and how many cells were changed.
fn hidden(method: &str, oid: u64, format: u64, cell: &[u8]) -> (Vec<u8>, u64) {
    let mut plan = plan(&[Some((method, oid, format)), None]);
    // The map of the first column has one member more.
    if let Some(marker) = plan.get_mut(1) {
        *marker = marker.saturating_add(1);
    }
    let mut last = plan.split_off(plan.len().saturating_sub(1));
    let _ = rmp::encode::write_str(&mut plan, "values");
    let _ = rmp::encode::write_array_len(&mut plan, 2);
    let _ = rmp::encode::write_str(&mut plan, "pii.email");
    let _ = rmp::encode::write_str(&mut plan, "pii.credit_card");
    plan.append(&mut last);
    let Ok(masker) = RowMasker::new(&plan) else { return (Vec::new(), 0) };
    (masker.mask(&row(&[Some(cell), Some(b"kept")])).unwrap_or_default(), masker.cells())
}

fn shown(cell: Option<&[u8]>) -> Vec<u8> {
    row(&[cell, Some(b"kept")])
}

#[test]
fn of_a_text_only_the_values_are_hidden() {
    let text = b"pay 4111 1111 1111 1111 by ann@example.org now";
    assert_eq!(hidden("redact", 25, 0, text), (shown(Some(b"pay [redacted] by [redacted] now")), 1));
    assert_eq!(hidden("null", 1043, 1, text), (shown(Some(b"pay  by  now")), 1));
    assert_eq!(hidden("partial", 25, 0, text), (shown(Some(b"pay ***************1111 by ***********.org now")), 1));
    assert_eq!(hidden("redact", 25, 0, b"\xff ann@example.org"), (shown(Some(b"\xff [redacted]")), 1));
    for plain in [b"nothing".as_slice(), b"", "é☃".as_bytes(), b"\xff\xfe"] {
        assert_eq!(hidden("redact", 25, 0, plain), (shown(Some(plain)), 0));
    }
}

#[test]
fn of_a_document_the_values_are_hidden_in_names_texts_and_numbers() {
    let text = br#"{"ann@example.org": [4111111111111111, "x", null], "n": "a b\u0040example.org", "o" : 1}"#;
    let made = br#"{"[redacted]": ["[redacted]", "x", null], "n": "a [redacted]", "o" : 1}"#;
    assert_eq!(hidden("redact", 114, 0, text), (shown(Some(made)), 1));
    let (text, made) = ([b"\x01", text.as_slice()].concat(), [b"\x01", made.as_slice()].concat());
    assert_eq!(hidden("redact", 3802, 1, &text), (shown(Some(&made)), 1));
    assert_eq!(hidden("redact", 114, 0, br#"{"a" : "\u00e9"}"#), (shown(Some(br#"{"a" : "\u00e9"}"#)), 0));
    // What is no document is not shown, though nothing is found in it.
    assert_eq!(hidden("redact", 114, 0, b"{'a'}"), (shown(None), 1));
}

#[test]
fn in_arrays_and_rows_each_element_is_looked_through() {
    assert_eq!(hidden("redact", 1009, 0, b"{ann@example.org,NULL,x}"), (shown(Some(br#"{"[redacted]",NULL,"x"}"#)), 1));
    assert_eq!(hidden("redact", 1016, 0, b"{4111111111111111,7}"), (shown(Some(br#"{NULL,"7"}"#)), 1));
}

#[test]
fn what_is_no_text_stays_or_is_rewritten_whole_and_what_nobody_can_read_is_null() {
    let card = 4_111_111_111_111_111_i64;
    assert_eq!(hidden("redact", 20, 0, b"4111111111111111"), (shown(None), 1));
    assert_eq!(hidden("redact", 20, 1, &card.to_be_bytes()), (shown(None), 1));
    assert_eq!(hidden("redact", 701, 1, &4_111_111_111_111_111_f64.to_be_bytes()), (shown(None), 1));
    assert_eq!(hidden("redact", 701, 0, b"4.111111111111111e+15"), (shown(None), 1));
    assert_eq!(hidden("redact", 17, 0, b"\\x616e6e406578616d706c652e6f7267"), (shown(None), 1));
    assert_eq!(hidden("redact", 17, 1, b"ann@example.org"), (shown(None), 1));
    for (oid, format, cell) in [
        (20, 0, b"4111".as_slice()),
        (20, 1, &4111_i64.to_be_bytes()),
        (23, 1, &7_i32.to_be_bytes()),
        (21, 1, &7_i16.to_be_bytes()),
        (16, 1, b"\x01"),
        (700, 1, &1.5_f32.to_be_bytes()),
        (701, 0, b"-1.5e+300"),
        (701, 0, b"NaN"),
        (700, 0, b"-Infinity"),
        (1082, 1, &i32::MAX.to_be_bytes()),
        (1184, 1, &i64::MIN.to_be_bytes()),
        (2950, 1, &[7; 16]),
        (829, 1, b"\0\x01\x02\x03\x04\x05"),
        (1700, 1, b"\0\0\0\0\xc0\0\0\0"),
        (17, 1, b"\0\xff"),
        (99_999, 0, b"an enum's word"),
    ] {
        assert_eq!(hidden("redact", oid, format, cell), (shown(Some(cell)), 0), "{oid} {format}");
    }
    for (oid, format, cell) in [
        (99_999, 1, b"an enum's word".as_slice()),
        (20, 1, b"1234567"),
        (16, 1, b"ann@example.org"),
        (1007, 1, b"\0"),
        (17, 0, b"\\9"),
    ] {
        assert_eq!(hidden("redact", oid, format, cell), (shown(None), 1), "{oid} {format}");
    }
}

#[test]
fn types_of_values_that_are_not_known_are_refused() {
    for names in [&[][..], &["pii.email", "pii.nothing"]] {
        let mut plan = Vec::new();
        let _ = rmp::encode::write_array_len(&mut plan, 1);
        let _ = rmp::encode::write_map_len(&mut plan, 1);
        let _ = rmp::encode::write_str(&mut plan, "values");
        let _ = rmp::encode::write_array_len(&mut plan, u32::try_from(names.len()).unwrap_or(0));
        for name in names {
            let _ = rmp::encode::write_str(&mut plan, name);
        }
        assert_eq!(RowMasker::new(&plan).err().map(|failure| failure.code), Some("PLAN_INVALID"));
    }
}
