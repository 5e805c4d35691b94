"""The page of policies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.console.calls import CallRefused, Page
from gateway.console.policies import Policies, Standing
from gateway.policy_store.current import PolicyStatus
from tests.strategies.console import call, viewer
from tests.strategies.gates import House

NOW = Standing("policies", PolicyStatus("r" * 64, None, 1), 2.0)
NEXT = Standing("next", PolicyStatus("n" * 64, None, 1, 2, ("a.rego:1:1: broken",)), 2.0)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.log.append(Entry(kind=Kind.POLICY, time=1, step="loaded", revision="r" * 64))
    made.log.append(Entry(kind=Kind.SHADOW, time=2, decision_id="d-1", note="verdict", verdict="deny"))
    made.log.append(Entry(kind=Kind.POLICY, time=3, step="failed", note="a.rego:1:1: broken"))
    made.log.flush()
    yield made
    made.close()


def shown(house: House, candidate: Standing | None) -> Page:
    page = Policies(house.folder / "audit", lambda: NOW, lambda: candidate, lambda: [("same", 3)])
    reply = page.show(call())
    assert isinstance(reply, Page)
    return reply


def test_what_decides_and_what_was_loaded_is_shown(house: House) -> None:
    fields = shown(house, None).fields
    assert fields["standing"] is NOW
    assert [entry.step for entry in fields["loads"]] == ["failed", "loaded"]  # type: ignore[attr-defined]  # a list of entries
    assert fields["shadows"] == ()


def test_a_candidate_is_shown_with_its_differences(house: House) -> None:
    fields = shown(house, NEXT).fields
    assert fields["candidate"] is NEXT
    assert [entry.verdict for entry in fields["shadows"]] == ["deny"]  # type: ignore[attr-defined]  # as above
    assert fields["tallies"] == [("same", 3)]


def test_it_is_for_auditors(house: House) -> None:
    page = Policies(house.folder / "audit", lambda: NOW, lambda: None, list)
    with pytest.raises(CallRefused):
        page.show(call(viewer(roles=("approver",))))
