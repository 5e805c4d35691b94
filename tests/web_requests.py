"""Raw requests for tests: built, so that lengths are right."""

from __future__ import annotations

import json
from typing import Any

from engine.command.parse import parse_command
from engine.command.tree import Command


def raw_request(
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: str | bytes = b"",
    *,
    host: str | None = "api.test",
) -> bytes:
    """A request of HTTP/1.1 with a Host, and a Content-Length where it has a body."""
    sent = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host else [])]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"Content-Length: {len(sent)}"] if sent else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + sent


def http(
    method: str, target: str, headers: dict[str, str] | None = None, body: str | bytes = b"", **more: Any
) -> Command:
    """The tree of a request."""
    return parse_command("http", raw_request(method, target, headers, body, **more)).command


def http_json(method: str, target: str, document: object) -> Command:
    return http(method, target, {"Content-Type": "application/json"}, json.dumps(document))


def api(method: str, target: str, document: object = None, headers: dict[str, str] | None = None) -> Command:
    """The tree of a request to the API server."""
    body = "" if document is None else document if isinstance(document, str) else json.dumps(document)
    said = ({"Content-Type": "application/json"} if body else {}) | (headers or {})
    return parse_command("kubernetes", raw_request(method, target, said, body)).command


def kubectl(line: str) -> Command:
    return parse_command("kubernetes", line).command


def codes(command: Command) -> list[str]:
    return [problem.code for problem in command.problems]


def kinds(command: Command) -> list[str]:
    return [operation.kind for operation in command.operations]
