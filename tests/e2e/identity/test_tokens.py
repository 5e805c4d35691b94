"""Tokens with real clients, before two replicas: what they are for, when they end, and that everybody knows at once."""

from __future__ import annotations

import json
import threading
import time

import psycopg
import pytest

from gateway.identity.standing import UNASKED
from tests.e2e.identity.place import Place, command


def connect(here: Place, token: str, replica: int = 0) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=here.replicas[replica].postgres,
        dbname="orders",
        user="ana",
        password=token,
        sslmode="require",
        autocommit=True,
    )


def refused_since(connection: psycopg.Connection[tuple[object, ...]], began: float, within: float = 1.0) -> str:
    """What a connection was told that counts no more; nothing that is sent later than `within` seconds after `began` may run.

    Where nobody can tell at the moment whether it still counts, nothing runs either, and it may come to that first.
    """
    deadline = time.monotonic() + 60
    while (sent := time.monotonic()) < deadline:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error as error:
            if UNASKED not in str(error):
                return str(error)
        else:
            assert sent < began + within, "what was sent so late has run"
    return "nothing was refused"


def test_the_command_line_makes_a_token_and_takes_it_back(here: Place) -> None:
    config = str(here.replicas[1].config)
    words = [
        "token",
        "--as",
        "ana",
        "--resource",
        "orders",
        "--for",
        "job=build-42",
        "--ttl",
        "10m",
        "--config",
        config,
    ]
    made = json.loads(command([*words, "--json"], here.environment).stdout)
    assert here.psql("SELECT 40 + 2", made["token"]).stdout == "42\n"
    command(["token", "revoke", made["id"], "--config", config], here.environment)
    assert "the token was revoked" in here.psql("SELECT 1", made["token"]).stderr


def test_a_token_is_psqls_password_curls_bearer_and_sshs_password(here: Place) -> None:
    token, _ = here.token("orders", "shop", "box", job="build-42")
    assert here.psql("SELECT 40 + 2", token).stdout == "42\n"
    body, _, status = here.curl(token).rpartition("\n")
    assert status == "200"
    assert "authorization" not in body
    assert here.ssh("id -u", token).stdout.startswith("ran ")
    assert here.psql("SELECT 1", token, replica=1).stdout == "1\n"
    decided = here.replicas[0].entries("decision")[-3:]
    assert {entry["job"] for entry in decided} == {"build-42"}
    assert [entry["protocol"] for entry in decided] == ["postgres", "http", "shell"]


def test_the_job_is_the_tokens_whatever_the_client_says(here: Place) -> None:
    bad, _ = here.token(job="build-bad")
    said = here.psql("SET application_name = 'job=build-42'; SELECT 1", bad)
    assert "this job does nothing here" in said.stderr
    assert said.stdout == ""


def test_a_token_is_for_its_name_and_its_resources(here: Place) -> None:
    token, _ = here.token("orders")
    assert "password authentication failed" in here.psql("SELECT 1", token, user="alice").stderr
    assert here.curl(token).endswith("401")
    assert "Permission denied" in here.ssh("id", token).stderr


def test_operations_that_a_token_is_not_for_are_denied(here: Place) -> None:
    narrow, _ = here.token("orders", effects=("read",))
    assert here.psql("SELECT 1", narrow).stdout == "1\n"
    for text in ("BEGIN", "SET search_path = x"):
        assert "the token is for read only" in here.psql(text, narrow).stderr


def test_a_token_taken_back_by_one_runs_nothing_at_any_replica_within_a_second(here: Place) -> None:
    token, grant = here.token("orders")
    with connect(here, token, 0) as one, connect(here, token, 1) as two:
        assert [connection.execute("SELECT 1").fetchone() for connection in (one, two)] == [(1,), (1,)]
        here.desk.revoke([grant.id])
        began = time.monotonic()
        said = [refused_since(connection, began) for connection in (one, two)]
    assert all("the token of this login was revoked" in one for one in said), said
    assert "the token was revoked" in here.psql("SELECT 1", token, replica=1).stderr


def test_a_session_ends_with_its_token(here: Place) -> None:
    began = time.monotonic()
    token, _ = here.token("orders", ttl=6)
    with connect(here, token) as connection:
        connection.execute("SELECT 1")
        assert "this login has expired" in refused_since(connection, began, 7.0)
    assert "the token has expired" in here.psql("SELECT 1", token).stderr


def test_of_many_who_come_with_a_token_good_once_at_two_replicas_one_gets_in(here: Place) -> None:
    token, _ = here.token("orders", once=True)
    said: list[str] = []

    def come(number: int) -> None:
        done = here.psql("SELECT 'in'", token, replica=number % 2)
        said.append(done.stdout or done.stderr)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A store that is too busy to be asked lets nobody in, and may have used the token up for them.
    unasked = sum(UNASKED in one for one in said)
    came = said.count("in\n")
    assert came == 1 or (came == 0 and unasked > 0), said
    assert sum("the token was used already" in one for one in said) == 8 - came - unasked, said


def test_no_log_has_a_token_in_it(here: Place) -> None:
    token, _ = here.token("orders", "shop", "box")
    here.psql("SELECT 1", token)
    here.psql("SELECT 1", token[:-4])
    here.curl(token)
    here.ssh("id", token)
    parts = [part for part in token.split(".")[1:] if len(part) > 20]
    assert parts
    for replica in here.replicas:
        for file in (replica.folder / "gateway.log", *(replica.folder / "audit").glob("**/*")):
            if file.is_file():
                content = file.read_bytes()
                assert not any(part.encode() in content for part in parts), file


@pytest.mark.parametrize("wrong", ["sp_plain", "ey.ey.ey", ""])
def test_what_is_no_token_is_a_wrong_password(here: Place, wrong: str) -> None:
    said = here.psql("SELECT 1", wrong).stderr
    assert "password authentication failed" in said or "no password supplied" in said
