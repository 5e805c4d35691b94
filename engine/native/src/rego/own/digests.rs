//! Digests and message authentication codes of texts, in hexadecimal.

use md5::Md5;
use regorus::unstable::{BuiltinFcn, Expr, Ref, Span};
use regorus::Value;
use sha1::Sha1;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha384, Sha512};

use super::text;

type Params<'a> = &'a [Ref<Expr>];

pub fn find(name: &str) -> Option<BuiltinFcn> {
    Some(match name {
        "crypto.md5" => (md5, 1),
        "crypto.sha1" => (sha1, 1),
        "crypto.sha256" => (sha256, 1),
        "crypto.hmac.md5" => (hmac_md5, 2),
        "crypto.hmac.sha1" => (hmac_sha1, 2),
        "crypto.hmac.sha256" => (hmac_sha256, 2),
        "crypto.hmac.sha512" => (hmac_sha512, 2),
        "crypto.hmac.equal" => (hmac_equal, 2),
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> Value {
    Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The code of `message` under `key` (RFC 2104). `block` is the digest's block length.
fn hmac<D: Digest>(key: &[u8], message: &[u8], block: usize) -> Output<D> {
    let mut padded = if key.len() > block { D::digest(key).to_vec() } else { key.to_vec() };
    padded.resize(block, 0);
    let mask = |with: u8| padded.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = D::new().chain_update(mask(0x36)).chain_update(message).finalize();
    D::new().chain_update(mask(0x5c)).chain_update(inner).finalize()
}

/// The code that a JWT's algorithm asks for.
pub fn signature(bits: u16, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    match bits {
        256 => Some(hmac::<Sha256>(key, message, 64).to_vec()),
        384 => Some(hmac::<Sha384>(key, message, 128).to_vec()),
        512 => Some(hmac::<Sha512>(key, message, 128).to_vec()),
        _ => None,
    }
}

/// The plain digest that a JWT's algorithm asks for.
pub fn digest(bits: u16, message: &[u8]) -> Option<Vec<u8>> {
    match bits {
        256 => Some(Sha256::digest(message).to_vec()),
        384 => Some(Sha384::digest(message).to_vec()),
        512 => Some(Sha512::digest(message).to_vec()),
        _ => None,
    }
}

fn md5(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&Md5::digest(text(args, 0)?)))
}

fn sha1(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&Sha1::digest(text(args, 0)?)))
}

fn sha256(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&Sha256::digest(text(args, 0)?)))
}

fn hmac_md5(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&hmac::<Md5>(text(args, 1)?.as_bytes(), text(args, 0)?.as_bytes(), 64)))
}

fn hmac_sha1(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&hmac::<Sha1>(text(args, 1)?.as_bytes(), text(args, 0)?.as_bytes(), 64)))
}

fn hmac_sha256(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&hmac::<Sha256>(text(args, 1)?.as_bytes(), text(args, 0)?.as_bytes(), 64)))
}

fn hmac_sha512(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(hex(&hmac::<Sha512>(text(args, 1)?.as_bytes(), text(args, 0)?.as_bytes(), 128)))
}

fn hmac_equal(_: &Span, _: Params<'_>, args: &[Value], _: bool) -> anyhow::Result<Value> {
    Ok(Value::Bool(same(text(args, 0)?.as_bytes(), text(args, 1)?.as_bytes())))
}

/// Compares without telling by its time where the two differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0_u8, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_2202_and_4231() {
        let key = [0x0b_u8; 20];
        assert_eq!(
            hex(&hmac::<Sha256>(&key, b"Hi There", 64)),
            Value::from("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        );
        assert_eq!(hex(&hmac::<Sha1>(&key, b"Hi There", 64)), Value::from("b617318655057264e28bc0b6fb378c8ef146be00"));
        let long = [0xaa_u8; 131];
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&hmac::<Sha256>(&long, message, 64)),
            Value::from("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        );
    }

    #[test]
    fn comparison_sees_every_byte() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab"));
    }
}
