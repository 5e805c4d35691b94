"""What is in the log is enough: a recorded input on the recorded revision gives the same decision, whatever was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.core.ports import Question
from engine import Principal, Program, Resource, Session, Source, command_reader, compile_policies, parse_command
from engine.suite.replay import Answer, Gap, Impact, Recorded, replay
from engine.suite.stated import Statements
from gateway.approvals.states import Approved, Person
from gateway.asked import Asked
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.recorded import Reader
from gateway.gate import Gate
from gateway.judge import Judge
from tests.strategies.gates import House
from tests.strategies.sql_texts import HOLE, templates

POLICY = """package policies.p

allow contains {"code": "READ"} if {
	"readers" in input.principal.groups
	every op in input.command.operations { op.effect == "read" }
}

allow contains {"code": "TREE"} if {
	input.context.purpose == "repair"
	input.resource.labels.environment == "dev"
}

mask contains {"code": "SSN", "columns": ["*.*.ssn"], "method": "redact"} if input.session.state.role != "owner"

limit contains {"code": "ROWS", "type": "rows", "value": 100} if input.principal.attributes.level < 3

hold contains {"code": "WRITE", "approvers": {"groups": ["dba"]}, "expires": "10m"} if {
	some op in input.command.operations
	op.effect in {"write", "delete"}
}

deny contains {"code": "LATE", "reason": "not at night"} if {
	input.context.now > "2027-01-15T08:30:00"
	input.session.client_address == "10.0.0.9"
}
"""
CATALOG = {
    "search_path": ["public"],
    "relations": {"public.cust": ["id", "ssn", "name"], "public.orders": ["id", "total"]},
}
PROGRAM = compile_policies([Source("p.rego", POLICY)], reader=command_reader())
FRESH = compile_policies([Source("p.rego", POLICY)], reader=command_reader())
CATALOGS = (None, Statements().catalog(CATALOG))

principals = st.builds(
    Principal,
    st.sampled_from(["ana", "bo"]),
    st.sampled_from(["user", "agent"]),
    st.sampled_from([(), ("readers",), ("readers", "x")]),
    st.sampled_from([{}, {"level": 1}, {"level": 5}, {"level": None}]),
)
sessions = st.builds(
    Session,
    st.just("s-1"),
    st.sampled_from([None, "job"]),
    st.none(),
    st.sampled_from([None, "10.0.0.9"]),
    st.sampled_from([{}, {"role": "owner"}, {"role": "ana", "depth": [1, {"a": 1.5}]}]),
)
resources = st.builds(
    Resource,
    st.just("orders"),
    st.just("postgres"),
    st.sampled_from([None, "shop"]),
    st.none(),
    st.sampled_from([{}, {"environment": "dev"}, {"environment": "prod"}]),
)
contexts = st.sampled_from([{}, {"purpose": "repair"}, {"purpose": 7}, {"n": 2**63}])
texts = st.one_of(
    templates.map(lambda text: text.replace(HOLE, "7").encode()),
    st.sampled_from([b"SELECT ssn FROM cust", b"\xff", b"", b"ALTER ROLE a PASSWORD 'x'", b"SELECT 'caf\xc3\xa9'"]),
)
questions = st.one_of(
    st.builds(lambda text, catalog: Question("postgres", text, catalog), texts, st.sampled_from(CATALOGS)),
    texts.map(lambda text: parse_command("postgres", text)),
)


class Real:
    """The compiled policies above, as the gate asks them."""

    program = Judge(PROGRAM)


def decisions_of(house: House, after: int = 0) -> list[Recorded | Gap]:
    reader = Reader(KeptCatalogs(house.folder / "audit"))
    return [reader.recorded(entry) for entry in house.entries() if entry.kind == "decision" and entry.seq > after]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Gate]]:
    house = House(tmp_path_factory.mktemp("shared"))
    house.policies = Real()  # type: ignore[assignment]  # the gate asks for `program` alone
    yield house, house.build()
    house.close()


PLAIN = (Principal("a", groups=("readers",)), Session("s"), Resource("r", "postgres"), {})


@settings(max_examples=60)
@given(asked=st.lists(st.tuples(questions, principals, sessions, resources, contexts), min_size=1, max_size=8))
@example(asked=[(Question("postgres", b"SELECT ssn FROM cust", CATALOGS[1]), *PLAIN)])
def test_a_recorded_input_on_the_recorded_revision_gives_the_same_decision(
    shared: tuple[House, Gate], asked: list[tuple[Any, ...]]
) -> None:
    house, gate = shared
    before = house.log.next_seq - 1
    for question, principal, session, resource, context in asked:
        gate.decide(Asked(question, principal, session, resource, context, is_dry=True))
    found = decisions_of(house, before)
    assert len(found) == len(asked)
    impact = Impact()
    replay(FRESH, found, impact)
    assert impact.same == impact.decided, impact.flips
    assert set(impact.gaps) <= {Gap.REDACTED, Gap.TREE, Gap.TEXT, Gap.INPUT}


def test_what_was_approved_is_decided_again_with_its_approval(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.policies = Real()  # type: ignore[assignment]  # as above
    gate = house.build()
    asked = Asked(
        Question("postgres", b"DELETE FROM cust WHERE id = 7"),
        Principal("ana"),
        Session("s"),
        Resource("r", "postgres"),
    )
    held = gate.decide(asked)
    assert held.ticket is not None
    gate.advance(held.ticket, Approved(Person("dora", ("dba",)), ""))
    released = asyncio.run(gate.fate(held.ticket))
    assert released.decision.is_granted
    found = decisions_of(house)
    house.close()
    impact = Impact()
    replay(PROGRAM, found, impact)
    assert [one.answer.verdict for one in found if isinstance(one, Recorded)] == ["hold", "allow"]
    assert (impact.same, impact.decided) == (2, 2)


@pytest.mark.parametrize("part", ["groups", "labels", "state", "context", "attributes", "time", "catalog"])
def test_each_part_of_the_input_is_needed(tmp_path: Path, part: str) -> None:
    """The property above would pass if policies read nothing: here each part that is lost changes the decision."""
    house = House(tmp_path)
    house.policies = Real()  # type: ignore[assignment]  # as above
    gate = house.build()
    who = Principal("ana", groups=() if part in ("context", "labels") else ("readers",), attributes={"level": 1})
    session = Session("s", client_address="10.0.0.9", state={"role": "ana"})
    context = {"purpose": "repair"} if part in ("context", "labels") else {}
    where = Resource("orders", "postgres", labels={"environment": "dev"})
    gate.decide(Asked(Question("postgres", b"SELECT ssn FROM cust", CATALOGS[1]), who, session, where, context))
    (entry,) = [entry for entry in house.entries() if entry.kind == "decision"]
    lost = {
        "groups": {"groups": ()},
        "labels": {"labels": {}},
        "state": {"state": {}},
        "context": {"context": {}},
        "attributes": {"attributes": {}},
        "time": {"time": entry.time + 10**18},
        "catalog": {"had_catalog": False},
    }[part]
    reader = Reader(KeptCatalogs(tmp_path / "audit"))
    whole, less = reader.recorded(entry), reader.recorded(msgspec.structs.replace(entry, **lost))
    house.close()
    assert isinstance(whole, Recorded)
    assert isinstance(less, Recorded)
    assert answer(PROGRAM, whole) == whole.answer
    assert answer(PROGRAM, less) != whole.answer


def answer(program: Program, recorded: Recorded) -> Answer:
    impact = Impact()
    replay(program, [replace(recorded, answer=Answer("none"))], impact)
    return impact.flips[0].after
