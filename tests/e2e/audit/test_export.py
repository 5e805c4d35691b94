"""A real rsyslog over TLS and a real OTLP receiver get every entry of a whole gateway that is killed and stopped over and over.

What each of them has at the end is compared with the log, uid by uid.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine import Principal, Resource, Session
from gateway.audit.read import read
from gateway.demo.cluster import free_port
from gateway.rpc.client import CallFailed, Client, Query, Raw
from tests.conftest import ROOT, missing

QUIET = 180.0
"""Seconds without anything new after which something is lost. WHY no deadline for all of it: how long it takes is the machine's affair."""
POLICY = 'package policies.p\n\nallow contains {"code": "R"} if input.command.protocol == "postgres"\n'
CONFIGURATION = """
[audit]
low_water_bytes = 1048576
segment_bytes = 65536
[[audit.export]]
name = "siem"
kind = "syslog"
to = "localhost:{syslog}"
ca_file = "syslog/ca.crt"
[[audit.export]]
name = "collector"
kind = "otlp"
to = "http://127.0.0.1:{otlp}/v1/logs"
[[audit.export]]
name = "file"
kind = "file"
to = "exported.jsonl"
format = "native"
[[rpc.socket]]
path = "app.sock"
principal = "app"
[[identity.principal]]
name = "app"
kind = "service"
roles = ["adapter"]
"""


@dataclass
class Receivers:
    """The two programs; what the OTLP one has printed before it was last stopped is kept."""

    folder: Path
    tools: Path
    syslog: int
    otlp: int
    printed: list[str] = field(default_factory=list)

    def run(self, *words: str) -> None:
        done = subprocess.run(
            [str(self.tools / words[0]), *words[1:]], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start_otlp(self) -> None:
        self.run("otel/start.sh", str(self.folder / "otel"), str(free_port()), str(self.otlp))

    def stop_otlp(self) -> None:
        self.run("otel/stop.sh", str(self.folder / "otel"))
        self.printed.append((self.folder / "otel" / "otel.log").read_text(errors="replace"))

    def of_otlp(self) -> set[int]:
        text = "".join(self.printed) + (self.folder / "otel" / "otel.log").read_text(errors="replace")
        return {
            int(number) for number in re.findall(r"log\.record\.uid: Str\(sallyport\.audit/[0-9a-f]+/(\d+)\)", text)
        }

    def of_syslog(self) -> set[int]:
        path = self.folder / "syslog" / "received.json"
        found = set()
        for line in path.read_text().splitlines() if path.exists() else ():
            event = json.loads(json.loads(line)["msg"])
            if event["metadata"]["event_code"] != "checkpoint":
                found.add(int(event["metadata"]["uid"].rpartition("/")[2]))
        return found

    def of_file(self) -> set[int]:
        path = self.folder / "exported.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        events = [json.loads(line) for line in lines if line.endswith("}")]
        return {int(event["uid"].rpartition("/")[2]) for event in events if event["kind"] != "checkpoint"}


@pytest.fixture
def receivers(tools: Path) -> Iterator[Receivers]:
    if shutil.which("rsyslogd") is None and not Path("/usr/sbin/rsyslogd").exists():
        missing("rsyslogd")
    # WHY not pytest's: the path of a UNIX socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="sp-"))
    # The tool takes the next one too.
    port = free_port(2)
    made = Receivers(folder, tools, port + 1, free_port())
    try:
        made.run("syslog/start.sh", str(folder / "syslog"), str(port))
        made.start_otlp()
        (folder / "policies").mkdir()
        (folder / "policies" / "p.rego").write_text(POLICY)
        text = CONFIGURATION.format(syslog=made.syslog, otlp=made.otlp)
        (folder / "sallyport.toml").write_text(text)
        yield made
    finally:
        made.run("syslog/stop.sh", str(folder / "syslog"))
        made.run("otel/stop.sh", str(folder / "otel"))
        shutil.rmtree(folder, ignore_errors=True)


def until(wanted: Callable[[], bool], said: Callable[[], object], known: Callable[[], object] = lambda: None) -> None:
    """Wait, as long as what is `known` goes on changing."""
    began, last, pause = time.monotonic(), known(), threading.Event()
    while not wanted():
        now = known()
        if now != last:
            began, last = time.monotonic(), now
        assert time.monotonic() < began + QUIET, said()
        pause.wait(0.2)


def live(folder: Path, kill: bool) -> None:
    """One life of the gateway under load, ended by a kill or by being asked."""
    with (folder / "gateway.log").open("wb") as log:
        words = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(folder / "sallyport.toml")]
        process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
    try:
        until(
            lambda: b"\nready\n" in (folder / "gateway.log").read_bytes() or process.poll() is not None,
            lambda: (folder / "gateway.log").read_text()[-2_000:],
            lambda: (folder / "gateway.log").stat().st_size,
        )
        assert process.poll() is None, (folder / "gateway.log").read_text()[-2_000:]
        query = Query(Resource("orders", "postgres"), Principal("ana"), Session("s"))
        with Client.over_unix(folder / "app.sock", timeout=60) as client:
            for number in range(40 + secrets.randbelow(40)):
                client.decide(Raw("postgres", b"SELECT %d" % number), query)
            if kill:
                killer = threading.Timer(0.02, process.send_signal, (signal.SIGKILL,))
                killer.start()
                with contextlib.suppress(CallFailed):
                    while process.poll() is None:
                        client.decide(Raw("postgres", b"SELECT 'last'"), query)
                killer.join()
    finally:
        process.terminate()
        process.wait(QUIET)


def restart_often(receivers: Receivers, lives: int) -> None:
    folder = receivers.folder
    for number in range(lives):
        if number % 3 == 1:
            # The collector is away for the whole of one life, and comes back in the next.
            receivers.stop_otlp()
        elif number % 3 == 2:
            receivers.start_otlp()
        live(folder, kill=number % 2 == 0)
    if lives % 3 == 2:
        receivers.start_otlp()
    live(folder, kill=False)
    written = {entry.seq for entry in read(folder / "state" / "audit")}
    assert len(written) > lives * 40
    for of in (receivers.of_syslog, receivers.of_otlp, receivers.of_file):
        until(
            lambda of=of: of() >= written,  # type: ignore[misc]  # bound now
            lambda of=of: (of.__name__, sorted(written - of())[:20], len(written)),  # type: ignore[misc]
            lambda of=of: len(of()),  # type: ignore[misc]
        )
        assert of() == written
    print(f"\n{lives + 1} lives, {len(written)} entries: each of three receivers has every uid")


def test_every_entry_arrives_through_kills_and_restarts(receivers: Receivers) -> None:
    restart_often(receivers, lives=3)


@pytest.mark.long
def test_every_entry_arrives_through_twenty_restarts(receivers: Receivers) -> None:
    restart_often(receivers, lives=20)
