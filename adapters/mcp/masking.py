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
from adapters.web.json_masks import JsonMasker, PathMask
from adapters.web.session.manners import Plan, ValueMask
from adapters.web.session.masking import method_of, path_mask
from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.decision import Verdict
from engine.masking.patterns import scan
from engine.masking.transforms import REDACTED, transform

_DATA = frozenset({"call_tool", "read_resource"})
"""Kinds whose answers carry data, or texts that may be data."""
_NOT_BY_PATH = frozenset({"get_prompt", "complete"})
"""Kinds whose answers are texts without paths."""
_BINARY = frozenset({"image", "audio"})


def plan_of(answer: Answer, kind: str) -> Plan | str:
    """How the server's messages are rewritten, or why that cannot be done."""
    plan = answer.decision.mask_plan
    if answer.decision.verdict is not Verdict.MASK and not plan:
        return Plan(None)
    paths: list[PathMask] = []
    values: list[ValueMask] = []
    for item in plan:
        if item.output is not None:
            return "what a tool answers is masked by `paths` and `values`"
        if item.path is not None:
            by_path = path_mask(item, answer)
            if isinstance(by_path, str):
                return by_path
            paths.append(by_path)
            continue
        found = method_of(item, answer)
        if isinstance(found, str) or not item.origins:
            return found if isinstance(found, str) else "a mask says not which values it hides"
        values.append(ValueMask(frozenset(item.origins), *found))
    if paths and kind in _NOT_BY_PATH:
        return f"the answer to `{kind}` is masked by `values` only"
    return Plan(tuple(paths), values=tuple(values)) if plan else "a mask verdict names no mask"


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
        return self._scanned(_without_binaries(result)) if self._values else result

    def error(self, error: Value) -> Value:
        """Why there is no result."""
        if self._paths:
            code = error.get("code") if isinstance(error, dict) else None
            return {"code": code if isinstance(code, int) else 0, "message": REDACTED}
        return self._scanned(error) if self._values else error

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
        made = self._scanned(message)
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

    # --- by pattern

    def _scanned(self, value: Value) -> Value:
        """The same with every text looked through, names of members too."""
        match value:
            case str():
                return self._text(value)
            case list():
                return [self._scanned(one) for one in value]
            case dict():
                made = {self._text(name): self._scanned(one) for name, one in value.items()}
                if len(made) != len(value):
                    raise PeerProtocolError("two names became one by being masked", code="MASK_UNPROVEN")
                return made
            case int() if not isinstance(value, bool):
                # WHY: a card's number may stand there as a number.
                shown = self._text(str(value))
                return value if shown == str(value) else shown
            case _:
                return value

    def _text(self, text: str) -> str:
        found = scan(text).findings if self._values else ()
        for one in reversed(found):
            masks = [mask for mask in self._values if one.type in mask.types]
            if masks:
                mask = max(masks, key=lambda each: each.method.strictness)
                instead = transform(mask.method, text[one.start : one.end], mask.params, mask.key)
                text = text[: one.start] + (instead or "") + text[one.end :]
        return text


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
