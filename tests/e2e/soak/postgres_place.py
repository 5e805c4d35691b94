"""PostgreSQL for a soak: the gateway before a cluster that logs every statement."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psycopg

from tests.e2e.soak.audited import MARK, Audited, Ran
from tests.e2e.soak.harness import PEOPLE, RULES, Runs, Tally
from tests.e2e.soak.postgres_clients import TABLES, PostgresClient
from tests.e2e.world import World, world

POLICY = f"""{RULES}
mask contains {{"code": "ADDRESS", "reason": "addresses are hidden", "method": "redact", "columns": ["public.people.email"]}} if {{
	input.command.protocol == "postgres"
}}
"""
SERVER = """
max_connections = 150
log_statement = 'all'
log_line_prefix = '%p app=%a '
"""
RAN = re.compile(r"^\d+ app=(.*?) LOG:  (?:execute [^:]*|statement): (.*)$")
OURS = re.compile(
    r"^(SELECT pg_catalog\.array_to_json\(pg_catalog\.current_schemas\(true\)\)|SELECT pg_catalog\.current_setting\(|"
    r"BEGIN$|COMMIT$|ROLLBACK$|DISCARD PLANS$)"
)
"""What a session of the gateway says by itself: where its names are looked for, the transaction around a text, and where names have changed
that what was prepared is to be read anew."""
CATALOG, OWNER, ESTIMATE = "sallyport catalog", "owner", "sallyport estimate"
PLANNED = re.compile(rf"^\d+ app={ESTIMATE} LOG:  execute [^:]*: EXPLAIN \(FORMAT JSON\) (.*)$")


@dataclass(frozen=True, slots=True)
class PostgresTarget:
    """The cluster behind the gateway."""

    gateway: World
    policy: str = POLICY

    def client(self, number: int, tally: Tally, chance: random.Random, pause: float) -> Runs:
        return PostgresClient(number, self.gateway.conninfo(), tally, chance, pause)

    def said(self, text: str) -> str:
        return text

    def ran(self, audit: Audited) -> Iterable[Ran]:
        log = self.gateway.cluster.folder / "server.log"
        for line in log.read_text(errors="replace").splitlines():
            told = RAN.match(line)
            if is_planned(line, audit.held):
                continue
            if told is None or told[1] in (CATALOG, OWNER):
                yield Ran("", line, is_command=False)
            elif MARK.search(told[2]) or not (told[1] == ESTIMATE or OURS.match(told[2])):
                yield Ran(told[2], line)

    def wrong(self) -> Iterable[str]:
        return ()


@contextlib.contextmanager
def prepared() -> Iterator[PostgresTarget]:
    """The place, running, with its tables."""
    with world(POLICY, SERVER) as place:
        place.config.write_text(place.config.read_text() + PEOPLE)
        owner = f"host=127.0.0.1 port={place.cluster.port} user={place.cluster.user} password={place.cluster.password}"
        with psycopg.connect(f"{owner} dbname=postgres application_name={OWNER}", autocommit=True) as connection:
            connection.execute(TABLES)
        place.start()
        yield PostgresTarget(place)


def is_planned(line: str, held: set[str]) -> bool:
    """Whether a line of the server's log is the gateway's own question of what a held statement would touch: it runs nothing."""
    asked = PLANNED.match(line)
    return asked is not None and asked[1] in held
