"""A gate with everything real but the policies, which answer what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from adapters.core.ports import Answer, Pending, Question
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Target
from engine.decision import Decision, DenyKind, Hold, MaskItem, Reason, Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval, Principal, Resource, Session
from gateway.approvals.notify import Bell
from gateway.approvals.store import Approvals
from gateway.aside import Aside
from gateway.asked import Asked
from gateway.audit.catalogs import CatalogKeeper
from gateway.audit.entry import Entry
from gateway.audit.log import AuditLog
from gateway.audit.read import read
from gateway.config.model import SecretsInText
from gateway.estimating import Estimating
from gateway.gate import Gate
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade
from gateway.telemetry import Meters

ANA = Principal("ana", "agent", ("data-readers",))
ORDERS = Resource("orders", "postgres", "shop", "gateway", {"environment": "prod"})
SESSION = Session("s-1", "build-42", "psql", "10.0.0.9")

ALLOW = Decision(Verdict.ALLOW, None, (Reason("p/READ", "allow", "READ", "reading"),))
DENY = Decision(Verdict.DENY, DenyKind.RULE, (Reason("p/NO", "deny", "NO", "not here", hint="ask"),))
MASK = replace(ALLOW, verdict=Verdict.MASK, mask_plan=(MaskItem(0, ("a.b.c",), "hash", {"key": "k1"}),))
HOLD = Decision(
    Verdict.HOLD,
    None,
    (Reason("p/WRITE", "hold", "WRITE", "a DBA looks at it"),),
    hold=Hold(({"groups": ["dba"], "users": [], "quorum": 1},), 600, ("p/WRITE",)),
)
Judging = Callable[[Asked, int, Approval | None], Decision]


def question(text: str = "SELECT 1", **fields: object) -> Question:
    return Question("postgres", text.encode(), **fields)  # type: ignore[arg-type]  # fields of a test


def asked(text: str = "SELECT 1", **fields: object) -> Asked:
    return Asked(question(text, **fields), ANA, SESSION, ORDERS)


def parse(text: bytes, catalog: object = None) -> ParsedCommand:
    """A tree that follows from the text (and, as in life, from what the catalog makes of it)."""
    target = Target("table", f"public.orders{catalog or ''}", Access.READ)
    words = text.decode("utf-8", "replace")
    features = ("secret_literal",) if "PASSWORD" in words else ()
    operation = Operation("select", Effect.READ, ("top",), (target,))
    return ParsedCommand.of(Command("postgres", words, text.hex().ljust(64, "0")[:64], (operation,), features, True))


@dataclass
class Policies:
    """One set of policies whose answer a test may change; releases what was approved, as combining does."""

    decision: Decision = ALLOW
    revision: str = "r1"
    is_exact: bool = True
    activity_numbers: tuple[str, ...] = ()
    judging: Judging | None = None
    shaping: Callable[[Question], bytes | None] | None = None
    approvals: list[Approval] = field(default_factory=list)

    @property
    def program(self) -> Policies | None:
        return self if self.revision else None

    def shape(self, question: Question) -> bytes | None:
        return None if self.shaping is None else self.shaping(question)

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        if isinstance(asked.question, ParsedCommand):
            command = asked.question
        else:
            command = parse(asked.question.text, asked.question.catalog)
        if approval is not None:
            self.approvals.append(approval)
        if self.judging is not None:
            decision = self.judging(asked, now, approval)
        else:
            is_released = self.decision.verdict is Verdict.HOLD and approval is not None
            decision = ALLOW if is_released else self.decision
        return Judgement(replace(decision, revision=self.revision), command, self.is_exact)


class Clock:
    """A time that only a test moves. Nanoseconds."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


class House:
    """A gate and all that is around it, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policies = Policies()
        self.clock = Clock()
        self.meters = Meters()
        self.database: Database = open_database(f"sqlite:///{folder}/store.db")
        upgrade(self.database)
        self.approvals = Approvals(self.database, Bell())
        self.log = AuditLog(folder / "audit", low_water_bytes=0)
        self.gate = self.build()

    def build(
        self,
        secrets_in_text: SecretsInText = SecretsInText.REDACT,
        estimating: Estimating | None = None,
        aside: Aside | None = None,
    ) -> Gate:
        """Another gate on the same store and log, as after a restart."""
        return Gate(
            policies=self.policies,
            log=self.log,
            approvals=self.approvals,
            clock=self.clock,
            meters=self.meters,
            mask_keys={"k1": b"secret"},
            link=lambda ticket: f"https://gate/holds/{ticket}",
            catalogs=CatalogKeeper(self.folder / "audit"),
            secrets_in_text=secrets_in_text,
            estimating=estimating,
            aside=aside,
        )

    def entries(self) -> list[Entry]:
        if not self.log.trouble:
            self.log.flush()
        return list(read(self.folder / "audit"))

    def close(self) -> None:
        self.gate.close()
        self.log.close()
        self.database.close()


async def told(answer: Answer | Pending) -> Answer:
    """The answer of a session in an event loop."""
    return await answer if isinstance(answer, Pending) else answer
