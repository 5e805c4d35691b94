"""Who may ask what, about whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.command.tree import ParsedCommand
from engine.request import Principal, Resource, Session
from gateway.identity.logins import Login
from gateway.identity.speaking import session_name, stated_in
from gateway.rpc.codec.questions import Asked, Detail, Raw
from gateway.rpc.identity import Caller, Role
from gateway.rpc.permissions import require, subject_of
from gateway.rpc.refusals import CallRefused
from tests.rpc_stand_ins import ADAPTER, AGENT, APPROVER, ASKER, AUDITOR, tree

RAW = Asked(Raw("postgres", b"SELECT 1"), Resource("orders", "postgres"))
SPEAKS = (ADAPTER, ASKER)
OF_ANA = replace(RAW, principal=Principal("ana", groups=("readers",)), session=Session("s-1"))


def refused(asked: Asked, caller: Caller) -> str:
    with pytest.raises(CallRefused) as caught:
        subject_of(asked, caller)
    assert caught.value.code == "NOT_PERMITTED"
    return str(caught.value)


@pytest.mark.parametrize("caller", [ADAPTER, ASKER], ids=lambda caller: caller.name)
def test_adapters_and_askers_speak_for_others(caller: Caller) -> None:
    subject = subject_of(OF_ANA, caller)
    assert subject.principal == OF_ANA.principal
    assert subject.session == OF_ANA.session


@pytest.mark.parametrize("caller", [ADAPTER, ASKER, AGENT, APPROVER, AUDITOR], ids=lambda caller: caller.name)
def test_without_a_principal_the_caller_is_meant(caller: Caller) -> None:
    subject = subject_of(RAW, caller)
    assert subject.principal == caller.principal
    assert subject.session == Session(session_name(caller.name, caller.name, *([""] if caller not in SPEAKS else [])))


def test_who_speaks_for_others_may_leave_the_session_to_the_gateway() -> None:
    said = replace(OF_ANA, session=Session("", "build-42", "psql", "10.0.0.7"))
    assert subject_of(said, ADAPTER).session == replace(said.session, id=session_name(ADAPTER.name, "ana"))
    names = {subject_of(replace(OF_ANA, session=None, principal=Principal(who)), ADAPTER).session.id for who in "ab"}
    assert len(names) == 2, "two people behind one adapter are not one session"


@pytest.mark.parametrize("caller", [AGENT, APPROVER, AUDITOR], ids=lambda caller: caller.name)
def test_which_session_it_is_and_where_from_is_not_the_word_of_those_it_is_about(caller: Caller) -> None:
    for session in (Session("s-of-a-victim"), Session("", client_address="10.0.0.1"), Session("", client_address="")):
        assert "session.id" in refused(replace(RAW, session=session), caller)
    said = replace(RAW, session=Session("", "nightly", "a DBA's console"))
    subject = subject_of(said, replace(caller, address="192.0.2.7"))
    assert subject.session == Session(
        session_name(caller.name, caller.name, ""), "nightly", "a DBA's console", "192.0.2.7"
    )
    assert stated_in(subject.principal) == ("job",)
    assert subject_of(RAW, caller).principal is caller.principal


@pytest.mark.parametrize("caller", [AGENT, APPROVER, AUDITOR], ids=lambda caller: caller.name)
def test_others_speak_only_for_themselves(caller: Caller) -> None:
    assert refused(OF_ANA, caller).startswith("principal")


def test_the_groups_of_a_caller_are_those_of_the_configuration() -> None:
    own = replace(RAW, principal=Principal(AGENT.name, groups=()))
    assert subject_of(own, AGENT).principal == AGENT.principal
    assert "groups" in refused(replace(RAW, principal=Principal(AGENT.name, groups=("dba",))), AGENT)
    assert "groups" in refused(replace(RAW, principal=Principal(AGENT.name, attributes={"mfa": True})), AGENT)


def test_facts_that_policies_believe_are_not_taken_from_those_they_are_about() -> None:
    assert "context" in refused(replace(RAW, context={"mfa": True}), AGENT)
    assert "state" in refused(replace(RAW, session=Session("", state={"transaction": "idle"})), AGENT)
    assert "labels" in refused(
        replace(RAW, resource=Resource("orders", "postgres", labels={"environment": "dev"})), AGENT
    )
    assert "role" in refused(replace(RAW, resource=Resource("orders", "postgres", role="owner")), AGENT)


@pytest.mark.parametrize("caller", [ASKER, AGENT, APPROVER, AUDITOR], ids=lambda caller: caller.name)
def test_only_adapters_hand_in_trees(caller: Caller) -> None:
    parsed = replace(RAW, what=ParsedCommand.of(tree("SELECT 1")))
    assert refused(parsed, caller).startswith("command")
    assert subject_of(parsed, ADAPTER).principal == ADAPTER.principal


@pytest.mark.parametrize("caller", [ASKER, AGENT, APPROVER], ids=lambda caller: caller.name)
def test_a_trace_is_for_adapters_and_auditors(caller: Caller) -> None:
    traced = replace(RAW, detail=Detail.TRACE)
    assert refused(traced, caller).startswith("detail")
    for allowed in (ADAPTER, AUDITOR):
        subject_of(traced, allowed)


def test_a_role_that_is_needed_is_named() -> None:
    with pytest.raises(CallRefused, match="`approver`"):
        require(AGENT, frozenset({Role.APPROVER}), "Approve")
    require(APPROVER, frozenset({Role.APPROVER, Role.ADAPTER}), "Approve")


def with_login(**limits: object) -> Caller:
    return Caller(AGENT.principal, AGENT.roles, Login(AGENT.principal, 1, token="t-1", **limits))  # type: ignore[arg-type]


def test_a_token_is_for_its_resources_and_its_job() -> None:
    caller = with_login(resources=frozenset({"orders"}), job="build-42", effects=frozenset({"read"}))
    subject = subject_of(RAW, caller)
    assert (subject.principal, subject.session.job, subject.login) == (AGENT.principal, "build-42", caller.login)
    said = replace(RAW, session=Session("", job="build-other"))
    subject = subject_of(said, caller)
    assert subject.session == Session(session_name(AGENT.name, AGENT.name, "t-1"), job="build-42")
    assert stated_in(subject.principal) == ()
    assert "not for this one" in refused(replace(RAW, resource=Resource("billing", "postgres")), caller)


def test_a_token_without_a_job_works_for_none_whatever_is_said() -> None:
    said = replace(RAW, session=Session("", job="build-other"))
    assert subject_of(said, with_login()).session.job is None
    assert subject_of(said, AGENT).session.job == "build-other"
    assert subject_of(RAW, AGENT).login is None
