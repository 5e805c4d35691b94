"""Who comes in: keys prove people; nothing else does, and nobody learns which people or resources there are."""

from __future__ import annotations

import pytest

from tests.interop.ssh.place import Place


def test_somebody_else_s_key_does_not_prove_a_name(place: Place) -> None:
    done = place.ssh("id", user="ana+box", key="bo")
    assert done.returncode == 255
    assert b"Permission denied (publickey)" in done.stderr
    last = [entry for entry in place.entries() if entry.kind == "session"][-1]
    assert (last.step, last.principal, last.note) == ("refused", "ana", "28P01")


@pytest.mark.parametrize("user", ["nobody+box", "ana", "+box", "ana+", "ana+box+box", "ANA+box", "ana+box\x00"])
def test_names_that_are_nobody_s_come_to_nothing(place: Place, user: str) -> None:
    if "\x00" in user:
        user = "ana%00+box"
    done = place.ssh("id", user=user)
    assert done.returncode == 255
    assert done.stdout == b""


def test_unknown_people_and_wrong_keys_are_told_the_same(place: Place) -> None:
    said = {place.ssh("id", user=user, key="bo").stderr.replace(user.encode(), b"U") for user in ("ana+box", "zoe+box")}
    assert len(said) == 1


@pytest.mark.parametrize("method", ["password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "none"])
def test_no_other_proof_is_taken(place: Place, method: str) -> None:
    done = place.ssh("id", options=["-o", f"PreferredAuthentications={method}"])
    assert done.returncode == 255


def test_the_gateway_s_own_credential_is_no_way_in(place: Place) -> None:
    assert place.ssh("id", key="gateway_key").returncode == 255


def test_two_people_are_two_sessions(place: Place) -> None:
    assert place.ssh("echo hi", user="bo+box", key="bo").stdout == b"hi\n"
    assert place.decisions()[-1].principal == "bo"
