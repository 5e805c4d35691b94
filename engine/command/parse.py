"""Text of any protocol to its command tree: the one door for adapters, the gate, `Decide` and `sallyport parse`.

It picks the parser; the parsers are in `engine/command/<language>`. A protocol without a parser, or a text that a parser
refuses, is a command with an operation of kind `unknown`, never an exception.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from engine import _native
from engine.command.http.openapi import RouteTable, compile_openapi
from engine.command.http.parse import parse_http
from engine.command.kubernetes.lines import with_requests
from engine.command.kubernetes.parse import parse_kubernetes
from engine.command.mcp.parse import parse_mcp
from engine.command.python.lines import with_programs
from engine.command.python.parse import parse_python
from engine.command.shell.parse import parse_shell
from engine.command.sql.parse import parse_sql, read_catalog
from engine.command.ssh.parse import parse_ssh
from engine.command.tree import Command, Effect, Operation, ParsedCommand, Problem
from engine.errors import InputInvalid

Names: TypeAlias = "_native.Catalog | RouteTable"
"""What the names in a text mean: a catalog for SQL, an OpenAPI document's routes for HTTP."""


def parse_command(protocol: str, text: bytes | str, names: Names | None = None) -> ParsedCommand:
    """The command tree of a text. Never raises on hostile text."""
    match protocol:
        case "postgres":
            return parse_sql(text, names if isinstance(names, _native.Catalog) else None)
        case "kubernetes":
            return parse_kubernetes(text, _shell_command)
        case "http":
            return parse_http(text, names if isinstance(names, RouteTable) else None)
        case "mcp":
            return parse_mcp(text)
        case "mysql" | "sqlserver" | "bigquery" | "snowflake":
            # WHY here: sqlglot takes a third of a second to load, and the gateway itself never needs it.
            from engine.command.sql.dialects import parse_dialect

            return parse_dialect(protocol, text)
        case "shell":
            return with_requests(with_programs(parse_shell(text)))
        case "ssh":
            return parse_ssh(text)
        case "python":
            return with_requests(parse_python(text))
        case _:
            return unknown_command(
                protocol, text, "unknown_protocol", f"there is no parser for the protocol `{protocol}`"
            )


def _shell_command(text: str) -> Command:
    """What a container's shell, or the one that splits a kubectl line, would run."""
    return parse_shell(text).command


def unknown_command(protocol: str, text: bytes | str, code: str, message: str) -> ParsedCommand:
    """A command that nobody can read: one unknown operation and the reason."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    shown = raw.decode("utf-8", "replace")
    return ParsedCommand.of(
        Command(
            protocol=protocol,
            text=shown,
            digest=hashlib.sha256(protocol.encode("utf-8", "replace") + b"\0" + raw).hexdigest(),
            operations=(Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(raw))),),
            complete=False,
            problems=(Problem(code, message),),
        )
    )


def parse_lines(protocol: str, lines: Iterable[str | bytes]) -> Iterator[str]:
    """`sallyport parse --jsonl`: one line of JSON out for each line in, in order, never stopping.

    In: `{"id", "text", "catalog"?, "openapi"?}`. Out: `{"id", "command": {...}}`, or `{"id", "error": {"code", "message"}}`.
    """
    documents: dict[bytes, RouteTable] = {}
    for line in lines:
        yield _answer(protocol, line, documents)


def _answer(protocol: str, line: str | bytes, documents: dict[bytes, RouteTable]) -> str:
    name: object = None
    try:
        document = _read_line(line)
        name = document.get("id")
        text = document.get("text")
        if not isinstance(text, str):
            raise InputInvalid("`text` is missing or no text")
        names = _names(protocol, document, documents)
        parsed = parse_command(protocol, text, names)
        answer: object = {"id": name, "command": parsed.document()}
    except InputInvalid as error:
        answer = {"id": name, "error": {"code": error.code, "message": str(error)}}
    return msgspec.json.encode(answer).decode()


def _names(protocol: str, document: dict[str, object], documents: dict[bytes, RouteTable]) -> Names | None:
    catalog, openapi = document.get("catalog"), document.get("openapi")
    if openapi is not None and protocol == "http":
        key = msgspec.json.encode(openapi)
        if key not in documents:
            # One document mostly serves all lines; no more than one is kept.
            documents.clear()
            documents[key] = compile_openapi(openapi, hashlib.sha256(key).hexdigest())
        return documents[key]
    return None if catalog is None else read_catalog(catalog)


def _read_line(line: str | bytes) -> dict[str, object]:
    try:
        raw = line.encode() if isinstance(line, str) else line
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise InputInvalid(f"the line is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputInvalid("the line is no JSON object")
    return document


class TextParser:
    """`parse_command` as the object that the evaluator's reader asks for."""

    __slots__ = ()

    def parse(self, protocol: str, text: bytes, names: object | None) -> ParsedCommand:
        if names is not None and not isinstance(names, _native.Catalog | RouteTable):
            raise InputInvalid("the names of a command are a catalog of the core, or the routes of a document")
        return parse_command(protocol, text, names)

    def shape(self, protocol: str, text: bytes) -> bytes | None:
        """A key that two texts share only if they have the same tree up to their literals; None if unsure."""
        return _native.sql_shape(text) if protocol == "postgres" else None
