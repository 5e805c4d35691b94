"""What cannot be recorded is not done, over SSH, Kubernetes and HTTP: the disk of the audit is full, or that of the recordings.

Real clients (ssh, kubectl, curl), real targets that write down what they do. PostgreSQL's are in `audit/test_disk_full.py`.
"""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.audit.entry import Entry
from gateway.audit.read import read
from tests.e2e.behind.http import http_world
from tests.e2e.behind.kubernetes import kubernetes_world, said
from tests.e2e.behind.ssh import ssh_world
from tests.e2e.small_disk import LOW_WATER, Disk, small_disk
from tests.e2e.soak.audited import Ran, audited
from tests.e2e.soak.kubernetes_place import POLICY as IN_CLUSTER
from tests.e2e.soak.ssh_place import POLICY as AT_HOST
from tests.e2e.world import GatewayProcess
from tests.interop.typing import at_terminal

TRIES = 100
SECONDS = 60.0
UNREAD = "head -c 3000 /dev/urandom | base64"
"""What no compression makes small."""
FOR_HTTP = """\
package policies.world

allow contains {"code": "ALL", "reason": "everything"} if input.principal.name == "ana"

limit contains {"code": "KEPT", "reason": "kept", "type": "record", "value": "results"} if {
	contains(input.command.text, "keep-this")
}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway, not yet started; `ask` does a thing with a mark and tells whether it was done, and all that was said."""

    gateway: GatewayProcess
    ask: Callable[[str], tuple[bool, str]]
    ran: Callable[[], Iterator[tuple[str, str]]]
    said: Callable[[str], str]


def _asked(words: list[str], wanted: str) -> tuple[bool, str]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    return wanted in done.stdout, done.stdout + done.stderr


@contextmanager
def over_ssh() -> Iterator[Place]:
    with ssh_world({"world.rego": AT_HOST}) as here:
        yield Place(here, lambda mark: _asked(here.place.command(f"echo {mark}"), mark), here.ran, lambda text: text)


@contextmanager
def over_kubernetes() -> Iterator[Place]:
    with kubernetes_world(IN_CLUSTER) as here:
        command = here.cluster.command("exec", "web", "--", "echo")
        yield Place(here, lambda mark: _asked([*command, mark], mark), here.ran, said)


@contextmanager
def over_http() -> Iterator[Place]:
    with http_world(FOR_HTTP) as here:
        words = ["curl", "-sS", "--cacert", str(here.ca), "-H", f"Authorization: Bearer {here.token}"]
        yield Place(
            here,
            lambda mark: _asked([*words, f"https://127.0.0.1:{here.port}/things?mark={mark}"], '"length"'),
            lambda: ((line, line) for line in here.requests()),
            lambda text: " ".join(text.split(" ")[:2]),
        )


PLACES = {"SSH": over_ssh, "Kubernetes": over_kubernetes, "HTTP": over_http}


@contextmanager
def on_small_disk(gateway: GatewayProcess, folder: Path) -> Iterator[Disk]:
    """The gateway running, a folder of it on a disk of its own."""
    folder.mkdir(mode=0o700)
    with small_disk(folder) as (within, seen):
        gateway.within = within
        try:
            gateway.start()
            yield Disk(seen)
        finally:
            gateway.stop()


@pytest.mark.parametrize("name", PLACES)
def test_a_full_disk_denies_and_a_disk_with_room_grants_again(name: str) -> None:
    marks = (f"m0x{number}e" for number in itertools.count())
    refused: list[str] = []

    def until(place: Place, is_wanted: bool) -> str:
        for mark in itertools.islice(marks, TRIES):
            done, told = place.ask(mark)
            if not done:
                refused.append(mark)
            if done == is_wanted:
                return told
        raise AssertionError(f"still {'refused' if is_wanted else 'granted'}: {told}")

    with PLACES[name]() as place, on_small_disk(place.gateway, place.gateway.audit) as disk:
        until(place, is_wanted=True)
        assert not refused
        disk.fill(leave=LOW_WATER // 2)
        assert "recorded" in until(place, is_wanted=False)
        disk.fill(leave=0)
        for _ in range(3):
            until(place, is_wanted=False)
        assert place.gateway.process is not None
        assert place.gateway.process.poll() is None
        disk.empty()
        until(place, is_wanted=True)
        place.gateway.stop()
        assert place.gateway.verify_audit() == 0
        ran = [Ran(text, line) for text, line in place.ran()]
        audit = audited(disk.place, place.said)
    assert ran
    assert not [one.line for one in ran if one.marks & set(refused)], "it was refused, and ran"
    assert not [one.line for one in ran if not audit.has_granted(one)], "it ran, and nobody recorded a grant"


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def _outcomes(gateway: GatewayProcess, error: str) -> list[Entry]:
    return [entry for entry in read(gateway.audit) if entry.kind == "outcome" and entry.error == error]


def test_a_command_that_cannot_be_recorded_any_more_ends_and_none_begins() -> None:
    with ssh_world({"world.rego": AT_HOST}) as here, on_small_disk(here, here.folder / "recordings") as disk:
        pipe = subprocess.PIPE
        words = here.place.command(f"while {UNREAD}; do sleep 0.05; done # keep-this")
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as client:
            assert client.stdout is not None
            assert client.stdout.readline()
            disk.fill(leave=0)
            _, complained = client.communicate(timeout=SECONDS)
        assert client.returncode == 255
        assert b"has to be recorded and cannot be" in complained
        _until(lambda: len(_outcomes(here, "RECORDER_FAILED")) == 1)
        done, told = _asked(here.place.command("echo m1x1e # keep-this"), "m1x1e")
        assert (done, "has to be recorded" in told) == (False, True), told
        assert "echo m1x1e # keep-this" not in [text for text, _ in here.ran()]
        disk.empty()
        _until(lambda: _asked(here.place.command("echo m1x2e # keep-this"), "m1x2e")[0])


def test_a_guarded_shell_of_a_pod_that_cannot_be_recorded_any_more_ends() -> None:
    with kubernetes_world(IN_CLUSTER) as here, on_small_disk(here, here.folder / "recordings") as disk:
        words = here.cluster.command("exec", "-it", "web", "--", "sh")
        with at_terminal(words) as typist:
            typist.until(r"guarded:[^\r\n]*\$ ")
            typist.type(f"echo $((40 + 2)); while {UNREAD}; do sleep 0.05; done\r")
            typist.until("42\r\n")
            disk.fill(leave=0)
            assert typist.end() != 0
        _until(lambda: bool(_outcomes(here, "RECORDER_FAILED")))
        disk.empty()
        with at_terminal(words) as typist:
            typist.until(r"guarded:[^\r\n]*\$ ")
            typist.type("exit 3\r")
            assert typist.end() == 3


def test_a_stream_that_cannot_be_recorded_any_more_ends_and_no_request_goes_on() -> None:
    with http_world(FOR_HTTP) as here, on_small_disk(here, here.folder / "recordings") as disk:
        words = ["curl", "-sSN", "--cacert", str(here.ca), "-H", f"Authorization: Bearer {here.token}"]
        at = f"https://127.0.0.1:{here.port}"
        pipe = subprocess.PIPE
        with subprocess.Popen([*words, f"{at}/events?keep-this&events=4000"], stdout=pipe, stderr=pipe) as client:
            assert client.stdout is not None
            assert client.stdout.readline()
            disk.fill(leave=0)
            client.communicate(timeout=SECONDS)
        assert client.returncode != 0, "nobody takes it for the whole"
        _until(lambda: len(_outcomes(here, "SESSION_ENDED")) == 1)
        done, told = _asked([*words, f"{at}/things?keep-this"], '"length"')
        assert (done, "RECORDER_FAILED" in told) == (False, True), told
        assert "GET /things?keep-this" not in here.requests()
        disk.empty()
        _until(lambda: _asked([*words, f"{at}/things?keep-this"], '"length"')[0])
