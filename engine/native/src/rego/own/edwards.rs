//! Ed25519 (RFC 8032): signatures checked and made. The time it takes depends on the key; policies may not call it.
// WHY: the numbers have no bounds and every difference is taken modulo a prime, so nothing here can overflow.
#![allow(clippy::arithmetic_side_effects)]

use num_bigint::BigUint;
use sha2::{Digest, Sha512};

use super::digests::same;

/// Bytes of a key, and of each half of a signature.
const LENGTH: usize = 32;

/// -x² + y² = 1 + dx²y² modulo a prime, with a point that generates a group of that order.
struct Curve {
    prime: BigUint,
    d: BigUint,
    order: BigUint,
}

/// In extended coordinates: x/z, y/z, and xy/z.
#[derive(Clone)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
    t: BigUint,
}

fn number(value: u32) -> BigUint {
    BigUint::from(value)
}

fn hash(parts: &[&[u8]]) -> BigUint {
    BigUint::from_bytes_le(&Sha512::digest(parts.concat()))
}

impl Curve {
    fn new() -> Self {
        let prime = (number(1) << 255_u32) - 19_u32;
        let order = (number(1) << 252_u32) + (BigUint::from(27_742_317_777_372_353_535_851_937_790_883_648_493_u128));
        let mut curve = Self { prime, d: BigUint::default(), order };
        curve.d = curve.less(&number(0), &(number(121_665) * curve.inverse(&number(121_666))));
        curve
    }

    fn less(&self, one: &BigUint, other: &BigUint) -> BigUint {
        (one + &self.prime - other % &self.prime) % &self.prime
    }

    fn inverse(&self, of: &BigUint) -> BigUint {
        of.modpow(&(&self.prime - 2_u32), &self.prime)
    }

    fn point(&self, x: BigUint, y: BigUint) -> Point {
        let t = &x * &y % &self.prime;
        Point { x, y, z: number(1), t }
    }

    fn zero(&self) -> Point {
        self.point(number(0), number(1))
    }

    /// The generator: the point with y = 4/5 whose x is even.
    fn base(&self) -> Option<Point> {
        let y = number(4) * self.inverse(&number(5)) % &self.prime;
        self.root(&y, false).map(|x| self.point(x, y))
    }

    /// The x that goes with y, odd or even as asked.
    fn root(&self, y: &BigUint, is_odd: bool) -> Option<BigUint> {
        let y2 = y * y % &self.prime;
        let over = self.less(&y2, &number(1));
        let under = (&self.d * &y2 + 1_u32) % &self.prime;
        let square = over * self.inverse(&under) % &self.prime;
        let mut x = square.modpow(&((&self.prime + 3_u32) / 8_u32), &self.prime);
        if &x * &x % &self.prime != square {
            let turn = number(2).modpow(&((&self.prime - 1_u32) / 4_u32), &self.prime);
            x = x * turn % &self.prime;
        }
        if &x * &x % &self.prime != square {
            return None;
        }
        Some(if x.bit(0) == is_odd { x } else { self.less(&number(0), &x) })
    }

    fn decode(&self, bytes: &[u8]) -> Option<Point> {
        let mut y = BigUint::from_bytes_le(bytes);
        let is_odd = y.bit(255);
        y.set_bit(255, false);
        let y = y % &self.prime;
        self.root(&y, is_odd).map(|x| self.point(x, y))
    }

    fn encode(&self, point: &Point) -> Vec<u8> {
        let inverse = self.inverse(&point.z);
        let mut y = &point.y * &inverse % &self.prime;
        y.set_bit(255, (&point.x * &inverse % &self.prime).bit(0));
        padded(&y)
    }

    fn add(&self, one: &Point, other: &Point) -> Point {
        let a = self.less(&one.y, &one.x) * self.less(&other.y, &other.x) % &self.prime;
        let b = (&one.y + &one.x) * (&other.y + &other.x) % &self.prime;
        let c = 2_u32 * &one.t * &other.t % &self.prime * &self.d % &self.prime;
        let d = 2_u32 * &one.z * &other.z % &self.prime;
        let (e, f, g, h) = (self.less(&b, &a), self.less(&d, &c), d + c, b + a);
        Point { x: &e * &f % &self.prime, y: &g * &h % &self.prime, z: f * g % &self.prime, t: e * h % &self.prime }
    }

    fn times(&self, point: &Point, factor: &BigUint) -> Point {
        let mut sum = self.zero();
        for bit in (0..factor.bits()).rev() {
            sum = self.add(&sum, &sum);
            if factor.bit(bit) {
                sum = self.add(&sum, point);
            }
        }
        sum
    }
}

fn padded(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_le();
    bytes.resize(LENGTH, 0);
    bytes
}

/// Whether `signature` signs `message` for the public key.
pub fn is_signed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let curve = Curve::new();
    if key.len() != LENGTH || signature.len() != LENGTH * 2 {
        return false;
    }
    let (commitment, proof) = signature.split_at(LENGTH);
    let (Some(public), Some(base)) = (curve.decode(key), curve.base()) else {
        return false;
    };
    let factor = BigUint::from_bytes_le(proof);
    if factor >= curve.order {
        return false;
    }
    let challenge = hash(&[commitment, key, message]) % &curve.order;
    let minus = Point { x: curve.less(&number(0), &public.x), t: curve.less(&number(0), &public.t), ..public };
    let found = curve.add(&curve.times(&base, &factor), &curve.times(&minus, &challenge));
    same(&curve.encode(&found), commitment)
}

/// The signature of a message by the key that grows from a seed; None where the seed has not the length of one.
pub fn sign(seed: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let (curve, (secret, prefix)) = (Curve::new(), secrets(seed)?);
    let base = curve.base()?;
    let public = curve.encode(&curve.times(&base, &secret));
    let nonce = hash(&[&prefix, message]) % &curve.order;
    let commitment = curve.encode(&curve.times(&base, &nonce));
    let challenge = hash(&[&commitment, &public, message]) % &curve.order;
    let proof = (nonce + challenge * secret) % &curve.order;
    Some([commitment, padded(&proof)].concat())
}

/// The secret number, and the bytes that nonces are made with.
fn secrets(seed: &[u8]) -> Option<(BigUint, Vec<u8>)> {
    let digest = (seed.len() == LENGTH).then(|| Sha512::digest(seed))?;
    let (half, prefix) = digest.split_at(LENGTH);
    let mut secret = BigUint::from_bytes_le(half);
    for bit in [0, 1, 2, 255] {
        secret.set_bit(bit, false);
    }
    secret.set_bit(254, true);
    Some((secret, prefix.to_vec()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        BigUint::parse_bytes(hex.as_bytes(), 16).unwrap().to_bytes_be()
    }

    #[test]
    fn the_signature_of_rfc_8032_is_good_and_no_other_one() {
        let key = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let mut signature = bytes(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ));
        assert!(is_signed(&key, &[0x72], &signature));
        assert!(!is_signed(&key, &[0x73], &signature));
        assert!(!is_signed(&key, &[0x72], &signature[1..]) && !is_signed(&[2; 32], &[0x72], &signature));
        // The same proof with the order added to it is a second signature; only the smaller one counts.
        let larger = BigUint::from_bytes_le(&signature[32..]) + Curve::new().order;
        signature.splice(32.., padded(&larger));
        assert!(!is_signed(&key, &[0x72], &signature));
    }

    #[test]
    fn what_is_signed_verifies() {
        let curve = Curve::new();
        for first in [0_u8, 1, 0xff] {
            let mut seed = vec![7; LENGTH];
            seed[0] = first;
            let public = curve.encode(&curve.times(&curve.base().unwrap(), &secrets(&seed).unwrap().0));
            let signature = sign(&seed, b"a message").unwrap();
            assert!(is_signed(&public, b"a message", &signature));
            assert!(!is_signed(&public, b"another", &signature));
        }
        assert!(sign(&[7; 31], b"a message").is_none());
    }

    #[test]
    fn the_generator_has_its_order() {
        let curve = Curve::new();
        let end = curve.times(&curve.base().unwrap(), &curve.order);
        assert_eq!(curve.encode(&end), curve.encode(&curve.zero()));
    }
}
