"""The soak: a gateway as a process, its clients, and everybody else who has a hand in it; then what the audit and the server's log say."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from gateway.audit.read import read
from gateway.rpc.client import CallFailed
from gateway.rpc.client import Client as Caller
from tests.e2e.soak.clients import TABLES, Client, Tally
from tests.e2e.world import World, world

POLICY = """\
package policies.world

# version 0

allow contains {"code": "ALL", "reason": "everything"} if input.principal.name == "ana"

deny contains {"code": "MARKED", "reason": "the mark says no"} if contains(input.command.text, "#deny")

hold contains {"code": "LOOK", "reason": "somebody looks", "approvers": {"groups": ["leads"]}, "expires": "4s"} if {
	contains(input.command.text, "#hold")
}

mask contains {"code": "ADDRESS", "reason": "addresses are hidden", "method": "redact", "columns": ["public.people.email"]} if {
	input.command.protocol == "postgres"
}
"""
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
SERVER = """
max_connections = 150
log_statement = 'all'
log_line_prefix = '%p app=%a '
"""
MARK = re.compile(r"m\d+x\d+[ep]")
RAN = re.compile(r"^\d+ app=(.*?) LOG:  (?:execute [^:]*|statement): (.*)$")
OURS = re.compile(
    r"^(SELECT pg_catalog\.array_to_json\(pg_catalog\.current_schemas\(true\)\)|SELECT pg_catalog\.current_setting\(|"
    r"BEGIN$|COMMIT$|ROLLBACK$)"
)
STORE = "/store.db"
POOLED = 5 * 2 + 1
"""The store's files at most: SQLAlchemy keeps five connections, each with the database and its log; all have one index of that."""
WARM_SECONDS = 300.0
"""Until the engine's caches, which are bounded, have been filled by fifty clients' texts."""
CATALOG, OWNER, ESTIMATE = "sallyport catalog", "owner", "sallyport estimate"
PLANNED = re.compile(rf"^\d+ app={ESTIMATE} LOG:  execute [^:]*: EXPLAIN \(FORMAT JSON\) (.*)$")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How long, how many, how often."""

    seconds: float
    clients: int = 50
    pause: float = 0.35
    kill_every: float = 3.0
    reload_every: float = 15.0
    seed: int = 20261128


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
    """Statements of clients that the server's log has,"""
    unrecorded: list[str] = field(default_factory=list)
    """those of them that the audit does not have as granted with the same text,"""
    forbidden: list[str] = field(default_factory=list)
    """and those that must not have run."""
    unanswered: list[str] = field(default_factory=list)
    """Marks that a client has an answer for and the audit does not know."""
    unfinished: list[str] = field(default_factory=list)
    """Marks that ran and whose outcome the audit does not have."""
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


class Helpers:
    """Threads beside the clients, until they are told to stop."""

    def __init__(self, place: World, tally: Tally, wishes: Wishes) -> None:
        self._place = place
        self._tally = tally
        self._wishes = wishes
        self._chance = random.Random(wishes.seed + 1)
        self._over = threading.Event()
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
        with Caller.over_unix(self._place.folder / "lea.sock") as lea:
            while not self._over.wait(0.1):
                for ticket in lea.tickets("requested"):
                    for word, vote in (("#approve", lea.approve), ("#refuse", lea.refuse)):
                        if word in ticket.text:
                            # It may be taken back or over by now.
                            with contextlib.suppress(CallFailed):
                                vote(ticket.id)
                                self._tally.votes[word] += 1

    def _kill(self) -> None:
        with Caller.over_unix(self._place.folder / "olga.sock") as olga:
            while not self._over.wait(self._wishes.kill_every):
                sessions, _ = olga.sessions()
                if sessions:
                    with contextlib.suppress(CallFailed):
                        olga.end_session(self._chance.choice(sessions).id, "as agreed")
                        self._tally.kills += 1

    def _reload(self) -> None:
        file = self._place.folder / "policies" / "world.rego"
        while not self._over.wait(self._wishes.reload_every):
            self._tally.reloads += 1
            # WHY in one step: half a file is a policy that breaks, and the gateway looks at any moment.
            fresh = file.with_name("world.fresh")
            fresh.write_text(POLICY.replace("version 0", f"version {self._tally.reloads}"))
            fresh.replace(file)

    def _measure(self) -> None:
        began = time.monotonic()
        while not self._over.wait(1.0):
            self.sizes.append((time.monotonic() - began, resident(self._place)))


def resident(place: World) -> int:
    """KiB of the gateway that are in memory."""
    assert place.process is not None
    status = Path(f"/proc/{place.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def open_files(place: World) -> int:
    """Of the gateway, but for those of the store's pool (`store_files`), which grows with how many threads wrote at once."""
    return len([name for name in _open(place) if STORE not in name])


def store_files(place: World) -> int:
    return len([name for name in _open(place) if STORE in name])


def _open(place: World) -> Iterator[str]:
    assert place.process is not None
    for link in Path(f"/proc/{place.process.pid}/fd").iterdir():
        # One that is closed at this moment is not open.
        with contextlib.suppress(FileNotFoundError):
            yield str(link.readlink())


@contextlib.contextmanager
def prepared() -> Iterator[World]:
    """The place, running, with its tables."""
    with world(POLICY, SERVER) as place:
        place.config.write_text(place.config.read_text() + PEOPLE)
        owner = f"host=127.0.0.1 port={place.cluster.port} user={place.cluster.user} password={place.cluster.password}"
        with psycopg.connect(f"{owner} dbname=postgres application_name={OWNER}", autocommit=True) as connection:
            connection.execute(TABLES)
        place.start()
        yield place


async def _clients(place: World, tally: Tally, wishes: Wishes) -> None:
    over = asyncio.Event()
    chance = random.Random(wishes.seed)
    conninfo = place.conninfo()
    clients = [
        Client(number, conninfo, tally, random.Random(chance.random()), wishes.pause)
        for number in range(wishes.clients)
    ]
    running = [asyncio.create_task(client.run(over)) for client in clients]
    asyncio.get_running_loop().call_later(wishes.seconds, over.set)
    await asyncio.gather(*running)


def soak(wishes: Wishes) -> Soaked:
    """All of it. What was wrong stands in what comes back."""
    with prepared() as place:
        tally = Tally()
        before = open_files(place)
        with Helpers(place, tally, wishes) as helpers:
            asyncio.run(_clients(place, tally, wishes))
        found = Soaked(wishes.seconds, tally, helpers.sizes)
        found.files = (before, _settled(place, before))
        found.store_files = store_files(place)
        place.stop()
        found.is_sealed = place.verify_audit() == 0
        look_at(found, place)
    return found


def _settled(place: World, before: int) -> int:
    """The files that are open once what the clients left behind is gone."""
    deadline = time.monotonic() + 20
    while open_files(place) > before + 5 and time.monotonic() < deadline:
        threading.Event().wait(0.2)
    return open_files(place)


def is_planned(line: str, held: set[str]) -> bool:
    """Whether a line of the server's log is the gateway's own question of what a held statement would touch: it runs nothing."""
    asked = PLANNED.match(line)
    return asked is not None and asked[1] in held


def look_at(found: Soaked, place: World) -> None:
    """Compare the audit with the server's log and with what the clients were answered."""
    granted: dict[str, set[str]] = {"": set()}
    decisions: dict[str, list[str]] = {}
    known: set[str] = set()
    finished: set[str] = set()
    held: set[str] = set()
    opened = closed = 0
    for entry in read(place.audit):
        if entry.kind == "decision":
            if entry.verdict == "hold":
                held.add(entry.text)
            if entry.verdict in ("allow", "mask") and not MARK.search(entry.text):
                granted[""].add(entry.text)
            for mark in MARK.findall(entry.text):
                known.add(mark)
                if entry.verdict in ("allow", "mask"):
                    granted.setdefault(mark, set()).add(entry.text)
                    decisions.setdefault(mark, []).append(entry.decision_id)
        elif entry.kind == "outcome":
            finished.add(entry.decision_id)
        elif entry.kind == "session":
            opened += entry.step == "opened"
            closed += entry.step == "closed"
    found.sessions = (opened, closed)
    found.unanswered = sorted(found.tally.answered - known)
    seen: set[str] = set()
    for line in (place.cluster.folder / "server.log").read_text(errors="replace").splitlines():
        if is_planned(line, held):
            continue
        found.forbidden += [mark for mark in MARK.findall(line) if mark in found.tally.never]
        told = RAN.match(line)
        if told is None or told[1] in (CATALOG, OWNER):
            continue
        marks = MARK.findall(told[2])
        if told[1] == ESTIMATE and not marks:
            continue
        seen.update(marks)
        found.ran += 1
        is_ours = not marks and OURS.match(told[2])
        if not is_ours and not any(told[2] in granted.get(mark, ()) for mark in marks or [""]):
            found.unrecorded.append(line)
    found.unfinished = sorted(mark for mark in seen if not finished.intersection(decisions.get(mark, ())))
    log = (place.folder / "gateway.log").read_text(errors="replace").splitlines()
    found.log = [line for line in log if re.search(r"\berror\b|Traceback|exception", line, re.IGNORECASE)]
