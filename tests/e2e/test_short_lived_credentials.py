"""Credentials that end: a real PostgreSQL whose password changes and an API whose tokens do, with helpers that give the new one."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from gateway.demo.cluster import free_port
from tests.e2e.world import ALLOW_READS, World, world

LIFE = 2.0
"""Seconds that a credential of these tests lives."""
HELPER = """#!/bin/sh
echo run >> "{folder}/{name}.runs"
cat "{folder}/{name}.answer" 2>/dev/null
. "{folder}/{name}.then"
"""
POLICY = ALLOW_READS + '\nallow contains {"code": "WEB"} if input.command.protocol == "http"\n'
MORE = """
[[resource]]
name = "api"
protocol = "http"
address = "127.0.0.1:{api}"
credential = "exec:{folder}/api.sh"
tls = {{ mode = "disable" }}

[[listener]]
protocol = "http"
bind = "127.0.0.1:{web}"
resource = "api"

[[identity.principal]]
name = "bo"
groups = ["readers"]
token = "env:BO_TOKEN"
"""


@dataclass
class Helper:
    """A program that gives a credential, as it is told to."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        script = self.folder / f"{self.name}.sh"
        script.write_text(HELPER.format(folder=self.folder, name=self.name))
        script.chmod(0o755)
        self.then("")

    def gives(self, answer: object) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        part = self.folder / f"{self.name}.part"
        part.write_text(text)
        part.rename(self.folder / f"{self.name}.answer")

    def then(self, line: str) -> None:
        (self.folder / f"{self.name}.then").write_text(line)

    @property
    def runs(self) -> int:
        path = self.folder / f"{self.name}.runs"
        return path.read_text().count("run") if path.exists() else 0


class Api:
    """An API that takes one token at a time, and says which it was."""

    def __init__(self) -> None:
        self.token = ""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                is_good = self.headers.get("Authorization") == f"Bearer {api.token}"
                body = b"welcome" if is_good else b"who are you"
                self.send_response(200 if is_good else 401)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@dataclass
class Place:
    here: World
    database: Helper
    tokens: Helper
    api: Api
    web: int
    bo: str

    def set_password(self, password: str, life: float = LIFE) -> None:
        cluster = self.here.cluster
        where = f"host=127.0.0.1 port={cluster.port} user={cluster.user} dbname=postgres sslmode=require"
        with psycopg.connect(where, password=cluster.password, autocommit=True) as owner:
            owner.execute(f"ALTER ROLE rotor PASSWORD '{password}'")  # type: ignore[arg-type]  # a text of a test
        self.database.gives({"secret": password, "user": "rotor", "expires_in": life})

    def who(self) -> str:
        with psycopg.connect(self.here.conninfo(connect_timeout="30")) as client:
            row = client.execute("SELECT session_user::text").fetchone()
            assert row is not None
            return str(row[0])


@pytest.fixture
def place() -> Iterator[Place]:
    api = Api()
    with world(POLICY) as here:
        made = Place(
            here, Helper(here.folder, "db"), Helper(here.folder, "api"), api, free_port(), secrets.token_hex(16)
        )
        text = here.config.read_text().replace(
            'credential = "env:WORLD_UPSTREAM"', f'credential = "exec:{here.folder}/db.sh"'
        )
        more = MORE.format(api=api.server.server_address[1], folder=here.folder, web=made.web)
        here.config.write_text(text + more)
        here.more["BO_TOKEN"] = made.bo
        cluster = here.cluster
        where = f"host=127.0.0.1 port={cluster.port} user={cluster.user} dbname=postgres sslmode=require"
        with psycopg.connect(where, password=cluster.password, autocommit=True) as owner:
            owner.execute("CREATE ROLE rotor LOGIN")
        made.set_password(secrets.token_hex(8), 600)
        api.token = secrets.token_hex(8)
        made.tokens.gives({"secret": api.token, "expires_in": LIFE})
        yield made
    api.server.shutdown()
    api.server.server_close()


def until(wanted: Callable[[], bool], seconds: float = 60) -> None:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not wanted():
        assert time.monotonic() < deadline
        pause.wait(0.05)


def test_a_password_that_changes_is_had_again_before_a_connection_and_once(place: Place) -> None:
    place.set_password(secrets.token_hex(8))
    place.here.start()
    assert place.who() == "rotor"
    # It changes; the helper gives the new one, and the old one is used until it is nearly over.
    for _ in range(3):
        place.set_password(secrets.token_hex(8))
        until(lambda: _comes_in(place))
    # Ten at once, when it is over: one run of the helper.
    place.set_password(secrets.token_hex(8), 600)
    before = place.database.runs
    over = time.monotonic() + LIFE
    until(lambda: time.monotonic() > over)
    with ThreadPoolExecutor(10) as clients:
        assert set(clients.map(lambda _: place.who(), range(10))) == {"rotor"}
    assert place.database.runs == before + 1
    # An answer that lives long is not had again.
    assert place.who() == "rotor"
    assert place.database.runs == before + 1


def test_a_helper_that_fails_denies_the_connection_with_a_code_and_nothing_else(place: Place) -> None:
    place.set_password(secrets.token_hex(8))
    place.here.start()
    with psycopg.connect(place.here.conninfo(), autocommit=True) as open_before:
        for trouble in ("exit 3", "echo garbage '{'", "sleep 60"):
            place.database.gives("" if trouble.startswith("exit") else {"secret": "", "expires_in": "never"})
            place.database.then(trouble)

            def is_refused() -> bool:
                try:
                    place.who()
                except psycopg.OperationalError as error:
                    return "CREDENTIAL_UNAVAILABLE" in str(error)
                return False

            began = time.monotonic()
            until(is_refused)
            assert time.monotonic() - began < 50, "a helper that hangs is not waited for"
            # Whoever is in stays in.
            assert open_before.execute("SELECT 1").fetchone() == (1,)
        place.database.then("")
        place.set_password(secrets.token_hex(8))
        until(lambda: _comes_in(place))
    refused = [one for one in place.here.entries() if one["kind"] == "session" and one.get("step") == "refused"]
    assert refused
    assert {str(one["note"]).split()[0] for one in refused} == {"08004"}
    log = (place.here.folder / "gateway.log").read_text()
    assert "CREDENTIAL_UNAVAILABLE" in log
    assert "garbage" not in log


def _comes_in(place: Place) -> bool:
    try:
        return place.who() == "rotor"
    except psycopg.OperationalError:
        return False


def test_a_token_that_changes_goes_with_the_requests_of_kept_connections_too(place: Place) -> None:
    place.here.start()
    client = http.client.HTTPConnection("127.0.0.1", place.web, timeout=30)

    def ask() -> int:
        try:
            client.request("GET", "/things", headers={"Authorization": f"Bearer {place.bo}"})
            answer = client.getresponse()
            answer.read()
        except (http.client.HTTPException, OSError):
            client.close()  # the session was over, as a client sees it: it connects again
            return 0
        return answer.status

    assert ask() == 200
    for _ in range(2):
        place.api.token = secrets.token_hex(8)
        place.tokens.gives({"secret": place.api.token, "expires_in": LIFE})
        until(lambda: ask() == 200)
    client.close()
