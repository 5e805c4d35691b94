"""What the user reads."""

from __future__ import annotations

from adapters.core.ports import Answer
from adapters.postgres.session import refusals
from engine.decision import Decision, DenyKind, Reason
from tests.wire import POISON, deny, errors, fields, hold, parse, split


def test_a_denial_says_why_which_rule_and_what_to_do() -> None:
    shown = errors(refusals.denial(deny("no writes here")))[0]
    assert shown["C"] == "42501"
    assert shown["M"] == "no writes here"
    assert shown["D"] == "rule p/R"
    assert shown["H"] == "ask · decision d-deny"


def test_a_denial_without_a_rule_says_what_kind_it_is() -> None:
    for kind in DenyKind:
        shown = errors(refusals.denial(Answer(Decision(deny_kind=kind), "d")))[0]
        assert kind.value in shown["D"]
        assert shown["M"]


def test_a_denial_of_the_gate_itself_names_no_rule() -> None:
    reason = Reason(rule="", kind="deny", code="AUDIT_UNAVAILABLE", reason="this cannot be recorded at the moment")
    decision = Decision(deny_kind=DenyKind.AUDIT_UNAVAILABLE, reasons=(reason,))
    shown = errors(refusals.denial(Answer(decision, "d")))[0]
    assert shown["M"] == "this cannot be recorded at the moment"
    assert shown["D"] == f"no rule had a say ({DenyKind.AUDIT_UNAVAILABLE.value})"


def test_a_held_command_says_ticket_approvers_and_how() -> None:
    kind, body = split(refusals.waiting(hold(), 0))[0]
    text = body.decode()
    assert kind == "N"
    for part in ("T-1", "somebody looks first", "dba", "sallyport approve T-1", "https://gate.example/T-1"):
        assert part in text
    assert "still waiting" in split(refusals.waiting(hold(), 5))[0][1].decode()


def test_a_transaction_is_told_to_get_approval_first() -> None:
    shown = errors(refusals.needs_approval_first(hold()))[0]
    assert shown["C"] == "42501"
    assert "T-1" in shown["D"]
    assert shown["H"].startswith("get approval, then retry")


def test_the_poison_is_what_no_server_parses() -> None:
    assert refusals.poison() == POISON
    assert refusals.poison(b"n") == parse(")sallyport_denied", "n")


def test_refusals_have_the_codes_clients_know() -> None:
    assert errors(refusals.cancelled())[0]["C"] == "57014"
    assert errors(refusals.unsupported("x"))[0]["C"] == "0A000"
    assert errors(refusals.no_statement(b""))[0]["M"] == "unnamed prepared statement does not exist"
    assert errors(refusals.no_statement(b"n"))[0]["C"] == "26000"
    assert errors(refusals.no_portal(b"c"))[0]["C"] == "34000"
    assert "MASK_UNPROVEN" in errors(refusals.mask_refused(deny(), "x"))[0]["D"]


def test_words_of_a_policy_cannot_forge_fields() -> None:
    sent = refusals.denial(deny("no\0Cfake"))
    assert sent == fields("E", S="ERROR", V="ERROR", C="42501", M="noCfake", D="rule p/R", H="ask · decision d-deny")
