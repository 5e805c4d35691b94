"""The target's answer on its way to the client: framed anew, masked, the gateway's credential taken out. Pure.

An answer that a mask concerns and that cannot be rewritten with certainty is refused: before its first byte where that is
known by then (`HOLD_BACK`), else by cutting it off, so that nobody takes what came for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TypeAlias

from adapters.core.ports import Answer, Target
from adapters.errors import PeerProtocolError
from adapters.web import facts
from adapters.web.bodies import LAST_CHUNK, chunk
from adapters.web.csv_masks import CsvMasker
from adapters.web.event_masks import EventMasker
from adapters.web.json_masks import JsonMasker, PathMask
from adapters.web.recorded import Tap
from adapters.web.responses import AnswerData, AnswerEnd, AnswerHead, AnswerPart
from adapters.web.scrub import Scrubber
from adapters.web.session.exchange import Exchange
from adapters.web.session.manners import Plan
from adapters.web.session.settings import HOLD_BACK
from adapters.web.text_masks import TextMasker
from adapters.web.trailers import are_read, passed

_MEDIA = re.compile(
    rb'([A-Za-z0-9!#$&^_.+\-]+/[A-Za-z0-9!#$&^_.+\-]+)[ \t]*(?:;[ \t]*charset="?([A-Za-z0-9\-]+)"?[ \t]*)?'
    rb"(?:;[ \t]*(?:as|v|g|stream)=[A-Za-z0-9.\-]+[ \t]*)*",
    re.I,
)
"""A type, its charset, and the parameters with which the API server says in which form an object comes."""
_LINES = frozenset({b"application/x-ndjson", b"application/jsonl", b"application/x-jsonlines", b"application/ndjson"})
_PHRASES: Mapping[int, bytes] = {int(one): one.phrase.encode() for one in HTTPStatus}
Masker: TypeAlias = JsonMasker | EventMasker | CsvMasker | TextMasker

_EVENTS = b"text/event-stream"
_OTHERS: Mapping[bytes, Callable[[Sequence[PathMask]], Masker]] = {_EVENTS: EventMasker, b"text/csv": CsvMasker}
"""What else than JSON can be masked by path."""
_FOR_THIS_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer"),
        *(b"transfer-encoding", b"upgrade", b"content-length", b"alt-svc", b"www-authenticate"),
    }
)
_OF_THE_UNMASKED = frozenset(
    {
        *(b"etag", b"digest", b"content-digest", b"repr-digest", b"content-md5", b"accept-ranges"),
        *(b"content-encoding", b"x-content-type-options", b"content-range", b"expires", b"pragma"),
    }
)
_FOR_CACHES = frozenset(
    {
        *(
            b"cache-control",
            b"surrogate-control",
            b"cdn-cache-control",
            b"cloudflare-cdn-cache-control",
            b"edge-control",
        ),
        *(b"x-accel-expires", b"x-accel-redirect", b"x-accel-buffering", b"x-sendfile", b"x-lighttpd-send-file"),
        b"x-reproxy-url",
    }
)
"""What a proxy before us would obey: an answer is for who asked, whatever the target says to everybody."""
_OWN_CACHE = re.compile(
    rb"no-cache|no-store|must-revalidate|immutable|(?:max-age|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
)
_PARTIAL = 206
LastWord: TypeAlias = Callable[[str, str], bytes]
"""Of a code and a message the line that tells them; nothing where the end is to look like one that just happened."""


class Reply:
    """One answer. `feed` gives the client's bytes; `is_begun` once some went out, `is_done` when it is whole."""

    def __init__(
        self,
        decision_id: str,
        *,
        plan: Plan,
        secrets: Sequence[bytes],
        is_old: bool,
        closes: bool,
        waited_for: str | None = None,
        is_proxied: bool = False,
        tap: Tap | None = None,
        reads_trailers: bool = False,
        last_word: LastWord | None = None,
    ) -> None:
        """`is_old`: the client speaks HTTP/1.0. `waited_for`: the ticket of an approval that the client is told of.

        `is_proxied`: clients sign in at the target themselves, and are told how. `tap` records the body. `reads_trailers`: what stands
        behind the body goes on, where nothing is masked: no mask has looked into it. `last_word`: the line that ends a stream of lines before
        its end.
        """
        self._own = frozenset({b"www-authenticate"}) if is_proxied else frozenset[bytes]()
        self._decision_id = decision_id
        self._tap = tap
        self._masks, self._is_always_lines = plan.masks, plan.is_lines
        self._values = plan.values if plan.is_text else ()
        self._is_masked = self._masks is not None or bool(self._values)
        self._waited_for = waited_for
        self._reads_trailers = reads_trailers and not self._is_masked
        self._is_old = is_old
        self._scrubber = Scrubber(secrets)
        self._has_secrets = bool(secrets)
        self._masker: Masker | None = None
        self._is_stream = False
        self._head: AnswerHead | None = None
        self._is_chunked, self._ends_line, self._last_word = False, True, last_word
        self._kept: list[bytes] = []
        self._size = 0
        self.closes = closes
        self.is_begun = False
        self.is_done = False
        self.bytes = 0
        self.status = 0

    @property
    def error(self) -> str | None:
        """The status, where it is one of those that say so."""
        return None if self.status < 400 else str(self.status)

    def questions(self) -> Sequence[bytes]:
        """None: nobody has to be asked."""
        return ()

    def answered(self, answer: Answer) -> bytes:
        """Nothing: nobody was asked."""
        return b""

    @property
    def is_holding(self) -> bool:
        """Whether a text is kept back that may be the beginning of a value."""
        return isinstance(self._masker, TextMasker) and self._masker.is_holding

    def quiet(self) -> bytes:
        """Nothing came for a while: what was kept back of a text."""
        return self._body(self._masker.quiet()) if isinstance(self._masker, TextMasker) else b""

    def broken(self, code: str, message: str) -> bytes:
        """Behind a line of a stream of lines one more. Else nothing: HTTP has no word for it but the end of the connection."""
        word = b"" if self._last_word is None else self._last_word(code, message)
        return chunk(word) + LAST_CHUNK if word and self._is_chunked and self._ends_line else b""

    def feed(self, part: AnswerPart) -> bytes:
        """What goes to the client. Raises PeerProtocolError for an answer that may not go on."""
        match part:
            case AnswerHead():
                self._begin(part)
                return b"" if self._masker is not None else self._commit()
            case AnswerData(data):
                self._size += len(data)
                return self._body(self._masker.feed(data) if self._masker is not None else data)
            case AnswerEnd(trailers):
                return self._end(trailers)

    def _begin(self, head: AnswerHead) -> None:
        self._head, self.status = head, head.status
        encodings = {value.strip().lower() for value in head.values(b"content-encoding")} - {b"", b"identity"}
        is_readable = not self._is_masked and not self._has_secrets
        if encodings and head.has_body and head.length != 0 and not is_readable:
            raise PeerProtocolError("the target's answer is encoded, though that was not asked for", code="ENCODED")
        if self._is_masked and head.has_body and head.length != 0:
            self._masker = self._text_masker(head) if self._values else self._masker_of(head, self._masks or ())

    def _text_masker(self, head: AnswerHead) -> TextMasker:
        types = head.values(b"content-type")
        found = _MEDIA.fullmatch(types[0]) if len(types) == 1 else None
        # WHY without a type too: the API server's logs have none where nothing was said yet.
        is_text = not types or (found is not None and found[1].lower() in (b"text/plain", b"application/json"))
        charset = b"utf-8" if found is None else (found[2] or b"utf-8").lower()
        if not is_text or charset not in (b"utf-8", b"utf8") or head.status == _PARTIAL:
            raise _unmaskable("only plain text in UTF-8 can be masked by values, and this answer is none")
        self._is_stream = True
        return TextMasker(self._values)

    def _masker_of(self, head: AnswerHead, masks: Sequence[PathMask]) -> Masker:
        types = head.values(b"content-type")
        found = _MEDIA.fullmatch(types[0]) if len(types) == 1 else None
        if found is None or head.status == _PARTIAL:
            raise _unmaskable("a part of a document, or one of an unknown type, cannot be masked")
        media = found[1].lower()
        if (found[2] or b"utf-8").lower() not in (b"utf-8", b"utf8"):
            raise _unmaskable("only what is UTF-8 can be masked")
        is_lines = self._is_always_lines or media in _LINES
        self._is_stream = is_lines or media == _EVENTS
        if media in _LINES or media.endswith((b"+json", b"/json")):
            return JsonMasker(masks, is_lines=is_lines)
        if media in _OTHERS and not self._is_always_lines:
            return _OTHERS[media](masks)
        raise _unmaskable("only JSON, events of JSON and CSV can be masked, and this answer is none of them")

    def _body(self, data: bytes) -> bytes:
        if self.is_begun:
            return self._framed(self._scrubber.feed(data))
        self._kept.append(data)
        if (self._is_stream and data) or self._size > HOLD_BACK:
            return self._commit()
        return b""

    def _commit(self) -> bytes:
        head, self.is_begun = self._written_head(), True
        kept = b"".join(self._kept)
        self._kept.clear()
        return head + self._framed(self._scrubber.feed(kept))

    def _end(self, trailers: tuple[tuple[bytes, bytes], ...]) -> bytes:
        last = self._masker.end() if self._masker is not None else b""
        self.is_done = True
        if not self.is_begun:
            return self._whole(last)
        made = self._framed(self._scrubber.feed(last) + self._scrubber.end())
        if not self._is_chunked:
            return made
        behind = passed(trailers, self._scrubber.whole) if self._reads_trailers else b""
        return made + (b"0\r\n" + behind + b"\r\n" if behind else LAST_CHUNK)

    def _whole(self, last: bytes) -> bytes:
        """All of an answer whose end is there before its first byte goes on: its length can be said."""
        kept = self._scrubber.feed(b"".join((*self._kept, last))) + self._scrubber.end()
        self._kept.clear()
        head, self.is_begun = self._written_head(len(kept)), True
        return head + self._framed(kept)

    def _framed(self, data: bytes) -> bytes:
        self.bytes += len(data)
        self._ends_line = data.endswith(b"\n") if data else self._ends_line
        if self._tap is not None:
            self._tap.take(data)
        return chunk(data) if self._is_chunked else data

    def _written_head(self, length: int | None = None) -> bytes:
        """The head as the client gets it; `length` is that of what is left of the body, where that is known."""
        head = self._head
        assert head is not None
        named = {name.strip().lower() for value in head.values(b"connection") for name in value.split(b",")}
        dropped = (_FOR_THIS_HOP - self._own) | named | _FOR_CACHES
        if self._is_masked:
            dropped = dropped | _OF_THE_UNMASKED
        if self._has_secrets:
            # WHY: a cookie of the target would stand for the gateway there, without the gateway.
            dropped = dropped | {b"set-cookie", b"set-cookie2"}
        # WHY not the target's under masks: it is a text that no mask has looked into. Nor none: some clients take that for no answer.
        reason = _PHRASES.get(head.status, b"") if self._is_masked else b"".join(head.reason.split(b"\r"))
        lines = [b"HTTP/1.1 %d %b" % (head.status, self._scrubber.whole(reason))]
        for name, value in head.headers:
            if name not in dropped and not name.startswith(b"sallyport-"):
                lines.append(b"%b: %b" % (name, self._scrubber.whole(value)))
        lines += self._framing(head, length)
        lines.append(b"cache-control: " + self._for_whom(head))
        lines.append(b"sallyport-decision: " + self._decision_id.encode())
        if self._is_masked:
            lines.append(b"x-content-type-options: nosniff")
        if self._waited_for is not None:
            lines.append(b'warning: 299 - "this waited for an approval: ticket %b"' % self._waited_for.encode())
        if self.closes:
            lines.append(b"connection: close")
        return b"\r\n".join((*lines, b"", b""))

    def _for_whom(self, head: AnswerHead) -> bytes:
        """What caches may do with it. WHY `private`: whoever asks next may be denied, or shown less."""
        if self._is_masked:
            return b"private, no-store"
        said = [word.strip().lower() for value in head.values(b"cache-control") for word in value.split(b",")]
        return b", ".join([b"private", *dict.fromkeys(word for word in said if _OWN_CACHE.fullmatch(word))])

    def _framing(self, head: AnswerHead, length: int | None) -> list[bytes]:
        if not head.has_body:
            # WHY kept for HEAD: it is the length a GET would have, unless that one would be rewritten.
            is_said = head.length is not None and head.length >= 0 and not self._is_masked and head.status != 204
            return [b"content-length: %d" % head.length] if is_said and head.length is not None else []
        if head.length is not None and head.length >= 0 and self._masker is None:
            return [b"content-length: %d" % head.length]
        if length is not None:
            return [b"content-length: %d" % length]
        if self._is_old:
            self.closes = True
            return []
        self._is_chunked = True
        return [b"transfer-encoding: chunked"]


def reply_to(
    exchange: Exchange, target: Target, *, closes: bool, is_proxied: bool = False, last_word: LastWord | None = None
) -> Reply:
    """The answer to a request that was granted."""
    assert exchange.answer is not None
    return Reply(
        exchange.answer.decision_id,
        plan=exchange.plan,
        waited_for=exchange.ticket,
        secrets=facts.secrets_of(target),
        is_old=exchange.head.version == "1.0",
        closes=closes,
        is_proxied=is_proxied,
        tap=exchange.tap,
        reads_trailers=are_read(exchange.head),
        last_word=last_word,
    )


def _unmaskable(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code="MASK_UNPROVEN")
