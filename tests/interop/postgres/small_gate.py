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

from adapters.core.ports import Answer, GateSession, Outcome, Question, Refusal, ScramVerifier, Target
from adapters.postgres.listener import ListenerSettings, PostgresListener
from adapters.postgres.scram import make_verifier
from adapters.postgres.session import ClientProof
from engine.command.tree import Command, Operation, Output, ParsedCommand, Sql
from engine.command.tree import Effect as CommandEffect
from engine.decision import Decision, DenyKind, Hold, MaskItem, Obligation, Reason, Verdict

PASSWORD = "correct horse"
_READS = ParsedCommand.of(
    Command("postgres", "", "", (Operation("select", CommandEffect.READ, ("top",)),), complete=True)
)
_SETS = ParsedCommand.of(
    Command("postgres", "", "", (Operation("set", CommandEffect.SESSION, ("top",)),), complete=False)
)
_PLAIN = (b"select", b"insert", b"update", b"delete", b"begin", b"commit", b"rollback", b"end", b"copy")


def _tree(text: bytes, outputs: int) -> ParsedCommand:
    if outputs:
        sql = Sql(
            outputs=tuple(Output(None, ("public.t.c",), proven=True) for _ in range(outputs)), outputs_proven=True
        )
        operations = (Operation("select", CommandEffect.READ, ("top",)),)
        return ParsedCommand.of(Command("postgres", "", "", operations, complete=True, sql=sql))
    plain = text.lstrip().lower().startswith(_PLAIN) and b"set_config" not in text.lower()
    return _READS if plain else _SETS


@dataclass
class SmallGate:
    """One session's gate. `asked` and `outcomes` are there for tests to look at."""

    keeper: SmallKeeper
    id: str = "session-1"
    asked: list[Question] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    held: dict[str, asyncio.Future[bool]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def decide(self, question: Question) -> Answer:
        self.asked.append(question)
        text = question.text
        number = next(self._numbers)
        if b"/*deny*/" in text:
            reason = Reason("test.marker/DENY", "deny", "DENY", "denied by marker", hint="ask somebody")
            return Answer(Decision(Verdict.DENY, DenyKind.RULE, (reason,)), f"d{number}")
        if b"/*hold*/" in text:
            reason = Reason("test.marker/HOLD", "hold", "HOLD", "somebody looks at it first")
            decision = Decision(Verdict.HOLD, None, (reason,), hold=Hold(({"groups": ["dba"]},), 60, (reason.rule,)))
            if question.prepares:
                return Answer(decision, f"d{number}", command=_tree(text, 0))
            ticket = f"T{number}"
            self.held[ticket] = asyncio.get_running_loop().create_future()
            self.keeper.news.set()
            return Answer(decision, f"d{number}", ticket, f"https://gate.example/{ticket}", command=_tree(text, 0))
        if b"/*mask*/" in text:
            outputs = int(text.partition(b"/*outputs ")[2].partition(b"*/")[0] or b"1")
            plan = (MaskItem(0, ("public.t.c",), "redact", rules=("test.marker/MASK",)),)
            return Answer(Decision(Verdict.MASK, None, mask_plan=plan), f"d{number}", command=_tree(text, outputs))
        obligations: list[Obligation] = []
        for kind in ("rows", "read_only", "statement_timeout", "lock_timeout", "colour"):
            value = text.partition(f"/*{kind} ".encode())[2].partition(b"*/")[0].decode()
            if value:
                obligations.append(Obligation(kind, int(value) if value.isdigit() else value, "test.marker/LIMIT"))
        return Answer(
            Decision(Verdict.ALLOW, None, obligations=tuple(obligations)), f"d{number}", command=_tree(text, 0)
        )

    async def fate(self, ticket: str) -> Answer:
        granted = await self.held[ticket]
        number = next(self._numbers)
        if granted:
            return Answer(Decision(Verdict.ALLOW, None), f"d{number}", command=_SETS)
        reason = Reason("test.marker/HOLD", "deny", "HOLD", "somebody said no")
        return Answer(Decision(Verdict.DENY, DenyKind.APPROVAL_REFUSED, (reason,)), f"d{number}")

    def withdraw(self, ticket: str, reason: str) -> None:
        self.withdrawn.append(ticket)
        self.keeper.news.set()

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        self.outcomes.append((decision_id, outcome))

    def close(self, reason: str) -> None:
        self.keeper.closed.append(reason)


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
    ) -> GateSession | Refusal:
        if not proven:
            return Refusal("28P01", "no")
        gate = SmallGate(self)
        self.sessions.append(gate)
        return gate

    def target(self, resource: str) -> Target | None:
        return self.where if resource != "nowhere" else None

    def decide_holds(self, granted: bool) -> int:
        """Say yes or no to everything that is held; how many there were."""
        waiting = [future for gate in self.sessions for future in gate.held.values() if not future.done()]
        for future in waiting:
            future.set_result(granted)
        return len(waiting)


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
