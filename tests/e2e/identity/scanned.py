"""A gateway whose HTTP is scanned: faces, console and health before no database at all, and people of every role who came in.

Scans are runs of schemathesis, in a process of their own (`scan_hooks` is what it loads): every operation that docs/openapi
describes, with what it admits and what it does not, by each of the people in turn and by nobody.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.cluster import free_port
from tests.api_descriptions import FOLDER, Operation, operations
from tests.api_descriptions import description as described
from tests.e2e.identity.place import ROOT
from tests.e2e.world import sallyport, wait_until_listening

PEOPLE = {
    # name: (kind, groups, roles)
    "edge": ("service", [], ["asker"]),
    "ana": ("agent", ["readers"], []),
    "dora": ("user", ["dba"], ["approver"]),
    "vera": ("user", [], ["auditor"]),
    "olga": ("user", [], ["operator"]),
}
NOBODY = "nobody"
POLICY = """\
package policies.scanned

allow contains {"code": "READ", "reason": "reading is free"} if {
	every op in input.command.operations { op.effect in {"read", "session"} }
}

hold contains {
	"code": "WRITE", "reason": "a DBA looks at it", "approvers": {"groups": ["dba"], "quorum": 1}, "expires": "1h",
} if {
	some op in input.command.operations
	op.effect in {"write", "delete"}
}
"""
LEFT_OUT = ("positive_data_acceptance", "ignored_auth", "missing_required_header", "allow_header_conformance")
"""Checks of schemathesis that are not for us: what is well-formed may be nobody's to ask, whoever comes without a credential is looked at
by tests of their own, and PUT is refused on every path below `/v1/`, which is described once."""


SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["4xx", "303"]
"""
SHORTER = """
[[operations]]
include-path = ["/v1/data/sallyport", "/v1/data/sallyport/allow"]
phases.coverage.enabled = false
"""
"""Three operations read the same body by the same code; one of them is enough for all the ways in which it can be wrong."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """The gateway. `secrets` are the people's tokens, by their names."""

    folder: Path
    faces: int
    console: int
    health: int
    secrets: Mapping[str, str] = field(repr=False)

    def ask(
        self, port: int, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, list[tuple[str, str]], str]:
        """One call of a client that follows no redirect."""
        connection = http.client.HTTPConnection("localhost", port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            lines = [(name.lower(), value) for name, value in answer.getheaders()]
            return answer.status, lines, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.console}"

    def sign_in(self, name: str) -> tuple[str, str]:
        """A session of the console: its cookie, and what its forms count with."""
        _, lines, page = self.ask(self.console, "GET", "/sign-in")
        token = _hidden(page)
        form = urllib.parse.urlencode({"csrf": token, "name": name, "secret": self.secrets[name], "next": "/health"})
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin, "Cookie": _cookies(lines)}
        status, lines, _ = self.ask(self.console, "POST", "/sign-in", form, sent)
        assert status == 303, name
        cookie = next(one for one in _cookies(lines).split("; ") if one.startswith("sallyport=") and len(one) > 20)
        _, _, page = self.ask(self.console, "GET", "/health", None, {"Cookie": cookie})
        return cookie, _hidden(page)

    def question(self, text: str, name: str = "edge") -> dict[str, object]:
        """What the gate says to a command of ana's that this caller asks about."""
        asked = {
            "principal": {"name": "ana"},
            "resource": {"name": "orders", "protocol": "postgres"},
            "command": {"protocol": "postgres", "text": text},
        }
        sent = {"Authorization": f"Bearer {self.secrets[name]}"}
        status, _, said = self.ask(
            self.faces, "POST", "/v1/data/sallyport/decision", json.dumps({"input": asked}), sent
        )
        assert status == 200, said
        found = json.loads(said)["result"]
        assert isinstance(found, dict)
        return found

    def plain_call(self, name: str, operation: Operation, who: str) -> int:
        """The status of an operation as it stands, asked by one of the people."""
        sent, body = dict[str, str](), None if operation.body is None else json.dumps(operation.body[1])
        if name == "faces" and who != NOBODY:
            sent["Authorization"] = f"Bearer {self.secrets[who]}"
        if name == "console" and who != NOBODY:
            sent["Cookie"], csrf = self.sign_in(who)
            sent |= {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
            body = None if operation.body is None else urllib.parse.urlencode({"csrf": csrf})
        return self.ask(self.port(name), operation.method, operation.place, body, sent)[0]

    def port(self, name: str) -> int:
        return {"faces": self.faces, "console": self.console, "health": self.health}[name]

    def scan(self, name: str, *, examples: int, seed: int, only: str | None = None) -> Scan:
        """One scan of what a document describes. `only`: all of it as one of the people, and longer."""
        return _scan(self, name, examples, seed, only)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a scan: which operation, as whom, with data that it does not admit or only such that it does, and the answer."""

    operation: str
    who: str
    is_wrong: bool
    status: int
    location: str
    request: str

    @property
    def is_taken(self) -> bool:
        """Whether a form that is not admitted was taken. Being sent to sign in first is a refusal; what else is one, schemathesis says."""
        is_form = self.is_wrong and self.operation.startswith("POST ")
        return is_form and self.status == 303 and not self.location.startswith("/sign-in")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan came to."""

    name: str
    code: int
    said: str = field(repr=False)
    calls: tuple[Call, ...] = field(repr=False)

    @property
    def wanted(self) -> list[Operation]:
        return list(operations(described(self.name)))

    def statuses(self) -> Counter[int]:
        return Counter(call.status for call in self.calls)


def _scan(here: Scanned, name: str, examples: int, seed: int, only: str | None) -> Scan:
    told, log = here.folder / "scan.json", here.folder / f"calls-{secrets.token_hex(4)}.jsonl"
    held = here.question(f"DELETE FROM t WHERE a = {secrets.randbelow(10**9)}")
    people: dict[str, object] = {NOBODY: {}}
    for one in [only] if only else PEOPLE:
        if one != NOBODY:
            cookie, csrf = here.sign_in(one) if name == "console" else ("", "")
            people[one] = {"token": here.secrets[one], "cookie": cookie, "csrf": csrf}
    if only:
        people = {only: people[only]}
    settings = here.folder / "schemathesis.toml"
    settings.write_text(SETTINGS + ("" if only else SHORTER))
    told.touch(0o600)
    told.write_text(
        json.dumps({"kind": name, "people": people, "ticket": held["ticket"], "log": str(log), "origin": here.origin})
    )
    words = [
        *(
            "--config-file",
            str(settings),
            "run",
            str(FOLDER / f"{name}.yaml"),
            "--url",
            f"http://localhost:{here.port(name)}",
        ),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", str(seed)),
        *("--exclude-checks", ",".join(LEFT_OUT), "--continue-on-failure", "--no-color", "--warnings", "off"),
        *("--suppress-health-check", "all", "--generation-database", "none", "--request-timeout", "20"),
        *("--generation-with-security-parameters", "false", "--no-shrink"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *words],
        # WHY there: it keeps what it found for the next time beside itself.
        cwd=here.folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.e2e.identity.scan_hooks",
            "SCAN": str(told),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=3_000,
    )
    lines = log.read_text().splitlines() if log.exists() else []
    calls = tuple(Call(*json.loads(line)) for line in lines)
    return Scan(name, done.returncode, done.stdout + done.stderr, calls)


@contextmanager
def running(issuer: str, more: str = "", provider: str = "") -> Iterator[Scanned]:
    """One gateway, as long as the block lasts. `more` stands at the end of its configuration, `provider` with what it knows of the issuer."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sallyport-scan-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        here = Scanned(
            folder, free_port(), free_port(), free_port(), {name: secrets.token_urlsafe(32) for name in PEOPLE}
        )
        (folder / "policies").mkdir()
        (folder / "policies" / "scanned.rego").write_text(POLICY)
        config = folder / "sallyport.toml"
        config.write_text(_configuration(here, issuer, provider) + more)
        environment = {f"SCAN_{name.upper()}": secret for name, secret in here.secrets.items()}
        with (folder / "gateway.log").open("wb") as log:
            process = subprocess.Popen(
                [*sallyport(), "serve", "--config", str(config)],
                cwd=ROOT,
                env={**os.environ, **environment, "SCAN_TARGET": "not used"},
                stdout=log,
                stderr=log,
            )
        stack.callback(_stop, process)
        wait_until_listening(process, (here.console,), folder / "gateway.log")
        yield here
        assert process.poll() is None, "the gateway lives on"


def _configuration(here: Scanned, issuer: str, provider: str) -> str:
    text = f"""
[policies]
path = "policies"

[store]
url = "sqlite:///store.db"

[audit]
dir = "audit"
low_water_bytes = 1048576

[faces]
bind = "127.0.0.1:{here.faces}"

[console]
bind = "127.0.0.1:{here.console}"
url = "{here.origin}"

[metrics]
bind = "127.0.0.1:{here.health}"

[[rpc.socket]]
path = "edge.sock"
principal = "edge"

[[resource]]
name = "orders"
protocol = "postgres"
address = "127.0.0.1:1"
role = "owner"
credential = "env:SCAN_TARGET"

[[identity.oidc]]
name = "tools"
issuer = "{issuer}"
client_id = "sallyport"
{provider}
"""
    for name, (kind, groups, roles) in PEOPLE.items():
        text += f"""
[[identity.principal]]
name = "{name}"
kind = "{kind}"
groups = {json.dumps(groups)}
roles = {json.dumps(roles)}
token = "env:SCAN_{name.upper()}"
"""
    return text


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _hidden(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    return found[1] if found else ""


def _cookies(lines: list[tuple[str, str]]) -> str:
    return "; ".join(value.partition(";")[0] for name, value in lines if name == "set-cookie")
