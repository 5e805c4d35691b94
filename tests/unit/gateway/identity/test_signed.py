"""A token is read in one way or not at all, and only the right key in the right way has signed it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.signed import (
    MAX_TOKEN,
    Algorithm,
    Signed,
    Unreadable,
    decoded,
    encoded,
    fits,
    is_signed_by,
    looks_signed,
    read_signed,
    sign,
)
from tests.issuers import ED25519, OTHER_RSA, P256, RSA, claims, token, token_by_secret

HEAD = b'{"alg":"RS256"}'
ALL = [(Algorithm.RS256, RSA), (Algorithm.PS256, RSA), (Algorithm.ES256, P256), (Algorithm.EDDSA, ED25519)]


def raw(head: bytes, body: bytes) -> str:
    return f"{encoded(head)}.{encoded(body)}.AAAA"


def read(text: str) -> Signed:
    found = read_signed(text)
    assert isinstance(found, Signed), found
    return found


@pytest.mark.parametrize(("algorithm", "key"), ALL)
def test_a_token_is_signed_by_its_key_in_its_way_and_by_nothing_else(algorithm: Algorithm, key: object) -> None:
    made = read(token(claims(), key, {"alg": algorithm.value}))  # type: ignore[arg-type]  # one of the four
    assert made.claims["sub"] == "alice"
    for other in Algorithm:
        for _, another in ALL:
            expected = other is algorithm and another is key
            assert is_signed_by(made, another.public_key(), other) is expected
    assert not is_signed_by(made, OTHER_RSA.public_key(), algorithm)


@pytest.mark.parametrize(("algorithm", "key"), ALL)
def test_one_changed_bit_anywhere_is_no_signature(algorithm: Algorithm, key: object) -> None:
    text = token(claims(), key, {"alg": algorithm.value})  # type: ignore[arg-type]  # one of the four
    head, body, signature = text.split(".")
    for part in (body, signature):
        data = bytearray(decoded(part) or b"")
        data[len(data) // 2] ^= 1
        changed = text.replace(part, encoded(bytes(data)))
        found = read_signed(changed)
        assert isinstance(found, Unreadable) or not is_signed_by(found, key.public_key(), algorithm)  # type: ignore[attr-defined]  # one of the four
    assert not is_signed_by(read(f"{head}.{body}."), key.public_key(), algorithm)  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.b",
        "a.b.c.d",
        token(claims(), header={"alg": "none"}),
        token(claims(), header={"alg": None}),
        token(claims(), header={"alg": "none"}).rpartition(".")[0] + ".",
        token(claims(), header={"alg": "RS512"}),
        token(claims(), header={"alg": ["RS256"]}),
        token(claims(), header={"jwk": {"kty": "RSA"}}),
        token(claims(), header={"jku": "https://evil.test/jwks"}),
        token(claims(), header={"x5u": "https://evil.test/cert"}),
        token(claims(), header={"x5c": ["AAAA"]}),
        token(claims(), header={"crit": ["exp"]}),
        token(claims(), header={"b64": False}),
        token(claims(), header={"kid": 1}),
        token(claims(), header={"kid": "k" * 300}),
        token(claims(), header={"typ": {}}),
        token(claims(x="y" * MAX_TOKEN)),
        token(claims()) + "=",
        token(claims()) + "\n",
        " " + token(claims()),
        raw(b"[]", b"{}"),
        raw(HEAD, b"{" * 3_000),
        raw(HEAD, b"[" * 5_000),
        raw(HEAD, b"1" * 5_000),
        raw(b'{"alg":"RS256","alg":"RS256"}', b"{}"),
        raw(HEAD, b'{"sub":"a","sub":"b"}'),
        raw(HEAD, b'{"exp":NaN}'),
        raw(b"\xff\xfe", b"{}"),
    ],
)
def test_what_is_no_token_of_a_kind_we_take_is_unreadable(text: str) -> None:
    found = read_signed(text)
    assert isinstance(found, Unreadable)
    assert not text or len(text) < 10 or text[5:30] not in found.why


def test_a_shared_secret_signs_nothing_not_even_the_public_key_as_one() -> None:
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(read_signed(token_by_secret(claims(), public)), Unreadable)


def test_a_second_spelling_of_a_token_is_none() -> None:
    text = token(claims(), ED25519, {"alg": "EdDSA"})
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes end in two bits that no byte needs.
    other = text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]
    assert isinstance(read_signed(other), Unreadable)


def test_keys_of_other_curves_fit_nothing() -> None:
    assert not any(fits(generate_private_key(SECP384R1()).public_key(), one) for one in Algorithm)


def test_what_we_sign_reads_back_and_says_how() -> None:
    made = read(sign(b'{"sub":"ana"}', ED25519, "k", "sp+jwt"))
    assert (made.algorithm, made.key_id, made.kind, made.claims) == (Algorithm.EDDSA, "k", "sp+jwt", {"sub": "ana"})
    assert is_signed_by(made, ED25519.public_key(), Algorithm.EDDSA)


def test_plain_tokens_do_not_look_signed() -> None:
    assert looks_signed(token(claims()))
    assert not looks_signed("sp_" + "a" * 40)


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200)
    | st.from_regex(r"ey[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}")
)
def test_any_text_is_read_or_not_and_nothing_else_happens(text: str) -> None:
    assert isinstance(read_signed(text), Signed | Unreadable)
