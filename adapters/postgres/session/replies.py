"""From the server to the client: what each message answers, what of it the client sees, rows masked on the way.

Runs of rows go through in one piece (or through the masker); only other messages are looked at one by one. A message
that nothing asked for ends the session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from adapters.core.buffer import MAX_MESSAGE, Inbox
from adapters.core.effects import Record
from adapters.core.ports import Outcome
from adapters.postgres.facts import facts_of
from adapters.postgres.messages import notices, results
from adapters.postgres.messages.frames import HEADER, Back, refuse, u32_at
from adapters.postgres.messages.query import SYNC as SYNC_FRAME
from adapters.postgres.messages.query import encode_bind, encode_execute, encode_parse
from adapters.postgres.session import refusals
from adapters.postgres.session.names import Names, Run
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.plain import Plain
from adapters.postgres.session.reported import is_shown
from adapters.postgres.session.steps import OWN_BIND, OWN_EXECUTE, OWN_PARSE, SYNC, Due, Hush, Step, Tag
from engine._native import CopyMasker, NativeError, short_reply, skip_rows

_ROWS = (int(Back.DATA_ROW), int(Back.COPY_DATA))
_READY_AFTER = b"Z\0\0\0\5"
_ROLL_BACK = encode_parse(b"ROLLBACK") + encode_bind() + encode_execute() + SYNC_FRAME
_SWALLOW = b""

NOT_IN_TRANSACTION = notices.encode_notice("there is no transaction in progress", code=notices.NO_TRANSACTION)


class Replies:
    """The server's side of a session that is ready."""

    def __init__(self, outbox: Outbox, names: Names) -> None:
        self.owed: deque[Step] = deque()
        self.status = results.IDLE
        self.is_copying_in = False
        self.group_failed = False
        """An error came since the client's last Sync: the server skips to the next one."""
        self.await_over = False
        self.has_masks = False
        """Some command of this session came with masks in force."""
        self._said_goodbye = False
        self.statuses: dict[str, str] = {}
        """Settings that the server reported, as it told them last."""
        self.probed: list[tuple[bytes | None, ...]] = []
        self.described: tuple[results.Field, ...] | None = None
        self._out = outbox
        self._names = names
        self._inbox = Inbox()
        self._data = b""
        self._streaming = 0
        self._tag_kept: bytes | None = None
        self._roll_back = False
        self._plain: Plain | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the server owes nothing."""
        return not self.owed

    @property
    def is_at_rest(self) -> bool:
        """Whether it owes nothing, says that no transaction is open, and has not begun to say anything else."""
        said_all = not self._said_goodbye and not self.group_failed and not len(self._inbox)
        return not self.owed and self.status == results.IDLE and said_all

    @property
    def owes_a_farewell(self) -> bool:
        """Whether the client stands between two messages, and was not told yet that this is the end."""
        return not self._streaming and not self._said_goodbye

    def abandon(self, code: str) -> None:
        """The session ends. What still ran has no outcome but that."""
        self.spell_out()
        for step in self.owed:
            if step.run is not None:
                self._record(step.run, code)
        self.owed.clear()
        self._names.end_portals()
        self._tell_ended()

    def expect(self, *steps: Step) -> None:
        """The server will answer these, in this order."""
        if self._plain is not None:
            self.spell_out()
        self.owed.extend(steps)
        for step in steps:
            if step.change is not None:
                self._names.sent(step.change)
            if step.awaited:
                # INVARIANT: who waits now waits for this one, whatever was done before.
                self.await_over = False

    def expect_plain(self, plain: Plain) -> None:
        """The server will answer one plain command. It is owed as a whole while nothing else is."""
        if self.owed:
            self.expect(*plain.steps())
            return
        self._plain = plain
        self.owed.append(SYNC)

    def spell_out(self) -> None:
        """Owe a plain command step by step, as the long way does."""
        plain = self._plain
        if plain is not None:
            self._plain = None
            self.owed.clear()
            self.expect(*plain.steps())

    def take_plain(self, data: bytes) -> tuple[bytes, Record] | None:
        """What the client is shown of the whole answer to a plain command, and what became of it.

        None, and nothing done, when none is owed or the bytes are not just that answer.
        """
        plain = self._plain
        if plain is None or len(self._inbox):
            return None
        found = short_reply(data)
        if found is None:
            return None
        is_parsed, described, shown, rows, tag, status = found
        is_simple = plain.portal is None
        if is_parsed is not plain.is_parsed or bool(described) is not plain.described:
            return None
        if is_simple and described == Back.NO_DATA:
            return None
        self._plain = None
        self.owed.clear()
        run = plain.run
        run.is_over = True
        record = Record(run.answer.decision_id, Outcome(tag, rows, self._out.now - run.started))
        self.status = status
        if plain.statement is not None or status != results.IDLE:
            for change in plain.changes:
                self._names.confirm(change)
        if status == results.IDLE:
            self._names.end_portals()
        self._tell_ended()
        return (data[shown:] if is_simple else data), record

    def take(self, data: bytes) -> None:
        """Bytes from the server: the client's part goes to the outbox."""
        if self._plain is not None:
            found = self.take_plain(data)
            if found is not None:
                self._out.down(found[0])
                self._out.wish(found[1])
                return
            self.spell_out()
        if not self._inbox.feed(data):
            return
        self._data = buffer = self._inbox.data
        start = at = self._inbox.start
        size = len(buffer)
        if self._streaming:
            at = min(size, at + self._streaming)
            self._streaming -= at - start
        handlers = _HANDLERS
        shown = start
        while size - at >= HEADER:
            kind = buffer[at]
            if kind in _ROWS:
                at, shown, more = self._rows(at, shown, size)
                if more:
                    continue
                break
            end = at + 1 + u32_at(buffer, at + 1)[0]
            if end > size:
                self._want(end - at)
                break
            handler = handlers.get(kind)
            if handler is None or end < at + HEADER:
                raise refuse(f"the target sent message {kind:#04x}, which has no place here")
            instead = handler(self, at, end)
            if instead is not None:
                if shown < at:
                    self._out.down(buffer[shown:at])
                if instead:
                    self._out.down(instead)
                shown = end
            at = end
        if shown < at:
            self._out.down(buffer if shown == 0 and at == size else buffer[shown:at])
        self._inbox.use(at - start)
        self._data = b""

    def _want(self, size: int) -> None:
        if size > MAX_MESSAGE:
            raise refuse("the target sent a message that is too large", notices.TOO_LARGE)
        self._inbox.want(size)

    # --- rows

    def _rows(self, at: int, shown: int, size: int) -> tuple[int, int, bool]:
        """A run of rows at `at`: where it ends, from where on nothing was shown yet, whether there is more to look at."""
        step = self.owed[0] if self.owed else None
        if step is None or step.due is not Due.EXECUTE:
            raise refuse("the target sent rows that nothing asked for")
        buffer = self._data
        run = step.run
        end = skip_rows(buffer, at)
        if run is not None and not run.masks:
            run.bytes += end - at
            if end > at:
                if run.result is not None:
                    run.result.take(buffer[at:end])
                return end, shown, True
            if run.result is not None and run.result.waits_for(1 + u32_at(buffer, at + 1)[0]):
                self._want(1 + u32_at(buffer, at + 1)[0])
                return at, shown, False
            # A row larger than what is here goes on as it comes.
            self._streaming = at + 1 + u32_at(buffer, at + 1)[0] - size
            if self._streaming < 0:
                raise refuse("the target sent a row of impossible length")
            return size, shown, False
        if end == at:
            self._want(1 + u32_at(buffer, at + 1)[0])
            return at, shown, False
        if shown < at:
            self._out.down(buffer[shown:at])
        if step.probe:
            self._keep_probe(at, end)
        elif run is not None:
            self._mask(step, run, buffer[at:end])
        return end, end, True

    def _mask(self, step: Step, run: Run, rows: bytes) -> None:
        # INVARIANT: a masked command's rows pass through a masker made from this very result's description, or not at all.
        masker = step.portal.masker if step.portal is not None else None
        if masker is None:
            raise refuse("the target sent rows to be masked before it described them")
        before = masker.cells
        try:
            masked = masker.mask(rows)
        except NativeError:
            raise refuse("the target sent a malformed row") from None
        run.bytes += len(masked)
        run.masked += masker.cells - before
        if run.result is not None:
            run.result.take(masked)
        self._out.down(masked)

    def _keep_probe(self, at: int, end: int) -> None:
        while at < end:
            after = at + 1 + u32_at(self._data, at + 1)[0]
            self.probed.append(results.decode_data_row(self._data[at + HEADER : after]))
            at = after

    # --- completions

    def _next(self, due: Due) -> Step:
        if not self.owed or self.owed[0].due is not due:
            raise refuse("the target answered what was not asked")
        return self.owed.popleft()

    def _done(self, step: Step) -> None:
        if step.change is not None:
            self._names.settled(step.change, done=True)
            self._tell_ended()
        if step.awaited:
            self.await_over = True

    def _parse_complete(self, at: int, end: int) -> bytes | None:
        step = self._next(Due.PARSE)
        if step.poison is not None:
            # INVARIANT: the text in place of a denied one cannot be parsed; a server that parses it is not PostgreSQL.
            raise refuse("the target accepted what no PostgreSQL accepts")
        self._done(step)
        if step.instead is not None:
            return step.instead
        return None if step.shown else _SWALLOW

    def _bind_complete(self, at: int, end: int) -> bytes | None:
        step = self._next(Due.BIND)
        self._done(step)
        return None if step.shown else _SWALLOW

    def _close_complete(self, at: int, end: int) -> bytes | None:
        step = self._next(Due.CLOSE)
        self._done(step)
        return None if step.shown else _SWALLOW

    def _parameter_description(self, at: int, end: int) -> bytes | None:
        if not self.owed or self.owed[0].due is not Due.DESCRIBE:
            raise refuse("the target described what was not asked")
        return None if self.owed[0].shown else _SWALLOW

    def _described(self, at: int, end: int) -> bytes | None:
        step = self._next(Due.DESCRIBE)
        has_rows = self._data[at] == Back.ROW_DESCRIPTION
        if step.awaited:
            self.described = results.decode_row_description(self._data[at + HEADER : end]) if has_rows else ()
        if has_rows:
            self._tell_columns(step, at, end)
        self._done(step)
        if not step.shown or (step.hides_no_data and not has_rows):
            return _SWALLOW
        return None

    def _tell_columns(self, step: Step, at: int, end: int) -> None:
        """Whoever records the result that this describes learns its columns."""
        # WHY what is owed next: a Describe of the client's does not say for which Execute it asks.
        run = step.run or (self.owed[0].run if self.owed else None)
        result = None if run is None else run.result
        if result is not None:
            result.describe(results.decode_row_description(self._data[at + HEADER : end]))

    def _complete(self, at: int, end: int) -> bytes | None:
        """A command is done, or its portal has more rows."""
        step = self._next(Due.EXECUTE)
        self.is_copying_in = False
        kind = self._data[at]
        run = step.run
        is_over = kind != Back.PORTAL_SUSPENDED or bool(step.limited)
        if run is not None and is_over:
            if kind == Back.COMMAND_COMPLETE:
                run.rows += results.rows_of(self._data[at + HEADER : end - 1])
            elif kind == Back.PORTAL_SUSPENDED:
                run.rows += step.limited
            if step.ends_run:
                self._record(run, None)
        elif run is not None:
            run.rows += step.asked
        self._done(step)
        if not step.shown:
            return _SWALLOW
        if kind == Back.PORTAL_SUSPENDED and step.limited:
            return refusals.row_limit(step.limited) + results.encode_tag(b"SELECT %d" % step.limited)
        if step.tag is Tag.UNTIL_READY:
            # WHY the look ahead: nearly always ReadyForQuery is here already, and then nothing need be kept.
            if self._data.startswith(_READY_AFTER, end):
                return None
            self._tag_kept = self._data[at:end]
            return _SWALLOW
        if step.tag is Tag.AFTER_WARNING:
            return NOT_IN_TRANSACTION + self._data[at:end]
        return None

    def _record(self, run: Run, error: str | None) -> None:
        if run.is_over:
            return
        run.is_over = True
        outcome = Outcome(run.rows, run.bytes, self._out.now - run.started, error, run.masked)
        self._out.wish(Record(run.answer.decision_id, outcome))

    def _ready(self, at: int, end: int) -> bytes | None:
        step = self._next(Due.SYNC)
        if end != at + HEADER + 1:
            raise refuse("the target's state has an impossible length")
        self.status = self._data[at + HEADER]
        self.is_copying_in = False
        if self.status == results.IDLE:
            self._names.end_portals()
            self._tell_ended()
        if self._roll_back:
            self._roll_back = False
            if self.status == results.FAILED:
                self._out.up(_ROLL_BACK)
                self.owed.extendleft((SYNC, OWN_EXECUTE, OWN_BIND, OWN_PARSE))
                return _SWALLOW
        self._done(step)
        kept, self._tag_kept = self._tag_kept, None
        if kept is not None:
            return kept + self._data[at:end]
        return None if step.shown else _SWALLOW

    def _tell_ended(self) -> None:
        while self._names.ended:
            self._record(self._names.ended.pop(), None)

    # --- errors, notices, news

    def _error(self, at: int, end: int) -> bytes | None:
        body = self._data[at + HEADER : end]
        self._said_goodbye = self._said_goodbye or notices.is_fatal(body)
        if not self.owed:
            return None
        head = self.owed[0]
        self.is_copying_in = False
        self._tag_kept = None
        code = notices.code_of(body)
        self._skip_to_sync(code or "XX000")
        self._roll_back = self._roll_back or head.in_our_block
        if head.probe:
            return _SWALLOW
        if head.poison is not None and code == notices.SYNTAX_ERROR:
            return head.poison
        if head.ghost is not None and code in (notices.NO_STATEMENT, notices.NO_PORTAL):
            return head.ghost
        if head.run is not None and head.run.masks:
            return notices.redacted(Back.ERROR, body)
        if self._may_quote_rows(head):
            return notices.guarded(Back.ERROR, body)
        return notices.shifted(body, head.offset) if head.offset else None

    def _skip_to_sync(self, code: str) -> None:
        """After an error the server answers nothing before Sync. An error at a Sync itself skips nothing."""
        while self.owed and self.owed[0].due is not Due.SYNC:
            step = self.owed.popleft()
            if step.change is not None:
                self._names.settled(step.change, done=False)
            if step.run is not None:
                self._record(step.run, code)
            if step.awaited:
                self.await_over = True
        if not self.owed:
            self.group_failed = True

    def _notice(self, at: int, end: int) -> bytes | None:
        if not self.owed:
            return None
        head = self.owed[0]
        if head.hush is Hush.ALL or head.probe:
            return _SWALLOW
        body = self._data[at + HEADER : end]
        if head.hush is Hush.BEGIN and notices.code_of(body) == notices.IN_TRANSACTION:
            return _SWALLOW
        if head.run is not None and head.run.masks:
            return notices.redacted(Back.NOTICE, body)
        return notices.guarded(Back.NOTICE, body) if self._may_quote_rows(head) else None

    def _may_quote_rows(self, head: Step) -> bool:
        """Whether what the server says of this step can hold values of columns that are masked for this session: those of
        rows that it checks while it writes, and of deferred constraints at the end of a transaction."""
        if not self.has_masks or head.due not in (Due.EXECUTE, Due.SYNC):
            return False
        return head.run is None or facts_of(head.run.answer.command).checks_rows

    def _parameter_status(self, at: int, end: int) -> bytes | None:
        name, value = results.decode_status(self._data[at + HEADER : end])
        # WHY it stays: of what a superuser did nothing can be proven, also when they are none any more.
        if name != "is_superuser" or self.statuses.get(name) != "on":
            self.statuses[name] = value
        return self._behind_tag(at, end) if is_shown(name, value) else _SWALLOW

    def _notification(self, at: int, end: int) -> bytes | None:
        return self._behind_tag(at, end)

    def _behind_tag(self, at: int, end: int) -> bytes | None:
        kept, self._tag_kept = self._tag_kept, None
        return None if kept is None else kept + self._data[at:end]

    # --- copy

    def _copy_in(self, at: int, end: int) -> bytes | None:
        step = self._copying()
        self.is_copying_in = True
        if step.awaited:
            # The wait is over; when the COPY itself is, nobody waits any more.
            step.awaited = False
            self.await_over = True
        return None

    def _copy_out(self, at: int, end: int) -> bytes | None:
        step = self._copying()
        if step.run is not None and step.run.masks:
            masker = step.portal.masker if step.portal is not None else None
            is_done = self._data[at] == Back.COPY_DONE
            if not isinstance(masker, CopyMasker) or not (is_done or masker.fits(self._data[at + HEADER : end])):
                raise refuse("the target copies out what was to be masked")
        return None

    def _copying(self) -> Step:
        if not self.owed or self.owed[0].due is not Due.EXECUTE or not self.owed[0].shown:
            raise refuse("the target copies what was not asked")
        return self.owed[0]


_HANDLERS: Mapping[int, Callable[[Replies, int, int], bytes | None]] = {
    Back.PARSE_COMPLETE: Replies._parse_complete,
    Back.BIND_COMPLETE: Replies._bind_complete,
    Back.CLOSE_COMPLETE: Replies._close_complete,
    Back.PARAMETER_DESCRIPTION: Replies._parameter_description,
    Back.ROW_DESCRIPTION: Replies._described,
    Back.NO_DATA: Replies._described,
    Back.COMMAND_COMPLETE: Replies._complete,
    Back.EMPTY_QUERY: Replies._complete,
    Back.PORTAL_SUSPENDED: Replies._complete,
    Back.READY: Replies._ready,
    Back.ERROR: Replies._error,
    Back.NOTICE: Replies._notice,
    Back.PARAMETER_STATUS: Replies._parameter_status,
    Back.NOTIFICATION: Replies._notification,
    Back.COPY_IN: Replies._copy_in,
    Back.COPY_OUT: Replies._copy_out,
    Back.COPY_DONE: Replies._copy_out,
}
