"""Audit entries through messages and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.index.sought import Sought, words_of
from gateway.rpc.codec import entries
from gateway.rpc.codec.entries import FoundEntry, FoundPage, LoggedEntry, Page, SearchPage
from gateway.rpc.limits import MAX_NAME, MAX_PAGE, MAX_SOUGHT
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.audit.v1 import audit_pb2 as pb
from tests.rpc_stand_ins import StandInEntry, StandInFound, StandInHit
from tests.strategies.searches import WANTED

LOG = [StandInEntry(7, b'{"a":1}'), StandInEntry(8, b"\x00\xff")]


def test_entries_come_back_byte_for_byte() -> None:
    read = (LoggedEntry(7, b'{"a":1}'), LoggedEntry(8, b"\x00\xff"))
    assert entries.read_entries(entries.write_list(LOG, 9)) == read
    assert entries.read_tail_entries(entries.write_tail(LOG)) == read
    assert pb.ListResponse.FromString(entries.write_list(LOG, 9)).next_index == 9


def test_wishes_come_through() -> None:
    assert entries.read_list(entries.write_list_request(Page(3, 10))) == Page(3, 10)
    assert entries.read_tail(entries.write_tail_request(0)) == 0
    assert entries.read_tail(entries.write_tail_request(None)) is None


def test_a_negative_start_is_refused() -> None:
    with pytest.raises(CallRefused, match="start"):
        entries.read_list(pb.ListRequest(start=-1).SerializeToString())
    with pytest.raises(CallRefused, match="start"):
        entries.read_tail(pb.TailRequest(start=-1).SerializeToString())


@given(wish=st.builds(SearchPage, WANTED, st.integers(1, MAX_PAGE), st.none() | st.integers(1, 1 << 62)))
def test_what_is_looked_for_comes_through_or_is_refused(wish: SearchPage) -> None:
    sought = wish.sought
    is_sound = not (sought.text and not words_of(sought.text)) and not (
        sought.since is not None and sought.until is not None and sought.until <= sought.since
    )
    if is_sound:
        assert entries.read_search(entries.write_search_request(wish)) == wish
        return
    with pytest.raises(CallRefused) as refused:
        entries.read_search(entries.write_search_request(wish))
    assert refused.value.code == "INPUT_INVALID"


def test_nothing_said_is_every_decision_a_page_at_a_time() -> None:
    assert entries.read_search(b"") == SearchPage(Sought(), MAX_PAGE)


@pytest.mark.parametrize(
    ("request_", "code", "about"),
    [
        (pb.SearchRequest(kind="decisions"), "INPUT_INVALID", "kind: one of started, "),
        (pb.SearchRequest(kind="DECISION"), "INPUT_INVALID", "kind"),
        (pb.SearchRequest(verdict="no"), "INPUT_INVALID", "verdict: one of "),
        (pb.SearchRequest(effect="drop"), "INPUT_INVALID", "effect: one of read, "),
        (pb.SearchRequest(principal=""), "INPUT_INVALID", "principal: empty"),
        (pb.SearchRequest(object="x" * (MAX_NAME + 1)), "TOO_LARGE", "object"),
        (pb.SearchRequest(text="x" * (MAX_SOUGHT + 1)), "TOO_LARGE", "text"),
        (pb.SearchRequest(text="-- ;"), "INPUT_INVALID", "text"),
        (pb.SearchRequest(since=-1), "INPUT_INVALID", "since"),
        (pb.SearchRequest(since=7, until=7), "INPUT_INVALID", "until"),
        (pb.SearchRequest(before=0), "INPUT_INVALID", "before"),
        (pb.SearchRequest(before=-1), "INPUT_INVALID", "before"),
        (pb.SearchRequest(limit=MAX_PAGE + 1), "INPUT_INVALID", "limit"),
        (pb.SearchRequest(limit=-1), "INPUT_INVALID", "limit"),
    ],
)
def test_what_no_entry_could_have_is_refused_and_named(request_: pb.SearchRequest, code: str, about: str) -> None:
    with pytest.raises(CallRefused, match=about) as refused:
        entries.read_search(request_.SerializeToString())
    assert refused.value.code == code


def test_a_page_that_was_found_comes_back_byte_for_byte() -> None:
    found = StandInFound([StandInHit(9, b"\x00\xff", b"{}"), StandInHit(3, b"{}")], 3, 40)
    assert entries.read_found(entries.write_found(found)) == FoundPage(
        (FoundEntry(9, b"\x00\xff", b"{}"), FoundEntry(3, b"{}")), 3, 40
    )
    assert entries.read_found(entries.write_found(StandInFound())) == FoundPage((), None, 0)
