"""What every soak is made of: many clients at once, votes, kills, reloads, and what is measured of the gateway meanwhile.

A protocol brings a `Target`: a running gateway with something real behind it, its clients, and what that something wrote down.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import statistics
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from gateway.rpc.client import CallFailed
from gateway.rpc.client import Client as Caller
from tests.e2e.soak.audited import Audited, Ran, audited, errors_in
from tests.e2e.world import GatewayProcess

RULES = """\
package policies.world

# version 0

allow contains {"code": "ALL", "reason": "everything"} if input.principal.name == "ana"

deny contains {"code": "MARKED", "reason": "the mark says no"} if contains(input.command.text, "do-deny")

hold contains {"code": "LOOK", "reason": "somebody looks", "approvers": {"groups": ["leads"]}, "expires": "90s"} if {
	some word in {"do-approve", "do-refuse"}
	contains(input.command.text, word)
}

hold contains {"code": "LEFT", "reason": "nobody looks", "approvers": {"groups": ["leads"]}, "expires": "4s"} if {
	contains(input.command.text, "do-leave")
}
"""
EXPIRED = 8.0
"""Seconds after which nobody can approve what expires after four, however slow the machine is."""
PEOPLE = """
[[identity.principal]]
name = "lea"
groups = ["leads"]
roles = ["approver"]

[[identity.principal]]
name = "olga"
roles = ["operator"]

[[rpc.socket]]
path = "lea.sock"
principal = "lea"

[[rpc.socket]]
path = "olga.sock"
principal = "olga"
"""
STORE = "/store.db"
WARM_SECONDS = 300.0
"""Until the engine's caches, which are bounded, have been filled by fifty clients' texts."""
FIRST_TURNS, TURN = 2, 12
"""A client's first acts come in turn, so that twelve of them try everything however little time there is."""
MINUTE = 60.0
POOLED = 15 * 2 + 1
"""The store's files at most: SQLAlchemy has fifteen connections at once, each with the database and its log; all have one index of that.

WHY not the five that it keeps: SQLite closes no file while another connection of the process holds a lock on it, and gives it to the next.
"""
ENDED = "an operator ended this session"
UNDECIDED = "the session ended before this was decided"
"""What a client is told whose command was being asked about just then."""
SUPERSEDED = "the policy changed while this waited"
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How long, how many, how often."""

    seconds: float
    clients: int = 50
    pause: float = 0.35
    kill_every: float = 3.0
    reload_every: float = 15.0
    kinds: int = 0
    """Kinds of acts that have to be tried before it is over, though it takes up to a minute more on a slow machine."""
    seed: int = 20261128


@dataclass
class Tally:
    """What happened. `never`: marks of commands that must not run at the target."""

    done: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    never: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    ended: int = 0
    """Sessions that somebody else ended, by their clients' word;"""
    lost: int = 0
    """connections that were gone without one."""
    kills: int = 0
    reloads: int = 0
    votes: Counter[str] = field(default_factory=Counter)

    @property
    def kinds(self) -> int:
        """How many kinds of acts came to their end."""
        return len([act for act in self.done if not act.startswith(("lost", "held, superseded"))])


@dataclass
class Soaked:
    """What came of it. Sizes are KiB."""

    seconds: float
    tally: Tally
    sizes: list[tuple[float, int]] = field(default_factory=list)
    files: tuple[int, int] = (0, 0)
    """Open files of the gateway before the first client and after the last."""
    store_files: int = 0
    ran: int = 0
    """Commands of clients that the target wrote down,"""
    unrecorded: list[str] = field(default_factory=list)
    """those of them that the audit does not have as granted with the same text,"""
    forbidden: list[str] = field(default_factory=list)
    """and those that must not have run."""
    unanswered: list[str] = field(default_factory=list)
    """Marks that a client has an answer for and the audit does not know."""
    unfinished: list[str] = field(default_factory=list)
    """Those that ran and whose outcome the audit does not have."""
    sessions: tuple[int, int] = (0, 0)
    is_sealed: bool = False
    log: list[str] = field(default_factory=list)
    """Errors in the gateway's log."""

    @property
    def growth(self) -> float | None:
        """How much larger the gateway is at the end than after warming up; None when it never was warm."""
        warm, window = max(WARM_SECONDS, self.seconds / 5), self.seconds / 10
        if warm + 2 * window > self.seconds:
            return None
        early = [size for at, size in self.sizes if warm <= at <= warm + window]
        late = [size for at, size in self.sizes if at >= self.seconds - window]
        return statistics.median(late) / statistics.median(early) - 1


class Left(Exception):
    """A client went away in the middle, on purpose."""


def was_ended(told: str | bytes) -> bool:
    """Whether somebody is told that an operator ended the session."""
    said = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    return ENDED in said or UNDECIDED in said


class Ended(Exception):
    """A client was told that an operator ended its session."""


class Gone(Exception):
    """A client's connection is gone, and nobody told it why."""


class Client(ABC, Generic[C]):
    """One of many: connects, acts by chance, connects again when the connection is gone."""

    wrong: ClassVar[tuple[type[Exception], ...]] = (AssertionError,)
    """What an act raises when it did not come out as it must, beside `Left`, `Ended` and `Gone`."""

    def __init__(self, number: int, tally: Tally, chance: random.Random, pause: float) -> None:
        self._number = number
        self._tally = tally
        self._chance = chance
        self._pause = pause
        self._names = itertools.count()
        self._turns = list(range(number, number + FIRST_TURNS * TURN, TURN))

    @abstractmethod
    def acts(self) -> Sequence[tuple[int, str, Callable[[C], Awaitable[None]]]]:
        """What it does: how often beside the others, its name, the thing itself."""

    @abstractmethod
    def connected(self) -> contextlib.AbstractAsyncContextManager[C]:
        """A connection to the gateway, closed behind it."""

    def over(self, error: Exception) -> Exception | None:
        """Ended or Gone, where an error among `wrong` says that the connection is over."""
        return error if isinstance(error, Ended | Gone) else None

    async def run(self, until: asyncio.Event) -> None:
        """Act until it is over."""
        while not until.is_set():
            try:
                async with self.connected() as connection:
                    await self._act_on(connection, until)
            except Left:
                continue
            except (Ended, Gone, *self.wrong) as error:
                self._is_over(error)

    def _is_over(self, error: Exception) -> None:
        told = self.over(error)
        match told:
            case Ended():
                self._tally.ended += 1
            case Gone():
                self._tally.lost += 1
                self._tally.done[f"lost: {str(told).splitlines()[0][:100]}"] += 1
            case _:
                self._tally.unexpected.append(f"connecting: {type(error).__name__} {error}")

    async def _act_on(self, connection: C, until: asyncio.Event) -> None:
        acts = self.acts()
        weights = [weight for weight, _, _ in acts]
        while not until.is_set():
            turn = self._turns.pop(0) if self._turns else None
            _, name, act = self._chance.choices(acts, weights)[0] if turn is None else acts[turn % len(acts)]
            try:
                await act(connection)
            except Left:
                self._tally.done[name] += 1
                raise
            except self.wrong as error:
                # WHY given a turn: what ended a connection may be told after its channels or streams broke off.
                await asyncio.sleep(0.1)
                if self.over(error) is not None:
                    raise
                self._tally.unexpected.append(f"{name}: {type(error).__name__} {error}")
            else:
                self._tally.done[name] += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(0, 2 * self._pause)):
                    await until.wait()

    def _mark(self, *, never: bool = False) -> str:
        mark = f"m{self._number}x{next(self._names)}e"
        if never:
            self._tally.never.add(mark)
        return mark

    def _superseded(self) -> None:
        """What waited was taken back by a reload. WHY that is well: an approval is for what the policies said then."""
        self._tally.done["held, superseded by a reload"] += 1


class Runs(Protocol):
    """A client of some protocol."""

    async def run(self, until: asyncio.Event) -> None: ...


class Target(Protocol):
    """A gateway, what is behind it, and its clients."""

    @property
    def gateway(self) -> GatewayProcess: ...

    @property
    def policy(self) -> str:
        """The text of `policies/world.rego`, with the words `version 0` in it."""

    def client(self, number: int, tally: Tally, chance: random.Random, pause: float) -> Runs:
        """One of the clients."""

    def said(self, text: str) -> str:
        """How the target writes down a granted command with this text of the audit."""

    def ran(self, audit: Audited) -> Iterable[Ran]:
        """What the target wrote down of what clients had it do."""

    def wrong(self) -> Iterable[str]:
        """What else is not as it must be, once the gateway has stopped."""


class Helpers:
    """Threads beside the clients, until they are told to stop."""

    def __init__(self, target: Target, tally: Tally, wishes: Wishes) -> None:
        self._gateway = target.gateway
        self._policy = target.policy
        self._tally = tally
        self._wishes = wishes
        self._chance = random.Random(wishes.seed + 1)
        self._over = threading.Event()
        self._left: dict[str, float] = {}
        self.sizes: list[tuple[float, int]] = []
        works = (self._vote, self._kill, self._reload, self._measure)
        self._threads = [threading.Thread(target=work) for work in works]

    def __enter__(self) -> Helpers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _vote(self) -> None:
        with Caller.over_unix(self._gateway.folder / "lea.sock") as lea:
            while not self._over.wait(0.1):
                for ticket in lea.tickets("requested"):
                    if "do-leave" in ticket.text:
                        self._left.setdefault(ticket.id, time.monotonic())
                    for word, vote in (("do-approve", lea.approve), ("do-refuse", lea.refuse)):
                        if word in ticket.text:
                            # It may be taken back or over by now.
                            with contextlib.suppress(CallFailed):
                                vote(ticket.id)
                                self._tally.votes[word] += 1
                self._vote_too_late(lea)

    def _vote_too_late(self, lea: Caller) -> None:
        """Approve what has expired or was taken back: that must not be taken."""
        late = [ticket for ticket, seen in self._left.items() if seen + EXPIRED < time.monotonic()]
        for ticket in late:
            del self._left[ticket]
            try:
                lea.approve(ticket)
            except CallFailed:
                self._tally.votes["too late"] += 1
            else:
                self._tally.unexpected.append(f"ticket {ticket} was approved after it had expired")

    def _kill(self) -> None:
        with Caller.over_unix(self._gateway.folder / "olga.sock") as olga:
            while not self._over.wait(self._wishes.kill_every):
                sessions, _ = olga.sessions()
                if sessions:
                    with contextlib.suppress(CallFailed):
                        olga.end_session(self._chance.choice(sessions).id, "as agreed")
                        self._tally.kills += 1

    def _reload(self) -> None:
        file = self._gateway.folder / "policies" / "world.rego"
        while not self._over.wait(self._wishes.reload_every):
            self._tally.reloads += 1
            # WHY in one step: half a file is a policy that breaks, and the gateway looks at any moment.
            fresh = file.with_name("world.fresh")
            fresh.write_text(self._policy.replace("version 0", f"version {self._tally.reloads}"))
            fresh.replace(file)

    def _measure(self) -> None:
        began = time.monotonic()
        while not self._over.wait(1.0):
            self.sizes.append((time.monotonic() - began, resident(self._gateway)))


def resident(gateway: GatewayProcess) -> int:
    """KiB of the gateway that are in memory."""
    assert gateway.process is not None
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def open_files(gateway: GatewayProcess) -> int:
    """Of the gateway, but for those of the store's pool (`store_files`), which grows with how many threads wrote at once."""
    return len([name for name in _open(gateway) if STORE not in name])


def store_files(gateway: GatewayProcess) -> int:
    return len([name for name in _open(gateway) if STORE in name])


def _open(gateway: GatewayProcess) -> Iterator[str]:
    assert gateway.process is not None
    for link in Path(f"/proc/{gateway.process.pid}/fd").iterdir():
        # One that is closed at this moment is not open.
        with contextlib.suppress(FileNotFoundError):
            yield str(link.readlink())


def settled(gateway: GatewayProcess, before: int) -> int:
    """The files that are open once what the clients left behind is gone."""
    deadline = time.monotonic() + 20
    while open_files(gateway) > before + 5 and time.monotonic() < deadline:
        threading.Event().wait(0.2)
    return open_files(gateway)


async def end_what_is_left() -> None:
    """WHY: what TLS has still to say at the end of a connection outlives the client that closed it, and the loop."""
    for transport in list(getattr(asyncio.get_running_loop(), "_transports", {}).values()):
        transport.abort()
    await asyncio.sleep(0.01)


async def _clients(target: Target, tally: Tally, wishes: Wishes) -> None:
    over = asyncio.Event()
    chance = random.Random(wishes.seed)
    clients = [
        target.client(number, tally, random.Random(chance.random()), wishes.pause) for number in range(wishes.clients)
    ]
    running = [asyncio.create_task(client.run(over)) for client in clients]
    await asyncio.sleep(wishes.seconds)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MINUTE):
            while tally.kinds < wishes.kinds or (wishes.kinds and not tally.votes["do-approve"]):
                await asyncio.sleep(0.1)
    over.set()
    await asyncio.gather(*running)
    await end_what_is_left()


def soak(wishes: Wishes, prepared: Callable[[], contextlib.AbstractContextManager[Target]]) -> Soaked:
    """All of it. What was wrong stands in what comes back."""
    with prepared() as target:
        gateway, tally = target.gateway, Tally()
        before = open_files(gateway)
        with Helpers(target, tally, wishes) as helpers:
            asyncio.run(_clients(target, tally, wishes))
        found = Soaked(wishes.seconds, tally, helpers.sizes)
        found.files = (before, settled(gateway, before))
        found.store_files = store_files(gateway)
        gateway.stop()
        found.is_sealed = gateway.verify_audit() == 0
        look_at(found, target)
    return found


def look_at(found: Soaked, target: Target) -> None:
    """Compare the audit with what the target wrote down and with what the clients were answered."""
    audit = audited(target.gateway.audit, target.said)
    found.sessions = audit.sessions
    found.unanswered = sorted(found.tally.answered - audit.known)
    for one in target.ran(audit):
        found.forbidden += sorted(one.marks & found.tally.never)
        found.ran += one.is_command
        if one.is_command and not audit.has_granted(one):
            found.unrecorded.append(one.line)
        if one.is_command and not audit.has_finished(one):
            found.unfinished.append(one.line)
    found.tally.unexpected += target.wrong()
    found.log = errors_in(target.gateway.log)
