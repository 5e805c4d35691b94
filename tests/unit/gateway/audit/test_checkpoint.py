"""Signed checkpoints: what a key signed opens, everything else is refused, and the texts are those of C2SP."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import Checkpoint, PublicKey, SigningKey, digest_of, open_note, read_note, sign
from gateway.audit.keys import make_pem
from gateway.errors import ConfigInvalid

# The example key of C2SP's signed-note page.
EXAMPLE = "example.com/foo+530a9c54+AWzVy8IRCy8SP0evbjWVOJBrEYzvNHQYjc8nTMQfKLdW"
CHECKPOINT = Checkpoint("log.example/a", 7, bytes(range(32)))


def key(seed: int, name: str = "log.example/a") -> SigningKey:
    return SigningKey.of(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def test_a_key_is_one_line_and_back() -> None:
    public = key(1).public
    assert PublicKey.parse(public.print()) == public
    assert PublicKey.parse(f"  {public.print()}\n") == public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "a+00000000+AAAA",
        "a+zz+!!",
        key(1).public.print().replace("log", "lag"),
        "+".join(["a", "b", "c", "d"]),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PublicKey.parse(text)


def test_what_a_trusted_key_signed_opens() -> None:
    note = sign(CHECKPOINT, [key(1)])
    assert note.startswith("log.example/a\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\u2014 log.example/a ")
    assert open_note(note, [key(2).public, key(1).public]) == (CHECKPOINT, [key(1).public])


def test_a_checkpoint_names_the_digest_of_the_one_before_it() -> None:
    chained = replace(CHECKPOINT, before=digest_of(None))
    note = sign(chained, [key(1)])
    assert note.split("\n")[3] == "before 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert open_note(note, [key(1).public])[0] == chained
    with pytest.raises(ValueError, match="a signature is wrong"):
        open_note(note.replace("before 47DE", "before 57DE"), [key(1).public])
    for line in ("before AAAA", "after 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "before", ""):
        with pytest.raises(ValueError):
            read_note(note.replace(note.split("\n")[3], line, 1))


def test_what_two_keys_signed_says_so() -> None:
    _, signers = open_note(sign(CHECKPOINT, [key(1), key(2)]), [key(1).public, key(2).public])
    assert signers == [key(1).public, key(2).public]


def test_what_nobody_trusted_signed_is_refused() -> None:
    with pytest.raises(ValueError, match="no trusted key"):
        open_note(sign(CHECKPOINT, [key(1)]), [key(2).public])


def test_a_wrong_signature_of_a_trusted_key_is_refused_beside_a_right_one() -> None:
    good, forged = sign(CHECKPOINT, [key(1)]), sign(Checkpoint("log.example/a", 8, CHECKPOINT.root), [key(2)])
    with pytest.raises(ValueError, match="a signature is wrong"):
        open_note(good + forged.partition("\n\n")[2], [key(1).public, key(2).public])


@given(st.data())
def test_a_changed_note_never_opens_as_another_checkpoint(data: st.DataObject) -> None:
    note = sign(CHECKPOINT, [key(1)])
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.characters()) + note[at + data.draw(st.integers(0, 2)) :]
    try:
        checkpoint, _ = open_note(changed, [key(1).public])
    except ValueError:
        return
    assert checkpoint == CHECKPOINT


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n\n\n",
        "a\n01\nAAAA\n\n\u2014 a AAAAAAAA\n",
        "a\n-1\nAAAA\n\n\u2014 a AAAAAAAA\n",
        "a\n\u0661\nAAAA\n\n\u2014 a AAAAAAAA\n",
        "a" * 20_000,
        sign(CHECKPOINT, [key(1)]).replace("\u2014", "-"),
        sign(CHECKPOINT, [key(1)] * 17),
        sign(CHECKPOINT, []),
        sign(Checkpoint("a", 1, b"short"), [key(1)]),
    ],
)
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(ValueError):
        read_note(note)


def test_a_pem_file_is_read_and_another_kind_of_key_is_not() -> None:
    assert SigningKey.from_pem("log", make_pem()).public.name == "log"
    with pytest.raises(ConfigInvalid) as refused:
        SigningKey.from_pem("log", b"no such thing")
    assert "no such thing" not in str(refused.value)
