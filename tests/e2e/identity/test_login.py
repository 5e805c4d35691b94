"""Somebody signs in from a terminal at a real provider, makes tokens at the gateway, and signs out."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.identity.place import ROOT, Place
from tests.e2e.identity.provider import Browser
from tests.e2e.world import sallyport

LOGIN_DEADLINE = 90


class Terminal:
    """One person's: `sallyport` with a home of its own."""

    def __init__(self, here: Place, home: Path) -> None:
        self.here = here
        self.file = home / "sallyport" / "session.json"
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(home)}
        gateway = f"https://127.0.0.1:{here.replicas[0].faces}"
        self.login_words = ["login", "--gateway", gateway, "--ca", str(here.folder / "server.crt")]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*sallyport(), *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def sign_in(self, user: str) -> str:
        """As a person does it: reads the page and the code, opens it in a browser elsewhere."""
        with subprocess.Popen(
            [*sallyport(), *self.login_words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            shown = process.stderr.readline() + process.stderr.readline()
            page = re.search(r"or open (\S+)", shown)
            assert page is not None, shown + process.stderr.read()
            Browser().sign_in(page[1], user)
            said, wrong = process.communicate(timeout=LOGIN_DEADLINE)
            assert process.returncode == 0, wrong
        return said


@pytest.fixture(scope="module")
def alice(here: Place, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    terminal = Terminal(here, tmp_path_factory.mktemp("alice"))
    assert re.match(r"signed in as alice until ", terminal.sign_in("alice"))
    return terminal


def test_the_session_is_the_persons_alone(alice: Terminal) -> None:
    assert stat.S_IMODE(alice.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(alice.file.parent.stat().st_mode) == 0o700
    assert json.loads(alice.file.read_text())["principal"] == "alice"
    said = alice.run("whoami")
    assert said.stdout.startswith("alice (dba, sre) at https://127.0.0.1:"), said.stderr


def test_a_token_made_with_it_opens_what_it_is_for_and_is_taken_back(alice: Terminal) -> None:
    said = alice.run("token", "--resource", "orders", "--for", "job=build-7", "--operation", "read", "--json")
    made = json.loads(said.stdout)
    assert alice.here.psql("SELECT 7", made["token"], user="alice").stdout == "7\n"
    refused = alice.here.psql("CREATE TABLE made_by_alice (a int)", made["token"], user="alice").stderr
    assert "the token is for read only" in refused
    # It ends with the identity that asked for it, however long was wished.
    long = json.loads(alice.run("token", "--resource", "orders", "--ttl", "12h", "--json").stdout)
    assert long["expires_at"] <= time.time_ns() + 3_700 * 1_000_000_000
    assert made["id"] in alice.run("token", "list", "--mine").stdout
    assert alice.run("token", "revoke", "--mine", made["id"]).stdout == f"{made['id']}: revoked\n"
    assert "the token was revoked" in alice.here.psql("SELECT 7", made["token"], user="alice").stderr
    found = alice.here.replicas[0].entries("token")
    steps = [entry["step"] for entry in found if entry["principal"] == "alice"]
    assert steps == ["issued", "issued", "revoked"]


def test_nobody_takes_back_what_is_somebody_elses(alice: Terminal) -> None:
    _, grant = alice.here.token("orders")
    assert alice.run("token", "revoke", "--mine", grant.id).returncode == 1
    assert (found := alice.here.desk.alive("ana"))
    assert next(one for one in found if one.grant.id == grant.id).revoked_at is None


def test_who_signed_out_is_nobody(here: Place, tmp_path: Path) -> None:
    terminal = Terminal(here, tmp_path)
    assert terminal.run("logout").stdout == "nobody was signed in\n"
    said = terminal.run("whoami")
    assert said.returncode == 3
    assert "nobody is signed in" in said.stderr
    assert terminal.run("token", "--resource", "orders").returncode == 3
