"""No piece of a masked value reaches the client on any channel: generated schemas, data, masks and texts, real servers.

Each text goes, in a transaction that is given up, through a whole gateway with the shipped policies and the generated
masks, by somebody who may read and change rows. Everything that comes back counts: rows, tags, errors with their
details, notices, settings reported, notifications (to a listener too).
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.e2e.bypass.postgres.place import answer, extended, simple, verdict
from tests.e2e.canaries.queries import Writer
from tests.e2e.canaries.schema import Made, make
from tests.e2e.world import ROOT, USER, World, configuration, world
from tests.interop.postgres.client import Raw
from tests.wire import bind, describe, execute, message, parse


@dataclass
class Hunt:
    """One database and gateway, and what came of the texts sent so far."""

    made: Made
    here: World
    found: list[tuple[str, list[bytes]]] = field(default_factory=list)
    came: Counter[str] = field(default_factory=Counter)

    def client(self) -> Raw:
        return Raw(self.here.port, USER, "world", self.here.password)

    def run(self, seed: int, texts: int) -> None:
        chance = random.Random(seed)
        writer = Writer(self.made.tables, chance)
        listener, client = self.client(), self.client()
        answer(listener, *simple("LISTEN news"))
        for _ in range(texts):
            text = writer.text()
            try:
                received, alive = self._try(client, chance, text)
            except TimeoutError:
                self.found.append((f"no answer: {text}", []))
                received, alive = b"", False
            seen = self.made.canaries.seen(received)
            if seen:
                self.found.append((text, seen[:3]))
            if not alive:
                client.close()
                client = self.client()
        heard, _ = answer(listener, *simple("SELECT 1"))
        if self.made.canaries.seen(b"".join(body for _, body in heard)):
            self.found.append(("a listener", []))
        listener.close()
        client.close()

    def _try(self, client: Raw, chance: random.Random, text: str) -> tuple[bytes, bool]:
        """Send a text one of the ways there are. All that came back, and whether the session goes on."""
        received = b""
        pieces = text.split("\0")
        for piece in (*simple("BEGIN"), *pieces, *simple("ROLLBACK")):
            messages = (piece,) if isinstance(piece, bytes) else _way(chance, piece)
            got, held = answer(client, *messages)
            received += b"".join(body for _, body in got)
            if isinstance(piece, str):
                self.came[verdict(got, held)] += 1
            if held or got[-1][0] == "EOF":
                return received, False
        return received, True


def _way(chance: random.Random, text: str) -> tuple[bytes, ...]:
    if ";" in text or "FROM STDIN" in text:
        # A server that copies in eats the Sync behind it.
        return simple(text)
    return chance.choice(
        (
            simple(text),
            simple(text),
            extended(text),
            (parse(text), bind(formats=b"\0\1\0\1"), describe(), execute(), message("S")),
            (parse(text), bind(), execute(limit=1), execute(limit=2), execute(), message("S")),
        )
    )


@contextmanager
def hunting(seed: int, *, without: str = "") -> Iterator[Hunt]:
    """A hunt in the database of this seed; `without` leaves one mask out of the policies."""
    made = make(seed)
    with world() as here:
        folder = here.folder / "policies"
        (folder / "world.rego").unlink()
        for part in ("lib", "postgres"):
            for file in (ROOT / "policies" / part).iterdir():
                if file.suffix in {".rego", ".gate"}:
                    shutil.copy(file, folder / f"{part}_{file.name}")
        (folder / "canaries.rego").write_text(made.policy(without))
        said = configuration(here).replace('groups = ["readers"]', 'groups = ["data-readers", "developers"]')
        said = said.replace('tls = { certificate = "server.crt", key = "server.key" }\n', "")
        here.config.write_text(said.replace('role = "', 'labels = { environment = "test" }\nrole = "', 1))
        cluster = here.cluster
        address = f"host=localhost port={cluster.port} user={cluster.user} password={cluster.password} dbname=postgres"
        with psycopg.connect(address, sslmode="require", autocommit=True) as owner:
            for statement in made.statements:
                owner.execute(statement.encode())
            owner.execute("ANALYZE")
        here.start()
        yield Hunt(made, here)


def is_meaningful(came: Counter[str]) -> bool:
    """Whether enough of the texts ran that what they show says something."""
    return came["rows"] > 0.1 * came.total() and came["stopped"] > 0.1 * came.total()


def test_no_piece_of_a_masked_value_is_seen_on_any_channel() -> None:
    with hunting(1) as hunt:
        hunt.run(1, 400)
    assert hunt.found == []
    assert is_meaningful(hunt.came), hunt.came


def test_with_one_mask_left_out_its_values_are_seen() -> None:
    without = next(name for name in make(2).masks if name.startswith("public."))
    with hunting(2, without=without) as hunt:
        hunt.run(2, 150)
    assert hunt.found != []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_ten_thousand_texts_in_ten_databases_show_nothing(seed: int) -> None:
    with hunting(seed) as hunt:
        hunt.run(seed, 1000)
    assert hunt.found == []
    assert is_meaningful(hunt.came), hunt.came
