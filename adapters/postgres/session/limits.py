"""What a policy demands besides the grant, made the server's business: row limit, read-only, time-outs.

INVARIANT: an obligation that is not enforced here is a denial (`OBLIGATION_UNKNOWN`), never ignored. `notify` alone is
the gate's own affair.

Read-only and time-outs are set by statements of ours in the same implicit or open transaction, just before the command:
they end with that transaction, and a stricter setting of the client's own stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.core.ports import GATES_OWN, Answer
from adapters.core.recorded import is_met
from adapters.postgres.messages.frames import Front
from adapters.postgres.messages.query import PORTAL, STATEMENT, encode_bind, encode_execute, encode_named, encode_parse
from adapters.postgres.session.names import ALL, Change, NameChange, Planned
from adapters.postgres.session.steps import Due, Hush, Step
from engine.decision import Obligation

_PLAN_ANEW = b"DISCARD PLANS"
_READ_ONLY = b"SET TRANSACTION READ ONLY"
_AT_MOST = (
    "SELECT pg_catalog.set_config('{name}', CASE WHEN v OPERATOR(pg_catalog.=) '0'::pg_catalog.interval "
    "OR v OPERATOR(pg_catalog.>) '{limit} ms'::pg_catalog.interval THEN '{limit}ms' "
    "ELSE pg_catalog.current_setting('{name}') END, true) "
    "FROM (SELECT pg_catalog.current_setting('{name}')::pg_catalog.interval AS v) AS now"
)
"""WHY every operator and type is qualified: the client's search_path holds while this runs."""
_MAX_TIMEOUT = 2**31 - 1

_OPENING = (Step(Due.PARSE, shown=False, hush=Hush.ALL), Step(Due.BIND, shown=False, hush=Hush.ALL))
_CLOSING = (Step(Due.CLOSE, shown=False, hush=Hush.ALL), Step(Due.CLOSE, shown=False, hush=Hush.ALL))
_STEPS = (*_OPENING, Step(Due.EXECUTE, shown=False, hush=Hush.ALL), *_CLOSING)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is enforced for one command. `anew`: by which names the server is to read what was prepared before it runs, where it may have
    read that by others."""

    rows: int | None = None
    settings: tuple[bytes, ...] = ()
    anew: Planned | None = None

    @property
    def has_texts(self) -> bool:
        """Whether statements of ours go before the command."""
        return bool(self.settings) or self.anew is not None

    @property
    def of_plans(self) -> Limits:
        """The part that is of no transaction."""
        return Limits(anew=self.anew)

    @property
    def of_transaction(self) -> Limits:
        """The part that ends with the transaction."""
        return Limits(settings=self.settings)

    def encode_texts(self, name: bytes) -> bytes:
        """The statements that put it in force, under a name of our own."""
        return b"".join(
            encode_parse(text, name)
            + encode_bind(name, name)
            + encode_execute(name)
            + encode_named(Front.CLOSE, PORTAL, name)
            + encode_named(Front.CLOSE, STATEMENT, name)
            for text in (*((_PLAN_ANEW,) if self.anew is not None else ()), *self.settings)
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the server answers to them."""
        if self.anew is None:
            return _STEPS * len(self.settings)
        change = NameChange(Change.PLANNED, ALL, self.anew)
        execute = Step(Due.EXECUTE, shown=False, hush=Hush.ALL, change=change)
        return (*_OPENING, execute, *_CLOSING, *_STEPS * len(self.settings))


NO_LIMITS = Limits()


def limits_of(answer: Answer) -> Limits | str:
    """The limits of a grant, or the name of an obligation that cannot be met here."""
    obligations = answer.decision.obligations
    if not obligations:
        return NO_LIMITS
    rows: int | None = None
    settings: list[bytes] = []
    for obligation in obligations:
        match obligation:
            case Obligation("rows", int() as most) if most > 0:
                rows = most if rows is None else min(rows, most)
            case Obligation("read_only", True):
                settings.append(_READ_ONLY)
            case Obligation("statement_timeout" | "lock_timeout" as name, int() as limit) if 0 < limit <= _MAX_TIMEOUT:
                settings.append(_AT_MOST.format(name=name, limit=limit).encode())
            case Obligation() if is_met(obligation):
                pass
            case Obligation(kind) if kind in GATES_OWN:
                pass
            case _:
                return obligation.type
    return Limits(rows, tuple(settings))
