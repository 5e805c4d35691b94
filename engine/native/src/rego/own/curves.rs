//! Signatures on elliptic curves, checked and made. The time it takes depends on the key; policies may not call it.
// WHY: the numbers have no bounds and every difference is taken modulo a prime, so nothing here can overflow.
#![allow(clippy::arithmetic_side_effects)]

use num_bigint::BigUint;

use super::digests::{digest, signature};

/// Nonces tried before giving up; all but one in 2^32 are good at once.
const NONCES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

/// y² = x³ - 3x + b modulo a prime, with a point that generates the group of that order (FIPS 186-4).
struct Domain {
    prime: BigUint,
    b: BigUint,
    order: BigUint,
    generator: Point,
}

/// In Jacobian coordinates; z = 0 is the point at infinity.
#[derive(Clone)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap_or_default()
}

impl Curve {
    pub fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn domain(self) -> Domain {
        let [prime, b, order, x, y] = match self {
            Self::P256 => [
                "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
                "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
                "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
                "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
            ],
            Self::P384 => [
                "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
                "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
                "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
                "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
            ],
            Self::P521 => [
                "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
                "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
                "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
                "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
            ],
        };
        let generator = Point { x: number(x), y: number(y), z: BigUint::from(1_u8) };
        Domain { prime: number(prime), b: number(b), order: number(order), generator }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The algorithm of tokens that goes with the curve.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::P256 => "ES256",
            Self::P384 => "ES384",
            Self::P521 => "ES512",
        }
    }

    /// The signature by a secret number, with the nonce that follows from it and the message (RFC 6979).
    pub fn sign(self, secret: &BigUint, bits: u16, message: &[u8]) -> Option<Vec<u8>> {
        let (domain, zero) = (self.domain(), BigUint::default());
        if *secret == zero || *secret >= domain.order {
            return None;
        }
        let number = domain.leading(&digest(bits, message)?);
        let key = [self.padded(secret), self.padded(&(&number % &domain.order))].concat();
        for nonce in Nonces::new(&domain, self.bytes(), bits, &key)?.take(NONCES) {
            let r = domain.affine_x(&domain.times(&domain.generator, &nonce)) % &domain.order;
            let inverse = nonce.modpow(&(&domain.order - 2_u8), &domain.order);
            let s = inverse * (&number + &r * secret) % &domain.order;
            if r != zero && s != zero {
                return Some([self.padded(&r), self.padded(&s)].concat());
            }
        }
        None
    }

    /// A number as many bytes long as those of the curve.
    fn padded(self, number: &BigUint) -> Vec<u8> {
        let bytes = number.to_bytes_be();
        let mut out = vec![0; self.bytes().saturating_sub(bytes.len())];
        out.extend(bytes);
        out
    }

    /// The point that goes with a secret number.
    #[cfg(test)]
    pub fn public(self, secret: &BigUint) -> (BigUint, BigUint) {
        let domain = self.domain();
        let point = domain.times(&domain.generator, secret);
        let inverse = point.z.modpow(&(&domain.prime - 2_u8), &domain.prime);
        let cubed = domain.product(&domain.product(&inverse, &inverse), &inverse);
        (domain.affine_x(&point), domain.product(&point.y, &cubed))
    }

    /// Whether `signature`, two numbers of the curve's length, signs `digest` for the key (`x`, `y`).
    pub fn is_signed(self, x: &BigUint, y: &BigUint, digest: &[u8], signature: &[u8]) -> bool {
        let domain = self.domain();
        let zero = BigUint::default();
        if signature.len() != self.bytes() * 2 || *x >= domain.prime || *y >= domain.prime || !domain.holds(x, y) {
            return false;
        }
        let (r, s) = signature.split_at(self.bytes());
        let (r, s) = (BigUint::from_bytes_be(r), BigUint::from_bytes_be(s));
        if r == zero || s == zero || r >= domain.order || s >= domain.order {
            return false;
        }
        let hash = domain.leading(digest);
        // The order is a prime, so this power is the inverse.
        let inverse = s.modpow(&(&domain.order - 2_u8), &domain.order);
        let (one, other) = (hash * &inverse % &domain.order, &r * &inverse % &domain.order);
        let key = Point { x: x.clone(), y: y.clone(), z: BigUint::from(1_u8) };
        let sum = domain.add(&domain.times(&domain.generator, &one), &domain.times(&key, &other));
        sum.z != zero && domain.affine_x(&sum) % &domain.order == r
    }
}

/// Nonces of RFC 6979, section 3.2, one after the other.
struct Nonces {
    order: BigUint,
    length: usize,
    bits: u16,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Nonces {
    fn new(domain: &Domain, length: usize, bits: u16, seed: &[u8]) -> Option<Self> {
        let size = usize::from(bits / 8);
        let mut new = Self { order: domain.order.clone(), length, bits, key: vec![0; size], value: vec![1; size] };
        for mark in [0, 1] {
            new.turn(&[&[mark], seed].concat())?;
        }
        Some(new)
    }

    fn turn(&mut self, with: &[u8]) -> Option<()> {
        self.key = signature(self.bits, &self.key, &[self.value.as_slice(), with].concat())?;
        self.value = signature(self.bits, &self.key, &self.value)?;
        Some(())
    }
}

impl Iterator for Nonces {
    type Item = BigUint;

    fn next(&mut self) -> Option<BigUint> {
        for _ in 0..NONCES {
            let mut bytes = Vec::new();
            while bytes.len() < self.length {
                self.value = signature(self.bits, &self.key, &self.value)?;
                bytes.extend(&self.value);
            }
            let length = u64::try_from(bytes.len()).ok()? * 8;
            let found = BigUint::from_bytes_be(&bytes) >> length.saturating_sub(self.order.bits());
            self.turn(&[0])?;
            if found != BigUint::default() && found < self.order {
                return Some(found);
            }
        }
        None
    }
}

impl Domain {
    /// A digest as a number, of no more bits than the order has.
    fn leading(&self, digest: &[u8]) -> BigUint {
        let length = u64::try_from(digest.len()).unwrap_or(0) * 8;
        BigUint::from_bytes_be(digest) >> length.saturating_sub(self.order.bits())
    }

    fn less(&self, one: &BigUint, other: &BigUint) -> BigUint {
        (one + &self.prime - other) % &self.prime
    }

    fn product(&self, one: &BigUint, other: &BigUint) -> BigUint {
        one * other % &self.prime
    }

    fn holds(&self, x: &BigUint, y: &BigUint) -> bool {
        let cubed = self.product(&self.product(x, x), x);
        let right = (self.less(&cubed, &(x * 3_u8 % &self.prime)) + &self.b) % &self.prime;
        self.product(y, y) == right
    }

    fn double(&self, point: &Point) -> Point {
        let squared = self.product(&point.z, &point.z);
        let slope = 3_u8 * (self.less(&point.x, &squared) * ((&point.x + &squared) % &self.prime)) % &self.prime;
        let y2 = self.product(&point.y, &point.y);
        let part = 4_u8 * &point.x * &y2 % &self.prime;
        let x = self.less(&self.product(&slope, &slope), &(2_u8 * &part % &self.prime));
        let y = self.less(&self.product(&slope, &self.less(&part, &x)), &(8_u8 * &y2 * &y2 % &self.prime));
        Point { x, y, z: 2_u8 * &point.y * &point.z % &self.prime }
    }

    fn add(&self, one: &Point, other: &Point) -> Point {
        let zero = BigUint::default();
        if one.z == zero {
            return other.clone();
        }
        if other.z == zero {
            return one.clone();
        }
        let (z1, z2) = (self.product(&one.z, &one.z), self.product(&other.z, &other.z));
        let (u1, u2) = (self.product(&one.x, &z2), self.product(&other.x, &z1));
        let s1 = self.product(&one.y, &self.product(&z2, &other.z));
        let s2 = self.product(&other.y, &self.product(&z1, &one.z));
        let (h, r) = (self.less(&u2, &u1), self.less(&s2, &s1));
        if h == zero {
            return if r == zero {
                self.double(one)
            } else {
                Point { x: BigUint::from(1_u8), y: BigUint::from(1_u8), z: zero }
            };
        }
        let h2 = self.product(&h, &h);
        let (h3, v) = (self.product(&h2, &h), self.product(&u1, &h2));
        let x = self.less(&self.less(&self.product(&r, &r), &h3), &(2_u8 * &v % &self.prime));
        let y = self.less(&self.product(&r, &self.less(&v, &x)), &self.product(&s1, &h3));
        Point { x, y, z: self.product(&h, &self.product(&one.z, &other.z)) }
    }

    fn times(&self, point: &Point, factor: &BigUint) -> Point {
        let mut sum = Point { x: BigUint::from(1_u8), y: BigUint::from(1_u8), z: BigUint::default() };
        for bit in (0..factor.bits()).rev() {
            sum = self.double(&sum);
            if factor.bit(bit) {
                sum = self.add(&sum, point);
            }
        }
        sum
    }

    fn affine_x(&self, point: &Point) -> BigUint {
        let inverse = point.z.modpow(&(&self.prime - 2_u8), &self.prime);
        self.product(&point.x, &self.product(&inverse, &inverse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_lies_on_its_curve_and_has_its_order() {
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let domain = curve.domain();
            assert!(domain.holds(&domain.generator.x, &domain.generator.y), "{curve:?}");
            assert_eq!(domain.times(&domain.generator, &domain.order).z, BigUint::default(), "{curve:?}");
        }
    }

    #[test]
    fn nothing_signs_with_zeros() {
        let domain = Curve::P256.domain();
        assert!(!Curve::P256.is_signed(&domain.generator.x, &domain.generator.y, &[1; 32], &[0; 64]));
    }
}
