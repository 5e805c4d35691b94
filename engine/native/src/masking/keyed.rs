//! HMAC-SHA-256 (RFC 2104) with the key's two half-states kept, so that a cell costs two short hashes.

use sha2::{Digest, Sha256};

const BLOCK: usize = 64;

/// A key ready for use. Never printed.
#[derive(Clone)]
pub struct Keyed {
    inner: Sha256,
    outer: Sha256,
}

impl Keyed {
    /// Prepares a key; `domain` stands before every message, so that two uses of one key share nothing.
    pub fn new(key: &[u8], domain: &[u8]) -> Self {
        let mut block = [0_u8; BLOCK];
        if key.len() > BLOCK {
            let digest = Sha256::digest(key);
            for (slot, byte) in block.iter_mut().zip(digest) {
                *slot = byte;
            }
        } else {
            for (slot, byte) in block.iter_mut().zip(key) {
                *slot = *byte;
            }
        }
        let mut inner = Sha256::new();
        inner.update(block.map(|byte| byte ^ 0x36));
        inner.update(domain);
        let mut outer = Sha256::new();
        outer.update(block.map(|byte| byte ^ 0x5c));
        Self { inner, outer }
    }

    /// The authentication code of `message`.
    pub fn bytes(&self, message: &[u8]) -> [u8; 32] {
        let mut inner = self.inner.clone();
        inner.update(message);
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        outer.finalize().into()
    }

    /// The same as lower-case hex.
    pub fn hex(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0_u8; 64];
        for (pair, byte) in out.chunks_exact_mut(2).zip(self.bytes(message)) {
            for (slot, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0x0f]) {
                *slot = char::from_digit(u32::from(nibble), 16).map_or(b'0', |digit| digit as u8);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &[u8], domain: &[u8], message: &[u8]) -> String {
        String::from_utf8_lossy(&Keyed::new(key, domain).hex(message)).into_owned()
    }

    #[test]
    fn the_codes_of_rfc_4231_come_out() {
        assert_eq!(
            text(&[0x0b; 20], b"", b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            text(b"Jefe", b"", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(text(&[0xaa; 131], b"", long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_domain_stands_before_the_message() {
        assert_eq!(text(b"k", b"ab", b"c"), text(b"k", b"", b"abc"));
    }
}
