"""`sallyport.audit.v1.AuditService`: the log, for readers with role `auditor`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import grpc

from gateway.rpc.calls import Reception, StreamCall, UnaryCall
from gateway.rpc.codec import entries as codec
from gateway.rpc.identity import Caller, Role
from gateway.rpc.limits import MAX_MESSAGE, MAX_PAGE, MAX_SEARCHES
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.permissions import require
from gateway.rpc.ports import AuditEntry, AuditFound, AuditHit, AuditPort
from gateway.rpc.refusals import CallRefused, Cause

NAME = "sallyport.audit.v1.AuditService"
_PREFIX = f"/{NAME}/"
_READERS = frozenset({Role.AUDITOR})


class AuditService:
    """One for the whole program."""

    def __init__(self, audit: AuditPort) -> None:
        self._audit = audit
        self._searches = threading.BoundedSemaphore(MAX_SEARCHES)

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        tail: StreamCall[int] = StreamCall(reception, _PREFIX + "Tail", self.tail, room=1)
        return {
            "List": grpc.stream_unary_rpc_method_handler(UnaryCall(reception, _PREFIX + "List", self.list)),
            "Search": grpc.stream_unary_rpc_method_handler(UnaryCall(reception, _PREFIX + "Search", self.search)),
            "Tail": grpc.stream_stream_rpc_method_handler(tail),
        }

    def list(self, message: bytes, caller: Caller) -> bytes:
        """A page of entries."""
        page = codec.read_list(message)
        require(caller, _READERS, "List")
        entries = self._audit.entries(start=page.start, limit=page.limit)
        return codec.write_list(_fitting(entries), self._audit.next_index())

    def search(self, message: bytes, caller: Caller) -> bytes:
        """A page of what somebody looks for."""
        wish = codec.read_search(message)
        require(caller, _READERS, "Search")
        if not self._searches.acquire(blocking=False):
            raise CallRefused(Cause.TOO_LARGE, "TOO_MANY_SEARCHES", f"{MAX_SEARCHES} searches run; try again")
        try:
            found = self._audit.search(wish.sought, limit=wish.limit, before=wish.before)
        finally:
            self._searches.release()
        return codec.write_found(_page_of(found))

    def tail(self, message: bytes, caller: Caller, box: Mailbox[int]) -> Iterator[bytes]:
        """Entries from an index on, then each new one."""
        start = codec.read_tail(message)
        require(caller, _READERS, "Tail")
        leave = self._audit.subscribe(box.put)
        try:
            at = self._audit.next_index() if start is None else start
            box.put(self._audit.next_index())
            for end in box:
                while at < end:
                    entries = _fitting(self._audit.entries(start=at, limit=MAX_PAGE))
                    if not entries:
                        break
                    yield codec.write_tail(entries)
                    at = entries[-1].index + 1
        finally:
            leave()


@dataclass(frozen=True, slots=True)
class _Page:
    """As much of what was found as one message holds."""

    entries: Sequence[AuditHit]
    older: int | None
    looked: int


def _page_of(found: AuditFound) -> AuditFound:
    taken: list[AuditHit] = []
    room = MAX_MESSAGE - 4_096
    for entry in found.entries:
        room -= len(entry.body) + len(entry.readable) + 64
        if taken and room < 0:
            # WHY this index: what did not fit is the first of the next page.
            return _Page(taken, taken[-1].index, found.looked)
        taken.append(entry)
    return found


def _fitting(entries: Sequence[AuditEntry]) -> list[AuditEntry]:
    """As many of the first entries as one message holds; at least one."""
    taken: list[AuditEntry] = []
    room = MAX_MESSAGE - 4_096
    for entry in entries:
        room -= len(entry.body) + 32
        if taken and room < 0:
            break
        taken.append(entry)
    return taken
