"""A target that takes bodies as generously as any server does, and remembers what somebody reached with them.

Each body is read in every way that some server reads it: either of two equal keys, behind a byte order mark, in UTF-16, with comments, as
lines, as a form. What any reading comes to has an effect: a role of an administrator (`admin`), somebody deleted (`deleted`).
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, unquote_plus

ADMIN, DELETED = "admin", "deleted"
STORED = "0123abcd"
"""The hash of a query of GraphQL that the service knows: it deletes somebody."""
_ENCODINGS = ("utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|^\)\]\}'", re.DOTALL | re.MULTILINE)


class Service:
    """`effects` is what was reached, `seen` how many requests came."""

    def __init__(self) -> None:
        service = self
        self.effects: list[str] = []
        self.seen = 0

        class Handler(_Handler):
            owner = service

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: ClassVar[Service]

    def _do(self) -> None:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.owner.seen += 1
        self.owner.effects += effects_of(self.path, self.headers.get("content-type", ""), body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_PATCH = _do

    def log_message(self, *args: object) -> None:
        pass


def effects_of(target: str, content_type: str, body: bytes) -> set[str]:
    """What a request reaches, read by whom it is read most generously."""
    path, _, query = target.partition("?")
    found: set[str] = set()
    documents = [*documents_in(body), *documents_in(query.encode())]
    for document in documents:
        found |= _effects(document)
    if "grpc" in content_type and path.endswith("Delete"):
        found.add(DELETED)
    return found


def documents_in(body: bytes) -> Iterator[object]:
    """Every value that somebody may take a body for."""
    for raw in {body, *_unpacked(body)}:
        for encoding in _ENCODINGS:
            with contextlib.suppress(UnicodeError):
                yield from _values(raw.decode(encoding))


def _unpacked(body: bytes) -> Iterator[bytes]:
    with contextlib.suppress(OSError, EOFError, zlib.error):
        yield gzip.decompress(body)
    for bits in (15, -15):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(body, bits)


def _values(text: str) -> Iterator[object]:
    plain = _COMMENT.sub("", text).strip("\0\ufeff \r\n\t;")
    relaxed = re.sub(
        r",(\s*[}\]])", r"\1", re.sub(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)", r'\1"\2"\3', plain.replace("'", '"'))
    )
    for one in {text, plain, relaxed, *text.splitlines(), *plain.split("}{")}:
        for hook in (dict, _first_wins, _without_case):
            with contextlib.suppress(ValueError, RecursionError):
                yield json.loads(one, object_pairs_hook=hook)
            with contextlib.suppress(ValueError, RecursionError):
                yield json.JSONDecoder(object_pairs_hook=hook).raw_decode(one)[0]
    for pairs in (
        parse_qsl(text, keep_blank_values=True),
        [pair.split("=", 1) for pair in text.split(";") if "=" in pair],
    ):
        for name, value in pairs:
            key = re.split(r"[\[\].]+", unquote_plus(name).strip("[]."))[-1] or unquote_plus(name).strip("[]")
            yield {key: value}
            if name in ("query", "operations", "extensions"):
                yield from _packed(name, value)
    for found in re.finditer(r'name="?([^";\r\n]+)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n(.*?)\r?\n--', text, re.DOTALL):
        yield {found[1]: found[2]}
        yield from _packed(found[1], found[2])


def _packed(name: str, value: str) -> Iterator[object]:
    yield {name: value}
    with contextlib.suppress(ValueError, RecursionError):
        yield json.loads(value)


def _first_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return dict(reversed(pairs))


def _without_case(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {name.lower(): value for name, value in pairs}


def _effects(document: object) -> set[str]:
    found: set[str] = set()
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
            continue
        if not isinstance(one, dict):
            continue
        waiting += one.values()
        if str(one.get("role")).strip().lower() == ADMIN:
            found.add(ADMIN)
        if "op" in one and str(one.get("path")).endswith("role"):
            is_set = one["op"] in ("add", "replace") and one.get("value") == ADMIN
            found |= (
                {ADMIN} if is_set or one["op"] in ("copy", "move") else {DELETED} if one["op"] == "remove" else set()
            )
        if "deleteUser" in str(one.get("query")) or STORED in str(one.get("extensions")) or one.get("id") == STORED:
            found.add(DELETED)
        if one.get("method") == "user.delete":
            found.add(DELETED)
    return found
