"""Rewrites cells of a CSV document while it passes, by path: a row is an object, its members are named by the header.

RFC 4180 with commas, strictly: rows as long as the header, quotes that open and close a cell, line ends of CRLF or LF. Refused is
what could be read with another separator, for then the names would not be those of the cells: a header with semicolons, tabs or
bars, one of a single name with a space in it, one that has a name twice. Called by replies with the plan of a decision.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from adapters.errors import PeerProtocolError
from adapters.web.json_masks import PathMask, strictest
from engine.masking.paths import Paths, Place
from engine.masking.transforms import transform

MAX_ROW = 1024 * 1024
"""Bytes of one row: it is looked at whole."""
MAX_COLUMNS = 10_000
MAX_PLACES = 4096

_MARK = re.compile(rb'["\n]')
_CELL = re.compile(rb'"((?:[^"]|"")*)"|([^",\r\n]*)')
_SEPARATORS = re.compile(r"[;\t|]")
_NEEDS_QUOTES = re.compile(r'[",\r\n]|\A\s|\s\Z')


class CsvMasker:
    """One document."""

    def __init__(self, masks: Sequence[PathMask]) -> None:
        self._masks = tuple(masks)
        self._paths = Paths([mask.path for mask in masks])
        self._unread = bytearray()
        self._searched = self._rows = 0
        self._is_quoted = False
        self._names: list[str] | None = None
        self._columns: dict[Place, list[PathMask | None]] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; what may go on. Raises PeerProtocolError."""
        self._check_text(data, final=False)
        self._unread += data
        made: list[bytes] = []
        while (mark := _MARK.search(self._unread, self._searched)) is not None:
            self._searched = mark.end()
            if mark[0] == b'"':
                self._is_quoted = not self._is_quoted
            elif not self._is_quoted:
                made.append(self._row(bytes(self._unread[: mark.end()])))
                del self._unread[: mark.end()]
                self._searched = 0
        self._searched = len(self._unread)
        if len(self._unread) > MAX_ROW:
            raise _bad("a row of the document is too long to be masked")
        return b"".join(made)

    def end(self) -> bytes:
        """The document is over: its last row may be without a line end. Raises PeerProtocolError."""
        self._check_text(b"", final=True)
        if self._is_quoted:
            raise _bad("the document ends inside of a cell")
        rest, self._unread = bytes(self._unread), bytearray()
        return self._row(rest) if rest else b""

    def _check_text(self, data: bytes, *, final: bool) -> None:
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError:
            raise _bad("the document is not UTF-8") from None
        if "\x00" in text or "\ufeff" in text:
            raise _bad("the document has a character that no table has")

    def _row(self, line: bytes) -> bytes:
        row = line.removesuffix(b"\n").removesuffix(b"\r")
        end = line[len(row) :]
        cells = _cells(row)
        if self._names is None:
            self._names = _header(cells)
            return line
        if not row:
            return line
        if len(cells) != len(self._names):
            raise _bad("a row of the document has not as many cells as its header")
        masks = self._masks_of(self._rows)
        self._rows += 1
        shown = [raw if mask is None else _masked(raw, mask) for raw, mask in zip(cells, masks, strict=True)]
        return b",".join(shown) + end

    def _masks_of(self, number: int) -> list[PathMask | None]:
        """The mask of each column, for one row."""
        place = self._paths.element(self._paths.top, number)
        found = self._columns.get(place)
        if found is None:
            if len(self._columns) > MAX_PLACES:
                self._columns.clear()
            names = self._names or []
            found = [strictest(self._masks, self._paths.hits(self._paths.member(place, name))) for name in names]
            self._columns[place] = found
        return found


def _cells(row: bytes) -> list[bytes]:
    """The cells of a row, as they stand there."""
    cells: list[bytes] = []
    at = 0
    while True:
        found = _CELL.match(row, at)
        assert found is not None
        cells.append(found[0])
        at = found.end()
        if at == len(row):
            return cells
        if row[at : at + 1] != b"," or len(cells) >= MAX_COLUMNS:
            raise _bad("a row of the document has a cell that does not end where it should")
        at += 1


def _text(raw: bytes) -> str:
    quoted = raw[1:-1].replace(b'""', b'"') if raw.startswith(b'"') else raw
    return quoted.decode("utf-8")


def _header(cells: list[bytes]) -> list[str]:
    names = [_text(cell).strip() for cell in cells]
    if any(_SEPARATORS.search(name) for name in names) or (len(names) == 1 and (" " in names[0] or not names[0])):
        raise _bad("the header of the document may be meant for another separator")
    if len({name.casefold() for name in names}) != len(names):
        raise _bad("a name stands twice in the header of the document")
    return names


def _masked(raw: bytes, mask: PathMask) -> bytes:
    text = _text(raw)
    # WHY not an empty one: it is no value, as null is none.
    made = (transform(mask.method, text, mask.params, mask.key) or "") if text else ""
    if _NEEDS_QUOTES.search(made):
        made = '"' + made.replace('"', '""') + '"'
    return made.encode()


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="MASK_UNPROVEN")
