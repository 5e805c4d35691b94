"""Mutated policies and documents: Rego (with its respelling), `.gate` files, JSON and YAML end in what they mean or in a refusal.

No other error, and quickly. A short seeded run; `make long` runs each for ten minutes.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.yaml_text import read_yaml
from engine.compiler.stages import compile_policies
from engine.dsl.parser import parse
from engine.errors import PolicyRefused
from engine.source import Source
from tests.time_bounds import within

SEED = 20_261_128
SECONDS_EACH = 1.0
LONGEST = 8_000
FEWEST = 15
ROOT = Path(__file__).parents[2]
PIECES = (
    *("(", ")", "[", "]", "{", "}", '"', "`", "'", "#", "\\", "\n", "\n\n", "\t", "\r\n", "\0", "\ufeff", "é", "東"),
    *(":=", "=", ":", ";", ",", ".", "_", "-", "--", "|", "&", "*", "&a", "*a", "!!str", "? ", "- ", "---\n", "...\n"),
    *(" if ", " contains ", " some ", " every ", " with ", " default ", " else ", " not ", " as ", " in ", "import "),
    *(
        "\n(input.y + 1) > 2\n",
        'safe("tls")\n',
        "package policies.x\n",
        "f(x) := f(x)\n",
        "[" * 40,
        "{" * 40,
        "9" * 400,
    ),
    *("policy p\n", "deny d\n  when ", "hold h\n", "allow a\n", "mask m columns ", "1e999", "-0", '{"a":1,'),
)
DOCUMENTS = (
    '{"a": [1, 2.5, -3, true, null, "x\\u00e9\\ud83d\\ude00"], "b": {"c": {}}}',
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: 'y'}}\nspec:\n  containers:\n  - &c\n    name: a\n    args: [a, b]\n  - *c\n",
    "a: |\n  text\n  more\nb: >-\n  folded\n---\n- 1\n- 0x1f\n- 1_000\n- .inf\n- 2026-11-28\n",
)


def read_rego(text: str) -> None:
    try:
        compile_policies([Source("x.rego", text)])
    except PolicyRefused as refused:
        lines = text.count("\n") + 2
        for one in refused.diagnostics:
            # INVARIANT: respelling adds nothing before a line ends, so places stay the policy's own.
            assert one.span is None or 1 <= one.span.line <= lines, one


def read_gate(text: str) -> None:
    found = parse(Source("x.gate", text))
    assert found.file is not None or found.diagnostics


def read_document(read: Callable[[bytes], object], text: str) -> None:
    with contextlib.suppress(Refused):
        read(text.encode("utf-8", "surrogatepass"))


READERS: dict[str, tuple[Callable[[str], None], tuple[str, ...]]] = {
    "rego": (read_rego, ("policies/**/*.rego",)),
    "gate": (read_gate, ("gateway/cli/starter/**/*.gate", "tests/conformance/dsl_mistakes/*.gate")),
    "json": (partial(read_document, read_json), ()),
    "yaml": (partial(read_document, read_yaml), ("policies/**/*.yaml",)),
}


def mutated(chance: random.Random, texts: list[str]) -> str:
    text = chance.choice(texts)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.randint(0, 60))
        match chance.randrange(5):
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
                text = text[:at] + chr(chance.randrange(0x250)) + text[at + 1 :]
    return text[:LONGEST]


def run(kind: str, seed: int, seconds: float) -> int:
    read, globs = READERS[kind]
    files = sorted(path for glob in globs for path in ROOT.glob(glob))
    texts = [path.read_text("utf-8", "replace")[:LONGEST] for path in files] + list(
        DOCUMENTS if kind in ("json", "yaml") else ()
    )
    assert texts
    chance, until, done = random.Random(f"{kind} {seed}"), time.monotonic() + seconds, 0
    while done < FEWEST or time.monotonic() < until:
        text = mutated(chance, texts)
        within(SECONDS_EACH, partial(read, text), text)
        done += 1
    return done


@pytest.mark.parametrize("kind", READERS)
def test_mutated_texts_end_in_a_meaning_or_a_refusal(kind: str) -> None:
    assert run(kind, SEED, 2.0) >= FEWEST


@pytest.mark.long
@pytest.mark.parametrize("kind", READERS)
def test_mutated_texts_end_in_a_meaning_or_a_refusal_for_ten_minutes(kind: str) -> None:
    assert run(kind, SEED + 1, 600.0) > 1_000
