import json

import msgspec

from engine.command.tree import Command, ParsedCommand
from engine.request import Activity, Approval, Principal, Request, Resource, Session, quiet_activity


def test_a_request_has_no_approval_and_no_context_of_its_own() -> None:
    command = ParsedCommand.of(Command("postgres", "select 1", "d", ()))
    request = Request(Principal("ana"), Session("s"), Resource("orders", "postgres"), command, now=1)
    assert request.approval is None
    assert request.context == {}


def test_an_approval_names_ticket_people_and_rules() -> None:
    approval = Approval("t1", ("bo",), ("postgres.prod/PROD",), 5)
    assert (approval.ticket, approval.approvers, approval.rules) == ("t1", ("bo",), ("postgres.prod/PROD",))


def test_who_did_nothing_yet_has_every_number_a_policy_may_ask_for() -> None:
    assert quiet_activity() == json.loads(msgspec.json.encode(Activity()))
