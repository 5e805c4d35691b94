"""What the parts of a ready session share: the way to the gate, what the server owes, the names, the outbox, the frames.

Not a part with a will of its own: `simple`, `batch` and `pipeline` say what happens when.
"""

from __future__ import annotations

from collections.abc import Generator

from adapters.core.buffer import MAX_MESSAGE, MAX_SMALL_MESSAGE, MAX_TEXT, Inbox
from adapters.core.ports import Answer
from adapters.postgres.messages import notices
from adapters.postgres.messages.frames import HEADER, LENGTH_ITSELF, Front, refuse, u32_at
from adapters.postgres.messages.query import SYNC, encode_parse
from adapters.postgres.session import refusals, steps
from adapters.postgres.session.judge import Judge
from adapters.postgres.session.masking import make_copy_masker, make_masker
from adapters.postgres.session.meanings import Meanings, NoMeanings, Surroundings
from adapters.postgres.session.names import Change, NameChange, Names, Portal, Run, Statement
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.replies import Replies
from adapters.postgres.session.settings import Settings
from adapters.postgres.session.standing import LEXER_AS_EXPECTED, LEXER_PROBE_STEPS, encode_lexer_probe
from adapters.postgres.session.steps import Due, Step
from adapters.postgres.session.turns import Need, Turn
from engine._native import CopyOut, skip_rows

_LARGE = {
    Front.QUERY: MAX_TEXT + MAX_SMALL_MESSAGE,
    Front.PARSE: MAX_TEXT + MAX_SMALL_MESSAGE,
    Front.BIND: MAX_MESSAGE,
    Front.COPY_DATA: MAX_MESSAGE,
}
_LARGEST = {int(kind): _LARGE.get(kind, MAX_SMALL_MESSAGE) for kind in Front}
_COPYING = (Front.COPY_DATA, Front.COPY_DONE, Front.COPY_FAIL)


class ClientLeft(Exception):
    """The client said goodbye (Terminate). Not an error: it ends the generator that reads."""


class Desk:
    """Shared by the parts of one ready session."""

    def __init__(self, outbox: Outbox, settings: Settings, place: Surroundings) -> None:
        self.out = outbox
        self._own_name = settings.own_name
        self.names = Names()
        self.replies = Replies(outbox, self.names)
        self.judge = Judge(outbox, self.replies, self.names, settings, place)
        self.frames = Inbox()
        self.meanings: Meanings = place.meanings or NoMeanings()

    def peek(self, at: int) -> tuple[int, int] | None:
        """Type and end of the client's frame that begins at `at`; None when it is not whole yet."""
        data = self.frames.data
        size = len(data)
        if size - at < HEADER:
            return None
        kind = data[at]
        length: int = u32_at(data, at + 1)[0]
        if length < LENGTH_ITSELF:
            raise refuse("a message has an impossible length")
        largest = _LARGEST.get(kind)
        if largest is None:
            raise refuse(f"message {kind:#04x} has no place here")
        if length > largest:
            raise refuse("a message is too large", notices.TOO_LARGE)
        end = at + 1 + length
        if end > size:
            self.frames.want(end - self.frames.start)
            return None
        return kind, end

    def next_frame(self) -> Generator[Need, Answer | None, tuple[int, int]]:
        """The client's next whole frame: its type and end. It begins at `frames.start`."""
        while (found := self.peek(self.frames.start)) is None:
            yield Need.BYTES
        return found

    def wait_for_reply(self) -> Turn:
        """Until the step marked `awaited` is done."""
        while not self.replies.await_over:
            yield Need.REPLY
        self.replies.await_over = False

    def restore(self, name: bytes) -> Statement | None:
        """Have a statement of the client's made on this connection, where it was made on another one: right before it is used, in the same
        group, so that what is wrong with it now is the answer to that use."""
        statement = self.names.missing(name)
        if statement is not None:
            self.out.up(encode_parse(statement.text, name, statement.types))
            change = NameChange(Change.STATEMENT, name, statement)
            self.replies.expect(Step(Due.PARSE, shown=False, change=change))
        return statement

    def check_lexer(self) -> Turn:
        """In the middle of a group, behind something opaque: does the server still read texts as we do?"""
        self.replies.probed.clear()
        self.out.up(encode_lexer_probe(self._own_name))
        self.replies.expect(*LEXER_PROBE_STEPS)
        yield from self.wait_for_reply()
        if not self.replies.group_failed and self.replies.probed != [LEXER_AS_EXPECTED]:
            raise refuse("the server reads SQL otherwise than the gateway now", notices.UNSUPPORTED)

    def sync(self) -> None:
        """End a group of ours."""
        self.out.up(SYNC)
        self.replies.group_failed = False
        self.replies.expect(steps.SYNC)

    def prepare_masks(self, portal: Portal, run: Run, copied: CopyOut | None = None) -> bytes | None:
        """Give a portal its masker from the description just read, that of its query where it is `copied`; the error when the two do
        not fit."""
        fields = self.replies.described or ()
        masker = (
            make_masker(run.answer, fields, self.meanings)
            if copied is None
            else make_copy_masker(run.answer, copied, fields, self.meanings)
        )
        if isinstance(masker, str):
            return refusals.mask_refused(run.answer, masker)
        portal.masker = masker
        return None

    def feed_copy(self) -> Turn:
        """Pass COPY data up until the client ends it or the server stops it.

        Sync and Flush are not passed: the server ignores them while it copies in, and ours must stay the only ones.
        """
        frames = self.frames
        while self.replies.is_copying_in:
            found = self.peek(frames.start)
            if found is None:
                yield Need.COPY
                continue
            kind, end = found
            if kind == Front.COPY_DATA:
                end = skip_rows(frames.data, frames.start)
            if kind in _COPYING:
                self.out.up(frames.data[frames.start : end])
            elif kind == Front.TERMINATE:
                raise ClientLeft
            elif kind not in (Front.SYNC, Front.FLUSH):
                raise refuse("only COPY data may come while COPY FROM STDIN runs")
            frames.use(end - frames.start)
            if kind in (Front.COPY_DONE, Front.COPY_FAIL):
                return
