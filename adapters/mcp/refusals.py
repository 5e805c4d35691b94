"""What a client of MCP reads when its message does not go on: the result of a tool that says why not, or an error of JSON-RPC.

Before a message was read there is only HTTP to answer in: `application/problem+json` with a status. `Voice` speaks to one
message; while people are asked it opens an event stream and says so every few seconds, and answers in that stream.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.core.ports import Answer, Refusal
from adapters.mcp import messages
from adapters.mcp.messages import Document
from adapters.web.bodies import LAST_CHUNK, chunk
from adapters.web.problems import LOGINS, NOT_ADMITTED, UNAVAILABLE, problem
from adapters.web.problems import answer as written
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.mcp.parse import Message
from engine.decision import Reason

REALM = 'Bearer realm="sallyport"'
RETRY_SECONDS = "5"
WORD_SECONDS = 2.0
"""How often who waits is told that they do."""

_OF_WIRE = {
    "head_too_long": 431,
    "incomplete_head": 431,
    "too_many_headers": 431,
    "method_refused": 405,
    "upgrade_refused": 501,
    "expect": 417,
    "transfer_encoding": 501,
    "no_such_path": 404,
    # WHY: the protocol's own word for it; clients begin another session then.
    "session_unknown": 404,
    "content_type": 415,
    "body_too_long": 413,
}


def not_read(code: str, message: str, *, is_head: bool = False, decision_id: str = "") -> bytes:
    """For a request that is none of MCP's, or could be read in two ways. The connection ends."""
    status = _OF_WIRE.get(code, 400)
    more = {"decision": decision_id} if decision_id else None
    headers = [("allow", "POST, GET, DELETE")] if status == 405 else []
    return problem(status, code.upper(), message, closes=True, more=more, headers=headers, is_head=is_head)


def not_admitted(refusal: Refusal, *, is_head: bool) -> bytes:
    """For who is not let in."""
    status, code = LOGINS.get(refusal.code, NOT_ADMITTED)
    message = refusal.message
    if code == "NOT_AUTHENTICATED":
        message = "a valid token is needed: `Authorization: Bearer TOKEN`"
    headers = [("www-authenticate", REALM)] if status == 401 else []
    headers += [("retry-after", RETRY_SECONDS)] if status in (429, 503) else []
    return problem(status, code, message, closes=True, headers=headers, is_head=is_head)


def too_slow() -> bytes:
    """For who does not send in time what they began."""
    return problem(408, "TOO_SLOW", "the rest of the request did not come in time", closes=True)


def denied(answer: Answer, *, closes: bool, is_head: bool) -> bytes:
    """For a request without a message that the gate denied."""
    first = _first(answer)
    status = 503 if answer.decision.deny_kind in UNAVAILABLE else 403
    more = {"decision": answer.decision_id, "rule": first.rule}
    return problem(status, first.code, first.reason, closes=closes, more=more, is_head=is_head)


def not_done(answer: Answer, status: int, code: str, message: str, *, closes: bool, is_head: bool) -> bytes:
    """For a request without a message that was granted, or held, and still does not go on."""
    return problem(status, code, message, closes=closes, more={"decision": answer.decision_id}, is_head=is_head)


def come_again(answer: Answer, *, closes: bool, is_head: bool) -> bytes:
    """For a client that does not wait: the same request, sent again once approved, goes on."""
    more = {"ticket": answer.ticket, "link": answer.link, "decision": answer.decision_id}
    headers = [("retry-after", RETRY_SECONDS), ("preference-applied", "respond-async")]
    return problem(202, "HELD", _first(answer).reason, closes=closes, more=more, headers=headers, is_head=is_head)


def keep_waiting(answer: Answer) -> tuple[bytes, float | None]:
    """Nothing: there is no message to speak to."""
    return b"", None


class Voice:
    """Speaks to one message. `is_open`: an event stream is open, in which the answer has to come."""

    def __init__(
        self,
        message: Message,
        *,
        waits: Callable[[], None] = lambda: None,
        is_taken_back: Callable[[], bool] = lambda: False,
    ) -> None:
        """`waits` is told once that people are asked; `is_taken_back` says whether the client wants its answer no more."""
        self._message = message
        self._waits, self._is_taken_back = waits, is_taken_back
        self._has_waited = False
        meta = message.params.get("_meta")
        self._token: Value = meta.get("progressToken") if isinstance(meta, dict) else None
        self._told = 0
        self.is_open = False

    @property
    def is_taken_back(self) -> bool:
        """Whether the client took the message back while people were asked."""
        return self._has_waited and self._is_taken_back()

    def not_read(self, code: str, message: str, *, is_head: bool = False, decision_id: str = "") -> bytes:
        """For a message that is not to be read further: the end of its stream, where there is one."""
        return LAST_CHUNK if self.is_open else not_read(code, message, is_head=is_head, decision_id=decision_id)

    # What is said before or beside the message, as to any request.
    not_admitted = staticmethod(not_admitted)
    too_slow = staticmethod(too_slow)

    def denied(self, answer: Answer, *, closes: bool, is_head: bool) -> bytes:
        """For a message that the gate denied."""
        first = _first(answer)
        said: Document = {"code": first.code, "rule": first.rule, "decision": answer.decision_id}
        words = f"denied: {first.reason or 'this is not granted'}"
        if first.hint:
            said["hint"] = first.hint
            words += f". {first.hint}"
        return self.refusal(messages.DENIED, words, said, closes=closes)

    def not_done(self, answer: Answer, status: int, code: str, message: str, *, closes: bool, is_head: bool) -> bytes:
        """For a message that was granted, or held, and still does not go on."""
        said: Document = {"code": code, "decision": answer.decision_id}
        return self.refusal(messages.DENIED if status == 403 else messages.FAILED, message, said, closes=closes)

    def come_again(self, answer: Answer, *, closes: bool, is_head: bool) -> bytes:
        """For a client that does not wait: the same call, made again once approved, goes on."""
        said: Document = {"code": "HELD", "ticket": answer.ticket, "link": answer.link, "decision": answer.decision_id}
        words = f"this waits for an approval: {_first(answer).reason}. Make the same call again when it is approved"
        return self.refusal(messages.DENIED, words, said, closes=closes)

    def keep_waiting(self, answer: Answer) -> tuple[bytes, float | None]:
        """An event stream that stays open, with progress for who asked for it. Raises Refused once it is taken back."""
        if not self._message.is_answered:
            return b"", None
        if not self._has_waited:
            self._has_waited = True
            self._waits()
        if self._is_taken_back():
            raise Refused("taken_back", "the client took the call back while it waited")
        place = f" ({answer.link})" if answer.link else ""
        words = f"waits for an approval: {_first(answer).reason}{place}"
        if isinstance(self._token, str | int):
            self._told += 1
            said = messages.event(messages.write(messages.progress(self._token, self._told, words)))
        else:
            said = messages.comment(words)
        return self.opened(answer.decision_id) + chunk(said), WORD_SECONDS

    def opened(self, decision_id: str) -> bytes:
        """The head of the event stream, unless it is open."""
        if self.is_open:
            return b""
        self.is_open = True
        lines = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked"]
        lines += [f"sallyport-decision: {decision_id}", "cache-control: no-store", "x-content-type-options: nosniff"]
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def refusal(self, code: int, words: str, said: Document, *, closes: bool) -> bytes:
        """Why the message has no answer of the server's, as a whole answer or as the last event of the open stream."""
        if not self._message.is_answered:
            # A notification or a reply: nobody waits for words, and HTTP has its own.
            return problem(403, str(said["code"]), words, closes=closes, more={"decision": said.get("decision")})
        data = self.last_word(code, words, said)
        if self.is_open:
            return chunk(messages.event(data)) + LAST_CHUNK
        return written(200, "application/json", data, closes=closes)

    def last_word(self, code: int, words: str, said: Document) -> bytes:
        """The message that takes the place of the server's answer."""
        if self._message.method == "tools/call":
            made = messages.failed_tool(self._message.id, words, {"sallyport": said})
        else:
            made = messages.error(self._message.id, code, words, said)
        return messages.write(made)


def _first(answer: Answer) -> Reason:
    return answer.decision.reasons[0] if answer.decision.reasons else Reason("", "deny", "DENIED", "this is denied")
