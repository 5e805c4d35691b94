//! Arrays and rows, whose elements are rewritten one by one; NULLs in them stay.

const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// Number of dimensions, flags, type of the elements.
const ARRAY_HEADER: usize = 12;
const MAX_DIMENSIONS: usize = 6;

/// Writes one element, or says that it is NULL.
type Element<'a> = dyn FnMut(&[u8], &mut Vec<u8>) -> Option<()> + 'a;

/// An array of any number of dimensions. `element` writes one, or says that it is NULL.
pub fn array(
    binary: bool,
    value: &[u8],
    out: &mut Vec<u8>,
    mut element: impl FnMut(&[u8], &mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    if binary {
        binary_array(value, out, &mut element)
    } else {
        text_array(value, out, &mut element)
    }
}

fn binary_array(value: &[u8], out: &mut Vec<u8>, element: &mut Element<'_>) -> Option<()> {
    let dimensions =
        usize::try_from(i32::from_be_bytes(*value.first_chunk()?)).ok().filter(|count| *count <= MAX_DIMENSIONS)?;
    let header = dimensions.checked_mul(8)?.checked_add(ARRAY_HEADER)?;
    let (header, mut rest) = value.split_at_checked(header)?;
    let mut expected = usize::from(dimensions > 0);
    for sizes in header.get(ARRAY_HEADER..)?.chunks(8) {
        let size = usize::try_from(i32::from_be_bytes(*sizes.first_chunk()?)).ok()?;
        expected = expected.checked_mul(size)?;
    }
    let start = out.len();
    out.extend_from_slice(header);
    let mut seen = 0_usize;
    while !rest.is_empty() {
        let (cell, after) = split_cell(rest)?;
        rest = after;
        seen = seen.checked_add(1)?;
        put(cell, out, element)?;
    }
    // The flag that NULLs may be there.
    if let Some(flag) = out.get_mut(start.checked_add(7)?) {
        *flag = 1;
    }
    (seen == expected).then_some(())
}

fn split_cell(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    if *length == NULL {
        return Some((None, rest));
    }
    let (value, rest) = rest.split_at_checked(usize::try_from(i32::from_be_bytes(*length)).ok()?)?;
    Some((Some(value), rest))
}

/// A length and what `element` writes.
fn put(cell: Option<&[u8]>, out: &mut Vec<u8>, element: &mut Element<'_>) -> Option<()> {
    let at = out.len();
    out.extend_from_slice(&NULL);
    let begins = out.len();
    if cell.is_some_and(|value| element(value, out).is_some()) {
        let length = i32::try_from(out.len().checked_sub(begins)?).ok()?;
        out.get_mut(at..begins)?.copy_from_slice(&length.to_be_bytes());
    } else {
        out.truncate(begins);
    }
    Some(())
}

fn text_array(value: &[u8], out: &mut Vec<u8>, element: &mut Element<'_>) -> Option<()> {
    let mut at = 0;
    if value.first() == Some(&b'[') {
        // Bounds, such as `[0:2]=`.
        at = value.iter().position(|byte| *byte == b'=')?.checked_add(1)?;
        let bounds = value.get(..at)?;
        if !bounds.iter().all(|byte| byte.is_ascii_digit() || b"[]:-+=".contains(byte)) {
            return None;
        }
        out.extend_from_slice(bounds);
    }
    let mut depth = 0_usize;
    while let Some(&byte) = value.get(at) {
        match byte {
            b'{' => depth = depth.checked_add(1)?,
            b'}' => depth = depth.checked_sub(1)?,
            b',' if depth > 0 => {}
            _ if depth > 0 => {
                let (read, is_quoted, end) = array_element(value, at)?;
                at = end;
                if !is_quoted && read.eq_ignore_ascii_case(b"NULL") {
                    out.extend_from_slice(b"NULL");
                } else {
                    quoted(&read, out, b"NULL", |byte| matches!(byte, b'"' | b'\\'), element);
                }
                continue;
            }
            _ => return None,
        }
        out.push(byte);
        at = at.checked_add(1)?;
        if depth == 0 && at < value.len() {
            return None;
        }
    }
    (depth == 0 && out.last() == Some(&b'}')).then_some(())
}

/// The element that begins at a place: without quotes and escapes, whether it had quotes, where it ends.
fn array_element(value: &[u8], start: usize) -> Option<(Vec<u8>, bool, usize)> {
    let is_quoted = value.get(start) == Some(&b'"');
    let mut at = start.checked_add(usize::from(is_quoted))?;
    let mut read = Vec::new();
    loop {
        let byte = *value.get(at)?;
        match byte {
            b'\\' => {
                at = at.checked_add(1)?;
                read.push(*value.get(at)?);
            }
            b'"' if is_quoted => return Some((read, true, at.checked_add(1)?)),
            b',' | b'}' if !is_quoted => return Some((read, false, at)),
            b'"' | b'{' if !is_quoted => return None,
            _ => read.push(byte),
        }
        at = at.checked_add(1)?;
    }
}

/// What `element` writes, in quotes; `null` where it writes nothing.
fn quoted(value: &[u8], out: &mut Vec<u8>, null: &[u8], is_special: impl Fn(u8) -> bool, element: &mut Element<'_>) {
    let mut made = Vec::new();
    if element(value, &mut made).is_none() {
        out.extend_from_slice(null);
        return;
    }
    out.push(b'"');
    for byte in made {
        if is_special(byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// A composite value. `field` is told which it is.
pub fn row(
    binary: bool,
    value: &[u8],
    out: &mut Vec<u8>,
    mut field: impl FnMut(usize, &[u8], &mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    if binary {
        let (count, mut rest) = value.split_first_chunk::<4>()?;
        out.extend_from_slice(count);
        for at in 0..usize::try_from(i32::from_be_bytes(*count)).ok()? {
            let (oid, after) = rest.split_first_chunk::<4>()?;
            let (cell, after) = split_cell(after)?;
            rest = after;
            out.extend_from_slice(oid);
            put(cell, out, &mut |value, out| field(at, value, out))?;
        }
        return rest.is_empty().then_some(());
    }
    let inner = value.strip_prefix(b"(")?;
    out.push(b'(');
    let mut at = 0;
    for number in 0_usize.. {
        let (read, end) = row_field(inner, at)?;
        if let Some(read) = read {
            quoted(&read, out, b"", |byte| matches!(byte, b'"' | b'\\'), &mut |value, out| field(number, value, out));
        }
        let byte = *inner.get(end)?;
        out.push(byte);
        at = end.checked_add(1)?;
        if byte == b')' {
            return (at == inner.len()).then_some(());
        }
    }
    None
}

/// The field that begins at a place, None where it is NULL, and where its comma or the end of the row stands.
fn row_field(value: &[u8], start: usize) -> Option<(Option<Vec<u8>>, usize)> {
    let mut at = start;
    let (mut read, mut is_quoted, mut is_there) = (Vec::new(), false, false);
    loop {
        let byte = *value.get(at)?;
        match byte {
            b',' | b')' if !is_quoted => return Some((is_there.then_some(read), at)),
            b'"' if is_quoted && value.get(at.checked_add(1)?) == Some(&b'"') => {
                at = at.checked_add(1)?;
                read.push(b'"');
            }
            b'"' => is_quoted = !is_quoted,
            b'\\' => {
                at = at.checked_add(1)?;
                read.push(*value.get(at)?);
            }
            _ => read.push(byte),
        }
        is_there = true;
        at = at.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubled(value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        if value == b"gone" {
            return None;
        }
        out.extend_from_slice(value);
        out.extend_from_slice(value);
        Some(())
    }

    fn of_array(binary: bool, value: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        array(binary, value, &mut out, doubled).map(|()| out)
    }

    fn of_row(binary: bool, value: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        row(binary, value, &mut out, |at, value, out| (at < 3).then(|| doubled(value, out)).flatten()).map(|()| out)
    }

    #[test]
    fn elements_of_arrays_are_rewritten_in_text() {
        for (given, made) in [
            (r#"{}"#, r#"{}"#),
            (r#"{a,NULL,"NULL","b \"c\"",gone}"#, r#"{"aa",NULL,"NULLNULL","b \"c\"b \"c\"",NULL}"#),
            (r#"{{1,2},{3,NULL}}"#, r#"{{"11","22"},{"33",NULL}}"#),
            (r#"[0:1]={a,"\\"}"#, r#"[0:1]={"aa","\\\\"}"#),
        ] {
            assert_eq!(of_array(false, given.as_bytes()).as_deref(), Some(made.as_bytes()), "{given}");
        }
        for bad in ["", "{", "a", "{a}}", "{a}b", "{\"a", "{a\"b\"}", "[secret]={a}", "}{", ","] {
            assert_eq!(of_array(false, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn elements_of_arrays_are_rewritten_in_binary() {
        let given = b"\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x03\0\0\0\x01\0\0\0\x01a\xff\xff\xff\xff\0\0\0\x04gone";
        let made = b"\0\0\0\x01\0\0\0\x01\0\0\0\x19\0\0\0\x03\0\0\0\x01\0\0\0\x02aa\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(of_array(true, given).as_deref(), Some(made.as_slice()));
        for cut in 0..given.len() {
            assert_eq!(of_array(true, given.get(..cut).unwrap_or_default()), None, "{cut}");
        }
        assert!(of_array(true, b"\0\0\0\0\0\0\0\0\0\0\0\x19").is_some());
        assert_eq!(of_array(true, b"\0\0\0\0\0\0\0\0\0\0\0\x19\0\0\0\x01a"), None);
        assert_eq!(of_array(true, b"\0\0\0\x07\0\0\0\0\0\0\0\x19"), None);
    }

    #[test]
    fn fields_of_rows_are_rewritten() {
        for (given, made) in [
            (r#"(a,,"b ""c""",d)"#, r#"("aa",,"b \"c\"b \"c\"",)"#),
            (r#"("")"#, r#"("")"#),
            (r#"(gone)"#, r#"()"#),
            (r#"()"#, r#"()"#),
        ] {
            assert_eq!(of_row(false, given.as_bytes()).as_deref(), Some(made.as_bytes()), "{given}");
        }
        for bad in ["", "(", "(a", "(a)b", "a", r#"("a)"#] {
            assert_eq!(of_row(false, bad.as_bytes()), None, "{bad}");
        }
        let given = b"\0\0\0\x02\0\0\0\x19\0\0\0\x01a\0\0\0\x19\xff\xff\xff\xff";
        let made = b"\0\0\0\x02\0\0\0\x19\0\0\0\x02aa\0\0\0\x19\xff\xff\xff\xff";
        assert_eq!(of_row(true, given).as_deref(), Some(made.as_slice()));
        for cut in 0..given.len() {
            assert_eq!(of_row(true, given.get(..cut).unwrap_or_default()), None, "{cut}");
        }
        assert_eq!(of_row(true, &[given.as_slice(), b"x"].concat()), None);
    }
}
