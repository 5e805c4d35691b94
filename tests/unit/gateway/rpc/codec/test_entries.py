"""Audit entries through messages and back."""

from __future__ import annotations

import pytest

from gateway.rpc.codec import entries
from gateway.rpc.codec.entries import LoggedEntry, Page
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.audit.v1 import audit_pb2 as pb
from tests.rpc_stand_ins import StandInEntry

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
