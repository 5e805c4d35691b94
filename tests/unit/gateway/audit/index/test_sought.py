"""What is looked for means what people expect of it, whatever stands in the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import Entry, Kind
from gateway.audit.index.sought import MAX_WORDS, NOTHING, Facts, Sought, rule_names, words_of
from tests.strategies.searches import facts

ENTRY = Entry(
    kind=Kind.DECISION,
    time=100,
    principal="ana",
    resource="orders",
    job="build-42",
    session="s-1",
    protocol="postgres",
    text="SELECT name FROM Shop.Customers",
    verdict="deny",
    rules=(("policies.shop/READ", "deny"),),
)


@pytest.mark.parametrize(
    ("sought", "is_meant"),
    [
        (Sought(), True),
        (Sought(kind=Kind.OUTCOME), False),
        (Sought(principal="ana", resource="orders", job="build-42", session="s-1", verdict="deny"), True),
        (Sought(principal="Ana"), False),
        (Sought(job="build"), False),
        (Sought(rule="READ"), True),
        (Sought(rule="read"), True),
        (Sought(rule="policies.shop/READ"), True),
        (Sought(rule="REA"), False),
        (Sought(text="customers select"), True),
        (Sought(text="customer"), False),
        (Sought(text="shop.customers"), True),
        (Sought(since=100, until=101), True),
        (Sought(since=101), False),
        (Sought(until=100), False),
    ],
)
def test_an_entry_is_meant_by_what_stands_in_it(sought: Sought, is_meant: bool) -> None:
    assert sought.admits(ENTRY, NOTHING) is is_meant


def test_what_a_command_does_is_told_by_reading_it_again(tmp_path: Path) -> None:
    found = facts(tmp_path).facts(ENTRY)
    assert "read" in found.effects
    assert "customers" in found.objects
    assert Sought(object="Customers", effect="read").admits(ENTRY, found)
    assert not Sought(object="name").admits(ENTRY, Facts(found.effects, frozenset()))
    assert Sought(object="x").asks_facts
    assert not Sought(text="x").asks_facts


@pytest.mark.parametrize(
    "entry",
    [
        Entry(kind=Kind.OUTCOME, time=1),
        Entry(kind=Kind.DECISION, time=1, unreadable=True, protocol="postgres", text="SELECT 1"),
        Entry(kind=Kind.DECISION, time=1, protocol="no such", text="SELECT 1"),
        Entry(kind=Kind.DECISION, time=1, protocol="postgres", tree=b"\xff no tree"),
        Entry(kind=Kind.DECISION, time=1, protocol="postgres", text="x" * (3 << 20)),
    ],
)
def test_what_cannot_be_read_does_nothing_that_anybody_can_tell(tmp_path: Path, entry: Entry) -> None:
    assert facts(tmp_path).facts(entry).objects == frozenset()


@given(st.text())
def test_hostile_text_has_a_bounded_number_of_words(text: str) -> None:
    words = words_of(" ".join([text] * 50))
    assert len(words) <= MAX_WORDS
    assert words_of(text) <= words or len(words) == MAX_WORDS


def test_a_long_text_is_found_by_its_first_words() -> None:
    assert len(words_of(" ".join(f"w{number}" for number in range(5_000)))) == MAX_WORDS


def test_rules_are_found_by_their_ends() -> None:
    assert rule_names(ENTRY) == {"policies.shop/read", "shop/read", "read"}
