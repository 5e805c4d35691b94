"""Who comes in: keys prove people; nothing else does, and nobody learns which people or resources there are."""

from __future__ import annotations

import subprocess

import pytest

from tests.interop.ssh.place import Place


def test_somebody_else_s_key_does_not_prove_a_name(place: Place) -> None:
    done = place.ssh("id", user="ana+box", key="bo")
    assert done.returncode == 255
    assert b"Permission denied (publickey,password)" in done.stderr
    place.wait_until(
        lambda: ("refused", "ana", "28P01") in [(one.step, one.principal, one.note) for one in place.entries()]
    )


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


def certify(place: Place, *words: str, authority: str = "authority", valid: str = "-5m:+1h") -> list[str]:
    """A certificate for the laptop's key; gives the options that make the client use it."""
    key = place.folder / "laptop"
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(place.folder / authority), "-I", "t", "-V", valid, *words, f"{key}.pub"],
        check=True,
    )
    return ["-o", f"CertificateFile={key}-cert.pub"]


def test_a_certificate_proves_the_person_it_names(place: Place) -> None:
    options = certify(place, "-n", "ana,zoe")
    assert place.ssh("echo hi", key="laptop", options=options).stdout == b"hi\n"
    assert place.decisions()[-1].principal == "ana"


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (("-n", "bo"), {}),
        (("-n", "ana+box"), {}),
        (("-n", "*"), {}),
        ((), {}),
        (("-n", "ana"), {"authority": "other_host"}),
        (("-n", "ana"), {"authority": "ana"}),
        (("-n", "ana"), {"valid": "-2h:-1h"}),
        (("-n", "ana"), {"valid": "+1h:+2h"}),
        (("-n", "ana", "-h"), {}),
        (("-n", "ana", "-O", "source-address=192.0.2.0/24"), {}),
        (("-n", "ana", "-O", "critical:unknown@example.org=x"), {}),
    ],
    ids=str,
)
def test_any_other_certificate_proves_nobody(place: Place, words: tuple[str, ...], more: dict[str, str]) -> None:
    done = place.ssh("id", key="laptop", options=certify(place, *words, **more))
    assert (done.returncode, done.stdout) == (255, b"")


def test_a_certificate_for_a_name_that_nobody_has_lets_nobody_in(place: Place) -> None:
    options = certify(place, "-n", "zoe")
    done = place.ssh("id", user="zoe+box", key="laptop", options=options)
    assert (done.returncode, done.stdout) == (255, b"")


def test_an_authority_s_own_key_is_no_certificate(place: Place) -> None:
    assert place.ssh("id", key="authority").returncode == 255


def test_the_command_that_a_certificate_forces_is_what_is_asked_about_and_run(place: Place) -> None:
    options = certify(place, "-n", "ana", "-O", "force-command=echo forced #x")
    assert place.ssh("touch /tmp/never", key="laptop", options=options).stdout == b"forced\n"
    assert place.decisions()[-1].text == "echo forced #x"
    options = certify(place, "-n", "ana", "-O", "force-command=echo forced #deny")
    assert place.ssh("echo free", key="laptop", options=options).returncode == 126
