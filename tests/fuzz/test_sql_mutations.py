"""A short seeded run of mutated SQL through the parser: every text ends in a tree, quickly. `make long` runs it longer."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from functools import partial
from pathlib import Path

import pytest

from engine import _native
from engine.command.sql.parse import parse_sql, split_sql
from tests.sql_commands import CATALOG
from tests.time_bounds import within

SEED = 20261121
SECONDS_EACH = 1.0
PIECES = (
    *("'", '"', "$$", "$a$", "/*", "*/", "--", ";", "(", ")", "E'\\'", "U&'", "\x00", "\\", "\n", "\r", ",", ".", "::"),
    *(
        " UNION ALL ",
        " WITH RECURSIVE x AS (",
        " SELECT * FROM ",
        " LATERAL ",
        " NOT ",
        " CASE WHEN ",
        " END ",
        " RETURNING *",
    ),
    *(
        "\u202e",
        "\u00a0",
        "\ud7ff",
        "\U0001f600",
        "+" * 40,
        "(" * 60,
        "[1]" * 30,
        "1e",
        "0x",
        "$1",
        "?",
        "|/",
        " FOR UPDATE",
    ),
)


def mutated(chance: random.Random, texts: list[str]) -> bytes:
    """One text cut, joined, doubled, salted, and perhaps broken as UTF-8."""
    text = chance.choice(texts)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.randint(0, 40))
        match chance.randint(0, 5):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[at:to] * chance.randint(2, 9) + text[to:]
            case 3:
                other = chance.choice(texts)
                text = text[:at] + other[chance.randint(0, len(other)) :]
            case 4:
                text = text[:at] + text[at:to].swapcase() + text[to:]
            case _:
                text = f"SELECT ({text}) FROM ({text}) x"
    raw = text.encode("utf-8", "replace")[:20_000]
    if chance.random() < 0.05 and raw:
        broken = bytearray(raw)
        broken[chance.randrange(len(broken))] = chance.randrange(256)
        raw = bytes(broken)
    return raw


def run(texts: list[str], seed: int, seconds: float) -> int:
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until:
        raw = mutated(chance, texts)
        command = within(SECONDS_EACH, partial(parse_sql, raw, CATALOG if done % 2 else None), raw).command
        assert command.operations, raw
        assert command.complete or command.problems or command.features, raw
        for start, end in split_sql(raw):
            assert 0 <= start <= end <= len(raw), raw
        _native.sql_shape(raw)
        done += 1
    return done


@pytest.fixture(scope="module")
def texts(corpora: Path) -> list[str]:
    found = []
    for corpus in ("sql-postgres-regress", "sql-parser-tests", "sql-injection"):
        with gzip.open(corpora / corpus / "items.jsonl.gz") as lines:
            for line in lines:
                item = json.loads(line)
                found.append(item["sql"] if "sql" in item else item["payload"])
    return [text for text in found if len(text) < 3_000]


def test_mutated_statements_end_in_a_tree(texts: list[str]) -> None:
    assert run(texts, SEED, 5.0) > 500


@pytest.mark.long
def test_mutated_statements_end_in_a_tree_for_long(texts: list[str]) -> None:
    seconds = float(os.environ.get("SALLYPORT_FUZZ_SECONDS", "300"))
    assert run(texts, random.SystemRandom().randrange(2**32), seconds) > 5_000
