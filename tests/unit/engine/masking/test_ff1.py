"""FF1: the samples of NIST, and that what it makes is a permutation."""

from __future__ import annotations

import pytest

from engine.masking.ff1 import LEAST, Permuter, block_cipher, encrypt, permuter

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("length", "radix", "tweak", "given", "made"),
    [
        (16, 10, b"", "0123456789", "2433477484"),
        (16, 10, b"9876543210", "0123456789", "6124200773"),
        (16, 36, b"7777pqrs777", "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
        (24, 10, b"", "0123456789", "2830668132"),
        (24, 10, b"9876543210", "0123456789", "2496655549"),
        (24, 36, b"7777pqrs777", "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
        (32, 10, b"", "0123456789", "6657667009"),
        (32, 10, b"9876543210", "0123456789", "1001623463"),
        (32, 36, b"7777pqrs777", "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
    ],
)
def test_the_nine_samples_of_nist_come_out(length: int, radix: int, tweak: bytes, given: str, made: str) -> None:
    found = encrypt(block_cipher(KEY[:length]), radix, len(given), tweak, int(given, radix))
    written = ""
    for _ in given:
        found, digit = divmod(found, radix)
        written = DIGITS[digit] + written
    assert written == made


def test_what_it_makes_are_different_values_of_the_domain() -> None:
    one = Permuter(b"k" * 16, "tokenize", "")
    walked = {one.below(LEAST + 7, number, "f") for number in range(3000)}
    written = {one.numerals(10, 6, number, "f") for number in range(3000)}
    assert len(walked) == len(written) == 3000
    assert all(found is not None and 0 <= found < LEAST + 7 for found in walked)


def test_a_domain_below_a_million_is_never_permuted() -> None:
    one = Permuter(b"k" * 16, "tokenize", "")
    assert one.below(LEAST - 1, 0, "f") is None
    assert one.below(LEAST, LEAST, "f") is None
    assert one.numerals(10, 5, 0, "f") is None
    assert one.numerals(LEAST, 1, 0, "f") is None


def test_key_method_tweak_family_and_detail_each_make_another_permutation() -> None:
    made = [
        permuter(b"k" * 16, "tokenize").below(LEAST, 5, "f", b"d"),
        permuter(b"l" * 16, "tokenize").below(LEAST, 5, "f", b"d"),
        permuter(b"k" * 16, "hash").below(LEAST, 5, "f", b"d"),
        permuter(b"k" * 16, "tokenize", "t").below(LEAST, 5, "f", b"d"),
        permuter(b"k" * 16, "tokenize").below(LEAST, 5, "g", b"d"),
        permuter(b"k" * 16, "tokenize").below(LEAST, 5, "f", b"e"),
    ]
    assert len(set(made)) == len(made)
    assert permuter(b"k" * 16, "tokenize") is permuter(b"k" * 16, "tokenize")
