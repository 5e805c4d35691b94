"""Messages of JSON-RPC and the events they travel in: bytes to messages and back. What they mean is asked elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypeAlias

from adapters.errors import PeerProtocolError
from adapters.web.events import MAX_EVENT, Event
from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value

MAX_MESSAGE = MAX_EVENT
"""Bytes of one message of a server: it is looked at whole."""

Document: TypeAlias = "dict[str, Value]"

DENIED = -32001
"""Code of an error for what is not granted. Beside JSON-RPC's own range; the words are in `message`."""
FAILED = -32002
"""Code of an error for what was granted and could not be carried out."""


def read(raw: bytes) -> Document:
    """One message of a server. Raises PeerProtocolError for several in one, and for what two readers read differently."""
    try:
        document = read_json(raw)
    except Refused:
        # WHY no more: why it is refused may quote what a mask is to hide.
        raise _bad("the server's message is no JSON, or could be read in two ways") from None
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
        raise _bad("the server sends something that is no message of JSON-RPC 2.0")
    return document


def write(document: Value) -> bytes:
    """A message in one line."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def error(identity: Value, code: int, message: str, data: Value = None) -> Document:
    """An answer that says why there is none."""
    said: Document = {"code": code, "message": message}
    if data is not None:
        said["data"] = data
    return {"jsonrpc": "2.0", "id": identity, "error": said}


def failed_tool(identity: Value, message: str, data: Document) -> Document:
    """The result of a tool that was not run: models read it, where an error would only reach their programs."""
    content: list[Value] = [{"type": "text", "text": message}]
    return {"jsonrpc": "2.0", "id": identity, "result": {"content": content, "isError": True, "_meta": data}}


def progress(token: Value, number: int, message: str) -> Document:
    """A word of progress for a request that asked for such."""
    params: Document = {"progressToken": token, "progress": number, "message": message}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


def event(data: bytes) -> bytes:
    """An event with one message in one line."""
    return b"event: message\ndata: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A line that keeps a stream alive and that nobody reads."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return b": " + plain.encode() + b"\n\n"


def of_events(events: Iterable[Event]) -> list[bytes]:
    """The messages in events. Events of other names are nobody's, and left out."""
    return [one.data for one in events if one.name in (b"", b"message")]


def _bad(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="BAD_ANSWER")
