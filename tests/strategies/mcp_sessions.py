"""A connection of MCP with everything around it played: messages in, what a server and a client see of them."""

from __future__ import annotations

import json
from collections.abc import Callable

from adapters.core.ports import Answer, Target
from adapters.mcp.facts import Server
from adapters.mcp.session import mcp_session
from adapters.mcp.sessions import Book
from adapters.web.session.conversation import Conversation
from adapters.web.session.settings import Settings
from engine.command.parse import parse_command
from engine.decision import Decision, MaskItem, Reason, Verdict
from tests.strategies.http_sessions import SECRET, House

JSON = "content-type: application/json"
ACCEPT = "accept: application/json, text/event-stream"
CARD = "4111111111111111"
BY_PATH = MaskItem(None, (), "redact", {}, ("p/M",), "$.card")
BY_VALUE = MaskItem(None, ("pii.credit_card", "pii.email"), "redact", {}, ("p/V",))


def target(server: Server | None = None) -> Target:
    return Target("127.0.0.1", 8080, "", SECRET, tls=False, own=server)


def judged(verdict: Verdict = Verdict.ALLOW, *masks: MaskItem, ticket: str | None = None) -> Callable[[bytes], Answer]:
    """A gate that says this of every message, with its tree."""
    reasons = (Reason("p/R", verdict.value, "R", "because", hint="ask lea"),)
    decision = Decision(verdict, None, reasons, masks) if verdict is not Verdict.DENY else Decision(reasons=reasons)
    return lambda text: Answer(
        decision, "d-1", ticket, "https://go/t-1" if ticket else None, parse_command("mcp", text)
    )


def house(
    judge: Callable[[bytes], Answer] | None = None, server: Server | None = None, book: Book | None = None
) -> House:
    """A connection; the target does not answer by itself. Connections of one `book` are one listener's."""
    kept = Book() if book is None else book

    def speak(settings: Settings) -> Conversation:
        return mcp_session(settings, kept)

    return House(judge=judge or judged(), target=target(server), answers=False, speak=speak)


def post(message: object, *headers: str, token: str = "ana", path: str = "/mcp") -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    lines = [f"POST {path} HTTP/1.1", "host: shop", f"authorization: Bearer {token}", JSON, ACCEPT, *headers]
    return "\r\n".join((*lines, f"content-length: {len(body)}", "", "")).encode() + body


def get(*headers: str, method: str = "GET", token: str = "ana") -> bytes:
    lines = [f"{method} /mcp HTTP/1.1", "host: shop", f"authorization: Bearer {token}", ACCEPT, *headers]
    return "\r\n".join((*lines, "", "")).encode()


def call(name: str = "pay", arguments: object = None, identity: object = 7, **more: object) -> dict[str, object]:
    params = {"name": name, **({} if arguments is None else {"arguments": arguments}), **more}
    return {"jsonrpc": "2.0", "id": identity, "method": "tools/call", "params": params}


def result(document: object, identity: object = 7) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": identity, "result": document}


def text_result(text: str, **more: object) -> dict[str, object]:
    return result({"content": [{"type": "text", "text": text}], **more})


def in_json(document: object, *headers: str, status: int = 200) -> bytes:
    """An answer of a server, of one piece."""
    body = json.dumps(document).encode()
    lines = [f"HTTP/1.1 {status} X", JSON, *headers, f"content-length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


def in_events(*documents: object) -> bytes:
    """An answer of a server, in events."""
    body = b"".join(b"id: 1\r\nevent: message\r\ndata: " + json.dumps(one).encode() + b"\r\n\r\n" for one in documents)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def bodies(down: bytes) -> list[bytes]:
    """The bodies of all answers, chunks put together."""
    found = []
    while down:
        head, _, rest = down.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head:
            body = b""
            while rest:
                size, _, rest = rest.partition(b"\r\n")
                length = int(size, 16)
                body, rest = body + rest[:length], rest[length + 2 :]
                if not length:
                    break
        else:
            length = next((int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: ")), 0)
            body, rest = rest[:length], rest[length:]
        found.append(body)
        down = rest
    return found


def said(down: bytes) -> list[dict[str, object]]:
    """Every message of every answer, whether in JSON or in events."""
    found: list[dict[str, object]] = []
    for body in bodies(down):
        if body.startswith(b"{"):
            found.append(json.loads(body))
        found += [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")]
    return found
