"""HTTP as `adapters.web.session` speaks it: each request by itself, to one target, answered in problem documents."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from adapters.core.ports import Answer, Target
from adapters.http import refusals as our_answers
from adapters.http.calls import CallRefusals
from adapters.http.destinations import ProxyRules
from adapters.web import facts
from adapters.web.requests import Forward, is_call
from adapters.web.session.conversation import Conversation
from adapters.web.session.exchange import Exchange, text_of
from adapters.web.session.lane import Lane
from adapters.web.session.manners import Caller, HandedOver, Plan, Refusals, Replying, Successor, Unfit
from adapters.web.session.masking import masks_of, plan_of_messages
from adapters.web.session.replies import reply_to
from adapters.web.session.settings import MAX_JUDGED_BODY, Settings
from adapters.web.websocket import handshake
from adapters.web.websocket.carrying import Carrier, Granted
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest

CALLS: Refusals = CallRefusals()


class HttpManners:
    """What is particular to plain HTTP; nothing is upgraded but to WebSocket."""

    protocol = "http"
    credentials = "authorization"
    refusals: Refusals = our_answers
    max_body = MAX_JUDGED_BODY

    def check(self, head: WireRequest) -> None:
        """Refuse what a request asks of this hop and is not done here. Raises Refused."""
        is_web_socket = handshake.is_asked(head)
        facts.check_hop(head, may_upgrade=is_web_socket)
        if is_web_socket:
            handshake.check(head)

    def forward(self, head: WireRequest, where: Where, target: Target, caller: Caller) -> Forward:
        """The request as it goes on to a target. Raises Refused."""
        if isinstance(target.own, ProxyRules):
            raise Refused("no_proxy", "the resource is a proxy's, and this listener is none")
        made = facts.forward(head, where, target)
        return handshake.forward(made, head) if handshake.is_asked(head) else made

    def readable(self, forward: Forward, body: bytes | None, target: Target | None = None) -> tuple[Forward, bytes]:
        """Bodies go on as they came; of one too long to be read the judge knows only that it is there."""
        return forward, body or b""

    def saying(self, forward: Forward, body: bytes, caller: Caller) -> Refusals:
        """The same to every request, but in words of gRPC to its calls."""
        return CALLS if is_call(forward.headers) else self.refusals

    def text(self, exchange: Exchange, body: bytes) -> bytes:
        """The request as it goes on, without the credential."""
        return text_of(exchange, body)

    def sent_beside(self, target: Target, caller: Caller) -> Sequence[tuple[str, str]]:
        """The gateway's credential. Raises LocalProtocolError for one that cannot stand in a header."""
        return facts.credential(target)

    def keeps_for(self, target: Target, caller: Caller) -> Hashable | None:
        """With everybody's, where it is the gateway who signs in at the target; else with the same person's."""
        return "" if target.password is not None else caller.name

    def plan(
        self, forward: Forward, answer: Answer, target: Target | None = None, say: Refusals | None = None
    ) -> Plan | Unfit:
        """The masks of the decision, or why they cannot be carried out."""
        if ("upgrade", "websocket") in forward.headers:
            plan = plan_of_messages(answer, "messages are masked by `paths` and `values`")
            return Unfit(403, "MASK_UNPROVEN", plan) if isinstance(plan, str) else plan
        masks = masks_of(answer)
        if masks is not None and not isinstance(masks, str) and facts.guesses_content(forward):
            masks = "whether a tag of what is masked was guessed would be told"
        return Unfit(403, "MASK_UNPROVEN", masks) if isinstance(masks, str) else Plan(masks)

    def reply(self, exchange: Exchange, target: Target, caller: Caller, *, closes: bool) -> Replying:
        """The answer as it comes, with its masks."""
        return reply_to(exchange, target, closes=closes)

    def patience(self, forward: Forward, seconds: float) -> float | None:
        """How long nothing may come from the target."""
        return seconds

    def successor(self, asked: HandedOver, caller: Caller) -> Successor | None:
        """Nobody: an upgrade is granted like every request."""
        return None

    def carrier(self, exchange: Exchange, target: Target, caller: Caller, rest: bytes) -> Successor | None:
        """Who carries a WebSocket."""
        if not handshake.is_asked(exchange.head):
            return None
        assert exchange.forward is not None
        assert exchange.answer is not None
        beside = [(handshake.KEY, exchange.head.value(handshake.KEY) or ""), *self.sent_beside(target, caller)]
        granted = Granted(
            exchange.head,
            exchange.forward.head(beside),
            exchange.answer,
            exchange.plan,
            self.refusals,
            secrets=facts.secrets_of(target),
            rest=rest,
            began=exchange.began,
            waited_for=exchange.ticket,
        )
        return Carrier(granted)


def http_session(settings: Settings) -> Conversation:
    """One client's connection."""
    manners = HttpManners()
    return Conversation(manners, settings, Lane(manners))
