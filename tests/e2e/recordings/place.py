"""A whole gateway before a real PostgreSQL whose log has every statement, and its recordings as who has the key reads them."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gateway.errors import RecordingBroken
from gateway.recording import shelf
from gateway.recording.exchanges import Asked, Done, Line, More, Over, Shown, read_line
from gateway.recording.frames import Head
from gateway.recording.keys import WrappingKeys, own_secret
from tests.e2e.world import ROOT, World, sallyport, world

POLICY = """\
package policies.world

app := input.session.application

allow contains {"code": "ALL", "reason": "a place to play in"} if {
	input.command.protocol == "postgres"
	every op in input.command.operations { op.effect in {"read", "session", "write", "create"} }
}

mask contains {"code": "MAILS", "reason": "nobody's affair", "method": "redact", "columns": ["*.people.email"]}

limit contains {"code": "KEPT", "type": "record", "value": true} if startswith(app, "kept")

limit contains {"code": "RESULTS", "type": "record", "value": "results"} if app == "kept-results"

limit contains {"code": "VALUES", "type": "record", "value": "parameters"} if app == "kept-values"

limit contains {"code": "LATER", "type": "record", "value": true} if {
	app == "later"
	contains(input.command.text, "now recorded")
}
"""
SERVER = """
log_statement = 'all'
log_line_prefix = '%p app=%a '
"""
AUDITOR = """
[[identity.principal]]
name = "olga"
roles = ["auditor"]

[[rpc.socket]]
path = "olga.sock"
principal = "olga"
"""
MAIL = "hidden-canary-7f3a@example.org"
DEADLINE = 30.0


@contextmanager
def recording_world() -> Iterator[World]:
    """With a table `people` whose mails are masked."""
    with world(POLICY, SERVER) as here:
        with psycopg.connect(direct(here), autocommit=True) as owner:
            owner.execute("CREATE TABLE people (id int PRIMARY KEY, name text, email text)")
            owner.execute("INSERT INTO people VALUES (1, 'shown-canary', %s), (2, 'bo', 'x@example.org')", (MAIL,))
            owner.execute("CREATE TABLE notes (id int, note text)")
        with here.config.open("a") as config:
            config.write(AUDITOR)
        yield here


def direct(here: World) -> str:
    """The way of the target's owner, past the gateway."""
    cluster = here.cluster
    words = f"host=127.0.0.1 port={cluster.port} user={cluster.user} password={cluster.password}"
    return f"{words} dbname=postgres sslmode=require"


def heads(here: World) -> list[Head]:
    return [head for _, head in shelf.heads(here.folder / "state" / "recordings", shelf.Wanted())]


def plain(here: World, name: str) -> bytes:
    """All lines of a recording, opened with the key, as far as they go."""
    place = here.folder / "state" / "recordings"
    found: list[bytes] = []
    try:
        found.extend(shelf.lines(shelf.find(place, name), WrappingKeys([own_secret(place)])))
    except RecordingBroken as error:
        if error.code not in ("UNFINISHED", "TORN"):
            raise
    return b"".join(found)


def opened(here: World, folder: str, secret: str) -> bytes:
    """All lines of all recordings in another folder, as far as they go."""
    found: list[bytes] = []
    for path in shelf.files(here.folder / folder):
        with contextlib.suppress(RecordingBroken):
            found.extend(shelf.lines(path, WrappingKeys([secret.encode()])))
    return b"".join(found)


def lines(here: World, name: str) -> list[Line]:
    return [read_line(one) for one in plain(here, name).splitlines()]


def asked(found: list[Line]) -> list[Asked]:
    return [one for one in found if isinstance(one, Asked)]


def done(found: list[Line]) -> dict[str, Done]:
    return {one.id: one for one in found if isinstance(one, Done)}


def shown(found: list[Line], decision: str) -> list[Shown]:
    return [one for one in found if isinstance(one, Shown) and one.id == decision]


def text_of(found: list[Line], decision: str) -> str:
    return "".join(one.text for one in found if isinstance(one, Asked | More) and one.id == decision)


def is_whole(found: list[Line]) -> bool:
    return bool(found) and isinstance(found[-1], Over)


def run(here: World, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line of this world."""
    return subprocess.run(
        [*here.within, *sallyport(), *words, "--config", str(here.config)],
        cwd=ROOT,
        env=here.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def play(here: World, name: str, *more: str) -> str:
    """What `sallyport play` shows an auditor."""
    said = run(here, "play", name, "--as", "olga", "--speed", "0", *more)
    assert said.returncode == 0, said.stderr
    return said.stdout


def server_log(here: World) -> str:
    """What the target's own log has."""
    return (here.folder / "pg" / "server.log").read_text(errors="replace")


def wait_for(is_there: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + DEADLINE, threading.Event()
    while not is_there():
        assert time.monotonic() < deadline, "it did not come about in time"
        pause.wait(0.02)


def proofs(here: World, name: str) -> list[dict[str, object]]:
    return [one for one in here.entries() if one.get("kind") == "recording" and one.get("note") == name]


def first_file(here: World) -> Path:
    return shelf.files(here.folder / "state" / "recordings")[0]
