"""Secrets and personal data in text: which types there are, where a text has them, and the text with them hidden.

The scanner itself is Rust (`engine/native/src/scan/`); here its answers get names. Types are `family.name`, for instance
`pii.email` and `secret.aws_access_key`; policies and callers choose them by globs (`secret.*`). Called by the command
line, by the plan of masks and by whoever writes texts that must hold no secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import msgspec

from engine import _native
from engine.errors import InputInvalid


@dataclass(frozen=True, slots=True)
class Finding:
    """Characters `start` to `end` of a text are of this type."""

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was found in a text, in order and without overlaps, and the text with `[type]` in the place of each."""

    findings: tuple[Finding, ...]
    masked: str


class Detector(msgspec.Struct, frozen=True, array_like=True):
    """One row of the table of detectors (`detectors.tsv` says what the columns mean)."""

    type: str
    how: str
    triggers: tuple[str, ...]
    shape: str
    checks: tuple[str, ...]
    context: tuple[str, ...]
    rank: int
    title: str


class _Described(msgspec.Struct):
    types: tuple[str, ...]
    rows: tuple[Detector, ...]


_DESCRIBED = msgspec.msgpack.Decoder(_Described)
_SCANNED = msgspec.msgpack.Decoder(tuple[list[tuple[int, int, int]], bytes])
_SPANS = msgspec.msgpack.Decoder(list[tuple[int, int, int]])
_NUMBERS = msgspec.msgpack.Decoder(list[int])


@cache
def _described() -> _Described:
    return _DESCRIBED.decode(_native.scan_detectors())


def types() -> tuple[str, ...]:
    """Every type the scanner knows, sorted."""
    return _described().types


def detectors() -> tuple[Detector, ...]:
    """The rows of the table, in its order."""
    return _described().rows


def chosen(globs: Iterable[str]) -> tuple[str, ...]:
    """The types that globs choose, sorted; `*` stands for any run of characters. A glob that chooses none is refused."""
    taken: set[str] = set()
    for glob in globs:
        fits = [name for name in types() if _glob(glob).fullmatch(name)]
        if not fits:
            raise InputInvalid(f"no type of value is called `{glob}`")
        taken.update(fits)
    return tuple(sorted(taken))


@lru_cache(maxsize=1024)
def _glob(glob: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if char == "*" else re.escape(char) for char in glob))


def scan(text: str) -> Scanned:
    """Find secrets and personal data in a text. Places count characters; lone surrogates are characters too.

    >>> scan("mail ann@example.org").masked
    'mail [pii.email]'
    """
    spans, masked = _SCANNED.decode(_native.scan_text(text.encode("utf-8", "surrogatepass")))
    names = types()
    findings = tuple(Finding(start, end, names[number]) for start, end, number in spans)
    return Scanned(findings, masked.decode("utf-8", "surrogatepass"))


def detect(text: bytes) -> frozenset[str]:
    """The types that a text has; cheaper than finding every place."""
    names = types()
    return frozenset(names[number] for number in _NUMBERS.decode(_native.scan_types(text)))


def hide_secrets(text: str) -> str:
    """The text with every secret in it (not personal data) replaced by `[redacted]`, for texts that are kept.

    >>> hide_secrets("SET x = 1")
    'SET x = 1'
    """
    hidden = _native.hide_secrets(text.encode("utf-8", "surrogatepass"))
    return text if hidden is None else hidden.decode("utf-8", "surrogatepass")


class Pieces:
    """A text that comes in pieces: the same findings as of the whole, in bounded memory. Places count bytes of the whole."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = _native.ScanStream()

    def push(self, piece: bytes) -> list[Finding]:
        """Take a piece; the findings that are final by it."""
        return _findings(self._stream.push(piece))

    def finish(self) -> list[Finding]:
        """End the text; the findings that were left."""
        return _findings(self._stream.finish())


def _findings(encoded: bytes) -> list[Finding]:
    names = types()
    return [Finding(start, end, names[number]) for start, end, number in _SPANS.decode(encoded)]


def scan_lines(lines: Iterable[str | bytes]) -> Iterator[str]:
    """`sallyport scan --jsonl`: one line of JSON out for each line in, in order, never stopping.

    In: `{"id", "text"}`. Out: `{"id", "spans": [{"start", "end", "type"}], "masked"}`, or `{"id", "error": {...}}`.
    """
    for line in lines:
        yield _answer(line)


def _answer(line: str | bytes) -> str:
    name: object = None
    try:
        document = _read_line(line)
        name = document.get("id")
        text = document.get("text")
        if not isinstance(text, str):
            raise InputInvalid("`text` is missing or no text")
        answer: object = {"id": name, **scanned_json(scan(text))}
    except InputInvalid as error:
        answer = {"id": name, "error": {"code": error.code, "message": str(error)}}
    return msgspec.json.encode(answer).decode("utf-8", "surrogatepass")


def scanned_json(scanned: Scanned) -> dict[str, object]:
    """What was found, as JSON has it."""
    spans = [{"start": one.start, "end": one.end, "type": one.type} for one in scanned.findings]
    return {"spans": spans, "masked": scanned.masked}


def _read_line(line: str | bytes) -> dict[str, object]:
    try:
        raw = line.encode() if isinstance(line, str) else line
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InputInvalid(f"the line is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputInvalid("the line is no JSON object")
    return document
