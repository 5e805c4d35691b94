"""Rewrites the messages of a target, each whole: by path where it is JSON, by the scanner's patterns in every text.

What cannot be looked into is an error, never passed on: bytes, a text without paths under masks by path, a text that only looks
like JSON or hides letters behind escapes. Called by `carrying` with the plan of a decision.
"""

from __future__ import annotations

import json
import re

from adapters.errors import PeerProtocolError
from adapters.web.json_masks import JsonMasker
from adapters.web.session.manners import Plan
from adapters.web.value_masks import hide_in_text, hide_in_value
from adapters.web.websocket.frames import TEXT
from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused

MAX_MESSAGE = 1024 * 1024
"""Bytes of one message that a mask concerns: it is looked at whole."""

_LOOKS_LIKE_JSON = re.compile(rb"[ \t\r\n]*[\[{\"]")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


class MessageMasker:
    """The messages of one connection. `collect` keeps fragments; what may go on comes with the last one."""

    def __init__(self, plan: Plan) -> None:
        self._paths, self._values = plan.masks or (), plan.values
        self._parts: list[bytes] = []
        self._size = 0

    def collect(self, kind: int, payload: bytes, *, is_final: bool) -> bytes | None:
        """One more fragment; the whole message as it may go on, once it is there. Raises PeerProtocolError."""
        if kind != TEXT:
            raise _unmaskable("a message of bytes cannot be masked")
        self._size += len(payload)
        if self._size > MAX_MESSAGE:
            raise _unmaskable("a message is too long to be masked")
        if payload:
            self._parts.append(payload)
        if not is_final:
            return None
        whole = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return self._masked(whole)

    def _masked(self, whole: bytes) -> bytes:
        if self._paths:
            if whole.lstrip(b" \t\r\n")[:1] not in (b"{", b"["):
                raise _unmaskable("a message has no paths that a mask could be at")
            masker = JsonMasker(self._paths)
            whole = masker.feed(whole) + masker.end()
        return self._without_values(whole) if self._values else whole

    def _without_values(self, whole: bytes) -> bytes:
        text = whole.decode()
        if _LOOKS_LIKE_JSON.match(whole):
            return self._document(whole)
        # WHY: letters behind escapes are read by whoever reads the text, and by no pattern.
        plain = _ESCAPE.sub(_unescaped, text)
        if plain != text and hide_in_text(plain, self._values) != plain:
            raise _unmaskable("a message hides a value behind escapes")
        return hide_in_text(text, self._values).encode()

    def _document(self, whole: bytes) -> bytes:
        try:
            value = read_json(whole)
        except Refused:
            raise _unmaskable("a message looks like JSON and cannot be read in one way") from None
        masked = hide_in_value(value, self._values)
        plain = json.dumps(masked, ensure_ascii=False)
        # WHY once more: some patterns need the name beside the value.
        shown = hide_in_text(plain, self._values)
        if shown == plain and masked == value:
            return whole
        try:
            read_json(shown.encode())
        except Refused:
            raise _unmaskable("a message would be no JSON any more") from None
        return shown.encode()


def _unescaped(found: re.Match[str]) -> str:
    number = found[1] or found[2]
    return _PLAIN.get(found[3], found[3]) if number is None else chr(int(number, 16))


def _unmaskable(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="MASK_UNPROVEN")
