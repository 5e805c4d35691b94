"""When requests that were granted before go through at once, and what the session learns of them afterwards.

The lane is opened behind a request that reads and was answered plainly, whose answer of the gate may be given again, while nothing else is
under way. Its like is the same bytes once more, on the same connection of the same client. Before the session does anything else it leaves
the lane, and what is under way is its own from then on, as if it had gone up on a connection that was kept. Bytes and lines are the core's
affair (`engine._native.WebLane`), whether an answer still counts is the gate's, connections are the relay's; docs/decisions/0058.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import cast

import msgspec

from adapters.core.effects import Ask, Record
from adapters.core.ports import Again, Answer, Target
from adapters.web import facts
from adapters.web.json_whole import in_core
from adapters.web.requests import Forward
from adapters.web.scrub import Scrubber
from adapters.web.session.doing import Doing
from adapters.web.session.exchange import Exchange
from adapters.web.session.manners import Caller, Manners
from adapters.web.session.settings import Settings
from engine._native import WebLane


@dataclass(frozen=True, slots=True)
class Known:
    """A request that was granted: as it was when it went up, and what it has to have in common with the others of its lane."""

    exchange: Exchange
    caller: Caller
    token: str | None

    def is_like(self, other: Known) -> bool:
        """Whether the same client brought the same token for the same resource and target, and the same things decided."""
        ours, theirs = self.exchange.answer, other.exchange.answer
        return (
            self.caller is other.caller
            and self.token == other.token
            and self.exchange.kept_for == other.exchange.kept_for
            and ours is not None
            and theirs is not None
            and ours.again is not None
            and theirs.again is not None
            and ours.again.is_like(theirs.again)
        )


class Lane:
    """One session's lane. Satisfies `adapters.core.driven.Lane`."""

    __slots__ = ("_known", "_manners", "_short", "_target", "ask", "lines", "reply", "take_back")

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self.lines = WebLane()
        self.ask = self.lines.ask
        """What goes up for bytes from the client that are one request granted before; it is under way then."""
        self.take_back = self.lines.take_back
        """What `ask` found goes another way."""
        self.reply = self.lines.reply
        """What the client is shown of the plain answer to what is under way."""
        self._short = Short(self)
        self._target: Target | None = None
        self._known: Known | None = None
        """The one that was learnt last."""

    @property
    def again(self) -> Again | None:
        """What decided the request under way."""
        return cast(Again | None, self.lines.again)

    @property
    def kept_for(self) -> Hashable | None:
        """With whose requests a connection to the target is shared."""
        return None if self._known is None else self._known.exchange.kept_for

    @property
    def lasts(self) -> float:
        """Seconds for which the connection of the last answer may serve another request."""
        return self.lines.lasts

    @property
    def is_under_way(self) -> bool:
        """Whether a request is."""
        return self.lines.is_under_way

    def grant(self, leave: object) -> None:
        """Nothing: each request is asked about, for the connection it takes."""

    def carry(self, data: bytes, now: float) -> None:
        """None, for that is not to be had."""

    def answer(self, data: bytes, now: float) -> None:
        """None, as above."""

    def wire(self, client: object, target: object, now: float) -> None:
        """None, as above."""

    # --- what the session does

    def open(self, exchange: Exchange, target: Target | None, caller: Caller, now: float) -> Short | None:
        """A request is over, and nothing else is under way: the way for its like from now on, where there is one."""
        again = None if exchange.answer is None else exchange.answer.again
        if again is None or target is None or not _is_plain(exchange) or not _is_steady(target, caller):
            return None
        masks = None if exchange.plan.masks is None else in_core(exchange.plan.masks)
        if (masks is None and exchange.plan.is_masked) or exchange.plan.is_text or exchange.plan.is_lines:
            return None
        own = replace(exchange, reader=None, reply=None, read=[], beside=[], is_reused=True, sent=0)
        known = Known(own, caller, facts.token_of(exchange.head, self._manners.credentials))
        if self._known is None or self._target is not target or not known.is_like(self._known):
            self.lines.forget()
        self._known, self._target = known, target
        secrets = facts.secrets_of(target)
        sought = list(Scrubber(secrets).secrets)
        self.lines.learn(
            *(exchange.raw, exchange.text, exchange.up, again.form, again, known, masks, sought, bool(secrets))
        )
        self.lines.open(now)
        return self._short

    def leave(self, doing: Doing, settings: Settings) -> Exchange | None:
        """Close it; the request under way, whose answer is waited for on a connection that was kept."""
        left = self.lines.leave()
        if left is None:
            doing.wait_from(self.lines.last, settings.idle_seconds)
            return None
        known, decision_id, began = cast(tuple[Known, str, float], left)
        exchange = replace(known.exchange, began=began, read=[], beside=[])
        exchange.answer = msgspec.structs.replace(cast(Answer, exchange.answer), decision_id=decision_id)
        target, forward = cast(Target, self._target), cast(Forward, exchange.forward)
        exchange.expect_reply(self._manners.reply(exchange, target, known.caller, closes=False))
        exchange.patience = self._manners.patience(forward, settings.target_seconds)
        doing.take_target()
        doing.wait_from(began, exchange.patience)
        return exchange


class Short:
    """All that a session offers by this way is its lane. Satisfies `adapters.core.driven.ShortWay`."""

    __slots__ = ("lane",)

    def __init__(self, lane: Lane) -> None:
        self.lane = lane

    def ask(self, data: bytes, now: float) -> Ask | None:
        """Nothing: what the lane does not carry, the session does."""
        return None

    def granted(self, answer: Answer) -> bytes | None:
        """Nothing was asked."""
        return None

    def reply(self, data: bytes, now: float) -> tuple[bytes, Record] | None:
        """As `ask`."""
        return None


def _is_steady(target: Target, caller: Caller) -> bool:
    """Whether the target's credential has no end and its connections serve one request at a time, and the client's token has not to be
    looked into again for each request."""
    login = caller.login
    return target.fresh is None and target.http2 == "off" and isinstance(login, tuple) and login[-1] is None


def _is_plain(exchange: Exchange) -> bool:
    """Whether there was nothing out of the ordinary with a request that is over, and its bytes are known."""
    return (
        bool(exchange.raw and exchange.up)
        and exchange.kept_for is not None
        and exchange.lasts > 0
        and exchange.head.method == "GET"
        and exchange.head.version == "1.1"
        and exchange.length == 0
        and exchange.problem is None
        and exchange.ticket is None
        and exchange.tap is None
        and not exchange.is_unread
        and not facts.is_last(exchange.head)
    )
