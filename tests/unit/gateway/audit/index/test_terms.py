"""Terms are numbers that fit the store, the same for an entry and for whoever looks for it, and under each key others."""

from __future__ import annotations

from gateway.audit.entry import Entry, Kind
from gateway.audit.index.sought import Facts, Sought
from gateway.audit.index.terms import content_terms, metadata_terms, terms_of

ENTRY = Entry(kind=Kind.DECISION, time=1, principal="ana", job="j", text="DROP Table t", rules=(("p/R", "deny"),))
FACTS = Facts(frozenset({"delete"}), frozenset({"t"}))
SOUGHT = Sought(principal="ana", job="j", rule="R", text="table", object="T", effect="delete")


def test_an_entry_has_every_term_of_what_it_is_found_by() -> None:
    for key in (b"", b"k" * 32):
        terms = terms_of(ENTRY, FACTS, key)
        assert {*metadata_terms(SOUGHT), *content_terms(SOUGHT, key)} <= terms
        assert all(-(1 << 63) <= term < 1 << 63 for term in terms)


def test_what_is_content_has_other_terms_under_another_key_and_the_rest_has_not() -> None:
    here, there = terms_of(ENTRY, FACTS, b"a" * 32), terms_of(ENTRY, FACTS, b"b" * 32)
    content = set(content_terms(SOUGHT, b"a" * 32))
    assert len(content) == 3
    assert content.isdisjoint(there)
    assert set(metadata_terms(SOUGHT)) <= here & there


def test_a_value_of_one_field_is_no_value_of_another() -> None:
    one, other = metadata_terms(Sought(principal="x")), metadata_terms(Sought(resource="x"))
    assert set(one) & set(other) == set(metadata_terms(Sought()))
