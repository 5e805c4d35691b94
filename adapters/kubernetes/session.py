"""Kubernetes as `adapters.web.session` speaks it: what is particular to requests to an API server."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from adapters.core.ports import Answer, Target
from adapters.kubernetes import facts, statuses
from adapters.kubernetes.carrying import Carrier
from adapters.kubernetes.guarded import GuardedPod
from adapters.kubernetes.masking import plan_of
from adapters.web.requests import Forward
from adapters.web.session.conversation import Conversation
from adapters.web.session.exchange import Exchange, text_of
from adapters.web.session.manners import Caller, HandedOver, Plan, Refusals, Replying, Successor, Unfit
from adapters.web.session.replies import reply_to
from adapters.web.session.settings import Settings
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest

MAX_BODY = 900 * 1024
"""Bytes of a body: with its head it stays below what a command may have. etcd takes 1.5 MiB of an object, as a rule."""


class KubernetesManners:
    """What is particular to the API server's protocol. No body goes on unread."""

    protocol = "kubernetes"

    def __init__(self, seed: bytes, idle_seconds: float = 0.0) -> None:
        """`seed`: a secret of the process (`guarded`). `idle_seconds`: how long nobody may type on a terminal; 0: for ever."""
        self._seed, self._idle_seconds = seed, idle_seconds

    credentials = "authorization"
    refusals: Refusals = statuses
    max_body = MAX_BODY

    def check(self, head: WireRequest) -> None:
        """Refuse what a request asks of this hop and is not done here. Raises Refused."""
        facts.check(head)

    def forward(self, head: WireRequest, where: Where, target: Target, caller: Caller) -> Forward:
        """The request as it goes on. Raises Refused."""
        return facts.forward(head, where, target)

    def readable(self, forward: Forward, body: bytes | None, target: Target | None = None) -> tuple[Forward, bytes]:
        """Objects in protobuf go on in JSON, as they are judged. Raises Refused for what is not read."""
        if body is None:
            raise Refused("body_too_long", f"a body of more than {MAX_BODY} bytes is not read")
        return facts.in_json(forward, body)

    def saying(self, forward: Forward, body: bytes, caller: Caller) -> Refusals:
        """The same to every request."""
        return self.refusals

    def text(self, exchange: Exchange, body: bytes) -> bytes:
        """The request as it goes on, without the credential."""
        return text_of(exchange, body)

    def sent_beside(self, target: Target, caller: Caller) -> Sequence[tuple[str, str]]:
        """The gateway's credential and whom it speaks for. Raises LocalProtocolError."""
        return facts.sent_beside(target, caller)

    def keeps_for(self, target: Target, caller: Caller) -> Hashable | None:
        """With those that go up in the same name."""
        return (caller.name, tuple(caller.groups))

    def plan(
        self, forward: Forward, answer: Answer, target: Target | None = None, say: Refusals | None = None
    ) -> Plan | Unfit:
        """How the answer is rewritten, or why the request does not go on after all."""
        unfit = facts.unfit_tree(answer)
        if unfit is not None:
            return unfit
        is_watch = facts.info_of(forward).verb == "watch"
        plan = plan_of(facts.info_of(forward), answer, is_watch=is_watch)
        return Unfit(403, "MASK_UNPROVEN", plan) if isinstance(plan, str) else plan

    def reply(self, exchange: Exchange, target: Target, caller: Caller, *, closes: bool) -> Replying:
        """The answer as it comes, with its masks."""
        assert exchange.forward is not None
        is_watch = facts.info_of(exchange.forward).verb == "watch"
        return reply_to(exchange, target, closes=closes, last_word=statuses.ended_watch if is_watch else None)

    def patience(self, forward: Forward, seconds: float) -> float | None:
        """How long nothing may come from the API server; a watch may be silent for ever."""
        return None if facts.is_endless(forward) else seconds

    def successor(self, asked: HandedOver, caller: Caller) -> Successor | None:
        """Who carries an exec, an attach or forwarded ports."""
        if facts.transport_of(asked.head) is None:
            return None
        talk, beside = facts.talk_of(asked.head, asked.forward), facts.sent_beside(asked.target, caller)
        shell, screen = facts.shell_asked(asked.forward), facts.screen_of(asked.head)
        if shell is facts.Shell.GUARDED:
            return GuardedPod(asked, talk, screen, beside, self._seed, self._idle_seconds)
        typed, is_raw = screen if facts.is_typed(asked.forward) else None, shell is facts.Shell.RAW
        return Carrier(asked, talk, beside, typed, is_raw=is_raw, idle_seconds=self._idle_seconds)

    def carrier(self, exchange: Exchange, target: Target, caller: Caller, rest: bytes) -> Successor | None:
        """Nobody: an upgrade is asked about by who carries it."""
        return None


def kubernetes_session(settings: Settings, seed: bytes, idle_seconds: float = 0.0) -> Conversation:
    """One client's connection."""
    return Conversation(KubernetesManners(seed, idle_seconds), settings)
