"""A rule that says `record "best_effort"`: the disk of the recordings is full, what runs goes on, and everybody who looks sees from where on
the recording is incomplete. Beside it what is demanded strictly ends as ever. Real clients, real targets, a real disk.
"""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from gateway.demo.cluster import free_port
from tests.e2e.behind.http import http_world
from tests.e2e.behind.kubernetes import kubernetes_world
from tests.e2e.behind.ssh import ssh_world
from tests.e2e.recordings import place
from tests.e2e.small_disk import Disk
from tests.e2e.soak.kubernetes_place import POLICY as IN_CLUSTER
from tests.e2e.soak.ssh_place import POLICY as AT_HOST
from tests.e2e.test_strictness import FOR_HTTP, on_small_disk
from tests.e2e.world import ROOT, GatewayProcess, sallyport

SECONDS = 60.0
BULK = "head -c 200000 /dev/urandom | base64"
"""What no compression makes small, and fills chunks."""
EFFORT = """
limit contains {"code": "TRIED", "reason": "as far as it goes", "type": "record", "value": "best_effort"} if {
	contains(input.command.text, "try-this")
}
"""


@contextmanager
def filling(gateway: GatewayProcess) -> Iterator[tuple[Disk, int]]:
    """The gateway running with its recordings on a small disk, and where its metrics are."""
    port = free_port()
    text = gateway.config.read_text()
    where = "" if "[recording]" in text else '\n[recording]\ndir = "recordings"\nlow_water_bytes = 1048576\n'
    gateway.config.write_text(f'{text}{where}\n[metrics]\nbind = "127.0.0.1:{port}"\n')
    with on_small_disk(gateway, gateway.folder / "recordings") as disk:
        yield disk, port


def stopped(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as said:
        lines = said.read().decode().splitlines()
    return int(float(next(one.split()[1] for one in lines if one.startswith("sallyport_recordings_incomplete_total"))))


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def told(gateway: GatewayProcess, *words: str, code: int = 0) -> str:
    """What the command line says of recordings, from where the gateway sees them."""
    said = subprocess.run(
        [*gateway.within, *sallyport(), *words, "--config", str(gateway.config)],
        cwd=ROOT,
        env=gateway.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert said.returncode == code, said.stdout + said.stderr
    return said.stdout


def flagged(gateway: GatewayProcess) -> list[dict[str, object]]:
    return [one for one in gateway.entries() if one.get("kind") == "recording" and one.get("step") == "incomplete"]


def asked(words: list[str]) -> tuple[int, str]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def test_a_command_over_ssh_goes_on_and_its_recording_is_incomplete_from_there() -> None:
    with ssh_world({"world.rego": AT_HOST + EFFORT}) as here, filling(here) as (disk, port):
        pipe = subprocess.PIPE
        words = here.place.command(f"for n in 1 2 3 4 5 6 7 8 9; do read go; {BULK}; done; echo last # try-this")
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(b"go\n")
            client.stdin.flush()
            assert client.stdout.readline()
            disk.fill(leave=0)
            out, complained = client.communicate(b"go\n" * 8, timeout=SECONDS)
        assert (client.returncode, complained) == (0, b"")
        assert out.endswith(b"last\n")
        assert stopped(port) == 1
        (flag,) = flagged(here)
        name = str(flag["note"])
        assert (flag["principal"], bool(flag["digest"])) == ("ana", True)
        (outcome,) = [
            one for one in here.entries() if one.get("decision_id") == flag["decision_id"] and one["kind"] == "outcome"
        ]
        assert outcome.get("error") is None
        assert "INCOMPLETE" in next(line for line in told(here, "sessions").splitlines() if name in line)
        assert f"{name}  INCOMPLETE: the recorder failed and it went on" in told(here, "sessions", "check")

        # None begins, and what is demanded strictly does not run.
        assert asked(here.place.command("echo here # try-this")) == (0, "here\n")
        assert stopped(port) == 2
        assert [bool(one.get("note")) for one in flagged(here)] == [True, False]
        for text in ("echo m1x1e # keep-this", "echo m1x1e # keep-this, and try-this"):
            code, said = asked(here.place.command(text))
            assert (code, "has to be recorded" in said) == (255, True), said
        assert not [text for text, _ in here.ran() if "m1x1e" in text]


def test_a_request_over_http_goes_on_and_the_next_that_is_demanded_strictly_does_not() -> None:
    with http_world(FOR_HTTP + EFFORT) as here, filling(here) as (disk, port):
        words = ["curl", "-sSN", "--cacert", str(here.ca), "-H", f"Authorization: Bearer {here.token}"]
        at = f"https://127.0.0.1:{here.port}"
        disk.fill(leave=0)
        code, said = asked([*words, f"{at}/things?try-this", f"{at}/things?try-this=2"])
        assert (code, said.count('"length"')) == (0, 2)
        assert stopped(port) == 1, "one for each session"
        code, said = asked([*words, f"{at}/things?try-this", f"{at}/things?keep-this"])
        assert (said.count('"length"'), "RECORDER_FAILED" in said) == (1, True), said
        assert "GET /things?keep-this" not in here.requests()
        disk.empty()
        until(lambda: '"length"' in asked([*words, f"{at}/things?keep-this"])[1])


def test_a_stream_over_http_goes_on_to_its_end() -> None:
    results = EFFORT.replace('"best_effort"', '["best_effort", "results"]')
    with http_world(FOR_HTTP + results) as here, filling(here) as (disk, port):
        words = ["curl", "-sSN", "--cacert", str(here.ca), "-H", f"Authorization: Bearer {here.token}"]
        pipe = subprocess.PIPE
        url = f"https://127.0.0.1:{here.port}/events?try-this&events=400"
        with subprocess.Popen([*words, url], stdout=pipe, stderr=pipe) as client:
            assert client.stdout is not None
            assert client.stdout.readline()
            disk.fill(leave=0)
            out, _ = client.communicate(timeout=SECONDS)
        assert client.returncode == 0
        assert out.count(b"data:") >= 399
        until(lambda: stopped(port) == 1)
        assert len(flagged(here)) == 1


def test_a_request_to_a_cluster_goes_on() -> None:
    effort = EFFORT.replace("try-this", "/pods")
    with kubernetes_world(IN_CLUSTER + effort) as here, filling(here) as (disk, port):
        disk.fill(leave=0)
        code, said = asked([*here.cluster.command("get", "pods")])
        assert (code, "web" in said) == (0, True), said
        assert stopped(port) >= 1
        assert flagged(here)[0]["principal"] == "ana"


def test_a_statement_goes_on_until_one_is_demanded_strictly() -> None:
    policy = '\nlimit contains {"code": "TRIED", "type": "record", "value": ["best_effort", "results"]} if startswith(app, "tried")\n'
    strict = 'limit contains {"code": "STRICT", "type": "record", "value": true} if contains(input.command.text, "mark-strict")\n'
    with place.recording_world() as here:
        rego = here.folder / "policies" / "world.rego"
        rego.write_text(rego.read_text() + policy + strict)
        with filling(here) as (disk, port):
            rows = "string_agg(md5(n::text || '%d'), '') FROM generate_series(1, 400) n"
            with psycopg.connect(here.conninfo(application_name="tried"), autocommit=True) as client:
                client.execute("SELECT 'mark-first'")
                disk.fill(leave=0)
                for number in range(60):
                    client.execute(f"SELECT 'mark-{number}', {rows % number}")
                until(lambda: stopped(port) == 1)
                client.execute("SELECT 'mark-behind'")
                with pytest.raises(psycopg.Error) as refused:
                    client.execute("SELECT 'mark-strict'")
                assert "has to be recorded" in str(refused.value)
                assert client.closed or client.broken
            ran = place.server_log(here)
            assert "mark-behind" in ran
            assert "mark-strict" not in ran
            (flag,) = flagged(here)
            assert "INCOMPLETE" in next(
                line for line in told(here, "sessions").splitlines() if str(flag["note"]) in line
            )
