"""Verifiers agree with RFC 7677 and PostgreSQL; decoys look like them and fit nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.ports import ScramVerifier
from gateway.identity.scram import decoy, make_verifier, parse_verifier, prepare, print_verifier


def test_the_example_of_rfc_7677() -> None:
    verifier = make_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(verifier.stored_key, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == verifier.stored_key
    assert base64.b64encode(hmac.digest(verifier.server_key, message, "sha256")) == (
        b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


def test_a_verifier_is_read_as_it_was_printed() -> None:
    made = make_verifier(secrets.token_urlsafe(), secrets.token_bytes(16), 100)
    assert parse_verifier(print_verifier(made) + "\n") == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "md5abc",
        "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA",
        "SCRAM-SHA-256$0:AAAA$" + "A" * 43 + "=:" + "A" * 43 + "=",
        "SCRAM-SHA-256$4096:A$" + "A" * 43 + "=:" + "A" * 43 + "=",
        "SCRAM-SHA-256$9999999:AAAA$" + "A" * 43 + "=:" + "A" * 43 + "=",
    ],
)
def test_what_is_no_verifier_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="no SCRAM") as caught:
        parse_verifier(text)
    assert "AAAA" not in str(caught.value)


@given(st.text(max_size=20), st.text(max_size=20))
def test_decoys_are_stable_different_and_shaped_like_the_real_ones(one: str, two: str) -> None:
    key = b"k" * 32
    made = decoy(one, key)
    assert made == decoy(one, key)
    assert (made == decoy(two, key)) == (one == two)
    assert made != decoy(one, b"j" * 32)
    real = make_verifier("x", b"s" * 16, 1)
    assert [len(part) for part in (made.salt, made.stored_key, made.server_key)] == [
        len(part) for part in (real.salt, real.stored_key, real.server_key)
    ]
    assert isinstance(made, ScramVerifier)


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("pencil", b"pencil"),
        ("I\u00adX", b"IX"),
        ("\u00aa", b"a"),
        ("\u2168", b"IX"),
        ("a\u00a0b", b"a b"),
        ("\u0007", b"\x07"),
        ("\u0627\u0031", "\u0627\u0031".encode()),
        ("\u0627\u0628", "\u0627\u0628".encode()),
        ("\u00ad", "\u00ad".encode()),
        ("\udcff", b"\xff"),
    ],
)
def test_passwords_are_prepared_as_rfc_4013_says(password: str, prepared: bytes) -> None:
    assert prepare(password) == prepared
