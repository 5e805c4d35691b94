"""`decide --jsonl` and `explain --jsonl`: one line of JSON out for each line in, in order, never stopping.

In: `{"id", "principal", "resource", "session"?, "context"?, "command": {"protocol", "text", "parameters"?}, "catalog"?,
"openapi"?, "now"?}`. Out: `{"id", "decision": {...}}`, for `explain` also `"rules": [...]`; for a line that states no request
`{"id", "error": {"code", "message"}}`. Called by `gateway/cli`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from engine._native import NativeError
from engine.errors import InputInvalid
from engine.evaluator.decision_json import decision_json
from engine.evaluator.explain import explain, explained_json
from engine.evaluator.program import Program, TextQuestion
from engine.request import Json
from engine.suite.stated import Stated, Statements

MAX_LINE_BYTES = 16 * 1024 * 1024


def decide_lines(program: Program, lines: Iterable[str | bytes], now: int) -> Iterator[str]:
    """Decide on each line. `now` (UTC nanoseconds) counts for lines that say no time."""
    statements = Statements(program.reads_activity)
    for line in lines:
        yield _answered(line, program, statements, now, explains=False)


def explain_lines(program: Program, lines: Iterable[str | bytes], now: int) -> Iterator[str]:
    """The same, with every candidate rule."""
    statements = Statements(program.reads_activity)
    for line in lines:
        yield _answered(line, program, statements, now, explains=True)


def _answered(line: str | bytes, program: Program, statements: Statements, now: int, *, explains: bool) -> str:
    name: Json = None
    answer: dict[str, Json]
    try:
        document = _document(line)
        name = document.get("id")
        question = statements.question(_stated(document), now)
        judged = program.decide_text(question)
        answer = {"id": name, "decision": decision_json(judged.decision)}
        if explains:
            answer["rules"] = _explained(program, question)
    except InputInvalid as error:
        answer = {"id": name, "error": {"code": error.code, "message": str(error)}}
    return msgspec.json.encode(answer).decode()


def _explained(program: Program, question: TextQuestion) -> list[Json]:
    """The candidate rules; none for a request that never came to them: the decision says why."""
    try:
        request = program.as_request(question)
        return [explained_json(item) for item in explain(program, request)]
    except (NativeError, InputInvalid):
        return []


def _document(line: str | bytes) -> dict[str, Json]:
    try:
        raw = line.encode() if isinstance(line, str) else line
        if len(raw) > MAX_LINE_BYTES:
            raise InputInvalid(f"the line is longer than {MAX_LINE_BYTES} bytes")
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InputInvalid(f"the line is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise InputInvalid("the line is no JSON object")
    return document


def _stated(document: dict[str, Json]) -> Stated:
    return Stated(
        principal=document.get("principal"),
        resource=document.get("resource"),
        command=document.get("command"),
        session=document.get("session"),
        context=document.get("context"),
        catalog=document.get("catalog"),
        openapi=document.get("openapi"),
        now=document.get("now"),
    )
