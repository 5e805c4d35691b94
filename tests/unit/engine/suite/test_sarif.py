"""The log is what the SARIF 2.1.0 schema asks for."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from engine.source import Diagnostic, Severity, Span
from engine.suite.sarif import sarif

# The part of the schema of SARIF 2.1.0 (OASIS) that concerns what we write; every object closed, as there.
LINE = {"type": "integer", "minimum": 1}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {"type": "array", "minItems": 0, "items": {"$ref": "#/definitions/run"}},
    },
    "definitions": {
        "run": {
            "type": "object",
            "required": ["tool"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "additionalProperties": False,
                    "properties": {"driver": {"$ref": "#/definitions/toolComponent"}},
                },
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/definitions/result"}},
            },
        },
        "toolComponent": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "version": {"type": "string"},
                "rules": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["id"],
                        "additionalProperties": False,
                        "properties": {"id": {"type": "string"}},
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": -1},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": {
                    "type": "object",
                    "required": ["text"],
                    "additionalProperties": False,
                    "properties": {"text": {"type": "string"}},
                },
                "locations": {"type": "array", "items": {"$ref": "#/definitions/location"}},
            },
        },
        "location": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation"],
                    "additionalProperties": False,
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"uri": {"type": "string", "format": "uri-reference", "pattern": "^[^ ]*$"}},
                        },
                        "region": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {
                                "startLine": LINE,
                                "startColumn": LINE,
                                "endLine": LINE,
                                "endColumn": LINE,
                            },
                        },
                    },
                }
            },
        },
    },
}
FOUND = [
    Diagnostic("SYNTAX", "this is wrong", "a b.rego", Span(3, 1, 3, 9), help="mend it"),
    Diagnostic("NO_INDEX", "slow", "c.rego", Span(1, 1, 1, 1), Severity.WARNING),
    Diagnostic("SYNTAX", "whole file", "d.rego"),
]


@pytest.mark.parametrize("found", [FOUND, []])
def test_it_is_what_the_schema_asks_for(found: list[Diagnostic]) -> None:
    jsonschema.validate(sarif(found, "policies", "1.0"), SCHEMA)


def test_each_result_points_at_its_rule_and_place() -> None:
    log: Any = sarif(FOUND, "policies", "1.0")
    results, rules = log["runs"][0]["results"], log["runs"][0]["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in results] == ["SYNTAX", "NO_INDEX", "SYNTAX"]
    assert [one["level"] for one in results] == ["error", "warning", "error"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policies/a%20b.rego"
    assert place["region"] == {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 9}
    assert results[0]["message"]["text"] == "this is wrong. mend it"
