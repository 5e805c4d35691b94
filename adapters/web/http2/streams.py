"""One request and its answer on a stream: data to the words of HTTP/1.1, and an answer in those words to fields and data. Pure."""

from __future__ import annotations

from dataclasses import replace

from adapters.errors import PeerProtocolError
from adapters.web.bodies import LAST_CHUNK, chunk
from adapters.web.http2.flows import Flow
from adapters.web.http2.heads import Fields, Opening, answer_fields, lines_behind, switched_fields
from adapters.web.requests import CONTINUE
from adapters.web.responses import MAX_HEAD, AnswerData, AnswerEnd, AnswerHead, AnswerReader, read_answer_head
from engine.command.documents.refusal import Refused


class Stream(Flow):
    """What is known of one stream. `queue`: of the answer's body. `is_said`: the session said all of its answer."""

    __slots__ = (
        *("_early", "_is_begun", "_is_switched", "_kept", "_opening", "_reader", "_size", "fields", "has_head"),
        *("heads", "is_cut", "trailers"),
    )

    def __init__(self, opening: Opening, fields: Fields) -> None:
        super().__init__()
        self._opening = opening
        self._is_begun = False
        self._size = 0
        self._kept = b""
        self._early = b""
        self._is_switched = False
        self._reader = AnswerReader(opening.method)
        self.fields = fields
        """As they came, for the record of a request that does not go on."""
        self.is_ended = opening.is_ended
        self.heads: list[Fields] = []
        """Heads of the answer that were not sent yet, those before the answer too."""
        self.has_head = False
        """The answer's own head is among them, or went out."""
        self.trailers: Fields = ()
        """Behind the answer's body."""
        self.is_cut = False
        """The session ended before its answer did."""

    @property
    def is_tunnel(self) -> bool:
        """Whether it is to become a WebSocket: bytes go both ways as they are, once it has."""
        return self._opening.is_tunnel

    # --- the request

    def begin(self) -> bytes:
        """What is to be said to the session at first; nothing while it is open whether there is a body."""
        is_open = self._opening.may_be_bodiless or (self._opening.length == 0 and not self.is_ended)
        return b"" if is_open else self._begun(has_body=not self.is_ended)

    def check(self, size: int, *, is_last: bool) -> None:
        """Look at data before it counts. Raises Refused for a body that is not as long as was said."""
        if self.is_tunnel:
            return
        self._size += size
        said = self._opening.length
        if said is not None and (self._size > said or (is_last and self._size < said)):
            raise Refused("content_length", f"the request says that its body has {said} bytes, and it has not")
        if size and self._opening.may_be_bodiless and self._opening.method in ("GET", "HEAD", "TRACE"):
            raise Refused("body_not_expected", f"a {self._opening.method} request has a body")

    def data(self, data: bytes) -> bytes:
        """A piece of the body in the words of HTTP/1.1."""
        if self.is_tunnel:
            return data
        made = b"" if self._is_begun or not data else self._begun(has_body=True)
        if self._opening.length is None:
            return made + chunk(data)
        if self._size < self._opening.length:
            return made + data
        # WHY kept: a session takes a body of that length for whole, and only the end of the stream says that it is.
        self._kept += data
        return made

    def end_with(self, fields: Fields) -> bytes:
        """The end of the request, with fields behind its body. Whether they go on is the session's to say. Raises Refused."""
        lines = lines_behind(fields)
        has_no_end = self._opening.length is not None or (self._opening.may_be_bodiless and not self._is_begun)
        if lines and (has_no_end or self.is_tunnel):
            raise Refused("trailer", "fields stand behind a body that has no end of its own")
        return self.end() if not lines else self._ended(b"0\r\n" + lines + b"\r\n")

    def _ended(self, words: bytes) -> bytes:
        self.is_ended = True
        return words

    def end(self) -> bytes:
        """The end of the request."""
        self.is_ended = True
        if self.is_tunnel:
            return b""
        if not self._is_begun:
            return self._begun(has_body=False)
        return LAST_CHUNK if self._opening.length is None else self._kept

    def _begun(self, *, has_body: bool) -> bytes:
        self._is_begun = True
        return self._opening.head(has_body=has_body)

    # --- the answer

    def answer(self, data: bytes) -> None:
        """Bytes of the session. Raises PeerProtocolError for what is no answer: a mistake of ours."""
        if data.startswith(CONTINUE) and not self.has_head:
            self.heads.append([(b":status", b"100")])
            data = data[len(CONTINUE) :]
        if self.is_tunnel and not self.has_head:
            self._early += data
            data = self._switch()
        if not data:
            return
        if self._is_switched:
            self.queue += data
            return
        if self.is_said:
            raise PeerProtocolError("an answer goes on behind its end", code="INTERNAL_ERROR")
        for part in self._reader.feed(data):
            match part:
                case AnswerHead():
                    self.heads.append(self._fields_of(part))
                    self.has_head = True
                case AnswerData(piece):
                    self.queue += piece
                case AnswerEnd(trailers):
                    self.is_said, self.trailers = True, trailers

    def _switch(self) -> bytes:
        """Read the head of what may be a switch; what is left to be looked at, once that is clear."""
        end = self._early.find(b"\r\n\r\n")
        if end < 0 and len(self._early) <= MAX_HEAD:
            return b""
        early, self._early = self._early, b""
        if not early.startswith(b"HTTP/1.1 101 "):
            return early
        self.heads.append(switched_fields(read_answer_head(early[:end], "GET")))
        self.has_head = self._is_switched = True
        return early[end + 4 :]

    def _fields_of(self, head: AnswerHead) -> list[tuple[bytes, bytes]]:
        # WHY not as it is: where no WebSocket came about, 200 would say that one did.
        is_mistaken = self.is_tunnel and 200 <= head.status < 300
        return answer_fields(replace(head, status=502) if is_mistaken else head)

    def finish(self, *, at_once: bool) -> None:
        """The session says nothing more: what it said goes out (`at_once`: does not), and is no whole answer."""
        if self._is_switched and not at_once:
            self.is_said = True
            return
        self.is_cut = True
        if at_once:
            self.cut()

    def cut(self) -> None:
        """Nothing more of the answer goes out."""
        self.is_cut, self.is_said = True, False
        self.heads.clear()
        self.queue.clear()


def whole_answer(said: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """An answer of ours, in the words of HTTP/1.1, as fields and a body."""
    fields: list[tuple[bytes, bytes]] = []
    body = b""
    for part in AnswerReader("GET").feed(said):
        match part:
            case AnswerHead():
                fields = answer_fields(part)
            case AnswerData(data):
                body += data
            case AnswerEnd():
                pass
    return fields, body
