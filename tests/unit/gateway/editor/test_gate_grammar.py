"""The TextMate grammar knows the words of the language, and says of each what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from engine.dsl.parser import is_word
from tests.conftest import ROOT

GRAMMAR: dict[str, Any] = json.loads(files("gateway.editor").joinpath("gate.tmLanguage.json").read_text())


def rules(patterns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for pattern in patterns:
        if "include" in pattern:
            yield from rules([GRAMMAR["repository"][pattern["include"].removeprefix("#")]])
        elif "match" in pattern or "begin" in pattern:
            yield pattern
        else:
            yield from rules(pattern["patterns"])


RULES = list(rules(GRAMMAR["patterns"]))


def scopes(line: str) -> list[tuple[str, str]]:
    """The parts of a line with their scopes, as an editor finds them: the earliest match, of several the first rule's."""
    found, at = list[tuple[str, str]](), 0
    while True:
        matches = [(rule, re.compile(rule.get("match") or rule["begin"]).search(line, at)) for rule in RULES]
        there = [(rule, match) for rule, match in matches if match is not None and match.end() > match.start()]
        if not there:
            return found
        rule, match = min(there, key=lambda one: one[1].start())
        end = match.end()
        while "begin" in rule:
            step = re.compile(f"{rule['patterns'][0]['match']}|{rule['end']}").search(line, end)
            assert step is not None
            end = step.end()
            if not step[0].startswith("\\"):
                break
        for number, capture in rule.get("captures", {}).items():
            found.append((match[int(number)], capture["name"]))
        if "name" in rule:
            found.append((line[match.start() : end], rule["name"]))
        at = max(end, match.start() + 1)


@pytest.mark.parametrize(
    ("line", "part", "scope"),
    [
        ('deny drop_it "no" # why', "drop_it", "entity.name.function.rule.gate"),
        ('deny drop_it "no" # why', '"no"', "string.quoted.double.gate"),
        ('deny drop_it "no" # why', "# why", "comment.line.number-sign.gate"),
        ('  hint "a # \\" when"', '"a # \\" when"', "string.quoted.double.gate"),
        ("define writing = any operation has effect read", "writing", "entity.name.type.define.gate"),
        ("define writing = any operation has effect read", "any", "keyword.operator.word.gate"),
        ("  when between 09:00 and 18:00", "09:00", "constant.numeric.time.gate"),
        ("  expires 15m", "15m", "constant.numeric.duration.gate"),
        ("limit cap rows 10MB", "10MB", "constant.numeric.size.gate"),
        ("  when count principal.groups >= 2", ">=", "keyword.operator.comparison.gate"),
    ],
)
def test_each_part_of_a_line_has_its_scope(line: str, part: str, scope: str) -> None:
    assert (part, scope) in scopes(line)


def test_every_word_of_the_language_is_known() -> None:
    text = (ROOT / "engine" / "dsl" / "grammar.lark").read_text()
    words = {word for word in re.findall(r'"([a-z]+)"', text) if is_word(word)}
    assert len(words) > 60
    plain = {
        word
        for word in words
        if not any(scope.startswith(("keyword", "constant")) for _, scope in scopes(f"x {word} y"))
    }
    assert plain == set()
    assert [scope for _, scope in scopes("x drop_table notable is-any y")] == []
