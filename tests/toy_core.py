"""A rule engine of a few lines with the face of the Rust core, for tests of what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.command.tree import Command, Effect, Operation, ParsedCommand, Sql
from engine.decision import Location
from engine.evaluator.keys import Path, Reads, parse_path, reduced
from engine.evaluator.program import Program
from engine.evaluator.reader import CommandReader, Names
from engine.evaluator.results import Rule
from engine.rego.contract import RuleKind


@dataclass(frozen=True)
class ToyRule:
    """Says `value` when something at `path` equals `equals`, or from the time `since` on."""

    kind: str
    path: str
    equals: Any = None
    value: dict[str, Any] = field(default_factory=lambda: {"code": "X"})
    since: int | None = None
    broken: bool = False


class ToyCore:
    def __init__(self, rules: Sequence[ToyRule], reads: Reads | None = None) -> None:
        self.rules = rules
        self.reads = reads or Reads.of(rule.path for rule in rules if rule.since is None)
        self.runs = 0

    def describe(self) -> bytes:
        return b""

    def evaluate(self, document: bytes, now: int, /) -> bytes:
        self.runs += 1
        seen = msgspec.msgpack.decode(document)
        shown(seen["command"])
        matched = [(number, rule) for number, rule in enumerate(self.rules) if matches(rule, seen, now)]
        return msgspec.msgpack.encode(
            {
                "results": [(number, rule.value) for number, rule in matched if not rule.broken],
                "errors": [{"rule": number, "message": "broken"} for number, rule in matched if rule.broken],
                "volatile": any(is_volatile(rule) for rule in self.rules),
                "candidates": len(self.rules),
            }
        )

    evaluate_all = evaluate

    def candidates(self, document: bytes, /) -> bytes:
        return msgspec.msgpack.encode(list(range(len(self.rules))))

    def part(self, command: bytes, /) -> bytes | None:
        return reduced(self.reads.below("command"), shown(msgspec.msgpack.decode(command)))


def shown(command: Any) -> Any:
    """A command as policies see it."""
    for operation in command["operations"]:
        operation.pop("span", None)
    return command


def is_volatile(rule: ToyRule) -> bool:
    return rule.since is not None or rule.path in ("input", "input.context", "input.context.now")


def matches(rule: ToyRule, seen: Any, now: int) -> bool:
    if rule.since is not None:
        return now >= rule.since
    return any(type(value) is type(rule.equals) and value == rule.equals for value in at(parse_path(rule.path), seen))


def at(path: Path, value: Any) -> list[Any]:
    if not path:
        return [value]
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        keys = list(value) if step is None else [step] if step in value else []
        return [found for key in keys for found in at(rest, value[key])]
    if isinstance(value, list) and step is None:
        return [found for item in value for found in at(rest, item)]
    return []


class ToyParser:
    """Texts such as `select 1`, whose shape is what is left without the digits. With a `!` the digits name the table."""

    def __init__(self) -> None:
        self.parsed = 0

    def parse(self, protocol: str, text: bytes, names: Names | None) -> ParsedCommand:
        self.parsed += 1
        said = text.decode(errors="replace")
        kind = said.split(" ")[0] or "unknown"
        relation = "public.t" if names is None else names.version
        if "!" in said and "2" in said:
            relation = "other.t"
        operation = Operation(kind, Effect.READ, ("top",), span=(0, len(text)))
        sql = Sql(relations=(relation,), outputs=(), outputs_proven=True, constants_matter="!" in said)
        return ParsedCommand.of(Command(protocol, said, text.hex(), (operation,), complete=True, sql=sql))

    def shape(self, protocol: str, text: bytes) -> bytes | None:
        return bytes(byte for byte in text if not 48 <= byte <= 57) if protocol == "postgres" else None


@dataclass(frozen=True)
class ToyNames:
    version: str


def toy_program(rules: Sequence[ToyRule], *, forget: str | None = None, reader: CommandReader | None = None) -> Program:
    """A program of toy rules. `forget`: a path left out of what the rules are said to read, which breaks the cache."""
    table = [
        Rule(f"toy.{number}", RuleKind(rule.kind), Location("toy.rego", number + 1))
        for number, rule in enumerate(rules)
    ]
    reads = Reads.of(rule.path for rule in rules if rule.since is None and rule.path != forget)
    return Program(ToyCore(rules, reads), table, reads, "toy", reader or CommandReader(ToyParser()))
