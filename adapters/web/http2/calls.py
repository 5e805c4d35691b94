"""One request to a target on a stream: the words of HTTP/1.1 of its session to fields and data, and the answer back to those words. Pure.

The other way round of `streams`. Used by `outward`.
"""

from __future__ import annotations

from hpack import HeaderTuple

from adapters.errors import PeerProtocolError
from adapters.web.bodies import Body, Chunked, Sized, chunk
from adapters.web.http2.answers import Answered, fields_behind, read_answer, request_fields, trailer_lines
from adapters.web.http2.flows import Flow
from adapters.web.http2.heads import Fields
from adapters.web.requests import HeadReader
from engine.command.documents.refusal import Refused
from engine.command.http.wire import body_length


class Call(Flow):
    """What is known of one request. `queue`: of its body. `is_said`: the session said all of it. `is_ended`: the target said all of its answer."""

    __slots__ = ("_answer", "_body", "_kept", "_method", "_reader", "_scheme", "_size", "behind", "fields", "is_sent")

    def __init__(self, *, is_tls: bool) -> None:
        super().__init__()
        self._scheme = b"https" if is_tls else b"http"
        self._reader = HeadReader()
        self._method = ""
        self._body: Body | None = None
        self._answer: Answered | None = None
        self._kept = b""
        self._size = 0
        self.fields: list[HeaderTuple] | None = None
        """Of the request, until they were sent."""
        self.behind: list[HeaderTuple] = []
        """Of the request, behind its body."""
        self.is_sent = False
        """All of it went out."""

    @property
    def is_heard(self) -> bool:
        """Whether an answer has begun."""
        return self._answer is not None

    # --- the request

    def say(self, data: bytes) -> None:
        """Words of the session. Raises PeerProtocolError for what is no request: a mistake of ours."""
        try:
            if self._body is None:
                self._reader.feed(data)
                head = self._reader.take()
                if head is None:
                    return
                length = body_length(head)
                self._body = Chunked(is_strict=True, reads_trailers=True) if length is None else Sized(length)
                self._method, self.fields = head.method, request_fields(head, self._scheme)
                data = self._reader.take_rest()
        except Refused as refusal:
            raise PeerProtocolError(refusal.message, code="INTERNAL_ERROR") from refusal
        if data or not self._body.is_done:
            self.queue += self._body.feed(data)
        if self._body.rest:
            raise PeerProtocolError("a request goes on behind its end", code="INTERNAL_ERROR")
        self.is_said = self._body.is_done
        if isinstance(self._body, Chunked) and self.is_said:
            self.behind = fields_behind(self._body.trailers)

    # --- the answer

    def head(self, fields: Fields, *, is_ended: bool) -> bytes:
        """A head of the answer, those before the answer too, in the words of HTTP/1.1. Raises PeerProtocolError."""
        found = read_answer(fields)
        if found.is_interim:
            return found.words(b"")
        self._answer = found
        has_body = found.has_body(self._method)
        if has_body and is_ended and found.length is None:
            return self._ended(found.words(b"content-length: 0"))
        if has_body and found.length is None:
            return found.words(b"transfer-encoding: chunked")
        made = found.words(b"" if found.length is None else b"content-length: %d" % found.length)
        if has_body and found.length:
            return made + (self.end() if is_ended else b"")
        # WHY kept: a session takes an answer without a body for whole, and only the end of the stream says that it is.
        self._kept = made
        return self.end() if is_ended else b""

    def data(self, data: bytes) -> bytes:
        """A piece of the body. Raises PeerProtocolError."""
        found = self._answer
        if found is None or (data and not found.has_body(self._method)):
            raise PeerProtocolError("the target sends a body where there is none", code="bad_answer")
        self._size += len(data)
        if found.length is None:
            return chunk(data)
        if self._size > found.length:
            raise PeerProtocolError("the target's answer is longer than it says", code="bad_answer")
        if self._size < found.length:
            return data
        # WHY kept: as above.
        self._kept += data
        return b""

    def end(self, trailers: Fields = ()) -> bytes:
        """The end of the answer, with what stands behind its body. Raises PeerProtocolError for one that is not as long as it says."""
        found = self._answer
        if found is None:
            raise PeerProtocolError("the target's answer ends before it began", code="bad_answer")
        lines = trailer_lines(trailers)
        if found.has_body(self._method):
            if found.length is None:
                return self._ended(b"0\r\n" + lines + b"\r\n")
            if self._size != found.length:
                raise PeerProtocolError("the target's answer is shorter than it says", code="bad_answer")
        return self._ended(self._kept)

    def _ended(self, words: bytes) -> bytes:
        self.is_ended = True
        return words
