"""The ports over a real gate, a real store and a real log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.core.ports import Question
from engine import command_reader
from engine.command.tree import ParsedCommand
from engine.decision import DenyKind, Verdict
from engine.request import Principal, Resource
from gateway.approvals.states import State
from gateway.asked import Asked
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.content_keys import ContentKeys
from gateway.audit.entry import Entry, Kind, decode
from gateway.audit.index.finding import Finder
from gateway.audit.index.sought import FactReader, Sought
from gateway.audit.read import read
from gateway.audit.shielding import ShieldedLog
from gateway.errors import ApprovalConflict, AuditUnavailable
from gateway.rpc import gate_ports
from gateway.rpc.gate_ports import Askers, Behind, GateApprovals, GateDecisions, LogAudit
from gateway.rpc.ports import ApprovalPort, AuditPort, DecisionPort
from tests.rpc_stand_ins import OneRule
from tests.strategies.gates import ANA, HOLD, ORDERS, SESSION, House, parse, question

DORA = Principal("dora", groups=("dba",))


class Texts:
    """The engine, as far as it is needed here."""

    def __init__(self) -> None:
        self.explained: list[Asked] = []

    def parse(self, question: Question) -> ParsedCommand:
        return parse(question.text, question.catalog)

    def names(self, search_path: Sequence[str], relations: Mapping[str, Sequence[str]]) -> object:
        return (tuple(search_path), tuple(relations))

    def explain(self, asked: Asked) -> Sequence[OneRule]:
        self.explained.append(asked)
        return [OneRule()]


class Ports:
    """All ports over one house."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.texts = Texts()
        behind = Behind(
            self.house.gate, self.house.log, self.house.approvals, self.texts, {"orders": ORDERS}, self.house.clock
        )
        askers = Askers()
        self.gate: DecisionPort = GateDecisions(behind, askers)
        self.approvals: ApprovalPort = GateApprovals(behind, askers)
        self.finder = Finder(folder / "audit", FactReader(command_reader(), KeptCatalogs(folder / "audit")), None)
        self.audit: AuditPort = LogAudit(self.house.log, folder / "audit", self.finder)

    def held(self, caller: str = "pg-adapter") -> str:
        self.house.policies.decision = HOLD
        ticket = self.decide("DELETE FROM orders", caller=caller)
        assert ticket is not None
        return ticket

    def decide(
        self, text: str = "SELECT 1", *, resource: Resource = ORDERS, caller: str = "pg-adapter", dry_run: bool = False
    ) -> str | None:
        return self.gate.decide(
            question=question(text),
            principal=ANA,
            session=SESSION,
            resource=resource,
            context={},
            caller=caller,
            dry_run=dry_run,
        ).ticket


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    built = Ports(tmp_path)
    yield built
    built.house.close()


def conflict(code: str) -> pytest.RaisesExc[ApprovalConflict]:
    return pytest.raises(ApprovalConflict, check=lambda error: error.code == code)


def test_a_question_goes_through_the_gate_and_its_entry_names_the_caller(ports: Ports) -> None:
    ports.decide(dry_run=True)
    (entry,) = ports.house.entries()
    assert (entry.kind, entry.verdict, entry.principal, entry.caller) == (Kind.DECISION, "allow", "ana", "pg-adapter")
    assert entry.is_dry


def test_a_dry_run_of_a_held_command_opens_no_ticket(ports: Ports) -> None:
    ports.house.policies.decision = HOLD
    assert ports.decide("DELETE FROM orders", dry_run=True) is None
    assert ports.approvals.tickets(states=(), limit=10, principal=None) == []


def test_the_labels_of_a_configured_resource_are_never_the_callers_word(ports: Ports) -> None:
    seen: list[Resource] = []
    decision = ports.house.policies.decision
    ports.house.policies.judging = lambda asked, now, approval: (seen.append(asked.resource), decision)[1]
    ports.decide(resource=Resource("orders", "kubernetes", "other", None, {"environment": "dev"}))
    ports.decide(resource=Resource("unknown", "postgres", None, "r", {"environment": "dev"}))
    assert seen == [
        replace(ORDERS, database="other"),
        Resource("unknown", "postgres", None, "r", {"environment": "dev"}),
    ]


def test_what_was_no_question_is_recorded_as_a_deny(ports: Ports) -> None:
    codes = ("INPUT_INVALID", "CALLER_UNKNOWN", "NOT_PERMITTED", "STALE_POLICY", "INTERNAL", "OBLIGATION_UNKNOWN")
    for code in (*codes, "TOKEN_REVOKED", "TOO_MANY_LOGINS"):
        ports.gate.refused(caller="x", method="/s/M", code=code, message="raw: missing")
    entries = ports.house.entries()
    assert {(entry.kind, entry.verdict, entry.caller, entry.step) for entry in entries} == {
        (Kind.DECISION, "deny", "x", "/s/M")
    }
    assert [entry.deny_kind for entry in entries] == [
        str(kind)
        for kind in (
            DenyKind.INPUT_INVALID,
            DenyKind.NOT_AUTHENTICATED,
            DenyKind.NOT_AUTHENTICATED,
            DenyKind.STALE_POLICY,
            DenyKind.INTERNAL,
            DenyKind.OBLIGATION_UNKNOWN,
            DenyKind.NOT_AUTHENTICATED,
            DenyKind.NOT_AUTHENTICATED,
        )
    ]
    assert entries[0].note == "raw: missing"
    assert len({entry.decision_id for entry in entries}) == len(entries)
    ports.house.log.close()
    with pytest.raises(AuditUnavailable):
        ports.gate.refused(caller="x", method="/s/M", code="INPUT_INVALID", message="x")


def test_texts_go_to_the_engine(ports: Ports) -> None:
    assert ports.gate.parse(question("SELECT 7")) == parse(b"SELECT 7")
    assert ports.gate.catalog(search_path=["public"], relations={"public.t": ["a"]}) == (("public",), ("public.t",))
    rules = ports.gate.explain(
        question=question(), principal=ANA, session=SESSION, resource=Resource("orders", "postgres"), context={}
    )
    assert [rule.rule for rule in rules] == ["demo/READERS"]
    assert ports.texts.explained[0].resource == ORDERS
    assert ports.house.entries() == []


def test_a_held_command_is_approved_and_comes_out_once_for_who_asked(ports: Ports) -> None:
    ticket_id = ports.held()
    rung: list[int] = []
    leave = ports.approvals.subscribe(ticket_id, caller="pg-adapter", listener=lambda: rung.append(1))
    assert ports.approvals.ticket(ticket_id).state == "requested"
    ports.approvals.approve(ticket_id, by=DORA, comment="fine", remember=0)
    assert rung
    answer = ports.approvals.settle(ticket_id)
    assert answer.decision.verdict is Verdict.ALLOW
    assert ports.approvals.settle(ticket_id).decision.deny_kind is DenyKind.APPROVAL_REFUSED
    leave()
    assert ports.house.approvals.bell.waiters(ticket_id) == 0
    steps = [(entry.kind, entry.step, entry.person) for entry in ports.house.entries()]
    assert (Kind.APPROVAL, "approved", "dora") in steps


def test_a_refused_command_is_denied_with_the_reason(ports: Ports) -> None:
    ticket_id = ports.held()
    ports.approvals.refuse(ticket_id, by=DORA, comment="not on a Friday")
    answer = ports.approvals.settle(ticket_id)
    assert answer.decision.deny_kind is DenyKind.APPROVAL_REFUSED
    assert "not on a Friday" in answer.decision.reasons[0].reason


def test_nobody_waits_for_what_somebody_else_asked(ports: Ports) -> None:
    ticket_id = ports.held()
    for caller in ("other-adapter", "ana", "dora"):
        with conflict("TICKET_UNKNOWN"):
            ports.approvals.subscribe(ticket_id, caller=caller, listener=lambda: None)
    with conflict("TICKET_UNKNOWN"):
        ports.approvals.ticket("h-none")


def test_a_ticket_of_a_session_in_this_process_is_nobodys_outside(ports: Ports) -> None:
    ports.house.policies.decision = HOLD
    ticket = ports.house.gate.decide(Asked(question("DELETE FROM orders"), ANA, SESSION, ORDERS)).ticket
    assert ticket is not None
    with conflict("TICKET_UNKNOWN"):
        ports.approvals.subscribe(ticket, caller="pg-adapter", listener=lambda: None)


@pytest.mark.parametrize("caller", ["ana", "pg-adapter"])
def test_who_asked_and_whom_it_is_about_may_withdraw(ports: Ports, caller: str) -> None:
    ticket_id = ports.held()
    with conflict("NOT_REQUESTER"):
        ports.approvals.withdraw(ticket_id, caller="dora", comment="no")
    assert ports.approvals.withdraw(ticket_id, caller=caller, comment="changed my mind").state == "withdrawn"


def test_nobody_approves_what_they_asked_for_themselves(ports: Ports) -> None:
    ticket_id = ports.held()
    with conflict("OWN_REQUEST"):
        ports.approvals.approve(ticket_id, by=Principal("ana", groups=("dba",)), comment="", remember=0)


def test_tickets_are_found_by_state_and_principal(ports: Ports) -> None:
    ticket_id = ports.held()

    def found(*states: str, principal: str | None = None) -> list[str]:
        return [ticket.id for ticket in ports.approvals.tickets(states=states, limit=10, principal=principal)]

    assert found() == found("requested") == found("requested", "granted", principal="ana") == [ticket_id]
    assert found("granted") == found(principal="bo") == []
    assert {str(state) for state in State} >= {ports.approvals.ticket(ticket_id).state}


def test_only_the_newest_askers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rpc.gate_ports.MAX_HELD", 2)
    askers = Askers()
    for number in range(3):
        askers.note(f"h-{number}", "a")
    assert [askers.is_asker(f"h-{number}", "a") for number in range(3)] == [False, True, True]


def test_who_asks_much_drives_out_nobody_elses_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rpc.gate_ports.MAX_HELD", 4)
    askers = Askers()
    askers.note("h-bo", "bo")
    for number in range(20):
        askers.note(f"h-{number}", "eve")
    assert askers.is_asker("h-bo", "bo")
    assert [number for number in range(20) if askers.is_asker(f"h-{number}", "eve")] == [17, 18, 19]
    askers.note("h-19", "bo")
    assert askers.is_asker("h-19", "bo")
    assert (askers.is_asker("h-19", "eve"), set(askers._theirs)) == (False, {"bo", "eve"})


def test_the_log_is_given_byte_for_byte(ports: Ports, tmp_path: Path) -> None:
    heard: list[int] = []
    leave = ports.audit.subscribe(heard.append)
    assert ports.audit.next_index() == 1
    for _ in range(3):
        ports.decide()
    leave()
    ports.decide()
    assert heard == [2, 3, 4]
    assert ports.audit.next_index() == 5
    entries = ports.audit.entries(start=2, limit=2)
    assert [entry.index for entry in entries] == [2, 3]
    assert [decode(entry.body + b"\n") for entry in entries] == [*read(tmp_path / "audit")][1:3]
    assert [entry.index for entry in ports.audit.entries(start=0, limit=9)] == [1, 2, 3, 4]


def test_of_long_entries_no_more_are_read_than_fill_a_message(ports: Ports) -> None:
    for _ in range(9):
        ports.house.log.append(Entry(kind=Kind.DECISION, time=1, text="x" * 1_000_000))
    assert [entry.index for entry in ports.audit.entries(start=1, limit=500)] == [1, 2, 3, 4, 5]
    assert [entry.index for entry in ports.audit.entries(start=6, limit=500)] == [6, 7, 8, 9]


def test_what_is_looked_for_is_given_byte_for_byte_a_page_at_a_time(ports: Ports, tmp_path: Path) -> None:
    for number in range(5):
        ports.decide(f"SELECT {number} FROM t")
    ports.decide("INSERT INTO t VALUES (1)")
    first = ports.audit.search(Sought(text="from select"), limit=2, before=None)
    assert [entry.index for entry in first.entries] == [5, 4]
    rest = ports.audit.search(Sought(text="from select"), limit=9, before=first.older)
    assert ([entry.index for entry in rest.entries], rest.older, rest.looked) == ([3, 2, 1], None, 3)
    lines = {entry.index: entry.body for entry in ports.audit.entries(start=1, limit=9)}
    assert all(entry.body == lines[entry.index] for entry in (*first.entries, *rest.entries))
    assert {entry.readable for entry in first.entries} == {b""}


def test_what_is_closed_in_the_log_comes_readable_beside_it_until_its_key_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    log = ShieldedLog(folder, {}, low_water_bytes=0)
    log.append(Entry(kind=Kind.DECISION, time=1_795_000_000 * 10**9, text="SELECT 1", verdict="allow", principal="ana"))
    log.flush()
    audit = LogAudit(log, folder, Finder(folder, FactReader(command_reader(), KeptCatalogs(folder)), None))
    (found,) = audit.search(Sought(text="select"), limit=9, before=None).entries
    assert b"SELECT 1" not in found.body
    opened = decode(found.readable + b"\n")
    assert (opened.text, opened.seq, opened.principal) == ("SELECT 1", 1, "ana")
    for key in ContentKeys(folder).all():
        ContentKeys(folder).destroy(key)
    assert audit.search(Sought(text="select"), limit=9, before=None).entries == []
    (bare,) = audit.search(Sought(principal="ana"), limit=9, before=None).entries
    assert (bare.body, bare.readable) == (found.body, b"")
    log.close()


def test_an_entry_that_left_the_log_meanwhile_is_left_out(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    ports.decide()
    monkeypatch.setattr(gate_ports, "line_at", lambda directory, seq: None)
    assert ports.audit.search(Sought(), limit=9, before=None).entries == []
