"""Diagnostics as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from engine.request import Json
from engine.source import Diagnostic

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(found: Sequence[Diagnostic], root: str, version: str) -> dict[str, Json]:
    """The log of one run. `root` is the folder that files are named from."""
    codes = sorted({one.code for one in found})
    driver: dict[str, Json] = {
        "name": "sallyport",
        "version": version,
        "rules": [{"id": code} for code in codes],
    }
    results: list[Json] = [_result(one, codes.index(one.code), root) for one in found]
    run: dict[str, Json] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Diagnostic, index: int, root: str) -> Json:
    told = f"{one.message}. {one.help}" if one.help else one.message
    path = one.source if root in ("", ".") else f"{root.rstrip('/')}/{one.source}"
    place: dict[str, Json] = {"artifactLocation": {"uri": quote(path)}}
    if one.span is not None:
        place["region"] = {
            "startLine": one.span.line,
            "startColumn": one.span.column,
            "endLine": one.span.end_line,
            "endColumn": one.span.end_column,
        }
    return {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": one.severity.value,
        "message": {"text": told},
        "locations": [{"physicalLocation": place}],
    }
