"""What tells the protocols over HTTP/1.1 apart, as `conversation` asks for it: how a request is checked, written anew, answered.

Each protocol brings one object for all its connections; it keeps nothing of any of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from adapters.core.effects import Effect
from adapters.core.events import Event
from adapters.core.ports import Answer, Refusal, Target
from adapters.web.json_masks import PathMask
from adapters.web.requests import Forward
from adapters.web.responses import AnswerPart
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest
from engine.masking.output import ValueMask

if TYPE_CHECKING:
    from adapters.web.session.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is, as the gate let them in. `login` is equal for the same person, resource and token alone."""

    name: str
    groups: tuple[str, ...] = ()
    login: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an answer is rewritten: `masks` are None without a mask verdict; `is_lines`: it is a document a line, whatever it says; `is_text`: it
    is a text in which `values` are hidden."""

    masks: tuple[PathMask, ...] | None
    is_lines: bool = False
    values: tuple[ValueMask, ...] = ()
    is_text: bool = False

    @property
    def is_masked(self) -> bool:
        """Whether anything of the answer is hidden."""
        return self.masks is not None or bool(self.values)


UNCHANGED = Plan(None)


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why what was granted does not go on after all."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A request for an upgrade, with everything that whoever takes the connection over needs.

    `ticket` is the first number for questions that was not used yet; `rest` are bytes behind the request.
    """

    head: WireRequest
    forward: Forward
    target: Target
    ticket: int
    rest: bytes


class Successor(Protocol):
    """Takes a connection over for good, from the question on: what is carried on it is no HTTP any more."""

    def begin(self, now: float) -> list[Effect]:
        """What is to be done first."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        """What is to be done because of an event."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client."""


class Refusals(Protocol):
    """The answers of our own: which status, which code, in which words."""

    def not_read(self, code: str, message: str, *, is_head: bool = False, decision_id: str = "") -> bytes:
        """For a request that could be read in two ways, or that asks for what is not done here."""

    def not_admitted(self, refusal: Refusal, *, is_head: bool) -> bytes:
        """For who is not let in."""

    def denied(self, answer: Answer, *, closes: bool, is_head: bool) -> bytes:
        """For a request that the gate denied."""

    def not_done(self, answer: Answer, status: int, code: str, message: str, *, closes: bool, is_head: bool) -> bytes:
        """For a request that was granted, or held, and still does not go on."""

    def come_again(self, answer: Answer, *, closes: bool, is_head: bool) -> bytes:
        """For a client that does not wait for an approval."""

    def too_slow(self) -> bytes:
        """For who does not send in time what they began."""

    def keep_waiting(self, answer: Answer) -> tuple[bytes, float | None]:
        """For a client that waits for an approval: what it is told meanwhile, and after how many seconds again (None: not)."""


class Replying(Protocol):
    """The target's answer on its way to the client."""

    closes: bool
    """Whether the client's connection ends with it, as its head says."""

    @property
    def is_begun(self) -> bool:
        """Whether something of it went out."""

    @property
    def is_done(self) -> bool:
        """Whether it is whole."""

    @property
    def error(self) -> str | None:
        """What the audit is told went wrong, of an answer that is whole."""

    def feed(self, part: AnswerPart) -> bytes:
        """What goes to the client. Raises PeerProtocolError for an answer that may not go on."""

    def questions(self) -> Sequence[bytes]:
        """Texts that have to be judged before the answer goes on; each is given once."""

    def answered(self, answer: Answer) -> bytes:
        """What goes to the client after the answer to the next of them."""

    @property
    def is_holding(self) -> bool:
        """Whether something is kept back that is shown as it is once nothing comes for a while."""

    def quiet(self) -> bytes:
        """Nothing came for a while: what goes to the client of it. Raises PeerProtocolError."""

    def broken(self, code: str, message: str) -> bytes:
        """The last word of an answer that began and cannot go on."""

    @property
    def bytes(self) -> int:
        """How many bytes of a body went out."""


class Manners(Protocol):
    """One protocol over HTTP/1.1."""

    @property
    def protocol(self) -> str:
        """The protocol of resources and questions."""

    @property
    def refusals(self) -> Refusals: ...

    @property
    def credentials(self) -> str:
        """The header in which clients bring their tokens; none where they were let in by other means."""

    @property
    def max_body(self) -> int:
        """Bytes of a body that are read before the question is asked."""

    def check(self, head: WireRequest) -> None:
        """Refuse what a request asks of this hop and is not done here. Raises Refused."""

    def forward(self, head: WireRequest, where: Where, target: Target, caller: Caller) -> Forward:
        """The request as it goes on to a target. Raises Refused."""

    def readable(self, forward: Forward, body: bytes | None, target: Target | None = None) -> tuple[Forward, bytes]:
        """The request and its body as they are judged and go on; None: a body too long to be read. Raises Refused."""

    def saying(self, forward: Forward, body: bytes, caller: Caller) -> Refusals:
        """The answers of our own to this request: in some protocols they have its number. Raises Refused."""

    def text(self, exchange: Exchange, body: bytes) -> bytes:
        """The text that is asked about."""

    def sent_beside(self, target: Target, caller: Caller) -> Sequence[tuple[str, str]]:
        """Headers for the target alone, that nobody judges or sees. Raises LocalProtocolError for what cannot stand in one."""

    def keeps_for(self, target: Target, caller: Caller) -> Hashable | None:
        """With whose requests one of the caller's may share a connection to the target; None: with nobody's."""

    def plan(
        self, forward: Forward, answer: Answer, target: Target | None = None, say: Refusals | None = None
    ) -> Plan | Unfit:
        """How the answer to what was granted is rewritten, or why it does not go on after all."""

    def reply(self, exchange: Exchange, target: Target, caller: Caller, *, closes: bool) -> Replying:
        """The answer, on its way. `closes`: the connection ends with it."""

    def patience(self, forward: Forward, seconds: float) -> float | None:
        """How long nothing may come from the target; None where that is as it should be."""

    def successor(self, asked: HandedOver, caller: Caller) -> Successor | None:
        """Who takes the connection over for a request; None for every request that is no upgrade."""

    def carrier(self, exchange: Exchange, target: Target, caller: Caller, rest: bytes) -> Successor | None:
        """Who takes the connection over for an upgrade that was granted, its target being connected; None for every other request.

        `rest` are bytes behind the request.
        """
