"""What the demonstration must show, step by step, and the table that tells it. Runs nothing.

A step is what the team noted of itself; what the gateway made of it is taken from the audit, by the digest of the command.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.command.parse import parse_command
from engine.request import Json


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the team did: who, in which language, what, and what it saw then."""

    who: str
    protocol: str
    command: str
    saw: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A step with what the audit says of it."""

    step: Step
    verdict: str
    rules: tuple[str, ...]
    job: str | None
    approver: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step must come to: language, verdict, a rule that had a say, and what the agent must have seen."""

    protocol: str
    verdict: str
    rule: str
    saw: str


EXPECTED: Final = (
    Expected("postgres", "allow", "examples.autogen.sql/READS", r"open \| \d+"),
    Expected("postgres", "mask", "examples.autogen.sql/CARD_NUMBERS", r"\*+\d{4}"),
    Expected("postgres", "deny", "examples.autogen.sql/WITHOUT_WHERE", r"no WHERE .*say which rows you mean"),
    Expected("postgres", "hold", "examples.autogen.sql/CHANGES", r"\d+ \| paid"),
    Expected("shell", "allow", "examples.autogen.host/LOOKS", r"orders\.csv"),
    Expected(
        "python", "deny", "examples.autogen.programs/HARD_CODED", r"refused before it ran: .*reads data and sends"
    ),
    Expected("python", "allow", "examples.autogen.programs/COMPUTES", r"may run"),
    Expected("shell", "allow", "examples.autogen.host/LOOKS", r"\d+ orders, on average \d+"),
    Expected("shell", "deny", "examples.autogen.host/NOTEWORTHY", r"does more than look"),
)


def judged(steps: Sequence[Step], entries: Iterable[Mapping[str, Json]]) -> tuple[Judged, ...]:
    """Each step with the first decision of the audit about its command that no earlier step has."""
    waiting = [entry for entry in entries if entry.get("kind") == "decision"]
    found = []
    for step in steps:
        entry = next((one for one in waiting if _is_of(one, step)), None)
        if entry is not None:
            waiting.remove(entry)
        found.append(_judged(step, entry or {}))
    return tuple(found)


def differences(found: Sequence[Judged]) -> list[str]:
    """What is not as it must be, a line each."""
    if len(found) != len(EXPECTED):
        return [f"{len(found)} steps instead of {len(EXPECTED)}"]
    wrong = []
    for number, (one, expected) in enumerate(zip(found, EXPECTED, strict=True), 1):
        if (one.step.protocol, one.verdict) != (expected.protocol, expected.verdict):
            wrong.append(
                f"step {number}: {one.step.protocol} {one.verdict}, not {expected.protocol} {expected.verdict}"
            )
        if expected.rule not in one.rules:
            wrong.append(f"step {number}: {expected.rule} had no say, but {', '.join(one.rules) or 'nothing'}")
        if re.search(expected.saw, " ".join(one.step.saw.split())) is None:
            wrong.append(f"step {number}: the agent saw {one.step.saw[:200]!r}, not {expected.saw}")
    return wrong


def table(found: Sequence[Judged]) -> str:
    """The story for people: step, who, command, verdict, rule, what the agent saw."""
    rows = [("step", "who", "command", "verdict", "rule", "what the agent saw")]
    for number, one in enumerate(found, 1):
        verdict = f"{one.verdict}, approved by {one.approver}" if one.approver else one.verdict
        rule = ", ".join(rule.removeprefix("examples.autogen.") for rule in one.rules)
        shown = f"{one.step.protocol}: {_line(one.step.command, 52)}"
        rows.append((str(number), one.step.who, shown, verdict, _line(rule, 80), _line(_gist(one.step.saw), 96)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]) for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _is_of(entry: Mapping[str, Json], step: Step) -> bool:
    # WHY not the text: the audit keeps no secrets, and so not the text of a command that has one.
    if entry.get("protocol") != step.protocol:
        return False
    return entry.get("digest") == parse_command(step.protocol, step.command).command.digest


def _judged(step: Step, entry: Mapping[str, Json]) -> Judged:
    rules = entry.get("rules")
    # Each with what it did: `["shop.prod/READS", "allow"]`.
    pairs = rules if isinstance(rules, list | tuple) else ()
    names = tuple(str(rule[0]) for rule in pairs if isinstance(rule, list | tuple) and rule)
    job = entry.get("job")
    return Judged(step, str(entry.get("verdict", "nothing")), names, None if job is None else str(job), None)


def _gist(said: str) -> str:
    """Of what was seen: for a refusal its words, for rows the last of them."""
    lines = [line for line in said.splitlines() if line.strip() and not re.match(r"NOTICE|DETAIL|HINT: +https?", line)]
    return " / ".join(lines[-2:] if len(lines) > 3 else lines)


def _line(text: str, width: int) -> str:
    return textwrap.shorten(" ".join(text.split()), width, placeholder=" ...")
