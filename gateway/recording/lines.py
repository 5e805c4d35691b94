"""What stands in a recording: asciicast v3 for terminals, one JSON object a line for commands and for exchanges (`exchanges`). Pure.

Terminal: the head of asciicast, then `[seconds since the line before, code, text]` with the codes of asciicast (`o` output, `r` new size,
`m` mark, `x` exit) and two that players skip: `g` is a decision or another word of ours, `b` the exact bytes (base64) of an
`o` that follows it, where they are no UTF-8. Command: `{"at": ms, "is": "output" | "error" | "told" | "exit", ...}`.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from adapters.core.ports import Screen
from engine.request import Json
from gateway.recording.exchanges import EXCHANGES, Line, Over, read_line
from gateway.recording.tables import printed

TERMINAL = "terminal"
COMMAND = "command"
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Event:
    """One line that was read: milliseconds since the beginning, a code of asciicast, what it says. Code `e` is an exchange's line as it stands."""

    at: int
    code: str
    data: str


class CastLines:
    """The lines of a terminal. Times are milliseconds since the beginning."""

    shape = TERMINAL

    def __init__(self, screen: Screen, started: int) -> None:
        """`started`: UTC nanoseconds."""
        self._screen = screen
        self._started = started
        self._before = 0
        self._decoders = {is_error: _decoder() for is_error in (False, True)}

    def first(self) -> bytes:
        """The head."""
        term = {"cols": self._screen.columns, "rows": self._screen.rows, "type": self._screen.type}
        return _ENCODE({"version": 3, "term": term, "timestamp": self._started // 10**9}) + b"\n"

    def output(self, at: int, data: bytes, *, is_error: bool) -> bytes:
        """What was shown."""
        text = self._decoders[is_error].decode(data)
        return self._shown(at, text)

    def _shown(self, at: int, text: str) -> bytes:
        if not text:
            return b""
        try:
            return self._line(at, "o", text)
        except UnicodeEncodeError:
            exact = text.encode("utf-8", "surrogateescape")
            shown = exact.decode("utf-8", "replace")
        return self._line(at, "b", base64.b64encode(exact).decode()) + self._line(at, "o", shown)

    def resized(self, at: int, columns: int, rows: int) -> bytes:
        return self._line(at, "r", f"{columns}x{rows}")

    def told(self, at: int, said: Mapping[str, Json]) -> bytes:
        """A word of ours: a decision, for instance."""
        return self._line(at, "g", _ENCODE(said).decode())

    def ended(self, at: int, status: int | None) -> bytes:
        """The end, with what was left of a character."""
        rest = b"".join(self._shown(at, one.decode(b"", True)) for one in self._decoders.values())
        return rest + self._line(at, "x", "" if status is None else str(status))

    def _line(self, at: int, code: str, data: str) -> bytes:
        line = _ENCODE([max(at - self._before, 0) / 1000, code, data]) + b"\n"
        self._before = max(at, self._before)
        return line


class CommandLines:
    """The lines of a command, and those of exchanges that are no exchange's. Times are milliseconds since the beginning."""

    def __init__(self, shape: str = COMMAND) -> None:
        self.shape = shape

    def first(self) -> bytes:
        """Nothing: every line says what it is."""
        return b""

    def output(self, at: int, data: bytes, *, is_error: bool) -> bytes:
        """What was shown; `bytes` (base64) in place of `text` where it is no UTF-8 by itself."""
        kind = "error" if is_error else "output"
        try:
            return _ENCODE({"at": at, "is": kind, "text": data.decode()}) + b"\n"
        except UnicodeDecodeError:
            return _ENCODE({"at": at, "is": kind, "bytes": data}) + b"\n"

    def resized(self, at: int, columns: int, rows: int) -> bytes:
        """Nothing: a command has no size."""
        return b""

    def told(self, at: int, said: Mapping[str, Json]) -> bytes:
        return _ENCODE({"at": at, "is": "told", "told": dict(said)}) + b"\n"

    def ended(self, at: int, status: int | None) -> bytes:
        return _ENCODE({"at": at, "is": "exit", "status": status}) + b"\n"


def read_events(lines: Iterator[bytes], shape: str, at: int = 0) -> Iterator[Event]:
    """The events of lines, in order; `at` is when the line before them was. Raises ValueError for a line that is none."""
    for line in lines:
        if shape == EXCHANGES:
            yield _exchange_event(line)
            continue
        try:
            found = _DECODE(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError("a line of the recording is no JSON") from error
        if shape == COMMAND:
            yield _command_event(found)
        elif isinstance(found, list):
            event = _cast_event(found, at)
            at = event.at
            yield event
        elif not (isinstance(found, dict) and found.get("version") == 3):
            raise ValueError("a line of the recording is no event")


def size_in(line: bytes) -> str | None:
    """The size of the terminal where a line is the head of its recording, as an event `r` has it; None for other lines."""
    try:
        term = msgspec.json.decode(line, type=_Head).term
    except (msgspec.MsgspecError, RecursionError):
        return None
    return f"{term.cols}x{term.rows}"


class _Term(msgspec.Struct):
    cols: int
    rows: int


class _Head(msgspec.Struct):
    term: _Term


def _exchange_event(line: bytes) -> Event:
    found = read_line(line)
    if isinstance(found, Over):
        return Event(found.at, "x", "")
    return Event(found.at, "e", line.decode())


def _cast_event(found: list[object], before: int) -> Event:
    match found:
        case [int() | float() as since, str(code), str(data)] if 0 <= since < 1e12:
            return Event(before + round(since * 1000), code, data)
        case _:
            raise ValueError("a line of the recording is no event")


def _command_event(found: object) -> Event:
    match found:
        case {"at": int(at), "is": "output" | "error", "text": str(text)}:
            return Event(at, "o", text)
        case {"at": int(at), "is": "output" | "error", "bytes": str(text)}:
            return Event(at, "o", _bytes(text).decode("utf-8", "replace"))
        case {"at": int(at), "is": "told", "told": dict(said)}:
            return Event(at, "g", _ENCODE(said).decode())
        case {"at": int(at), "is": "exit", "status": int() | None as status}:
            return Event(at, "x", "" if status is None else str(status))
        case _:
            raise ValueError("a line of the recording is no event")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def exchanges_in(events: Iterator[Event]) -> Iterator[Line]:
    """The exchanges among events. Raises ValueError for one that nobody wrote."""
    return (read_line(event.data.encode()) for event in events if event.code == "e")


def cast_of(events: Iterator[Event], started: int) -> Iterator[bytes]:
    """The events of a command or of exchanges as asciicast v3, for players."""
    lines = CastLines(Screen(80, 24, "dumb"), started)
    yield lines.first()
    for event in events:
        code, data = ("o", printed(read_line(event.data.encode()))) if event.code == "e" else (event.code, event.data)
        yield lines._line(event.at, code, data.replace("\n", "\r\n") if code == "o" else data)


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("surrogateescape")
