"""What a helper prints is a secret, or one with an end in a form that is known; a wrong one of these is said to be wrong."""

from __future__ import annotations

import json

import pytest

from gateway.credentials.answers import AnswerUnreadable, Fetched, read_answer

NOW = 1_800_000_000.0


def read(**fields: object) -> Fetched:
    return read_answer(json.dumps(fields), NOW)


def test_what_is_no_known_form_is_the_secret_itself() -> None:
    service_account = json.dumps({"type": "service_account", "private_key": "x", "secret": "y"})
    for text in ("hunter2", service_account, "{", "{}", '{"secret": "a", "more": 1}', "[1]", '{"a": ' * 5_000):
        assert read_answer(text, NOW) == Fetched(text)


def test_ours_says_when_it_ends_and_who_it_is_for() -> None:
    assert read(secret="s") == Fetched("s")
    assert read(secret="s", expires_in=60) == Fetched("s", ends_at=NOW + 60)
    assert read(secret="s", user="u", certificate="c", expires_at=NOW + 5) == Fetched("s", "u", "c", NOW + 5)
    assert read(secret="s", expires_at="2027-01-15T08:00:00Z").ends_at == NOW
    assert read(secret="s", expires_at="2027-01-15T08:00:00").ends_at == NOW
    assert read(secret="s", expires_at="2027-01-15T09:00:00+01:00").ends_at == NOW


def test_kubectls_form_gives_a_token_or_a_certificate() -> None:
    token = {"token": "t", "expirationTimestamp": "2027-01-15T08:00:00Z"}
    assert read(kind="ExecCredential", status=token) == Fetched("t", ends_at=NOW)
    pair = {"clientKeyData": "k", "clientCertificateData": "c"}
    assert read(kind="ExecCredential", status=pair) == Fetched("k", None, "c")


@pytest.mark.parametrize(
    "fields",
    [
        {"secret": ""},
        {"secret": 7},
        {"secret": "s", "user": ""},
        {"secret": "s", "expires_in": 0},
        {"secret": "s", "expires_in": True},
        {"secret": "s", "expires_in": "60"},
        {"secret": "s", "expires_in": 60, "expires_at": 1_800_000_001},
        {"secret": "s", "expires_at": "tomorrow"},
        {"secret": "s", "expires_at": True},
        {"kind": "ExecCredential"},
        {"kind": "ExecCredential", "status": {}},
        {"kind": "ExecCredential", "status": {"token": "t", "expirationTimestamp": 0}},
        {"kind": "ExecCredential", "status": {"clientKeyData": "k"}},
    ],
)
def test_a_wrong_one_is_refused_without_a_word_of_it(fields: dict[str, object]) -> None:
    with pytest.raises(AnswerUnreadable) as caught:
        read(**fields)
    assert "60" not in str(caught.value)
    assert "tomorrow" not in str(caught.value)


def test_a_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(Fetched("hunter2"))
