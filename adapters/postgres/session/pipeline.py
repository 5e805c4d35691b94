"""The extended protocol: runs of Parse, Bind, Describe, Execute and Close up to a Sync or Flush.

A run is taken whole, every command in it is decided, and only then does its first byte go up: earlier messages would
already hold locks while a later one waits for an approval. What is denied becomes one poison Parse in its place, and
nothing after it goes up: the server would skip it anyway, up to Sync.

Names: inside one group (up to Sync) a name means what this group made of it, because a failure there makes the server
skip the rest of the group. Across groups it means what the server confirmed (`names`).
"""

from __future__ import annotations

from collections.abc import Generator

from adapters.core.buffer import HIGH_WATER
from adapters.core.ports import Answer
from adapters.postgres.facts import facts_of, outline
from adapters.postgres.messages import notices, query
from adapters.postgres.messages.frames import HEADER, Front, refuse
from adapters.postgres.session import refusals, steps
from adapters.postgres.session.desk import ClientLeft, Desk
from adapters.postgres.session.names import Change, NameChange, Portal, Run, Statement, Use
from adapters.postgres.session.naming import change_of, refusal_of, use_of, used_name
from adapters.postgres.session.plan import Plan
from adapters.postgres.session.recorded import result_of
from adapters.postgres.session.simple import may_copy
from adapters.postgres.session.steps import Due, Step
from adapters.postgres.session.turns import Granted, Judged, Need, Refused, Turn
from engine.decision import Verdict

RUN_LIMIT = HIGH_WATER
"""A pipeline larger than this goes up in parts; a command in a later part cannot be held any more, it is denied."""

NOT_RUN = "NOT_RUN"
"""What became of what was granted and never went up: something before it was denied or failed, or the session ended."""

_EXTENDED = frozenset({Front.PARSE, Front.BIND, Front.DESCRIBE, Front.EXECUTE, Front.CLOSE, Front.FLUSH, Front.SYNC})
_ENDS_RUN = frozenset({Front.FLUSH, Front.SYNC})
_STRAY_COPY = frozenset({Front.COPY_DATA, Front.COPY_DONE, Front.COPY_FAIL})


class Pipeline:
    """One client's extended protocol. A group lasts from the first message after a Sync to the next Sync."""

    def __init__(self, desk: Desk, own_name: bytes) -> None:
        self._desk = desk
        self._nowhere = own_name
        self._statements: dict[bytes, Statement | None] = {}
        self._portals: dict[bytes, Portal | None] = {}
        self._sent = False
        self._dead = False
        self._is_opaque = False
        self._has_bound = False

    @property
    def is_open(self) -> bool:
        """Whether a group has begun and was not synced."""
        return self._sent or self._dead

    def run(self) -> Turn:
        """One run of messages: collect, decide, send."""
        frames = yield from self._collect()
        desk = self._desk
        start = desk.frames.start
        data = desk.frames.data[start : start + frames[-1][2]]
        desk.frames.use(len(data))
        if not self.is_open and all(kind == Front.FLUSH for kind, _, _ in frames):
            # A Flush outside a pipeline begins none.
            desk.out.up(data)
            return
        if desk.replies.group_failed:
            self._dead = True
        copied = False
        if not self._dead:
            plan = Plan(data, frames, len(frames), dict(self._statements), set(self._portals))
            try:
                yield from self._decide(plan)
                copied = yield from self._send(plan)
            finally:
                # Also where the session ends while one of them waits.
                for run in plan.unsent.values():
                    desk.judge.not_run(run.answer, NOT_RUN)
        if frames[-1][0] == Front.SYNC and not copied:
            if self._dead:
                desk.sync()
            self._end_group()

    def give_way(self) -> Turn:
        """A simple query comes without a Sync. Only behind a group that ran nothing and did not fail (asyncpg prepares so).

        WHY not behind others: the server ignores a Query in a failed pipeline, our translation would revive it; and one
        behind an Execute shares that one's transaction, which a Sync of ours would end.
        """
        desk = self._desk
        if not self._dead and not self._has_bound:
            desk.out.up(query.FLUSH)
            while desk.replies.owed and not desk.replies.group_failed:
                yield Need.NEWS
        if self._dead or self._has_bound or desk.replies.group_failed:
            raise refuse("a simple query inside a pipeline is not supported: send Sync first")
        self.end_unseen()

    @property
    def has_only_prepared(self) -> bool:
        """Whether a group is open that ran nothing and did not fail."""
        return self._sent and not self._dead and not self._has_bound and not self._desk.replies.group_failed

    def end_unseen(self) -> None:
        """End such a group. WHY nobody sees it: names stay, and what comes behind a Sync does what it would have done before it."""
        self._desk.out.up(query.SYNC)
        self._desk.replies.expect(steps.OWN_SYNC)
        self._end_group()

    def _end_group(self) -> None:
        self._statements.clear()
        self._portals.clear()
        self._sent = self._dead = self._is_opaque = self._has_bound = False

    def _collect(self) -> Generator[Need, Answer | None, list[tuple[int, int, int]]]:
        """Frames as (type, start, end), counted from the inbox's start, up to and with a Sync or Flush."""
        inbox = self._desk.frames
        frames: list[tuple[int, int, int]] = []
        used = 0
        while True:
            found = self._desk.peek(inbox.start + used)
            if found is None:
                yield Need.BYTES
                continue
            kind, end = found
            if kind in _STRAY_COPY and frames:
                # Data for a COPY that the messages before start, or stray: known when those have run.
                return frames
            if kind not in _EXTENDED:
                self._check_stray(kind)
            end -= inbox.start
            frames.append((kind, used, end))
            used = end
            if kind in _ENDS_RUN or used >= RUN_LIMIT:
                return frames

    def _check_stray(self, kind: int) -> None:
        if kind == Front.TERMINATE:
            raise ClientLeft
        if kind not in _STRAY_COPY:
            # WHY: a Query inside a pipeline that has failed is ignored by the server; our translation would revive it.
            raise refuse("a simple query or function call inside a pipeline is not supported: send Sync first")

    # --- deciding

    def _decide(self, plan: Plan) -> Turn:
        for number, (kind, start, end) in enumerate(plan.frames):
            body = plan.data[start + HEADER : end]
            if kind == Front.BIND:
                yield from self._decide_bind(plan, number, query.decode_bind(body))
            elif kind == Front.PARSE:
                parse = query.decode_parse(body)
                if parse.name in plan.unbound:
                    yield from self._decide_parse(plan, parse.name)
                plan.statements[parse.name] = Statement(parse.text, types=parse.types)
                plan.unbound[parse.name] = number
            elif kind == Front.CLOSE:
                closed = query.decode_named(body)
                if closed.sort == query.STATEMENT:
                    plan.statements[closed.name] = None
                else:
                    plan.portals.add(closed.name)
            elif kind in (Front.EXECUTE, Front.DESCRIBE):
                yield from self._settle(plan, kind, body)
                if kind == Front.EXECUTE:
                    self._foresee(plan, query.decode_execute(body).portal)
            if plan.refused is not None:
                break
        for name in list(plan.unbound):
            yield from self._decide_parse(plan, name)

    def _settle(self, plan: Plan, kind: int, body: bytes) -> Turn:
        """Wait until what an Execute or Describe names stands still."""
        if kind == Front.EXECUTE:
            is_portal, name = True, query.decode_execute(body).portal
        else:
            named = query.decode_named(body)
            is_portal, name = named.sort == query.PORTAL, named.name
        mine = plan.portals if is_portal else plan.statements
        while name not in mine and self._desk.names.is_moving(name, is_portal=is_portal):
            yield Need.NEWS

    def _foresee(self, plan: Plan, name: bytes) -> None:
        """A portal bound before this run runs now: what it may change is unknown to all that is decided behind it."""
        portal = self._portal(name)
        if portal is not None and (name in self._portals or name not in plan.portals):
            plan.moved |= self._desk.judge.runs(facts_of(portal.run.answer.command))

    def _decide_parse(self, plan: Plan, name: bytes) -> Turn:
        """A text that this run only prepares."""
        number = plan.unbound.pop(name)
        if number >= plan.cut:
            return
        _, start, end = plan.frames[number]
        parse = query.decode_parse(plan.data[start + HEADER : end])
        judged = yield from self._desk.judge.judge(
            parse.text, unsent=not self._sent, settled=not plan.moved, prepares=True, types=parse.types
        )
        if isinstance(judged, Refused):
            plan.refuse(number, judged, name)

    def _decide_bind(self, plan: Plan, number: int, bind: query.Bind) -> Turn:
        desk = self._desk
        name = bind.statement
        while name not in plan.statements and desk.names.is_moving(name, is_portal=False):
            yield Need.NEWS
        statement = plan.statements[name] if name in plan.statements else desk.names.statements.get(name)
        plan.portals.add(bind.portal)
        desk.names.forget_cursors((bind.portal,))
        if statement is None:
            plan.bound[number] = refusals.no_statement(name)
            return
        parameters = query.decode_parameters(bind.rest)
        judged = yield from desk.judge.judge(
            statement.text,
            unsent=not self._sent,
            settled=not plan.moved,
            parameters=parameters,
            types=statement.types,
        )
        parsed_at = plan.unbound.pop(name, None)
        if isinstance(judged, Granted):
            judged = yield from self._open(plan, number, statement, judged)
        if isinstance(judged, Refused):
            if parsed_at is None:
                # The statement is there already; only its text's own Parse may be told what is wrong with it.
                plan.refuse(number, Refused(judged.error), self._nowhere)
            else:
                plan.refuse(parsed_at, judged, name)

    def _open(self, plan: Plan, number: int, statement: Statement, granted: Granted) -> Judged:
        """Make the portal of a granted Bind, unless it is one that cannot be carried."""
        desk = self._desk
        answer = granted.answer
        masks = answer.decision.verdict is Verdict.MASK
        change: NameChange | None = None
        uses: Use | None = None
        why = "COPY of masked columns is supported as a simple query only"
        error = refusals.unsupported(why) if masks and may_copy(statement.text) else None
        facts = facts_of(answer.command)
        plan.moved |= granted.moves
        if facts.names or facts.sets_lexer:
            while not self._sent and desk.names.is_any_moving:
                yield Need.NEWS
            pieces = outline(statement.text)
            if pieces is None:
                error = error or refusals.not_followed()
            elif pieces:
                error = error or refusal_of(pieces[0], desk.names)
                change = change_of(pieces[0], desk.judge.cursor_of(pieces[0]))
                uses = use_of(pieces[0], desk.names)
        if error is not None:
            desk.judge.not_run(answer, notices.UNSUPPORTED)
            return Refused(error)
        run = Run(answer, desk.out.now, masks=masks, result=result_of(answer, desk.out))
        plan.bound[number] = Portal(statement, run, change=change, rows_left=granted.limits.rows, uses=uses)
        plan.unsent[number] = run
        if granted.limits.has_texts:
            plan.limits[number] = granted.limits
        return granted

    # --- sending

    def _send(self, plan: Plan) -> Generator[Need, Answer | None, bool]:
        """Send what may go up. Whether a COPY FROM STDIN swallowed the rest, the Sync too."""
        desk = self._desk
        sent_to = 0
        for number, (kind, start, end) in enumerate(plan.frames[: plan.cut]):
            body = plan.data[start + HEADER : end]
            if kind == Front.PARSE and self._is_opaque:
                if sent_to < start:
                    desk.out.up(plan.data[sent_to:start])
                    sent_to = start
                yield from desk.check_lexer()
                if desk.replies.group_failed:
                    self._dead = True
                    return False
            if desk.names.elsewhere and (name := used_name(kind, body)) is not None and desk.names.missing(name):
                desk.out.up(plan.data[sent_to:start])
                sent_to, self._sent = start, True
                self._statements[name] = desk.restore(name)
            instead = self._expect(plan, number, kind, body)
            waits = self._waits(plan, number, kind, body)
            if instead is None and not waits:
                continue
            if sent_to < start:
                desk.out.up(plan.data[sent_to:start])
            desk.out.up(plan.data[start:end] if instead is None else instead)
            sent_to = end
            self._sent = True
            if waits and kind == Front.BIND:
                yield from self._describe(query.decode_bind(body).portal)
            elif waits:
                copied = yield from self._copy(plan.frames[number + 1 :])
                if copied:
                    return True
            if self._dead:
                return False
        last = plan.frames[plan.cut][1] if plan.cut < len(plan.frames) else len(plan.data)
        if sent_to < last:
            desk.out.up(plan.data[sent_to:last])
            self._sent = True
        if plan.refused is not None:
            self._refuse(plan, plan.refused)
        return False

    def _refuse(self, plan: Plan, refused: Refused) -> None:
        if not refused.unparsable:
            self._poison(refused.error, plan.poisoned_name)
            return
        _, start, end = plan.frames[plan.cut]
        desk = self._desk
        desk.out.up(plan.data[start:end])
        change = NameChange(Change.NO_STATEMENT, plan.poisoned_name, even_if_failed=True)
        desk.replies.expect(Step(Due.PARSE, shown=True, instead=refused.error, change=change))
        self._sent = self._dead = True

    def _poison(self, error: bytes, name: bytes) -> None:
        desk = self._desk
        desk.out.up(refusals.poison(name))
        # WHY: the old statement stays behind a name whose new text is denied; the client means the new one.
        change = NameChange(Change.NO_STATEMENT, name, even_if_failed=True)
        desk.replies.expect(Step(Due.PARSE, shown=True, poison=error, change=change))
        self._sent = self._dead = True

    def _expect(self, plan: Plan, number: int, kind: int, body: bytes) -> bytes | None:
        """Note what the server will answer. The bytes to send instead of the client's, or None."""
        replies = self._desk.replies
        if kind == Front.BIND:
            return self._expect_bind(plan, number, query.decode_bind(body))
        if kind == Front.EXECUTE:
            return self._expect_execute(query.decode_execute(body))
        if kind == Front.SYNC:
            replies.group_failed = False
            replies.expect(steps.SYNC)
        elif kind == Front.DESCRIBE:
            return self._expect_describe(query.decode_named(body))
        elif kind == Front.PARSE:
            parse = query.decode_parse(body)
            statement = self._statements[parse.name] = Statement(parse.text, types=parse.types)
            change = NameChange(Change.STATEMENT, parse.name, statement)
            replies.expect(Step(Due.PARSE, shown=True, change=change))
        elif kind == Front.CLOSE:
            named = query.decode_named(body)
            if named.sort == query.STATEMENT:
                sort, self._statements[named.name] = Change.NO_STATEMENT, None
            else:
                sort, self._portals[named.name] = Change.NO_PORTAL, None
            replies.expect(Step(Due.CLOSE, shown=True, change=NameChange(sort, named.name)))
        elif kind in _STRAY_COPY:
            return b""
        return None

    def _expect_bind(self, plan: Plan, number: int, bind: query.Bind) -> bytes | None:
        desk = self._desk
        self._has_bound = True
        portal = plan.bound[number]
        if isinstance(portal, bytes):
            desk.replies.expect(Step(Due.BIND, shown=True, ghost=portal))
            return query.encode_bind_as(bind, self._nowhere)
        self._portals[bind.portal] = portal
        plan.unsent.pop(number, None)
        limits = plan.limits.get(number)
        if limits is not None:
            desk.replies.expect(*limits.steps)
        change = NameChange(Change.PORTAL, bind.portal, portal)
        desk.replies.expect(Step(Due.BIND, shown=True, run=portal.run, change=change))
        if limits is None:
            return None
        _, start, end = plan.frames[number]
        return limits.encode_texts(self._nowhere) + plan.data[start:end]

    def _expect_execute(self, execute: query.Execute) -> bytes | None:
        portal = self._portal(execute.portal)
        self._has_bound = True
        if portal is None:
            return self._execute_nothing(refusals.no_portal(execute.portal))
        if not self._desk.names.stands(portal.uses):
            # INVARIANT: what an EXECUTE or FETCH runs is found by its name when it runs, and it was decided by what stood there then.
            self._desk.judge.not_run(portal.run.answer, notices.UNSUPPORTED)
            portal.run.is_over = True
            return self._execute_nothing(refusals.named_anew())
        self._is_opaque = self._is_opaque or facts_of(portal.run.answer.command).opaque
        limit, left = execute.limit, portal.rows_left
        step = Step(
            Due.EXECUTE,
            shown=True,
            run=portal.run,
            portal=portal,
            change=portal.change,
            awaited=may_copy(portal.statement.text),
            asked=limit,
        )
        instead: bytes | None = None
        if left is not None:
            if left == 0:
                return self._execute_nothing(refusals.row_limit_reached())
            if 0 < limit < left:
                portal.rows_left = left - limit
            else:
                portal.rows_left, step.limited = 0, left
                instead = query.encode_execute(execute.portal, left)
        self._desk.replies.expect(step)
        return instead

    def _execute_nothing(self, error: bytes) -> bytes:
        self._desk.replies.expect(Step(Due.EXECUTE, shown=True, ghost=error))
        return query.encode_execute(self._nowhere)

    def _expect_describe(self, named: query.Named) -> bytes | None:
        desk = self._desk
        if named.sort == query.PORTAL:
            if self._portal(named.name) is not None or named.name in desk.names.cursors:
                desk.replies.expect(steps.DESCRIBE)
                return None
            ghost = refusals.no_portal(named.name)
        else:
            mine = self._statements
            known = mine.get(named.name) if named.name in mine else desk.names.statements.get(named.name)
            if known is not None:
                desk.replies.expect(steps.DESCRIBE)
                return None
            ghost = refusals.no_statement(named.name)
        desk.replies.expect(Step(Due.DESCRIBE, shown=True, ghost=ghost))
        return query.encode_named(Front.DESCRIBE, named.sort, self._nowhere)

    def _portal(self, name: bytes) -> Portal | None:
        mine = self._portals
        return mine.get(name) if name in mine else self._desk.names.portals.get(name)

    # --- waiting in the middle

    def _waits(self, plan: Plan, number: int, kind: int, body: bytes) -> bool:
        """Whether the rest must wait for the server's answer to this one."""
        if kind == Front.BIND:
            portal = plan.bound[number]
            return isinstance(portal, Portal) and portal.shows_masked
        if kind == Front.EXECUTE:
            found = self._portal(query.decode_execute(body).portal)
            return found is not None and may_copy(found.statement.text)
        return False

    def _describe(self, name: bytes) -> Turn:
        """Have a masked result described before it is executed."""
        desk = self._desk
        portal = self._portal(name)
        if portal is None:
            raise refuse("a portal was closed while it was bound")
        desk.out.up(query.encode_named(Front.DESCRIBE, query.PORTAL, name) + query.FLUSH)
        desk.replies.expect(Step(Due.DESCRIBE, shown=False, run=portal.run, awaited=True))
        yield from desk.wait_for_reply()
        if desk.replies.group_failed:
            self._dead = True
            return
        refused = desk.prepare_masks(portal, portal.run)
        if refused is not None:
            desk.judge.not_run(portal.run.answer, notices.DENIED)
            portal.run.is_over = True
            self._poison(refused, self._nowhere)

    def _copy(self, rest: list[tuple[int, int, int]]) -> Generator[Need, Answer | None, bool]:
        """After an Execute that may be COPY FROM STDIN. Whether it was: then a Sync in `rest` is none."""
        desk = self._desk
        desk.out.up(query.FLUSH)
        yield from desk.wait_for_reply()
        if desk.replies.group_failed:
            self._dead = True
            return False
        if not desk.replies.is_copying_in:
            return False
        if any(kind not in _ENDS_RUN and kind not in _STRAY_COPY for kind, _, _ in rest):
            raise refuse("only COPY data may come while COPY FROM STDIN runs")
        yield from desk.feed_copy()
        return True
