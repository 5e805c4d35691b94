"""The audit service in front of a stand-in log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.audit.index.sought import Sought
from gateway.rpc.arrivals import Arrivals
from gateway.rpc.audit_service import AuditService
from gateway.rpc.calls import Reception
from gateway.rpc.codec import entries
from gateway.rpc.codec.entries import FoundEntry, FoundPage, Page, SearchPage
from gateway.rpc.identity import Caller, OneCaller
from gateway.rpc.limits import MAX_MESSAGE, MAX_SEARCHES
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.audit.v1 import audit_pb2
from tests.rpc_stand_ins import (
    ADAPTER,
    AGENT,
    APPROVER,
    AUDITOR,
    StandInAudit,
    StandInEntry,
    StandInFound,
    StandInHit,
    StandIns,
)


def indexes(pages: list[bytes]) -> list[int]:
    return [entry.index for page in pages for entry in entries.read_tail_entries(page)]


def test_a_page_has_the_entries_from_its_start() -> None:
    service = AuditService(StandInAudit())
    data = service.list(entries.write_list_request(Page(1, 5)), AUDITOR)
    assert [entry.index for entry in entries.read_entries(data)] == [1, 2]
    assert audit_pb2.ListResponse.FromString(data).next_index == 3


def test_a_page_is_no_larger_than_a_message_and_never_empty_for_that() -> None:
    audit = StandInAudit()
    audit.log = [StandInEntry(number, b"x" * (MAX_MESSAGE // 2)) for number in range(3)]
    service = AuditService(audit)
    data = service.list(entries.write_list_request(Page(0, 3)), AUDITOR)
    assert len(entries.read_entries(data)) == 1


@pytest.mark.parametrize("caller", [ADAPTER, AGENT, APPROVER], ids=lambda caller: caller.name)
def test_only_auditors_read_the_log(caller: Caller) -> None:
    service = AuditService(StandInAudit())
    with pytest.raises(CallRefused) as refused:
        service.list(b"", caller)
    assert refused.value.code == "NOT_PERMITTED"
    with pytest.raises(CallRefused):
        next(service.tail(b"", caller, Mailbox(1)))
    with pytest.raises(CallRefused) as refused:
        service.search(b"", caller)
    assert refused.value.code == "NOT_PERMITTED"


def test_a_search_is_asked_as_it_was_wished_and_its_page_told() -> None:
    audit = StandInAudit()
    audit.found = StandInFound([StandInHit(9, b"{}", b"{1}"), StandInHit(4, b"{}")], 4, 77)
    wish = SearchPage(Sought(principal="ana", text="orders"), 2, 12)
    page = entries.read_found(AuditService(audit).search(entries.write_search_request(wish), AUDITOR))
    assert audit.sought == [(wish.sought, 2, 12)]
    assert page == FoundPage((FoundEntry(9, b"{}", b"{1}"), FoundEntry(4, b"{}")), 4, 77)


def test_a_page_of_a_search_that_one_message_does_not_hold_goes_on_behind_its_last() -> None:
    audit = StandInAudit()
    audit.found = StandInFound([StandInHit(number, b"x" * (MAX_MESSAGE // 2)) for number in (9, 8, 7)], None, 3)
    page = entries.read_found(AuditService(audit).search(b"", AUDITOR))
    assert ([entry.index for entry in page.entries], page.older) == ([9], 9)


def test_more_searches_than_may_run_are_told_to_come_again() -> None:
    audit = StandInAudit()
    service = AuditService(audit)
    told: list[str] = []

    def search(sought: Sought, *, limit: int, before: int | None) -> StandInFound:
        if len(told) < 2 * MAX_SEARCHES:
            told.append("began")
            try:
                service.search(b"", AUDITOR)
            except CallRefused as refused:
                told.append(refused.code)
        return StandInFound()

    audit.search = search  # type: ignore[method-assign]  # it asks again while it runs
    service.search(b"", AUDITOR)
    assert told == ["began"] * MAX_SEARCHES + ["TOO_MANY_SEARCHES"]
    told.clear()
    service.search(b"", AUDITOR)
    assert "TOO_MANY_SEARCHES" in told


@pytest.mark.parametrize(("start", "expected"), [(None, [3, 4]), (0, [0, 1, 2, 3, 4]), (2, [2, 3, 4]), (4, [4])])
def test_a_tail_goes_on_where_the_log_goes_on(start: int | None, expected: list[int]) -> None:
    audit = StandInAudit()
    box: Mailbox[int] = Mailbox(1)
    tail = AuditService(audit).tail(entries.write_tail_request(start), AUDITOR, box)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(lambda: [*tail])
        for _ in range(2 if start is None else 1):
            assert audit.looked.acquire(timeout=30)  # it knows the size from which it goes on
        audit.add()
        audit.add()
        box.close()
        assert indexes(reading.result(30)) == expected
    assert audit.listeners == []


def test_every_method_of_the_schema_has_a_handler() -> None:
    service = AuditService(StandInAudit())
    schema = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
    assert set(service.handlers(Reception(OneCaller(AGENT), StandIns().gate, Arrivals(lambda: 0.0)))) == set(
        schema.methods_by_name
    )
