"""A short seeded run of mutated shell texts through the parser: every text ends in a tree, quickly. `make long` runs it longer."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from functools import partial
from pathlib import Path

import pytest

from tests.shell_commands import command
from tests.time_bounds import within

SEED = 20261128
SECONDS_EACH = 1.0
CORPORA = ("shell-syntax", "shell-attacks", "shell-ci-docs")
PIECES = (
    *(
        "$(",
        "${",
        "$((",
        "`",
        "'",
        '"',
        "\\",
        "\n",
        ";",
        "&",
        "|",
        "(",
        ")",
        "{ ",
        "}",
        "<<E\n",
        "<<-'E'\n",
        "<(",
        "[[ ",
        " ]]",
    ),
    *(
        "case x in ",
        "esac",
        "if ",
        "fi",
        "do ",
        "done",
        "f() ",
        "$'\\x",
        "@(",
        "!(",
        "a[",
        "]=",
        "=(",
        ">&",
        "<<<",
        "\x00",
        "\r",
        "\u202e",
    ),
    *(
        "$(" * 50,
        "(" * 50,
        "`" * 9,
        "[" * 60,
        "*" * 60,
        "\ud7ff",
        "sudo ",
        "xargs ",
        "find . -exec ",
        "sh -c '",
        "eval ",
        " -c ",
    ),
)


def mutated(chance: random.Random, texts: list[str]) -> bytes:
    """One text cut, joined, doubled, salted, and perhaps broken as UTF-8."""
    text = chance.choice(texts)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.randint(0, 40))
        match chance.randint(0, 4):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[at:to] * chance.randint(2, 9) + text[to:]
            case 3:
                other = chance.choice(texts)
                text = text[:at] + other[chance.randint(0, len(other)) :]
            case _:
                text = f'sh -c "$({text})"'
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
        text = mutated(chance, texts)
        tree = within(SECONDS_EACH, partial(command, text), text)
        assert tree.operations
        assert all(0 <= start <= end <= len(text) for start, end in (item.span for item in tree.operations)), text
        assert tree.complete or tree.problems, text
        done += 1
    return done


@pytest.fixture(scope="module")
def texts(corpora: Path) -> list[str]:
    found: list[str] = []
    for name in CORPORA:
        with gzip.open(corpora / name / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
            found += [json.loads(line)["command"] for line in lines]
    return found


def test_mutated_texts_end_in_trees(texts: list[str]) -> None:
    assert run(texts, SEED, 4.0) > 200


@pytest.mark.long
def test_mutated_texts_end_in_trees_for_ten_minutes(texts: list[str]) -> None:
    run(texts, int(os.environ.get("SEED", SEED)), 600.0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            piece * 100_000
            for piece in (
                "$(",
                "(",
                "`",
                "a;",
                "a|",
                "${a:-",
                "((",
                "{ ",
                "'\"",
                "<<E ",
                "f() ",
                "a[",
                "*",
                "if ",
                "@(",
                "\\",
            )
        ),
        *(
            "cat /" + "*a" * 20_000,
            "echo " + "a" * 1_000_000,
            "x=" + "$((" * 3_000,
            "<<E\n" * 50_000,
            "sh -c '" * 20_000,
            "a=(" * 9_000,
        ),
        *(
            "eval " * 100_000,
            "sudo " * 200_000,
            "a && " * 200_000 + "b",
            "echo " + "$x" * 400_000,
            "{a," * 100_000,
            "! " * 400_000,
        ),
    ],
    ids=lambda text: text[:8],
)
def test_a_text_made_to_take_long_does_not(text: str) -> None:
    assert within(SECONDS_EACH, lambda: command(text[:1_048_576])).operations
