"""A server's answer on its way to the client, message by message: what may not be shown is taken out, refused or hidden.

One reply of JSON, or an event stream. Each message is read strictly, and written anew where something of it changed. Only one
reply, to the request that was made; requests of the server only where they are granted; of a list of tools those alone that
are as they were approved, and (where the configuration says so) those that a call would be granted for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adapters.core.ports import Answer
from adapters.errors import PeerProtocolError
from adapters.mcp import facts, messages
from adapters.mcp.facts import Server
from adapters.mcp.masking import Hiding
from adapters.mcp.messages import MAX_MESSAGE, Document
from adapters.mcp.refusals import Voice
from adapters.web.bodies import LAST_CHUNK, chunk
from adapters.web.events import Events
from adapters.web.recorded import Tap
from adapters.web.responses import AnswerData, AnswerEnd, AnswerHead, AnswerPart
from adapters.web.scrub import Scrubber
from engine.command.documents.values import Value
from engine.command.mcp.parse import Message

_SESSION = facts.SESSION.encode()
_SHOWN_NOTICES = frozenset(
    {
        *(
            "notifications/message",
            "notifications/progress",
            "notifications/cancelled",
            "notifications/tools/list_changed",
        ),
        *(
            "notifications/resources/list_changed",
            "notifications/resources/updated",
            "notifications/prompts/list_changed",
        ),
        "notifications/elicitation/complete",
    }
)
MAX_TOOLS = 500


class McpReply:
    """One answer. `message` is what it answers, None for the stream of GET and the end by DELETE.

    `opened` is told the session that a server began, and says whether it may be; `saw_tools` which tools passed. `tap` records what is shown.
    """

    def __init__(
        self,
        message: Message | None,
        voice: Voice | None,
        decision_id: str,
        *,
        method: str,
        server: Server,
        hiding: Hiding,
        secrets: Sequence[bytes],
        opened: Callable[[str], bool],
        saw_tools: Callable[[list[str], bool], None],
        ended: Callable[[], None],
        closes: bool,
        tap: Tap | None = None,
    ) -> None:
        self._message, self._voice, self._decision_id, self._method = message, voice, decision_id, method
        self._tap = tap
        self._is_awaited = message is not None and message.is_answered
        self._server, self._hiding = server, hiding
        self._scrubber = Scrubber(
            [*secrets, *(messages.write(one.decode("utf-8", "replace"))[1:-1] for one in secrets)]
        )
        self._opened, self._saw_tools, self._ended = opened, saw_tools, ended
        self._head: AnswerHead | None = None
        self._session = b""
        self._events: Events | None = None
        self._kept: list[bytes] = []
        self._size = 0
        self._is_answered = self._is_over = False
        self._listed: Document | None = None
        self._asked: list[Value] = []
        self._permitted: list[Value] = []
        self._unasked: list[bytes] = []
        self.closes = closes
        self.is_begun = False
        self.bytes = 0
        self.error: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether it is whole: nothing more comes from the server, and nobody has to be asked."""
        return self._is_over and self._listed is None

    def feed(self, part: AnswerPart) -> bytes:
        """What goes to the client. Raises PeerProtocolError for an answer that may not go on."""
        match part:
            case AnswerHead():
                return self._begin(part)
            case AnswerData(data):
                if self._events is None:
                    self._kept.append(data)
                    self._size += len(data)
                    if self._size > MAX_MESSAGE:
                        raise PeerProtocolError("the server's answer is too long to be looked at", code="TOO_LARGE")
                    return b""
                return self._streamed(self._events, data)
            case AnswerEnd():
                self._is_over = True
                return self._end()

    def questions(self) -> Sequence[bytes]:
        """Calls, without arguments, of the tools that a list has."""
        made, self._unasked = self._unasked, []
        return made

    def answered(self, answer: Answer) -> bytes:
        """Whether the next tool of the list is shown."""
        from_list = self._asked.pop(0)
        if answer.decision.verdict.value != "deny":
            self._permitted.append(from_list)
        return b"" if self._asked else self._show_list()

    @property
    def is_holding(self) -> bool:
        """Never: messages are looked at whole."""
        return False

    def quiet(self) -> bytes:
        """Nothing."""
        return b""

    def broken(self, code: str, message: str) -> bytes:
        """An error in the stream: without it the client would wait for its answer."""
        if self._voice is None or self._is_answered or not self._is_awaited or self._events is None:
            return b""
        said: Document = {"code": code, "decision": self._decision_id}
        return self._sent(self._voice.last_word(messages.FAILED, message, said)) + LAST_CHUNK

    # --- the head

    def _begin(self, head: AnswerHead) -> bytes:
        self._head = head
        if 300 <= head.status < 400:
            raise PeerProtocolError("the server sends the client elsewhere", code="BAD_ANSWER")
        if head.status >= 400:
            self.error = str(head.status)
        if {value.strip().lower() for value in head.values(b"content-encoding")} - {b"", b"identity"}:
            raise PeerProtocolError("the server's answer is encoded, though that was not asked for", code="ENCODED")
        self._begin_session(head)
        media = b"".join(head.values(b"content-type")).partition(b";")[0].strip().lower()
        if head.status != 200 or not head.has_body:
            return b""
        if media == b"text/event-stream" and self._method != "DELETE":
            self._events = Events()
            return b"" if self._is_awaited else self._opening()
        if media != b"application/json" and head.length != 0:
            raise PeerProtocolError("the server answers in neither JSON nor events", code="BAD_ANSWER")
        return b""

    def _begin_session(self, head: AnswerHead) -> None:
        told = head.values(_SESSION)
        if not told or self._message is None or self._message.method != "initialize" or head.status >= 300:
            return
        session = told[0].decode("latin-1")
        if len(told) != 1 or not facts.is_session(session) or not self._opened(session):
            raise PeerProtocolError("the server begins a session that is none, or somebody else's", code="BAD_ANSWER")
        self._session = told[0]

    def _opening(self) -> bytes:
        """The head of an event stream to the client, unless one is open."""
        if self.is_begun:
            return b""
        self.is_begun = True
        if self._voice is not None and self._voice.is_open:
            return b""
        return self._written_head(200, b"text/event-stream", None)

    def _written_head(self, status: int, media: bytes | None, length: int | None) -> bytes:
        lines = [b"HTTP/1.1 %d %b" % (status, b"OK" if status == 200 else b"Accepted" if status == 202 else b"")]
        lines += [b"content-type: " + media] if media is not None else []
        lines.append(b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length)
        lines += [b"mcp-session-id: " + self._session] if self._session else []
        lines += [b"sallyport-decision: " + self._decision_id.encode(), b"cache-control: no-store"]
        lines += [b"connection: close"] if self.closes else []
        return b"\r\n".join((*lines, b"x-content-type-options: nosniff", b"", b""))

    # --- messages

    def _streamed(self, events: Events, data: bytes) -> bytes:
        """The events of a piece. What came before one that may not be shown is shown, and then why there is no more."""
        made = b""
        try:
            for one in messages.of_events(events.feed(data)):
                made += self._event(one)
        except PeerProtocolError as error:
            if not self.is_begun:
                raise
            self.error, self.closes, self._is_over, self._listed = error.code, True, True, None
            made += self.broken(error.code, str(error))
        return made

    def _event(self, raw: bytes) -> bytes:
        shown = self._taken(raw)
        return b"" if shown is None else self._opening() + self._sent(shown)

    def _sent(self, data: bytes) -> bytes:
        whole = self._scrubber.whole(data)
        made = messages.event(whole)
        self.bytes += len(made)
        self._record(whole + b"\n")
        return chunk(made)

    def _record(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap.take(data)

    def _end(self) -> bytes:
        head = self._head
        assert head is not None
        if self._events is not None:
            if self._listed is not None:
                return b""
            if self._is_awaited and not self._is_answered:
                raise PeerProtocolError("the server ended its answer before it came to it", code="BAD_ANSWER")
            return self._opening() + LAST_CHUNK
        raw = b"".join(self._kept)
        if head.status >= 400:
            return self._refused_by_server(head.status)
        if not self._is_awaited:
            # Nothing is to be said to a notification, a reply, or the end of a session.
            if self._method == "DELETE":
                self._ended()
            self.is_begun = True
            return self._written_head(head.status, None, 0) if head.status != 204 else self._bare(204)
        if head.status != 200:
            raise PeerProtocolError("the server took the request and answers it nowhere", code="BAD_ANSWER")
        shown = self._taken(raw)
        if shown is None and self._listed is None:
            raise PeerProtocolError("the server's answer is none", code="BAD_ANSWER")
        return b"" if shown is None else self._whole(shown)

    def _bare(self, status: int) -> bytes:
        lines = [b"HTTP/1.1 %d No Content" % status, b"sallyport-decision: " + self._decision_id.encode()]
        return b"\r\n".join((*lines, *([b"connection: close"] if self.closes else []), b"", b""))

    def _whole(self, shown: bytes) -> bytes:
        if self._voice is not None and self._voice.is_open:
            self.is_begun = True
            return self._sent(shown) + LAST_CHUNK
        self.is_begun = True
        data = self._scrubber.whole(shown)
        self.bytes += len(data)
        self._record(data)
        return self._written_head(200, b"application/json", len(data)) + data

    def _refused_by_server(self, status: int) -> bytes:
        """The server's own words are not shown: they are no answer, and may quote what is masked."""
        said: Document = {"code": "SERVER_REFUSED", "status": status, "decision": self._decision_id}
        words = f"the server answered with status {status}"
        self.is_begun = True
        if self._voice is not None and self._message is not None and self._is_awaited:
            if self._voice.is_open:
                return self._sent(self._voice.last_word(messages.FAILED, words, said)) + LAST_CHUNK
            data = messages.write(messages.error(self._message.id, messages.FAILED, words, said))
        else:
            data = messages.write({"jsonrpc": "2.0", "id": None, "error": {"code": messages.FAILED, "message": words}})
        return self._written_head(status, b"application/json", len(data)) + data

    def _taken(self, raw: bytes) -> bytes | None:
        """What is shown of a message; None for nothing (yet). Raises PeerProtocolError."""
        document = messages.read(raw)
        method = document.get("method")
        if isinstance(method, str):
            return self._from_server(document, method)
        if "result" not in document and "error" not in document:
            raise PeerProtocolError("the server's message is neither a request nor a reply", code="BAD_ANSWER")
        asked = self._message.id if self._message is not None and self._is_awaited else None
        found = document.get("id")
        if asked is None or self._is_answered or type(found) is not type(asked) or found != asked:
            raise PeerProtocolError("the server answers what was not asked, or twice", code="BAD_ANSWER")
        self._is_answered = True
        if "error" in document:
            return messages.write({"jsonrpc": "2.0", "id": asked, "error": self._hiding.error(document["error"])})
        return self._result(asked, document["result"])

    def _from_server(self, document: Document, method: str) -> bytes | None:
        if "id" in document:
            if not facts.may_ask(self._server, method):
                raise PeerProtocolError("the server asks the client for what it may not", code="SERVER_REQUEST")
        elif method not in _SHOWN_NOTICES:
            return None
        return messages.write(self._hiding.notification(document))

    def _result(self, identity: Value, result: Value) -> bytes | None:
        made: Document = {"jsonrpc": "2.0", "id": identity}
        if self._message is None or self._message.method != "tools/list":
            return messages.write(made | {"result": self._hiding.result(result)})
        tools = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(tools, list) or len(tools) > MAX_TOOLS:
            raise PeerProtocolError("the server's list of tools is none, or too long", code="BAD_ANSWER")
        shown = self._approved(tools)
        if not self._server.hides_denied or not shown:
            return messages.write(made | {"result": self._hiding.result(result | {"tools": shown})})
        self._listed = made | {"result": result}
        self._asked = shown
        self._unasked = [_call_of(tool) for tool in shown]
        return None

    def _approved(self, tools: list[Value]) -> list[Value]:
        names = [tool.get("name") if isinstance(tool, dict) else None for tool in tools]
        if len({str(name) for name in names}) != len(names) or not all(isinstance(name, str) for name in names):
            raise PeerProtocolError(
                "a tool of the server's list has no name, or one that stands twice", code="BAD_ANSWER"
            )
        approved = self._server.approved
        if approved is None:
            return tools
        shown = [
            (str(name), tool)
            for name, tool in zip(names, tools, strict=True)
            if approved.get(str(name)) == facts.digest_of(tool)
        ]
        is_first = self._message is not None and "cursor" not in self._message.params
        self._saw_tools([name for name, _ in shown], is_first)
        return [tool for _, tool in shown]

    def _show_list(self) -> bytes:
        listed, self._listed = self._listed, None
        result = None if listed is None else listed["result"]
        if listed is None or not isinstance(result, dict):
            return b""
        shown = messages.write(listed | {"result": self._hiding.result(result | {"tools": self._permitted})})
        if self._events is None:
            return self._whole(shown)
        return self._opening() + self._sent(shown) + (LAST_CHUNK if self._is_over else b"")


def _call_of(tool: Value) -> bytes:
    """The call of a tool that is asked about when it is listed: nobody knows the arguments yet."""
    name = tool.get("name") if isinstance(tool, dict) else None
    return messages.write({"jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": {"name": name}})
