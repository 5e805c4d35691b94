//! DER (X.690), element by element, as certificates and keys are written in it.

/// Elements of DER, one behind the other. What is no DER ends it: `None`.
#[derive(Clone, Copy)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    pub fn of(der: &'a [u8]) -> Self {
        Self(der)
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The next element: its tag and what it holds.
    pub fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, behind) = rest.split_at_checked(count)?;
            length = digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
            rest = behind;
        }
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }
    /// The next element, which has to have this tag.
    pub fn one(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|found| found.0 == tag).map(|found| found.1)
    }
    /// The next element if it has this tag.
    pub fn maybe(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() == Some(&tag) {
            self.one(tag)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_end_where_they_do_not_fit() {
        for wrong in [&b"\x30"[..], b"\x30\x80", b"\x30\x85\0\0\0\0\0", b"\x30\x82\xff", b"\x30\x01"] {
            assert_eq!(Elements::of(wrong).any(), None);
        }
        let mut two = Elements::of(b"\x02\x01\x05\x04\x81\x02ab");
        assert_eq!((two.maybe(4), two.one(2), two.one(4)), (None, Some(&b"\x05"[..]), Some(&b"ab"[..])));
        assert!(two.is_empty());
    }
}
