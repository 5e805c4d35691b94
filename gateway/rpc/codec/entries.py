"""Audit entries as messages, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.rpc.codec.questions import parsed
from gateway.rpc.codec.tickets import page
from gateway.rpc.ports import AuditEntry
from gateway.rpc.refusals import bad_input
from grpc_proto.sallyport.audit.v1 import audit_pb2 as pb


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry as a client reads it: `body` is what was hashed."""

    index: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Which entries somebody wants."""

    start: int
    limit: int


def read_list(data: bytes) -> Page:
    """The wish of a ListRequest."""
    request = parsed(pb.ListRequest, data)
    if request.start < 0:
        raise bad_input("start: negative")
    return Page(request.start, page(request.limit))


def read_tail(data: bytes) -> int | None:
    """Where a TailRequest wants to begin; None for the end."""
    request = parsed(pb.TailRequest, data)
    if request.start < 0:
        raise bad_input("start: negative")
    return request.start if request.HasField("start") else None


def write_list(entries: Sequence[AuditEntry], next_index: int) -> bytes:
    """A ListResponse."""
    response = pb.ListResponse(next_index=next_index)
    for entry in entries:
        response.entries.add(index=entry.index, body=entry.body)
    return response.SerializeToString()


def write_tail(entries: Sequence[AuditEntry]) -> bytes:
    """A TailResponse."""
    response = pb.TailResponse()
    for entry in entries:
        response.entries.add(index=entry.index, body=entry.body)
    return response.SerializeToString()


def write_list_request(page: Page) -> bytes:
    """A ListRequest, for the client."""
    return pb.ListRequest(start=page.start, limit=page.limit).SerializeToString()


def write_tail_request(start: int | None) -> bytes:
    """A TailRequest, for the client."""
    return pb.TailRequest(start=start).SerializeToString()


def read_entries(data: bytes) -> tuple[LoggedEntry, ...]:
    """The entries of a ListResponse."""
    return tuple(LoggedEntry(entry.index, entry.body) for entry in parsed(pb.ListResponse, data).entries)


def read_tail_entries(data: bytes) -> tuple[LoggedEntry, ...]:
    """The entries of a TailResponse."""
    return tuple(LoggedEntry(entry.index, entry.body) for entry in parsed(pb.TailResponse, data).entries)
