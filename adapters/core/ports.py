"""What adapters need from the program they run in. `gateway` satisfies these; tests bring small ones of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol, TypeAlias

import msgspec

from engine._native import EntryForm, Leave, Unwritten
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Reason, Verdict
from engine.request import Json


class Question(msgspec.Struct, frozen=True):
    """One command as the client sent it, with what else decides its meaning.

    `catalog` is an opaque handle of the engine (what names mean); `state` are session facts policies may read
    (`transaction`: idle|open|failed, `search_path`, `role`, ...), part of the request's session. `prepares`: the text
    is only prepared, nothing runs yet; a hold of it opens no ticket, because each execution is a question of its own.
    `is_exchange`: what it asks about and what comes of it can stand in the recording of its session, where `record` is demanded.
    """

    protocol: str
    text: bytes
    catalog: object | None = None
    parameters: tuple[str | None, ...] | None = None
    state: Mapping[str, Json] = msgspec.field(default_factory=dict)
    prepares: bool = False
    is_exchange: bool = False


class Again(Protocol):
    """That an answer may be given again without being asked for, and what decided it. Opaque to adapters but for this."""

    @property
    def form(self) -> EntryForm:
        """How the audit tells it."""

    @property
    def for_shape(self) -> bool:
        """Whether it is the answer to all texts of its shape, not to its own alone."""

    def is_like(self, other: Again, /) -> bool:
        """Whether the same things decided both, and nothing of that has changed in between."""


class Lines(Protocol):
    """The lines of the audit for a command that an answer was given to again."""

    def line(self, log: Unwritten, decision_id: str, clock: int) -> bytes | None:
        """What is to be written for the decision's line (`Unwritten.with_line`); None when there can be none."""

    def outcome(self, log: Unwritten, clock: int) -> bool:
        """Let the line for what became of it wait in the log (`Unwritten.note`). No: it cannot."""


class Answer(msgspec.Struct, frozen=True):
    """What the gate said. It was recorded before it is seen here. `ticket` and `link` are there for a hold.

    `command` is the tree that was judged; without it the adapter assumes the worst of the command. `mask_keys` are the
    keys that the mask plan names by id. `again` is there when the gate knew the answer already (`GateSession.give_again`).
    """

    decision: Decision
    decision_id: str
    ticket: str | None = None
    link: str | None = None
    command: ParsedCommand | None = None
    mask_keys: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    again: Again | None = None

    def __repr__(self) -> str:
        # WHY: the keys are secrets, and the tree holds the command's literals.
        return f"Answer({self.decision!r}, {self.decision_id!r}, {self.ticket!r}, {self.link!r})"


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a granted command. `error` is the server's code (SQLSTATE), never its text; `masked` how often a value
    was hidden in a stream, or how many cells of masked columns there were. `sent_again`: how often it went to the target once more, because a
    connection ended before any answer."""

    rows: int = 0
    bytes: int = 0
    duration: float = 0.0
    error: str | None = None
    masked: int = 0
    sent_again: int = 0


Cell: TypeAlias = str | bytes | None


class Part(msgspec.Struct, frozen=True):
    """Some of a result, as its client gets it: names of columns, rows, or a piece of a body. `is_cut`: the rest is not given."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    data: bytes = b""
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where a resource is and how the gateway signs in there. Never logged; `password` and `private_key` never printed.

    `private_key` (PEM or OpenSSH's form), its `certificate`, `known_hosts` (lines as OpenSSH has them) and `shell` are SSH's.
    """

    host: str
    port: int
    user: str
    password: str | None = field(repr=False, default=None)
    database: str | None = None
    tls: bool = True
    ca_file: str | None = None
    verify_host: bool = True
    private_key: str | None = field(repr=False, default=None)
    certificate: str | None = None
    known_hosts: str = field(repr=False, default="")
    shell: str = "/bin/bash"
    header: str | None = None
    """HTTP: the header that carries `password` as it is, instead of `Authorization`."""
    http2: str = "off"
    """HTTP: whether requests go in HTTP/2: `off`, `auto` (where the target chooses it in TLS), `always` (without TLS too)."""
    names: object | None = field(repr=False, compare=False, default=None)
    """HTTP: an opaque handle for `Question.catalog`, where the resource says what its paths mean."""
    addresses: tuple[str, ...] = ()
    """Where `host` is, looked up before: nothing else is connected to. Empty: it is looked up when it is connected to."""
    own: object | None = field(default=None, compare=False)
    """What only the adapter of the resource's protocol knows how to read (`adapters.mcp.facts.Server`)."""
    fresh: Callable[[], Awaitable[Target]] | None = field(repr=False, default=None, compare=False)
    """There where the credential has an end: the same with one that is good now. Raises ConnectionError."""

    def __hash__(self) -> int:
        # WHY not all of it: it is asked for with each request, to find a connection that was kept.
        return hash((self.host, self.port, self.user))

    @property
    def place(self) -> Target:
        """What stays the same when a credential that ends is another."""
        return self if self.fresh is None else replace(self, user="", password=None)


@dataclass(frozen=True, slots=True)
class ScramVerifier:
    """What RFC 5802 lets a server keep instead of a password (SHA-256)."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody is not let in. The message never tells whether the user exists."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Screen:
    """A terminal as a client has it."""

    columns: int
    rows: int
    type: str


class Recording(Protocol):
    """What a client is shown, kept. Each word raises RecorderFailed when it cannot be; then it may not be shown either."""

    @property
    def id(self) -> str: ...

    def output(self, data: bytes, *, is_error: bool = False) -> None:
        """What is about to be shown."""

    def resized(self, columns: int, rows: int) -> None:
        """The terminal has another size."""

    def told(self, said: Mapping[str, Json]) -> None:
        """A decision, or another fact of ours."""

    def end(self, status: int | None) -> None:
        """It is over. Never raises."""


class Proof(Protocol):
    """What became of a token that had to be looked into. Opaque to adapters but for this; handed back with `admit`."""

    @property
    def user(self) -> str:
        """Who it proves somebody to be; empty when it proves nobody."""

    @property
    def groups(self) -> Sequence[str]:
        """Theirs."""


GATES_OWN = frozenset({"notify"})
"""Obligations that are the gate's affair; every other is one that an adapter meets itself, or a denial."""


class Cause(StrEnum):
    """Why somebody else than its client ends a session."""

    DRAIN = "drain"
    """The gateway stops: what runs may finish."""
    IDLE = "idle"
    """Nothing was asked for too long."""
    LIFETIME = "lifetime"
    """It is open for too long: what runs has a moment to finish."""
    KILLED = "killed"
    """Somebody who may wants it to end, with what runs in it."""
    REVOKED = "revoked"
    """The login that it was opened with was taken back."""
    UNRECORDED = "unrecorded"
    """What happens in it has to be recorded and cannot be."""

    @property
    def is_urgent(self) -> bool:
        """Whether what runs is not waited for."""
        return self in (Cause.KILLED, Cause.REVOKED, Cause.UNRECORDED)


@dataclass(frozen=True, slots=True)
class Ending:
    """That a session has to end, and in which words its client is told."""

    cause: Cause
    message: str


class Connection(Protocol):
    """One client's connection, as whoever ends sessions sees it."""

    def was_active(self) -> bool:
        """Whether, since the last call, the client said something, or a command ran or was held. Only on the loop's thread."""

    def end(self, ending: Ending) -> None:
        """End it, never in the middle of a message. At once on the loop's thread, soon when called from another."""


UNKNOWN_FATE = Answer(
    Decision(
        Verdict.DENY,
        DenyKind.INTERNAL,
        (Reason("gateway/HOLD", "deny", "HOLD", "what became of the approval is not known"),),
    ),
    "",
)
"""For a hold of which nobody can tell."""
NOBODY_WAITS = Answer(
    Decision(
        Verdict.DENY,
        DenyKind.INTERNAL,
        (Reason("gateway/ENDED", "deny", "ENDED", "the session ended before this was decided"),),
    ),
    "",
)
"""For a question that was broken off. Nothing is recorded of it: to the gate it is as if it had not been asked."""


class Pending(Awaitable[Answer]):
    """An answer that comes later. INVARIANT: nothing is asked before this is awaited, and where it never is, nothing was."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Callable[[], Awaitable[Answer]]) -> None:
        self._ask = ask

    def __await__(self) -> Generator[object, None, Answer]:
        return self._ask().__await__()


class GateSession(Protocol):
    """One signed-in client on one resource."""

    @property
    def id(self) -> str: ...

    def watch(self, connection: Connection) -> None:
        """Say whose connection this session is: it is told when the session has to end."""

    def decide(self, question: Question) -> Answer | Pending:
        """Decide; the audit entry is written before there is an answer. Never raises: failure is a deny.

        What takes longer than a loop may wait is answered later, and nothing runs meanwhile. Who breaks off is as if they had not asked.
        """

    def refuse(self, question: Question, reason: str) -> Answer:
        """Deny what is not carried here, whatever the policies say, and record it. Never raises."""

    async def fate(self, ticket: str) -> Answer:
        """Wait until a hold is granted, refused, expired or withdrawn; a granted one was decided again (and recorded)."""

    def withdraw(self, ticket: str, reason: str) -> None: ...

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        """Record what became of a granted command."""

    def give_again(self, again: Again, lines: Lines) -> bool:
        """Give an answer once more, for a command that it is the answer to and `lines` tells of: recorded when this says yes.
        No: something that decided it has changed, or it cannot be recorded; then nothing was, and the command is to be asked about."""

    def leave(self, again: Again) -> Leave | None:
        """Leave for a lane in the core to give an answer again without asking here, as long as it finds that all that decided stands.
        None: there is none at the moment, and each time is to be asked (`give_again`)."""

    def finished_again(self, lines: Lines) -> None:
        """Record what became of such a command."""

    def show(self, decision_id: str, part: Part) -> None:
        """Record some of the result of an exchange, before its client gets it. Raises RecorderFailed: then nothing of it may be shown."""

    def record(self, decision_id: str, screen: Screen | None, failed: Callable[[], None]) -> Recording:
        """Begin a recording of what a grant shows; with a screen that of a terminal. Raises RecorderFailed.

        `failed` is called, from any thread, when it cannot go on.
        """

    @property
    def records_commands(self) -> bool:
        """Whether every command is recorded, not only where a policy says so."""

    def reached_over(self, connection: str) -> None:
        """Record which connection to the target serves this session. Raises when it cannot be: then nothing may be sent over it."""

    def close(self, reason: str) -> None: ...


class Doorkeeper(Protocol):
    """Who may come in, and to what."""

    def scram_verifier(self, user: str) -> ScramVerifier:
        """The verifier of a user; for an unknown one a decoy that no password fits, stable for the same name."""

    def check_token(self, user: str, token: str, resource: str) -> bool:
        """Whether a secret given in clear (inside TLS) proves the user. Constant time."""

    @property
    def takes_tokens(self) -> bool:
        """Whether signed tokens are taken at all."""

    def is_signed(self, token: str) -> bool:
        """Whether this is a token that has to be looked into (`examine`), and no plain secret."""

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        """Look into a signed token, for this resource; a client that gave a name must be that one. Never raises for a bad one."""

    def key_authorities(self) -> Sequence[str]:
        """Public keys (lines as OpenSSH has them) whose certificates prove the people they name."""

    def is_key_of(self, user: str, key: bytes) -> bool:
        """Whether a public key (as it stands on the wire of SSH) is one of the user's."""

    def owner_of(self, token: str) -> str | None:
        """Whose token this is, where a client sends nothing but that; None when it is nobody's."""

    def admit(
        self,
        *,
        user: str,
        resource: str,
        protocol: str,
        proven: bool,
        client_address: str | None,
        application: str | None,
        database: str | None = None,
        proof: Proof | None = None,
    ) -> GateSession | Refusal:
        """Open a session for a user who proved who they are. `proven` false is recorded and refused.

        `proof` is what `examine` found, where it was asked; a session has no more than that allows. `database` is the one the client asks for inside the resource, where a resource has several.
        """

    def groups_of(self, user: str) -> Sequence[str]:
        """The groups of a user; none when there is no such user."""

    def target(self, resource: str) -> Target | None:
        """Where the resource is; None when there is no such resource."""

    def is_ready(self, resource: str) -> bool:
        """Whether the target's credential is good as it is."""

    async def make_ready(self, resource: str) -> None:
        """Have the target's credential again where that is due. Never raises: who is admitted without one is refused."""

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        """Told of each try to connect to the target of a session: how long it took, whether it came about. Never raises."""
