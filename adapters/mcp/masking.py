"""From a decision to what is hidden in a server's messages, and the hiding: by path in a tool's data, by pattern in every text.

INVARIANT: under masks by path only data that has paths is shown. A text that is no JSON, an image, a word of the log become
`[redacted]`: nobody can tell whether a masked value stands in them. What a tool says twice (data, and the same as text) is
written anew from the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.core.ports import Answer
from adapters.errors import PeerProtocolError
from adapters.mcp.messages import Document, write
from adapters.web.json_masks import JsonMasker
from adapters.web.session.manners import Plan
from adapters.web.session.masking import plan_of_messages
from adapters.web.value_masks import hide_in_value
from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.masking.transforms import REDACTED

_DATA = frozenset({"call_tool", "read_resource"})
"""Kinds whose answers carry data, or texts that may be data."""
_NOT_BY_PATH = frozenset({"get_prompt", "complete"})
"""Kinds whose answers are texts without paths."""
_BINARY = frozenset({"image", "audio"})


def plan_of(answer: Answer, kind: str) -> Plan | str:
    """How the server's messages are rewritten, or why that cannot be done."""
    plan = plan_of_messages(answer, "what a tool answers is masked by `paths` and `values`")
    if isinstance(plan, Plan) and plan.masks and kind in _NOT_BY_PATH:
        return f"the answer to `{kind}` is masked by `values` only"
    return plan


class Hiding:
    """Hides in the messages of one answer what a plan says."""

    def __init__(self, plan: Plan, kind: str) -> None:
        """`kind`: that of the operation that is answered."""
        self._kind = kind
        self._paths = plan.masks or ()
        self._values = plan.values
        self.is_idle = not self._paths and not self._values

    def result(self, result: Value) -> Value:
        """The result of a request."""
        if self.is_idle:
            return result
        if self._paths:
            result = self._by_path(result) if self._kind in _DATA else self._document(result)
        return hide_in_value(_without_binaries(result), self._values) if self._values else result

    def error(self, error: Value) -> Value:
        """Why there is no result."""
        if self._paths:
            code = error.get("code") if isinstance(error, dict) else None
            return {"code": code if isinstance(code, int) else 0, "message": REDACTED}
        return hide_in_value(error, self._values)

    def notification(self, message: Document) -> Document:
        """What a server says by itself: its log, its progress."""
        if self.is_idle:
            return message
        params = message.get("params")
        if self._paths and isinstance(params, dict):
            kept = {name: value for name, value in params.items() if name in ("progressToken", "progress", "total")}
            if message.get("method") == "notifications/message":
                kept = {"level": params.get("level"), "data": REDACTED}
            message = message | {"params": kept}
        made = hide_in_value(message, self._values)
        assert isinstance(made, dict)
        return made

    # --- by path

    def _by_path(self, result: Value) -> Value:
        if not isinstance(result, dict):
            return REDACTED
        made: Document = {"isError": True} if result.get("isError") is True else {}
        if "contents" in result:
            made["contents"] = [self._contents(one) for one in _listed(result["contents"])]
            return made
        data = result.get("structuredContent")
        if isinstance(data, dict):
            masked = self._document(data)
            made["structuredContent"] = masked
            made["content"] = [_text(json.dumps(masked, ensure_ascii=False))]
        elif "content" in result:
            made["content"] = [self._block(one) for one in _listed(result["content"])]
        return made

    def _block(self, block: Value) -> Value:
        text = block.get("text") if isinstance(block, dict) and block.get("type") == "text" else None
        return _text(self._shown(text))

    def _contents(self, one: Value) -> Value:
        text = one.get("text") if isinstance(one, dict) else None
        uri = one.get("uri") if isinstance(one, dict) else None
        return {"uri": uri if isinstance(uri, str) else "", "text": self._shown(text)}

    def _shown(self, text: Value) -> str:
        """A text that is data, with its masks; any other is hidden whole."""
        try:
            data = read_json(text.encode()) if isinstance(text, str) else None
        except (Refused, UnicodeEncodeError):
            return REDACTED
        return json.dumps(self._document(data), ensure_ascii=False) if isinstance(data, dict | list) else REDACTED

    def _document(self, data: Value) -> Value:
        masker = JsonMasker(self._paths)
        masked = masker.feed(write(data))
        return read_again(masked + masker.end())


def read_again(data: bytes) -> Value:
    """What a masker made is JSON. Raises PeerProtocolError where it is not."""
    try:
        return read_json(data)
    except Refused:
        raise PeerProtocolError("what was masked is no JSON any more", code="MASK_UNPROVEN") from None


def _without_binaries(result: Value) -> Value:
    """WHY: what is encoded has no text that a pattern could be found in."""
    match result:
        case list():
            return [_without_binaries(one) for one in result]
        case dict():
            if result.get("type") in _BINARY and "data" in result:
                return _text(REDACTED)
            kept = {name: _without_binaries(one) for name, one in result.items() if name != "blob"}
            return kept | {"text": REDACTED} if "blob" in result else kept
        case _:
            return result


def _listed(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]


def _text(text: str) -> Value:
    return {"type": "text", "text": text}
