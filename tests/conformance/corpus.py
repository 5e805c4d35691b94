"""The items of a corpus, read where it stands."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import Decision, Principal, Program, Resource, Session, Source, TextQuestion, compile_policies

EXAMPLES = Path(__file__).parents[2] / "policies" / "examples"
NOW = 1_764_000_000 * 10**9


def items(corpora: Path, name: str) -> Iterator[dict[str, Any]]:
    """Each item of a corpus."""
    with gzip.open(corpora / name / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def program(example: str) -> Program:
    """An example folder, compiled."""
    folder = EXAMPLES / example
    return compile_policies([Source(path.name, path.read_text(encoding="utf-8")) for path in folder.glob("*.rego")], {})


def decide(policies: Program, protocol: str, text: bytes, environment: str) -> Decision:
    """What a developer is answered."""
    question = TextQuestion(
        principal=Principal("bo", groups=("developers",)),
        session=Session("s"),
        resource=Resource("r", protocol, labels={"environment": environment}),
        protocol=protocol,
        text=text,
        now=NOW,
    )
    return policies.decide_text(question).decision
