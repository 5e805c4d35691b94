"""What we ask about a client's request: is it one of MCP's, whose session is it in, what of it goes on.

INVARIANT: what goes on is the message that is judged, written anew, with its id and progress token, and four headers of its
own transport; nothing else of the client. So an approval is for the same call made again, whatever number it has then.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.core.ports import Target
from adapters.mcp.sessions import Book
from adapters.web import facts
from adapters.web.requests import Forward
from adapters.web.session.manners import Caller
from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest
from engine.command.mcp.parse import MAX_BYTES, Message, read_message

SESSION = "mcp-session-id"
MAX_BODY = MAX_BYTES
_SESSION_ID = re.compile(r"[\x21-\x7e]{1,256}")
_VERSION = re.compile(r"[0-9A-Za-z.\-]{1,40}")
_CAPABILITY = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}
"""The capability behind each request that a server may make of a client."""


@dataclass(frozen=True, slots=True)
class Server:
    """What the configuration says of an MCP server.

    `may_ask`: capabilities of the client that the server may use. `approved`: digests of the tools that may be shown and
    called, None: any. `hides_denied`: a list of tools has those alone that a call would be granted for.
    """

    path: str = "/mcp"
    may_ask: frozenset[str] = frozenset()
    approved: Mapping[str, str] | None = None
    hides_denied: bool = False


def server_of(target: Target | None) -> Server:
    """What is known of the server behind a target."""
    return target.own if target is not None and isinstance(target.own, Server) else Server()


def may_ask(server: Server, method: str) -> bool:
    """Whether a server may make this request of a client."""
    return method == "ping" or _CAPABILITY.get(method) in server.may_ask


def digest_of(tool: Value) -> str:
    """What a tool is approved by: all that is said of it but `_meta`."""
    said = {name: value for name, value in tool.items() if name != "_meta"} if isinstance(tool, dict) else tool
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def approved_tools(text: bytes) -> dict[str, str]:
    """The digests of a list of tools as a server gave it (`{"tools": [...]}`). Raises ValueError for what is none."""
    try:
        document = read_json(text)
    except Refused as refusal:
        raise ValueError(refusal.message) from None
    tools = document.get("tools") if isinstance(document, dict) else document
    if not isinstance(tools, list):
        raise ValueError("there is no list `tools`")
    found: dict[str, str] = {}
    for tool in tools:
        name = tool.get("name") if isinstance(tool, dict) else None
        if not isinstance(name, str) or name in found:
            raise ValueError("a tool has no name, or one that stands twice")
        found[name] = digest_of(tool)
    return found


def is_session(text: str) -> bool:
    """Whether a text can name a session."""
    return _SESSION_ID.fullmatch(text) is not None


def forward(head: WireRequest, where: Where, target: Target, caller: Caller, book: Book) -> Forward:
    """The request as it goes on. Raises Refused, also for a session that is not this login's."""
    made = facts.forward(head, where, target)
    if made.target != server_of(target).path:
        raise Refused("no_such_path", "there is one place here, and this is not it")
    if made.method not in ("POST", "GET", "DELETE"):
        raise Refused("method_refused", "only POST, GET and DELETE are MCP's")
    kept = [("accept", "application/json, text/event-stream" if made.method == "POST" else "text/event-stream")]
    if made.method == "POST":
        if [value.partition(";")[0].strip().lower() for value in head.values("content-type")] != ["application/json"]:
            raise Refused("content_type", "a message is `application/json`")
        kept.append(("content-type", "application/json"))
    version = head.value("mcp-protocol-version")
    if version is not None:
        if not _VERSION.fullmatch(version):
            raise Refused("protocol_version", "the version of the protocol is none")
        kept.append(("mcp-protocol-version", version))
    session = head.value(SESSION)
    if session is not None:
        if not _SESSION_ID.fullmatch(session) or not book.is_theirs(place_of(made), session, caller.login):
            raise Refused("session_unknown", "there is no such session of yours; begin another")
        kept.append((SESSION, session))
    elif made.method == "DELETE":
        raise Refused("session_unknown", "which session is to end is not said")
    return replace(made, headers=(*kept, ("accept-encoding", "identity")))


def place_of(request: Forward) -> tuple[str, str]:
    """The server that a request goes to, as the book knows it."""
    return (request.host, request.target)


def session_of(request: Forward) -> str | None:
    """The session that a request is in."""
    return next((value for name, value in request.headers if name == SESSION), None)


def readable(request: Forward, body: bytes | None, server: Server) -> bytes:
    """The message as it is judged and goes on: of what a client offers at the beginning, what the server may use. Raises Refused."""
    if body is None:
        raise Refused("body_too_long", f"a message of more than {MAX_BODY} bytes is not read")
    if request.method != "POST":
        if body:
            raise Refused("body_not_expected", "this method has no body")
        return body
    document = read_json(body)
    message = read_message(document)
    if message.method == "initialize" and session_of(request) is not None:
        raise Refused("session_unknown", "a session begins outside of any")
    if message.method is None and not server.may_ask:
        raise Refused("no_question", "the server may ask nothing, so there is nothing to reply to")
    assert isinstance(document, dict)
    if "params" in document:
        document["params"] = _params(message, server)
    return _written(document)


def _params(message: Message, server: Server) -> dict[str, Value]:
    """The parameters that go on: of what stands beside them, the token for progress; of capabilities, those the server may use."""
    made: dict[str, Value] = {name: value for name, value in message.params.items() if name != "_meta"}
    meta = message.params.get("_meta")
    if isinstance(meta, dict) and isinstance(meta.get("progressToken"), str | int):
        made["_meta"] = {"progressToken": meta["progressToken"]}
    offered = made.get("capabilities")
    if message.method == "initialize" and isinstance(offered, dict):
        made["capabilities"] = {name: value for name, value in offered.items() if name in server.may_ask}
    return made


def text_of(request: Forward, body: bytes) -> bytes:
    """The text that is asked about: the message without its number, or the word for what has none."""
    if request.method != "POST":
        return request.method.encode()
    document = read_json(body)
    assert isinstance(document, dict)
    params = document.get("params")
    if isinstance(params, dict):
        document["params"] = {name: value for name, value in params.items() if name != "_meta"}
    if "method" in document and "id" in document:
        document["id"] = 0
    return _written(document)


def _written(document: dict[str, Value]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def message_of(request: Forward, body: bytes) -> Message | None:
    """The message of a request that `readable` let through; None for what has none, and for what is not to be read."""
    if request.method != "POST":
        return None
    try:
        return read_message(read_json(body))
    except Refused:
        return None
