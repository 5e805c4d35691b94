"""A gate in one page for tests of the wire: the verdict stands as a marker in a comment of the command.

`/*deny*/`, `/*hold*/` (people decide: `decide_hold`), `/*mask*/` (the first output is redacted); anything else is allowed.
Run as a program it serves one target until it is told to stop:
    python -m tests.interop.postgres.small_gate LISTEN_PORT TARGET_HOST TARGET_PORT USER DATABASE [CA_FILE] (password in PGPASSWORD; TLS with a CA file)
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from dataclasses import dataclass, field

import uvloop

from adapters.core.ports import (
    Answer,
    Connection,
    GateSession,
    Outcome,
    Proof,
    Question,
    Refusal,
    ScramVerifier,
    Target,
)
from adapters.postgres.listener import ListenerSettings, PostgresListener
from adapters.postgres.scram import make_verifier
from adapters.postgres.session import ClientProof
from engine._native import Catalog, parse_sql
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind, Hold, MaskItem, Obligation, Reason, Verdict

PASSWORD = "correct horse"


def _tree(question: Question) -> ParsedCommand:
    catalog = question.catalog
    return ParsedCommand(parse_sql(question.text, catalog if isinstance(catalog, Catalog) else None))


@dataclass
class SmallGate:
    """One session's gate. `asked` and `outcomes` are there for tests to look at."""

    keeper: SmallKeeper
    id: str = "session-1"
    asked: list[Question] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    held: dict[str, asyncio.Future[bool]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    """Over which connections its target was reached, where it has a pool."""
    _trees: dict[str, ParsedCommand] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def watch(self, connection: Connection) -> None:
        self.connection = connection

    def decide(self, question: Question) -> Answer:
        self.asked.append(question)
        self.keeper.news.set()
        text = question.text
        tree = _tree(question)
        number = next(self._numbers)
        if any(problem.code == "syntax_error" for problem in tree.command.problems):
            return Answer(Decision(Verdict.DENY, DenyKind.INPUT_INVALID), f"d{number}", command=tree)
        if b"/*deny*/" in text:
            reason = Reason("test.marker/DENY", "deny", "DENY", "denied by marker", hint="ask somebody")
            return Answer(Decision(Verdict.DENY, DenyKind.RULE, (reason,)), f"d{number}")
        if b"/*hold*/" in text:
            reason = Reason("test.marker/HOLD", "hold", "HOLD", "somebody looks at it first")
            decision = Decision(Verdict.HOLD, None, (reason,), hold=Hold(({"groups": ["dba"]},), 60, (reason.rule,)))
            if question.prepares:
                return Answer(decision, f"d{number}", command=tree)
            ticket = f"T{number}"
            self._trees[ticket] = tree
            self.held[ticket] = asyncio.get_running_loop().create_future()
            self.keeper.news.set()
            return Answer(decision, f"d{number}", ticket, f"https://gate.example/{ticket}", command=tree)
        if b"/*mask*/" in text:
            plan = (MaskItem(0, (), "redact", rules=("test.marker/MASK",)),)
            return Answer(Decision(Verdict.MASK, None, mask_plan=plan), f"d{number}", command=tree)
        obligations: list[Obligation] = []
        for kind in ("rows", "read_only", "statement_timeout", "lock_timeout", "colour"):
            value = text.partition(f"/*{kind} ".encode())[2].partition(b"*/")[0].decode()
            if value:
                obligations.append(Obligation(kind, int(value) if value.isdigit() else value, "test.marker/LIMIT"))
        return Answer(Decision(Verdict.ALLOW, None, obligations=tuple(obligations)), f"d{number}", command=tree)

    async def fate(self, ticket: str) -> Answer:
        granted = await self.held[ticket]
        number = next(self._numbers)
        if granted:
            return Answer(Decision(Verdict.ALLOW, None), f"d{number}", command=self._trees[ticket])
        reason = Reason("test.marker/HOLD", "deny", "HOLD", "somebody said no")
        return Answer(Decision(Verdict.DENY, DenyKind.APPROVAL_REFUSED, (reason,)), f"d{number}")

    def withdraw(self, ticket: str, reason: str) -> None:
        self.withdrawn.append(ticket)
        self.keeper.news.set()

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        self.outcomes.append((decision_id, outcome))

    def reached_over(self, connection: str) -> None:
        self.connections.append(connection)

    def close(self, reason: str) -> None:
        self.keeper.closed.append(reason)
        self.keeper.news.set()


@dataclass
class SmallKeeper:
    """Lets everybody in who knows the password, to one resource."""

    where: Target
    sessions: list[SmallGate] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _verifier: ScramVerifier = field(default_factory=lambda: make_verifier(PASSWORD.encode(), os.urandom(16), 4096))

    def scram_verifier(self, user: str) -> ScramVerifier:
        return self._verifier

    takes_tokens = False

    def is_signed(self, token: str) -> bool:
        return False

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        raise AssertionError

    def check_token(self, user: str, token: str, resource: str) -> bool:
        return token == PASSWORD

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
        if not proven:
            return Refusal("28P01", "no")
        gate = SmallGate(self)
        self.sessions.append(gate)
        self.news.set()
        return gate

    def is_ready(self, resource: str) -> bool:
        return True

    async def make_ready(self, resource: str) -> None:
        pass

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        pass

    def groups_of(self, user: str) -> tuple[str, ...]:
        return ()

    def target(self, resource: str) -> Target | None:
        return self.where if resource != "nowhere" else None

    @property
    def waiting(self) -> list[asyncio.Future[bool]]:
        """What is held and not decided."""
        return [future for gate in self.sessions for future in gate.held.values() if not future.done()]

    def decide_holds(self, granted: bool) -> None:
        """Say yes or no to everything that is held."""
        for future in self.waiting:
            future.set_result(granted)


async def _serve(port: int, target: Target) -> None:
    listener = PostgresListener(
        ListenerSettings(port=port, tls_required=False, proof=ClientProof.SCRAM), SmallKeeper(target)
    )
    await listener.start()
    print(f"127.0.0.1:{listener.port}", flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await listener.drain(1.0)


if __name__ == "__main__":
    _, listen, host, upstream_port, user, database, *ca = sys.argv
    password = os.environ.get("PGPASSWORD")
    place = Target(host, int(upstream_port), user, password, database, tls=bool(ca), ca_file=ca[0] if ca else None)
    uvloop.run(_serve(int(listen), place))
