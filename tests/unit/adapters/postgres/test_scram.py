"""SCRAM-SHA-256 against RFC 7677's own example, and what a dishonest peer may try."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.scram import MAX_ITERATIONS, Challenge, ScramClient, ScramRefused, ScramServer, make_verifier

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
VERIFIER = make_verifier(b"pencil", SALT, 4096)
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def asked() -> ScramServer:
    server = ScramServer(SERVER_NONCE)
    server.first(FIRST, VERIFIER)
    return server


def test_the_example_of_rfc_7677_comes_out() -> None:
    server = ScramServer(SERVER_NONCE)
    assert server.first(FIRST, VERIFIER) == SERVER_FIRST
    assert server.final(FINAL) == SERVER_FINAL


def test_a_wrong_password_is_an_answer_and_no_error() -> None:
    server = ScramServer(SERVER_NONCE)
    server.first(FIRST, make_verifier(b"pen", SALT, 4096))
    assert server.final(FINAL) is None


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"p=tls-server-end-point,,n=user,r=abc",
        b"n,a=admin,n=user,r=abc",
        b"x,,n=user,r=abc",
        b"n,,r=abc",
        b"n,,n=user,r=",
        b"n,,n=user,r=a\x01c",
        b"n,,n=user,r=abc,r=def",
        b"n,,m=ext,n=user,r=abc",
        b"n,,n=user,r=" + b"x" * 600,
        b"n,,n=user,r=abc" + b",x=" + b"y" * 3000,
    ],
)
def test_a_malformed_first_message_is_refused(first: bytes) -> None:
    with pytest.raises(ScramRefused) as refused:
        ScramServer(SERVER_NONCE).first(first, VERIFIER)
    assert refused.value.code == "28P01"


@pytest.mark.parametrize(
    "final",
    [
        b"",
        FINAL.replace(b"biws", b"eSws"),
        FINAL.replace(b"fuxFIlj", b"fuxFIlk"),
        FINAL.rpartition(b",p=")[0],
        FINAL[:-4],
        FINAL + b",x=1",
        FINAL.replace(b"dHzb", b"!!!!"),
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=",
    ],
)
def test_a_malformed_final_message_is_refused(final: bytes) -> None:
    with pytest.raises(ScramRefused):
        assert asked().final(final) is not None


@pytest.mark.parametrize(
    ("flag", "end_point", "is_bound", "taken"),
    [
        (b"n", None, False, True),
        (b"y", None, False, True),
        (b"n", b"d", False, True),
        (b"y", b"d", False, False),
        (b"p=tls-server-end-point", b"d", False, False),
        (b"p=tls-server-end-point", b"d", True, True),
        (b"p=tls-server-end-point", None, True, False),
        (b"p=tls-exporter", b"d", True, False),
        (b"n", b"d", True, False),
        (b"y", b"d", True, False),
    ],
)
def test_a_binding_is_neither_left_away_nor_missed(
    flag: bytes, end_point: bytes | None, is_bound: bool, taken: bool
) -> None:
    server = ScramServer(SERVER_NONCE, end_point, is_bound)
    if taken:
        assert server.first(flag + b",,n=,r=abc", VERIFIER).startswith(b"r=abc")
    else:
        with pytest.raises(ScramRefused):
            server.first(flag + b",,n=,r=abc", VERIFIER)


@pytest.mark.parametrize("theirs", [b"digest", b"digesu", b"", None])
def test_a_proof_that_is_bound_to_something_else_is_refused(theirs: bytes | None) -> None:
    server, client = ScramServer(b"server", b"digest", True), ScramClient(b"client", theirs, True)
    first = client.first()
    if theirs is None:
        with pytest.raises(ScramRefused):
            server.first(first, VERIFIER)
        return
    client.challenge(server.first(first, VERIFIER))
    final = client.final(hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096))
    if theirs == b"digest":
        assert client.verify(server.final(final) or b"")
    else:
        with pytest.raises(ScramRefused):
            server.final(final)


def test_a_final_message_without_a_first_is_refused() -> None:
    with pytest.raises(ScramRefused):
        ScramServer(SERVER_NONCE).final(FINAL)


def test_a_client_that_would_have_bound_the_channel_may_say_so() -> None:
    server, client = ScramServer(b"server"), ScramClient(b"client")
    first = client.first().replace(b"n,,", b"y,,", 1)
    client.challenge(server.first(first, VERIFIER))
    with pytest.raises(ScramRefused):
        server.final(client.final(hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096)))


@given(st.text(min_size=1, max_size=20), st.binary(min_size=1, max_size=32))
def test_both_legs_of_ours_agree(password: str, salt: bytes) -> None:
    server, client = ScramServer(b"server"), ScramClient(b"client")
    challenge = client.challenge(server.first(client.first(), make_verifier(password.encode(), salt, 4096)))
    assert challenge == Challenge(salt, 4096)
    said = server.final(client.final(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)))
    assert said is not None
    assert client.verify(said)
    assert not client.verify(b"v=" + base64.b64encode(bytes(32)))


@pytest.mark.parametrize(
    "message",
    [
        b"r=client,s=c2FsdA==,i=4096",
        b"r=other-nonce,s=c2FsdA==,i=4096",
        b"r=clientX,s=,i=4096",
        b"r=clientX,s=c2FsdA==,i=4095",
        b"r=clientX,s=c2FsdA==,i=-1",
        b"r=clientX,s=c2FsdA==,i=%d" % (MAX_ITERATIONS + 1),
        b"r=clientX,s=c2FsdA==,i=99999999999999999999999",
        b"r=clientX,s=!!!,i=4096",
        b"r=client" + b"X" * 600 + b",s=c2FsdA==,i=4096",
        b"m=ext,r=clientX",
        b"r=clientX,s=" + base64.b64encode(bytes(300)) + b",i=4096",
    ],
)
def test_a_target_that_asks_for_too_much_or_too_little_is_refused(message: bytes) -> None:
    with pytest.raises(ScramRefused):
        ScramClient(b"client").challenge(message)


def test_nothing_is_verified_before_we_proved_ourselves() -> None:
    assert not ScramClient(b"client").verify(b"v=" + base64.b64encode(bytes(32)))


def test_no_key_shows_in_print() -> None:
    assert "stored" not in repr(asked())
