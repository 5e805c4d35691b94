"""A policy that demands `record` of PostgreSQL's commands, with a real server, psql, pgbench, psycopg and asyncpg through `sallyport up`."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import psycopg
import pytest

from gateway.recording.showing import RESET
from tests.e2e.recordings import place
from tests.e2e.recordings.place import MAIL
from tests.e2e.world import World


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with place.recording_world() as found:
        found.start()
        yield found


@dataclass
class New:
    """The recordings that a test leaves."""

    here: World
    before: frozenset[str]

    def one(self) -> str:
        """The name of the only one, once it is whole."""
        names: list[str] = []

        def is_there() -> bool:
            names[:] = [head.id for head in place.heads(self.here) if head.id not in self.before]
            return bool(names) and all(place.is_whole(place.lines(self.here, name)) for name in names)

        place.wait_for(is_there)
        assert len(names) == 1
        return names[0]


@pytest.fixture
def new(here: World) -> New:
    return New(here, frozenset(head.id for head in place.heads(here)))


def psql(here: World, app: str, *commands: str) -> subprocess.CompletedProcess[str]:
    words = [one for command in commands for one in ("-c", command)]
    return subprocess.run(
        ["psql", "-X", "-A", "-t", here.conninfo(application_name=app), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_psql_is_recorded_with_what_it_was_shown_and_nothing_hidden(here: World, new: New) -> None:
    secret = f"ghp_{secrets.token_hex(18)}"
    done = psql(
        here,
        "kept-results",
        "SELECT id, name, email FROM people ORDER BY id",
        f"SELECT '{secret}' AS token",
        "SELECT 1 / 0",
        "DROP TABLE people",
        f"ALTER ROLE {here.cluster.user} PASSWORD '{secret[4:20]}'",
    )
    assert "shown-canary" in done.stdout
    assert MAIL not in done.stdout
    name = new.one()
    plain = place.plain(here, name)
    assert b"shown-canary" in plain
    for canary in (MAIL, "x@example.org", secret[4:20]):
        assert canary.encode() not in _without_results(plain)
    assert MAIL.encode() not in plain
    assert b"x@example.org" not in plain
    assert MAIL.encode() not in place.first_file(here).read_bytes()

    found = place.lines(here, name)
    people, token, divided, dropped, role = place.asked(found)
    assert [one.verdict for one in (people, token, divided, dropped, role)] == [
        "mask",
        "allow",
        "allow",
        "deny",
        "deny",
    ]
    assert (people.text, people.masked) == ("SELECT id, name, email FROM people ORDER BY id", 1)
    assert token.hidden
    assert "world/ALL" in " ".join(people.rules)
    shown = place.shown(found, people.id)
    assert shown[0].columns == ("id", "name", "email")
    assert [row[:2] for one in shown for row in one.rows] == [("1", "shown-canary"), ("2", "bo")]
    ended = place.done(found)
    assert (ended[people.id].rows, ended[people.id].error) == (2, None)
    assert ended[divided.id].error == "22012"
    assert dropped.id not in ended
    decisions = {one["decision_id"]: one for one in here.entries() if one.get("kind") == "decision"}
    assert all(decisions[one.id]["text"] == one.text for one in place.asked(found))


def _without_results(plain: bytes) -> bytes:
    """What was shown to the client stands in clear, as it got it: its own literal, too."""
    return b"".join(one for one in plain.splitlines() if b'"is":"shown"' not in one)


def test_what_nobody_demands_leaves_no_recording(here: World) -> None:
    before = len(place.heads(here))
    assert psql(here, "free", "SELECT 1", "SELECT * FROM people").returncode == 0
    assert len(place.heads(here)) == before


def test_a_recording_begins_with_the_command_that_demands_it_and_has_all_that_follow(here: World, new: New) -> None:
    with psycopg.connect(here.conninfo(application_name="later"), autocommit=True) as client:
        for number in range(5):
            client.execute(f"SELECT {number}")
        client.execute("SELECT 'now recorded'")
        for number in range(5, 10):
            client.execute(f"SELECT {number}")
        with pytest.raises(psycopg.Error):
            client.execute("DROP TABLE people")
    found = place.lines(here, new.one())
    texts = [one.text for one in place.asked(found)]
    assert texts == ["SELECT 'now recorded'", *(f"SELECT {number}" for number in range(5, 10)), "DROP TABLE people"]
    assert len(place.done(found)) == 6
    assert not any(place.shown(found, one.id) for one in place.asked(found))


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_every_statement_of_pgbench_is_recorded(here: World, new: New, mode: str) -> None:
    if not (here.folder / "script.sql").exists():
        (here.folder / "script.sql").write_text("\\set n random(1, 1000)\nSELECT :n + 1;\n")
    script, way = str(here.folder / "script.sql"), here.conninfo(application_name="kept")
    done = subprocess.run(
        ["pgbench", "-n", "-M", mode, "-t", "50", "-f", script, way],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "50/50" in done.stdout, done.stderr
    found = place.lines(here, new.one())
    ran = [one for one in place.asked(found) if not one.prepares and one.text.endswith("+ 1;")]
    assert len(ran) == 50
    ended = place.done(found)
    assert all(ended[one.id].rows == 1 and ended[one.id].error is None for one in ran)
    assert all(not one.parameters for one in ran)


def test_parameters_are_there_where_the_policy_says_so_without_secrets(here: World, new: New) -> None:
    secret = f"ghp_{secrets.token_hex(18)}"
    with psycopg.connect(here.conninfo(application_name="kept-values"), autocommit=True) as client:
        client.execute("SELECT name FROM people WHERE id = %s AND name <> %s", (1, "value-canary"))
        client.execute("SELECT length(%s)", (secret,))
        client.execute("SELECT %s::text", (None,))
    name = new.one()
    found = place.lines(here, name)
    assert secret.encode() not in place.plain(here, name)
    first, second, third = place.asked(found)
    assert "value-canary" in first.parameters
    assert second.parameters != ()
    assert third.parameters == (None,)
    assert "value-canary" in place.play(here, name)


def test_copy_and_portals_in_pieces_are_bounded(here: World, new: New) -> None:
    async def pieces() -> int:
        client = await asyncpg.connect(
            host="127.0.0.1",
            port=here.port,
            user="ana",
            password=here.password,
            database="world",
            ssl="require",
            server_settings={"application_name": "kept-results"},
        )
        try:
            async with client.transaction():
                cursor = await client.cursor("SELECT n FROM generate_series(1, 3000) AS n")
                count = 0
                while rows := await cursor.fetch(100):
                    count += len(rows)
            return count
        finally:
            await client.close()

    assert asyncio.run(pieces()) == 3000
    found = place.lines(here, new.one())
    series = next(one for one in place.asked(found) if "generate_series" in one.text and not one.prepares)
    shown = place.shown(found, series.id)
    assert sum(len(one.rows) for one in shown) == 1000
    assert shown[-1].cut
    assert place.done(found)[series.id].rows == 3000


def test_copies_are_recorded_on_the_way_out_and_counted_on_the_way_in(here: World, new: New) -> None:
    with psycopg.connect(here.conninfo(application_name="kept-results"), autocommit=True) as client:
        with client.cursor().copy("COPY notes FROM STDIN") as copy:
            copy.write("1\ttyped-canary\n2\tb\n")
        with client.cursor().copy("COPY (SELECT id, repeat('y', 300000) FROM notes) TO STDOUT") as copy:
            assert sum(len(piece) for piece in copy) > 600_000
        with client.cursor().copy("COPY notes TO STDOUT") as copy:
            assert b"".join(bytes(piece) for piece in copy) == b"1\ttyped-canary\n2\tb\n"
    name = new.one()
    found = place.lines(here, name)
    into, large, out = place.asked(found)
    assert place.shown(found, into.id) == []
    assert place.done(found)[into.id].rows == 2
    assert "".join(one.text for one in place.shown(found, out.id)) == "1\ttyped-canary\n2\tb\n"
    assert [one.cut for one in place.shown(found, large.id)] == [True]
    assert place.done(found)[large.id].rows == 2


def test_long_texts_are_whole_and_found(here: World, new: New) -> None:
    text = "SELECT 1 /* " + "x" * 16_370 + "long-canary" + "y" * 40_000 + " */"
    with psycopg.connect(here.conninfo(application_name="kept"), autocommit=True) as client:
        client.execute(text)
    name = new.one()
    found = place.lines(here, name)
    assert place.text_of(found, place.asked(found)[0].id) == text
    said = place.run(here, "sessions", "search", "long-canary", "--as", "olga")
    assert said.returncode == 0
    assert name in said.stdout


def test_play_list_check_and_export_know_them(here: World, new: New) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m\u202e"
    with psycopg.connect(here.conninfo(application_name="kept-results"), autocommit=True) as client:
        client.execute(f"SELECT '{evil}' AS \"co\x1b[2Jl\"")
    name = new.one()
    listed = place.run(here, "sessions")
    assert any(name in line and "exchanges" in line for line in listed.stdout.splitlines())
    played = place.play(here, name)
    assert "allow" in played
    assert "1 row, " in played
    assert "\x1b" not in played.replace(RESET, "")
    assert "\u202e" not in played
    checked = place.run(here, "sessions", "check", name)
    assert "whole" in checked.stdout, checked.stdout
    assert place.play(here, name, "--export", "lines").encode() == place.plain(here, name)
    assert '"version":3' in place.play(here, name, "--export", "asciicast")
    assert [one["step"] for one in place.proofs(here, name)][:2] == ["began", "ended"]
