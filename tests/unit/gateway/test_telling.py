"""What the log is told: enough to know who did what, and no secret."""

from __future__ import annotations

import pytest

from engine.command.tree import Command, Effect, Operation, ParsedCommand, Problem
from engine.decision import Obligation
from engine.evaluator.cache import Judgement
from gateway.approvals.states import (
    Approved,
    Expired,
    Person,
    Refused,
    Shown,
    Step,
    Superseded,
    Ticket,
    Used,
    Withdrawn,
)
from gateway.approvals.ticketing import binding_of
from gateway.asked import Asked
from gateway.audit.entry import Entry
from gateway.telling import decision_entry, step_entry
from tests.strategies.gates import ALLOW, ANA, MASK, ORDERS, SESSION, asked, parse

BOUND = binding_of(ANA, SESSION, ORDERS, parse(b"DELETE"), None, "r1")


def tell(what: Asked, command: ParsedCommand | None) -> Entry:
    return decision_entry(what, ALLOW, Judgement(ALLOW, command), "d-1", 7, None)


def tree(text: str, *, features: tuple[str, ...] = (), problem: str = "") -> ParsedCommand:
    problems = (Problem(problem, "x"),) if problem else ()
    operations = (Operation("select", Effect.READ, ("top",)),)
    return ParsedCommand.of(Command("postgres", text, "d" * 64, operations, features, not problem, problems))


def test_who_did_what_where_and_why_is_all_there() -> None:
    entry = tell(asked("SELECT 1", parameters=("hunter2",)), parse(b"SELECT 1"))
    assert (entry.principal, entry.principal_kind, entry.groups) == ("ana", "agent", ("data-readers",))
    assert (entry.session, entry.job, entry.application, entry.client_address) == (
        "s-1",
        "build-42",
        "psql",
        "10.0.0.9",
    )
    assert (entry.resource, entry.protocol, entry.verdict, entry.rules) == (
        "orders",
        "postgres",
        "allow",
        (("p/READ", "allow"),),
    )
    assert entry.parameters
    assert "hunter2" not in entry.parameters


def test_limits_and_masks_are_told() -> None:
    from dataclasses import replace

    limited = replace(MASK, obligations=(Obligation("rows", 10, "p/R"),))
    entry = decision_entry(asked(), limited, Judgement(limited, parse(b"SELECT 1")), "d-1", 7, None)
    assert (entry.obligations, entry.masked) == ((("rows", 10),), 1)


@pytest.mark.parametrize(
    "command",
    [
        None,
        tree("ALTER ROLE a PASSWORD 'hunter2'", features=("secret_literal",)),
        tree("ALTER ROLE a PASSWORD 'hunter2'", problem="syntax_error"),
        tree("ALTER ROLE a PASSWORD 'hunter2'", problem="too_deep"),
    ],
)
def test_secrets_and_what_nobody_could_read_are_hidden(command: ParsedCommand | None) -> None:
    entry = tell(asked("ALTER ROLE a PASSWORD 'hunter2'"), command)
    assert entry.text == "ALTER ROLE a PASSWORD '***'"
    assert entry.redacted


def test_a_problem_that_is_no_failure_to_read_hides_nothing() -> None:
    entry = tell(asked("SELECT f('x')"), tree("SELECT f('x')", problem="unknown_function"))
    assert (entry.text, entry.redacted) == ("SELECT f('x')", False)


def test_a_ready_made_tree_tells_its_own_text() -> None:
    ready = Asked(parse(b"SELECT 7"), ANA, SESSION, ORDERS)
    assert tell(ready, parse(b"SELECT 7")).text == "SELECT 7"
    assert tell(ready, None).text == "SELECT 7"
    assert decision_entry(ready, ALLOW, Judgement(ALLOW, parse(b"SELECT 7"), exact=False), "d", 1, None).digest


def test_bytes_that_are_no_text_are_told_in_ascii() -> None:
    from adapters.core.ports import Question

    what = Asked(Question("postgres", b"SELECT \xff"), ANA, SESSION, ORDERS)
    assert tell(what, None).text == "SELECT \\xff"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (Approved(Person("bo"), "fine"), ("approved", "bo", "fine")),
        (Refused(Person("bo"), "no"), ("refused", "bo", "no")),
        (Withdrawn("left"), ("withdrawn", "", "left")),
        (Superseded("changed"), ("superseded", "", "changed")),
        (Expired(), ("expired", "", "")),
        (Used(BOUND), ("used", "", "")),
    ],
)
def test_every_step_of_a_ticket_is_told(event: Step, told: tuple[str, str, str]) -> None:
    ticket = Ticket("h-1", BOUND, (), (), 0, 1, Shown("DELETE"))
    entry = step_entry(ticket, event, 5)
    assert (entry.step, entry.person, entry.note) == told
    assert (entry.ticket, entry.principal, entry.digest) == ("h-1", "ana", BOUND.digest)
