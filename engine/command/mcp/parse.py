"""One JSON-RPC message of an MCP client to its tree: `{"jsonrpc": "2.0", "id": 1, "method": "tools/call", ...}`.

Strictly: batches, names that stand twice or differ in case only, parameters that nobody knows, a request without an id and a
notification with one are `unknown`, with the reason. `GET` and `DELETE` are what the transport asks for without a message.
Called by `engine/command/parse.py`; the adapter sends on the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.content import Content, read_content
from engine.command.http.signs import names_deletion, value_features, words_of
from engine.command.mcp.kinds import EFFECTS, FEATURES, NOTICES, PARAMETERS, REQUESTS, TRANSPORT
from engine.command.mcp.tree import Mcp
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Problem, Target

MAX_BYTES = 1024 * 1024
MAX_NAME = 256
MAX_URI = 4096
MAX_ID = 200

_REQUEST_KEYS = frozenset({"jsonrpc", "id", "method", "params"})
_REPLY_KEYS = frozenset({"jsonrpc", "id", "result", "error"})
_OF_URIS = ("resources/read", "resources/subscribe", "resources/unsubscribe")
_FETCHED = ("http:", "https:", "ftp:", "file:")
_ARGUMENTS = "/params/arguments"


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose envelope is sound. `method` None: a reply. `id` None: a notification."""

    method: str | None
    id: str | int | None
    params: dict[str, Value]

    @property
    def is_answered(self) -> bool:
        """Whether it is a request, which gets an answer."""
        return self.method is not None and self.id is not None


def read_message(document: Value) -> Message:
    """The envelope of a message that was read strictly. Raises Refused."""
    if isinstance(document, list):
        raise Refused("mcp_batch", "several messages in one body are not taken: each is judged by itself")
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
        raise Refused("mcp_envelope", "the body is no message of JSON-RPC 2.0")
    if "method" not in document:
        is_reply = ("result" in document) != ("error" in document) and document.keys() <= _REPLY_KEYS
        if not is_reply or _id(document) is None:
            raise Refused("mcp_envelope", "the message is neither a request nor a reply")
        return Message(None, _id(document), {})
    method, params = document["method"], document.get("params", {})
    if not isinstance(method, str) or not document.keys() <= _REQUEST_KEYS or not isinstance(params, dict):
        raise Refused("mcp_envelope", "the message has more than a method, its params (an object) and an id")
    return Message(method, _id(document), params)


def _id(document: dict[str, Value]) -> str | int | None:
    if "id" not in document:
        return None
    found = document["id"]
    if isinstance(found, bool) or not isinstance(found, str | int) or len(str(found)) > MAX_ID:
        raise Refused("mcp_id", "the id of a message is a text or a whole number")
    return found


def parse_mcp(text: bytes | str) -> ParsedCommand:
    """The command tree of a message. Never raises on hostile text."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        return ParsedCommand.of(_command(raw))
    except Refused as refusal:
        return _refused(raw, refusal)


def _refused(raw: bytes, refusal: Refused) -> ParsedCommand:
    operation = Operation("unknown", Effect.UNKNOWN, ("top",), span=(0, len(raw)))
    problem = Problem(refusal.code, refusal.message, refusal.at)
    shown, digest = raw[:MAX_BYTES].decode("utf-8", "replace"), hashlib.sha256(b"mcp\0" + raw).hexdigest()
    return ParsedCommand.of(Command("mcp", shown, digest, (operation,), (), False, (problem,)))


def _command(raw: bytes) -> Command:
    if len(raw) > MAX_BYTES:
        raise Refused("text_size", f"the message is longer than {MAX_BYTES} bytes")
    word = raw.decode("latin-1")
    if word in TRANSPORT:
        kind = TRANSPORT[word]
        operation = Operation(kind, EFFECTS[kind], ("top",), span=(0, len(raw)))
        digest = hashlib.sha256(b"mcp\0" + raw).hexdigest()
        return Command("mcp", word, digest, (operation,), complete=True, mcp=Mcp(word))
    if not raw.strip():
        raise Refused("mcp_envelope", "there is no message")
    content = read_content(raw, "application/json", None)
    if "keys_differ_in_case" in content.features:
        raise Refused("keys_differ_in_case", "two names of one object differ only in case: servers pick different ones")
    message = read_message(content.document)
    facts = _facts(message, content)
    kind, targets = _kind(message)
    # WHY not every URI: those of a server's own scheme lead nowhere but to itself.
    values = [*facts.arguments.values(), *([facts.uri] if facts.uri.lower().startswith(_FETCHED) else [])]
    features = content.features | value_features(values, is_line=False)
    features |= {"names_deletion"} if names_deletion(words_of([facts.tool])) else set()
    features |= {"offers_sampling"} if any(one.name == "sampling" for one in targets) else set()
    return Command(
        protocol="mcp",
        text=raw.decode("utf-8"),
        digest=_digest(message, content.document),
        operations=(Operation(kind, EFFECTS[kind], ("top",), targets, (0, len(raw))),),
        features=tuple(sorted(features & FEATURES.keys())),
        complete=content.is_complete,
        mcp=facts,
    )


def _kind(message: Message) -> tuple[str, tuple[Target, ...]]:
    """The kind of a message and what it touches. Raises Refused for what nobody knows."""
    method, params = message.method, message.params
    if method is None:
        return "reply", ()
    if method in NOTICES:
        if message.id is not None:
            raise Refused("mcp_id", "a notification has no id")
        return "notice", (Target("method", method, Access.SET),)
    kind = REQUESTS.get(method)
    if kind is None:
        raise Refused("mcp_method", f"nobody here knows the method `{method[:60]}`")
    if message.id is None:
        # WHY: some servers do what such a message asks for and answer nobody.
        raise Refused("mcp_id", "a request has an id")
    strange = params.keys() - PARAMETERS.get(method, params.keys())
    if strange:
        raise Refused("mcp_params", f"nobody here knows the parameter `{min(strange)[:60]}` of `{method}`")
    match kind:
        case "call_tool":
            return kind, (Target("tool", _name(params, "name"), Access.EXECUTE),)
        case "read_resource" | "subscribe":
            return kind, (Target("uri", _name(params, "uri", MAX_URI), Access.READ),)
        case "get_prompt":
            return kind, (Target("prompt", _name(params, "name"), Access.READ),)
        case "initialize":
            return kind, tuple(Target("capability", name, Access.EXECUTE) for name in _capabilities(params))
        case _:
            return kind, (Target("method", method, Access.READ),)


def _facts(message: Message, content: Content) -> Mcp:
    method, params = message.method, message.params
    arguments = params.get("arguments")
    if method in ("tools/call", "prompts/get") and not isinstance(arguments, dict | None):
        raise Refused("mcp_params", "the arguments are no object")
    given = {
        pointer[len(_ARGUMENTS) :]: value
        for pointer, value in content.facts.items()
        if pointer.startswith(f"{_ARGUMENTS}/")
    }
    return Mcp(
        method=method or "reply",
        tool=_name(params, "name") if method == "tools/call" else "",
        uri=_name(params, "uri", MAX_URI) if method in _OF_URIS else "",
        prompt=_name(params, "name") if method == "prompts/get" else "",
        arguments=given,
    )


def _name(params: dict[str, Value], key: str, most: int = MAX_NAME) -> str:
    name = params.get(key)
    # WHY printable: people approve what they see, and a name is shown as it is.
    if not isinstance(name, str) or not 0 < len(name) <= most or not name.isprintable():
        raise Refused("mcp_params", f"`{key}` is missing, too long, or has characters that nobody sees")
    return name


def _capabilities(params: dict[str, Value]) -> list[str]:
    offered = params.get("capabilities", {})
    if not isinstance(offered, dict) or not all(name and len(name) <= MAX_NAME for name in offered):
        raise Refused("mcp_params", "the capabilities are no object")
    return sorted(offered)


def _digest(message: Message, document: Value) -> str:
    """What approvals bind to: everything but the id and `_meta`, which number a message and its progress."""
    whole = document if isinstance(document, dict) else {}
    params = {name: value for name, value in message.params.items() if name != "_meta"}
    meant = {name: value for name, value in whole.items() if name not in ("id", "params")} | {"params": params}
    if message.method is None:
        meant["id"] = whole.get("id")
    said = json.dumps(meant, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"mcp\0" + said.encode()).hexdigest()
