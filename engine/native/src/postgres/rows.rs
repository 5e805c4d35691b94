//! Where messages begin and end, for runs of rows.

const DATA_ROW: u8 = b'D';
const COPY_DATA: u8 = b'd';
/// A type byte and a length that counts itself.
const HEADER: usize = 5;
const LENGTH_ITSELF: usize = 4;

/// One message at the start of `bytes`: its type, its body, what follows. None when it is not whole or its length lies.
pub fn split_message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let (&kind, length) = header.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let body = usize::try_from(length).ok()?.checked_sub(LENGTH_ITSELF)?;
    let (body, rest) = rest.split_at_checked(body)?;
    Some((kind, body, rest))
}

/// The offset after the run of whole DataRow and CopyData messages that begins at `start`; `start` itself when there is none.
pub fn skip_rows(buffer: &[u8], start: usize) -> usize {
    let Some(mut rest) = buffer.get(start..) else {
        return start;
    };
    while let Some((DATA_ROW | COPY_DATA, _, after)) = split_message(rest) {
        rest = after;
    }
    buffer.len().saturating_sub(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend_from_slice(&u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn a_run_ends_before_the_first_other_message() {
        let buffer = [message(b'D', b"ab"), message(b'd', b""), message(b'C', b"SELECT 1\0")].concat();
        assert_eq!(skip_rows(&buffer, 0), 12);
        assert_eq!(skip_rows(&buffer, 7), 12);
        assert_eq!(skip_rows(&buffer, 12), 12);
    }

    #[test]
    fn a_row_that_is_not_whole_is_left() {
        let buffer = [message(b'D', b"ab"), message(b'D', b"abcd")].concat();
        for cut in 7..16 {
            assert_eq!(skip_rows(buffer.get(..cut).unwrap_or_default(), 0), 7, "cut at {cut}");
        }
    }

    #[test]
    fn a_length_that_lies_or_a_start_outside_ends_the_run() {
        assert_eq!(skip_rows(b"D\0\0\0\x03aaaa", 0), 0);
        assert_eq!(skip_rows(b"D\xff\xff\xff\xffaaaa", 0), 0);
        assert_eq!(skip_rows(b"D", 9), 9);
    }
}
