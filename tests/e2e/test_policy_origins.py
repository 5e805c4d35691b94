"""A whole gateway that takes its policies from elsewhere: git over ssh, a web server, a candidate; seen from outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine import Principal, Resource, Session
from gateway.cli import main
from gateway.demo.cluster import free_port
from gateway.errors import PolicyUnusable
from gateway.policy_store.git_branch import GitOrigin, Remote
from gateway.rpc.client import Client, Query, Raw
from tests.conftest import ROOT, missing

DEADLINE = 60.0
ALLOW = 'package policies.p\n\nallow contains {"code": "V%d"} if input.command.protocol == "postgres"\n'
"""A policy that says its version."""


@dataclass
class Running:
    """One `sallyport serve`, with what it shows."""

    folder: Path
    process: subprocess.Popen[bytes]
    metrics: int

    def ready(self) -> dict[str, object]:
        """What `/readyz` says, ready or not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/readyz", timeout=30) as said:
                return json.load(said)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def policies(self) -> dict[str, object]:
        return self.ready()["policies"]  # type: ignore[return-value]  # an object

    def until(self, wanted: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        """Wait until the policies stand as wanted."""
        deadline, pause = time.monotonic() + DEADLINE, threading.Event()
        while True:
            found: dict[str, object] = {}
            with contextlib.suppress(OSError):
                found = self.policies()
                if wanted(found) and b"\nready\n" in (self.folder / "log").read_bytes():
                    return found
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2_000:]
            assert time.monotonic() < deadline, (found, (self.folder / "log").read_text()[-2_000:])
            pause.wait(0.1)

    def number(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=30) as said:
            lines = said.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


@contextlib.contextmanager
def serving(folder: Path, policies: str) -> Iterator[Running]:
    metrics = free_port()
    (folder / "sallyport.toml").write_text(
        f'[policies]\n{policies}\n[audit]\nlow_water_bytes = 1048576\n[metrics]\nbind = "127.0.0.1:{metrics}"\n'
        '[[rpc.socket]]\npath = "app.sock"\nprincipal = "app"\n'
        '[[identity.principal]]\nname = "app"\nkind = "service"\nroles = ["adapter", "auditor"]\n'
    )
    with (folder / "log").open("wb") as log:
        words = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(folder / "sallyport.toml")]
        process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield Running(folder, process, metrics)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def folder() -> Iterator[Path]:
    # WHY not pytest's: the path of a UNIX socket must be short.
    made = Path(tempfile.mkdtemp(prefix="sp-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def git(place: Path, *words: str) -> str:
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    done = subprocess.run(
        ["git", *who, "-C", str(place), *words], env={**os.environ, **quiet}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(place: Path, text: str) -> str:
    (place / "p.rego").write_text(text)
    git(place, "add", "-A")
    git(place, "commit", "-qm", "x")
    return git(place, "rev-parse", "HEAD")[:12]


def test_a_branch_is_followed_over_ssh_and_the_last_good_commit_stays(folder: Path, tools: Path) -> None:
    if shutil.which("sshd") is None and not Path("/usr/sbin/sshd").exists():
        missing("sshd")
    repository, run = folder / "repository", folder / "ssh"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    first = commit(repository, ALLOW % 1)
    port = free_port()
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run([str(tools / "ssh" / "start.sh"), str(run), str(port)], check=True, timeout=60, capture_output=True)
    try:
        # WHY the certificate beside the key: ssh finds it there, and sshd takes nothing else.
        policies = (
            f'git = "ssh://{user}@127.0.0.1:{port}{repository}"\nssh_key = "ssh/user"\nknown_hosts = "ssh/known_hosts"\n'
            "poll_seconds = 1"
        )
        with serving(folder, policies) as running:
            running.until(lambda found: found["commit"] == first)
            second = commit(repository, ALLOW % 2)
            running.until(lambda found: found["commit"] == second)
            commit(repository, "package policies.p\n\nallow contains {")
            found = running.until(lambda found: bool(found["failure"]))
            assert found["commit"] == second
            assert running.number("sallyport_policy_failing ") == 1
            mended = commit(repository, ALLOW % 3)
            running.until(lambda found: found["commit"] == mended and not found["failure"])
        (folder / "nobody").write_text("")
        stranger = Remote(f"ssh://{user}@127.0.0.1:{port}{repository}", "main", "", run / "user", folder / "nobody")
        with pytest.raises(PolicyUnusable, match="Host key verification failed|could not fetch"):
            GitOrigin(stranger, folder / "other").look()
    finally:
        subprocess.run([str(tools / "ssh" / "stop.sh"), str(run)], check=False, timeout=60, capture_output=True)


@contextlib.contextmanager
def web(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def built(folder: Path, version: int, *, key: str = "k.pem", sequence: int | None = None) -> bytes:
    """A bundle that says its version."""
    source, out = folder / "source", folder / "built.bundle"
    source.mkdir(exist_ok=True)
    (source / "p.rego").write_text(ALLOW % version)
    case = f"{{verdict: allow, rules: [p/V{version}]}}"
    (source / "p_suite.yaml").write_text(
        "suite: p\ncases:\n  - name: x\n    principal: {name: ana}\n    resource: {name: r, protocol: postgres}\n"
        f"    command: {{protocol: postgres, text: SELECT 1}}\n    expect: {case}\n"
    )
    number = str(version if sequence is None else sequence)
    assert main(["build", str(source), "-o", str(out), "--sequence", number, "--sign", str(folder / key)]) == 0
    return out.read_bytes()


def test_bundles_from_a_web_server_are_followed_and_bad_ones_refused_each_by_its_name(folder: Path) -> None:
    for name in ("k", "stranger"):
        assert main(["signing-key", str(folder / f"{name}.pem"), str(folder / f"{name}.pub")]) == 0
    site = folder / "site"
    site.mkdir()

    def serve(raw: bytes) -> None:
        (folder / "next").write_bytes(raw)
        (folder / "next").replace(site / "p.bundle")

    old, good = built(folder, 1), built(folder, 2)
    serve(good)
    with web(site) as url:
        policies = f'bundle = "{url}/p.bundle"\nkey = ["k.pub"]\npoll_seconds = 1\nmax_age_seconds = 20'
        with serving(folder, policies) as running:
            revision = running.until(lambda found: found["sequence"] == 2)["revision"]
            for raw, code in (
                (old, "BUNDLE_ROLLED_BACK"),
                (built(folder, 3, key="stranger.pem"), "BUNDLE_KEY_UNKNOWN"),
                (built(folder, 4).replace(b"V4", b"V5"), "BUNDLE_ALTERED"),
                (b"sallyport-bundle 1\n{}\n" + good.split(b"\n", 2)[2], "BUNDLE_UNSIGNED"),
                (b"nothing", "BUNDLE_MALFORMED"),
            ):
                serve(raw)
                found = running.until(lambda found, code=code: code in str(found["failure"]))
                assert found["revision"] == revision
            serve(built(folder, 6))
            running.until(lambda found: found["sequence"] == 6 and not found["failure"])
        serve(old)
        with serving(folder, policies) as again:
            found = again.until(lambda found: "BUNDLE_ROLLED_BACK" in str(found["failure"]))
            assert found["sequence"] == 6


def test_without_its_web_server_a_gateway_starts_and_denies_once_nobody_confirms(folder: Path) -> None:
    assert main(["signing-key", str(folder / "k.pem"), str(folder / "k.pub")]) == 0
    site = folder / "site"
    site.mkdir()
    (site / "p.bundle").write_bytes(built(folder, 1))
    with web(site) as url:
        policies = f'bundle = "{url}/p.bundle"\nkey = ["k.pub"]\npoll_seconds = 1\n'
        with serving(folder, policies) as running:
            running.until(lambda found: found["sequence"] == 1)
    with serving(folder, policies) as alone:
        alone.until(lambda found: found["sequence"] == 1)
        assert alone.ready()["ready"] is True
    with serving(folder, f"{policies}max_age_seconds = 3") as stale:
        assert stale.until(lambda found: found["is_stale"] is True)["sequence"] == 1
        assert "not confirmed" in str(stale.ready()["troubles"])
        assert ask(folder) == ("deny", "STALE_POLICY")


def test_a_candidate_is_watched_and_changes_nothing(folder: Path) -> None:
    for name, text in (("now", ALLOW % 1), ("next", (ALLOW % 1).replace("allow", "deny"))):
        (folder / name).mkdir()
        (folder / name / "p.rego").write_text(text)
    with serving(folder, 'path = "now"\ncandidate = "next"') as running:
        running.until(lambda found: bool(found["candidate"]))
        assert [ask(folder) for _ in range(5)] == [("allow", "")] * 5
        deadline = time.monotonic() + DEADLINE
        while running.number('sallyport_shadow_decisions_total{result="verdict"}') < 5:
            assert time.monotonic() < deadline
    words = [
        sys.executable,
        "-m",
        "gateway.cli",
        "audit",
        "show",
        "--kind",
        "shadow",
        "--dir",
        str(folder / "state/audit"),
    ]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert len(shown) == 5
    assert all("allow -> deny" in line and "p/V1" in line for line in shown)


def ask(folder: Path) -> tuple[str, str]:
    """A decision over gRPC, as an adapter asks for it: verdict and kind of denial."""
    query = Query(Resource("r", "postgres"), Principal("ana"), Session("s"))
    with Client.over_unix(folder / "app.sock", timeout=60) as client:
        decision = client.decide(Raw("postgres", b"SELECT 1"), query).decision
    return decision.verdict.value, decision.deny_kind.value if decision.deny_kind else ""
