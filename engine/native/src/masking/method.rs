//! A method with its key made ready.

use crate::masking::keyed::Keyed;
use crate::masking::permute::Permuter;
use crate::masking::texts::{self, Form};

const HASH_DOMAIN: &[u8] = b"sallyport hash\0";
const TOKEN_DOMAIN: &[u8] = b"sallyport tokenize\0";

/// A key for one use of it.
#[derive(Clone)]
pub struct Secret {
    pub code: Keyed,
    pub permuter: Permuter,
}

/// How a value is rewritten.
#[derive(Clone)]
pub enum Method {
    Null,
    Redact,
    Hash(Box<Secret>),
    Tokenize(Box<Secret>, Form),
    Partial { first: usize, last: usize },
}

impl Method {
    pub fn hash(key: &[u8]) -> Option<Self> {
        let permuter = Permuter::new(key, b"hash", b"")?;
        Some(Self::Hash(Box::new(Secret { code: Keyed::new(key, HASH_DOMAIN), permuter })))
    }

    pub fn tokenize(key: &[u8], tweak: &[u8], form: Form) -> Option<Self> {
        let domain = [TOKEN_DOMAIN, tweak, b"\0"].concat();
        let permuter = Permuter::new(key, b"tokenize", tweak)?;
        Some(Self::Tokenize(Box::new(Secret { code: Keyed::new(key, &domain), permuter }), form))
    }
}

impl Secret {
    pub fn token(&self, form: Form, text: &str) -> String {
        texts::text_token(&self.permuter, &self.code, form, text)
    }

    pub fn widened(&self, value: &[u8]) -> String {
        texts::widened(&self.code, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_under_two_tweaks_differ_also_where_they_are_widened() {
        let made = |tweak: &[u8], text: &str| match Method::tokenize(b"a key of sixteen", tweak, Form::default()) {
            Some(Method::Tokenize(secret, form)) => secret.token(form, text),
            _ => String::new(),
        };
        for text in ["ann", "4111111111111111"] {
            assert_ne!(made(b"", text), made(b"customers", text));
            assert_eq!(made(b"customers", text), made(b"customers", text));
        }
    }
}
