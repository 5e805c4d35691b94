"""Rewrites values in a JSON document while it passes, by path. What cannot be read as JSON in one way only is an error.

The reader is a machine over tokens: what of a token is not there yet is waited for, so that no piece's border matters.
White space between tokens is left out, everything else that no mask concerns goes on as it came. Refused: what is no
strict JSON or no UTF-8, a name twice in one object, and what is larger than the limits here. Called by sessions with the
plan of a decision.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from adapters.errors import PeerProtocolError
from adapters.web.json_whole import MAX_WHOLE, in_core
from engine.masking.documents import scalar_token
from engine.masking.paths import Path, Paths, Place
from engine.masking.transforms import REDACTED, Method, Param, transform

MAX_DEPTH = 256
MAX_TOKEN = 1024 * 1024
"""Bytes of one string or number: a mask must see it whole."""
MAX_NAMES = 100_000
"""Names in one object: they are remembered, because none may come twice."""
MAX_PLACES = 4096
"""Places whose mask is remembered."""

_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*)*')
_PARTIAL_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?")
_WORD = re.compile(rb"[-+.0-9A-Za-z]+")
_SCALAR = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_SURROGATE = re.compile("[\ud800-\udfff]")
_GAP = rb"[ \t\r\n]*+"
_NAME = rb'("[^"\\\x00-\x1f]*+")' + _GAP + rb":" + _GAP
_PLAIN = (
    rb'("[^"\\\x00-\x1f]*+"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null)(?='
    + _GAP
    + rb"[,%b])|([{\[])"
)
_MEMBERS = [re.compile(_GAP + before + _NAME + b"(?:" + _PLAIN % b"}" + b")") for before in (b"", b"," + _GAP)]
_ELEMENTS = [re.compile(_GAP + before + b"()(?:" + _PLAIN % rb"\]" + b")") for before in (b"", b"," + _GAP)]
"""A name without escapes and what follows it, a value without escapes and what follows it: the first one, and one behind a comma."""
_END = re.compile(_GAP + rb"([}\]])")


@dataclass(frozen=True, slots=True)
class PathMask:
    """What becomes of the values at a path."""

    path: Path
    method: Method
    params: Mapping[str, Param] = field(default_factory=dict)
    key: bytes = field(default=b"", repr=False)
    is_base64: bool = False
    """The value is Base64 of a text: that text is masked, and what comes out is Base64 again."""


class _Frame:
    """An object or array that is open. `shown` counts what was written of it; None: nothing of it is."""

    __slots__ = ("count", "is_object", "name", "names", "place", "shown", "state", "text")

    def __init__(self, *, is_object: bool, place: Place, shown: int | None) -> None:
        self.is_object = is_object
        self.place = place
        self.shown = shown
        self.count = 0
        self.names: set[str] = set()
        self.name, self.text = b"", ""
        self.state = "first"


class JsonMasker:
    """One document, or with `is_lines` any number of them, a line each."""

    def __init__(self, masks: Sequence[PathMask], *, is_lines: bool = False) -> None:
        self._masks = tuple(masks)
        self._paths = _paths_of(tuple(mask.path for mask in masks))
        self._at: dict[Place, PathMask | None] = {}
        self._is_lines = is_lines
        self._core = None if is_lines else in_core(self._masks)
        self._is_awaited = self._core is not None
        """The document is not read yet: it may be short enough to be rewritten in one go."""
        self._stack: list[_Frame] = []
        self._is_read = False
        self._between = b""
        self._unused = bytearray()
        self._seen = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Take bytes in; what may go on. Raises PeerProtocolError."""
        if self._is_awaited:
            self._unused += data
            if len(self._unused) <= MAX_WHOLE:
                return b""
            data = self._taken()
        self._check_encoding(data, final=False)
        self._unused += data
        self._read(final=False)
        return self._written()

    def end(self) -> bytes:
        """The document is over. Raises PeerProtocolError when it is not whole."""
        if self._is_awaited:
            data = self._taken()
            made = None if self._core is None else self._core.rewritten(data)
            if made is not None:
                return made
            return self.feed(data) + self.end()
        self._check_encoding(b"", final=True)
        self._read(final=True)
        if self._unused or self._stack or not (self._is_read or self._is_lines):
            raise _bad("the document is not whole")
        return self._written()

    def _taken(self) -> bytes:
        """What was waited for with, to be read now."""
        self._is_awaited, data = False, bytes(self._unused)
        self._unused.clear()
        return data

    def _written(self) -> bytes:
        made = b"".join(self._out)
        self._out.clear()
        return made

    def _check_encoding(self, data: bytes, *, final: bool) -> None:
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError:
            raise _bad("the document is not UTF-8") from None
        if "\ufeff" in text[:1]:
            raise _bad("the document begins with a byte order mark")

    # --- tokens

    def _read(self, *, final: bool) -> None:
        data, at = self._unused, 0
        while True:
            # WHY not where a token is waited for: it would be read again from its beginning.
            if self._stack and not self._seen:
                at = self._read_plain(data, at)
            space = _SPACE.match(data, at)
            assert space is not None
            if not self._stack and self._is_read:
                self._between += space[0].replace(b" ", b"").replace(b"\t", b"").replace(b"\r", b"")[:1]
            at = space.end()
            if at >= len(data):
                break
            end = self._token(data, at, final=final)
            if end is None:
                break
            at, self._seen = end, 0
        del data[:at]
        if len(data) > MAX_TOKEN:
            raise _bad("a value of the document is too long to be masked")

    def _read_plain(self, data: bytearray, at: int) -> int:
        """Read on as long as whole members and elements without escapes stand there, and what opens and ends them; where that ends.

        The same as token by token, only sooner: whatever is not plain is left to `_token`.
        """
        while self._stack:
            frame = self._stack[-1]
            is_after = frame.state == "after"
            if not is_after and frame.state not in ("first", "name" if frame.is_object else "value"):
                break
            found = (_MEMBERS if frame.is_object else _ELEMENTS)[is_after].match(data, at)
            if found is None:
                found = _END.match(data, at)
                if found is None or frame.state not in ("first", "after") or (found[1] == b"}") is not frame.is_object:
                    break
                self._close(frame, found[1])
            elif found.end() - at > MAX_TOKEN:
                break
            else:
                self._plain(frame, *found.groups())
            at = found.end()
        return at

    def _plain(self, frame: _Frame, token: bytes, scalar: bytes | None, opening: bytes | None) -> None:
        """A member (or, without a name, an element) whose value is a scalar, or opens."""
        name = token[1:-1].decode()
        if frame.is_object:
            self._named(frame, token, name)
        if scalar is None:
            frame.state = "value"
            self._open(is_object=opening == b"{")
            return
        frame.state = "after"
        if frame.shown is None:
            return
        mask = None
        if frame.place:
            paths, place = self._paths, frame.place
            place = paths.member(place, name) if frame.is_object else paths.element(place, frame.count)
            mask = self._mask_at(place)
        frame.count += 1
        if mask is None:
            self._lead(scalar)
        elif mask.method is not Method.DROP:
            self._lead(_masked(scalar, mask))

    def _token(self, data: bytearray, at: int, *, final: bool) -> int | None:
        """Read the token at a place; where it ends, or None when it is not all there."""
        first = data[at]
        if first == 0x22:
            end = self._string_end(data, at)
            if end is not None and end - at > MAX_TOKEN:
                raise _bad("a value of the document is too long to be masked")
            if end is not None:
                self._string(bytes(data[at:end]))
            return end
        if first in b"{}[],:":
            self._mark(first)
            return at + 1
        found = _WORD.match(data, at)
        if found is None:
            raise _bad("the document has a character that JSON has not")
        if found.end() == len(data) and not final:
            return None
        if found.end() - at > MAX_TOKEN or not _SCALAR.fullmatch(found[0]):
            raise _bad("the document has a word that JSON has not")
        self._scalar(bytes(found[0]))
        return found.end()

    def _string_end(self, data: bytearray, at: int) -> int | None:
        # WHY from where the last look ended: a long string that comes in many pieces is read once.
        found = _STRING.match(data, at + 1 + self._seen)
        assert found is not None
        stop = found.end()
        self._seen = stop - at - 1
        if stop < len(data) and data[stop] == 0x22:
            return stop + 1
        partial = _PARTIAL_ESCAPE.match(data, stop)
        if stop == len(data) or (partial is not None and partial.end() == len(data)):
            return None
        raise _bad("a string of the document has what no string has")

    # --- grammar

    def _mark(self, mark: int) -> None:
        frame = self._stack[-1] if self._stack else None
        match chr(mark):
            case "{" | "[":
                self._open(is_object=mark == 0x7B)
                return
            case "}" if frame is not None and frame.is_object and frame.state in ("first", "after"):
                self._close(frame, b"}")
                return
            case "]" if frame is not None and not frame.is_object and frame.state in ("first", "after"):
                self._close(frame, b"]")
                return
            case "," if frame is not None and frame.state == "after":
                frame.state = "name" if frame.is_object else "value"
                return
            case ":" if frame is not None and frame.state == "colon":
                frame.state = "value"
                return
        raise _bad("the document has a sign where JSON has none")

    def _string(self, token: bytes) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is None or not frame.is_object or frame.state == "value":
            self._scalar(token)
            return
        if frame.state not in ("first", "name"):
            raise _bad("the document has a string where JSON has none")
        self._named(frame, token, _text(token))
        frame.state = "colon"

    def _named(self, frame: _Frame, token: bytes, name: str) -> None:
        """A member's name."""
        if name in frame.names:
            raise _bad("a name stands twice in one object of the document")
        if len(frame.names) >= MAX_NAMES:
            raise _bad("an object of the document has too many names")
        frame.names.add(name)
        frame.name, frame.text = token, name

    def _open(self, *, is_object: bool) -> None:
        place, mask, is_shown = self._begin()
        if len(self._stack) >= MAX_DEPTH:
            raise _bad("the document is nested too deep")
        if mask is not None and is_shown:
            if mask.method is Method.DROP:
                pass
            elif mask.method is Method.NULL:
                self._lead(b"null")
            else:
                # WHY not hashed: a document has many spellings, and its shape alone may tell too much.
                self._lead(json.dumps(REDACTED).encode())
            is_shown = False
        elif is_shown:
            self._lead(b"{" if is_object else b"[")
        self._stack.append(_Frame(is_object=is_object, place=place, shown=0 if is_shown else None))

    def _close(self, frame: _Frame, closing: bytes) -> None:
        self._stack.pop()
        if frame.shown is not None:
            self._out.append(closing)
        self._after()

    def _scalar(self, token: bytes) -> None:
        _, mask, is_shown = self._begin()
        if is_shown and mask is None:
            self._lead(token)
        elif is_shown and mask is not None and mask.method is not Method.DROP:
            self._lead(_masked(token, mask))
        self._after()

    def _begin(self) -> tuple[Place, PathMask | None, bool]:
        """A value begins: its place, the mask for it, and whether it is written at all."""
        if not self._stack:
            if self._is_read:
                if not self._is_lines or b"\n" not in self._between:
                    raise _bad("something stands behind the document")
                self._is_read, self._between = False, b""
            return self._paths.top, None, True
        frame = self._stack[-1]
        if frame.state != "value" and (frame.is_object or frame.state != "first"):
            raise _bad("the document has a value where JSON has none")
        if frame.shown is None:
            return frozenset(), None, False
        if frame.is_object:
            place = self._paths.member(frame.place, frame.text) if frame.place else frame.place
        else:
            place = self._paths.element(frame.place, frame.count)
        frame.count += 1
        return place, self._mask_at(place), True

    def _mask_at(self, place: Place) -> PathMask | None:
        if not place:
            return None
        if place in self._at:
            return self._at[place]
        if len(self._at) > MAX_PLACES:
            self._at.clear()
        found = self._at[place] = strictest(self._masks, self._paths.hits(place))
        return found

    def _lead(self, token: bytes) -> None:
        """Write the beginning of a value, with what stands before it in what is open."""
        if self._stack:
            frame = self._stack[-1]
            if frame.shown:
                self._out.append(b",")
            frame.shown = (frame.shown or 0) + 1
            if frame.is_object:
                self._out += (frame.name, b":")
        self._out.append(token)

    def _after(self) -> None:
        if self._stack:
            self._stack[-1].state = "after"
            return
        self._is_read = True
        if self._is_lines:
            self._out.append(b"\n")


@lru_cache(maxsize=64)
def _paths_of(paths: tuple[Path, ...]) -> Paths:
    """The paths of a plan, which many documents are read by: what was found out about a name is known for the next one."""
    return Paths(paths)


def strictest(masks: Sequence[PathMask], hits: Sequence[int]) -> PathMask | None:
    """The strictest of the masks that meet on one value. Raises PeerProtocolError where they contradict each other."""
    found = [masks[number] for number in hits]
    if not found:
        return None
    most = max(found, key=lambda mask: mask.method.strictness)
    if any(mask.method is most.method and dict(mask.params) != dict(most.params) for mask in found):
        raise PeerProtocolError("masks with different parameters meet on one value", code="MASK_CONFLICT")
    return most


def _text(token: bytes) -> str:
    if b"\\" not in token:
        return token[1:-1].decode()
    text = json.loads(token)
    if not isinstance(text, str) or _SURROGATE.search(text):
        raise _bad("a string of the document has half of a surrogate pair")
    return text


def _masked(token: bytes, mask: PathMask) -> bytes:
    if token == b"null":
        return token
    if mask.method is Method.TOKENIZE and token[:1] != b'"' and not mask.is_base64:
        return scalar_token(mask.method, token.decode("ascii"), mask.params, mask.key).encode()
    made = _instead(_text(token) if token[:1] == b'"' else token.decode("ascii"), mask)
    return b"null" if made is None else json.dumps(made, ensure_ascii=False).encode()


def _instead(text: str, mask: PathMask) -> str | None:
    if mask.is_base64:
        text = _decoded(text)
    made = transform(mask.method, text, mask.params, mask.key)
    return base64.b64encode(made.encode()).decode("ascii") if made is not None and mask.is_base64 else made


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return text


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="MASK_UNPROVEN")
