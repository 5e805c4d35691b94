"""What the log is told: enough to know who did what, and no secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.command.tree import Command, Effect, Operation, ParsedCommand, Problem
from engine.decision import Decision, DenyKind, Obligation
from engine.evaluator.cache import Judgement
from engine.request import Principal, Session
from gateway import telling
from gateway.approvals.estimate import no_estimate
from gateway.approvals.states import (
    Approved,
    Estimated,
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
from gateway.audit.catalogs import Reference
from gateway.audit.entry import Entry
from gateway.telling import decision_entry, step_entry
from tests.strategies.gates import ALLOW, ANA, MASK, ORDERS, SESSION, asked, parse, question

TOKEN = "gh" + "p_" + "Zk3vN9qLx2TbW8yRm4Jp7Hs1Dc6Fg5Ae0UoB"
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


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer hunter2hunter2\r\n\r\n",
        b"GET /?access_token=hunter2hunter2 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\nAuthorization: hunter2hunter2\n\nnot understood",
        b'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n{"password": "hunter2hunter2"}',
    ],
)
def test_of_a_request_no_credential_is_told(raw: bytes) -> None:
    from adapters.core.ports import Question
    from engine.command.parse import parse_command
    from gateway.telling import shows_text

    parsed = parse_command("http", raw)
    for what in (Question("http", raw), parsed):
        entry = tell(Asked(what, ANA, SESSION, ORDERS), parsed)
        assert "hunter2" not in entry.text
        assert entry.text.startswith(("GET", "POST"))
    assert not shows_text(Judgement(ALLOW, parsed)), "no form of it may be filled with the text as it came"


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
        (Estimated(no_estimate("so")), ("estimated", "", "no estimate: so")),
    ],
)
def test_every_step_of_a_ticket_is_told(event: Step, told: tuple[str, str, str]) -> None:
    ticket = Ticket("h-1", BOUND, (), (), 0, 1, Shown("DELETE"))
    entry = step_entry(ticket, event, 5)
    assert (entry.step, entry.person, entry.note) == told
    assert (entry.ticket, entry.principal, entry.digest) == ("h-1", "ana", BOUND.digest)


def test_the_whole_input_of_the_decision_is_there() -> None:
    who = Principal("ana", attributes={"level": 3})
    session = Session("s-1", state={"role": "ana"})
    what = Asked(question("SELECT 1", catalog=object()), who, session, ORDERS, {"purpose": "x"})
    told = decision_entry(what, ALLOW, Judgement(ALLOW, parse(b"SELECT 1")), "d-1", 7, None, Reference("c" * 64, b"s"))
    assert (told.attributes, told.state, told.context) == ({"level": 3}, {"role": "ana"}, {"purpose": "x"})
    assert (told.database, told.role, told.labels, told.resource_protocol) == (
        "shop",
        "gateway",
        {"environment": "prod"},
        "postgres",
    )
    assert (told.had_catalog, told.catalog, told.names) == (True, "c" * 64, b"s")
    assert not told.is_tree


def test_an_input_that_was_refused_for_its_shape_does_not_stand_in_the_way_of_its_record() -> None:
    refused = Decision(deny_kind=DenyKind.INPUT_INVALID, revision="r1")
    what = Asked(question(), ANA, SESSION, ORDERS, {"n": 2**80})
    told = decision_entry(what, refused, Judgement(refused, None), "d-1", 7, None)
    assert (told.context, told.labels, told.state) == ({}, {}, {})


def test_a_ready_made_tree_is_kept_unless_it_is_huge_or_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tree("SELECT 1")
    told = tell(Asked(plain, ANA, SESSION, ORDERS), plain)
    assert (told.is_tree, told.tree) == (True, plain.encoded)
    secret = tree("ALTER ROLE a PASSWORD 'hunter2'", features=("secret_literal",))
    assert tell(Asked(secret, ANA, SESSION, ORDERS), secret).tree == b""
    monkeypatch.setattr(telling, "MAX_TREE", 3)
    assert tell(Asked(plain, ANA, SESSION, ORDERS), plain).tree == b""


def test_what_the_gate_refuses_by_itself_is_told_apart() -> None:
    judged = replace(ALLOW, revision="r1")
    for decision, overruled in ((judged, False), (ALLOW, True)):
        told = decision_entry(asked(), decision, Judgement(judged, parse(b"SELECT 1")), "d-1", 7, None)
        assert told.overruled is overruled


def test_a_secret_in_the_text_is_hidden_and_so_is_the_tree_that_holds_it() -> None:
    text = f"SELECT * FROM tokens WHERE value = '{TOKEN}'"
    entry = tell(asked(text), parse(text.encode()))
    assert (entry.text, entry.redacted) == ("SELECT * FROM tokens WHERE value = '[redacted]'", True)
    made = tell(Asked(tree(text), ANA, SESSION, ORDERS), tree(text))
    assert (made.text, made.redacted, made.tree, made.is_tree) == (entry.text, True, b"", True)


def test_a_secret_is_kept_where_the_configuration_says_so() -> None:
    judged = Judgement(ALLOW, parse(TOKEN.encode()))
    entry = decision_entry(asked(TOKEN), ALLOW, judged, "d-1", 7, None, hides=False)
    assert (entry.text, entry.redacted) == (TOKEN, False)


def test_secrets_are_seen_in_texts_and_in_ready_made_trees() -> None:
    assert telling.has_secret(question(TOKEN))
    assert telling.has_secret(tree(f"SELECT '{TOKEN}'"))
    assert not telling.has_secret(question("SELECT 1"))
