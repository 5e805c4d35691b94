"""Audit entries as messages, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.command.tree import Effect
from engine.decision import Verdict
from gateway.audit.entry import Kind
from gateway.audit.index.sought import Sought, words_of
from gateway.rpc.codec.questions import parsed
from gateway.rpc.codec.tickets import page
from gateway.rpc.limits import MAX_NAME, MAX_SOUGHT
from gateway.rpc.ports import AuditEntry, AuditFound
from gateway.rpc.refusals import bad_input, too_large
from grpc_proto.sallyport.audit.v1 import audit_pb2 as pb

_NAMES = ("principal", "resource", "session", "job", "rule", "object")


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


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What somebody looks for, how many of it at once, and before which index."""

    sought: Sought
    limit: int = 0
    before: int | None = None


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry that was looked for, as a client reads it. `readable` has its content, where that is closed in `body` and can be opened."""

    index: int
    body: bytes
    readable: bytes = b""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of them, newest first. `older`: the next page's `before`; None when there is no more. `looked`: at how many entries."""

    entries: tuple[FoundEntry, ...]
    older: int | None
    looked: int


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


def read_search(data: bytes) -> SearchPage:
    """The wish of a SearchRequest. Raises CallRefused for what no entry could have: whoever mistypes is not told that there is nothing."""
    request = parsed(pb.SearchRequest, data)
    since, until, before = (_moment(request, name) for name in ("since", "until", "before"))
    if before == 0:
        raise bad_input("before: no entry has an index below it")
    if since is not None and until is not None and until <= since:
        raise bad_input("until: not after `since`")
    verdict, effect = _name(request, "verdict"), _name(request, "effect")
    principal, resource, session, job, rule, target = (_name(request, name) for name in _NAMES)
    sought = Sought(
        kind=Kind(_one_of(request.kind, Kind, "kind")) if request.kind else Kind.DECISION,
        principal=principal,
        resource=resource,
        session=session,
        job=job,
        rule=rule,
        object=target,
        verdict=None if verdict is None else _one_of(verdict, Verdict, "verdict"),
        effect=None if effect is None else _one_of(effect, Effect, "effect"),
        text=_text(request.text),
        since=since,
        until=until,
    )
    return SearchPage(sought, page(request.limit), before)


def _name(request: pb.SearchRequest, name: str) -> str | None:
    if not request.HasField(name):  # type: ignore[arg-type]  # a field of the schema
        return None
    value: str = getattr(request, name)
    if not value:
        raise bad_input(f"{name}: empty")
    if len(value) > MAX_NAME:
        raise too_large(f"characters of {name}", len(value), MAX_NAME)
    return value


def _one_of(value: str, among: type[StrEnum], name: str) -> str:
    if value not in among.__members__.values():
        raise bad_input(f"{name}: one of {', '.join(among)}")
    return value


def _text(text: str) -> str:
    if len(text) > MAX_SOUGHT:
        raise too_large("characters of text", len(text), MAX_SOUGHT)
    if text and not words_of(text):
        raise bad_input("text: there is no word in it")
    return text


def _moment(request: pb.SearchRequest, name: str) -> int | None:
    if not request.HasField(name):  # type: ignore[arg-type]  # a field of the schema
        return None
    value: int = getattr(request, name)
    if value < 0:
        raise bad_input(f"{name}: negative")
    return value


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


def write_found(found: AuditFound) -> bytes:
    """A SearchResponse."""
    response = pb.SearchResponse(looked=found.looked)
    for entry in found.entries:
        response.entries.add(index=entry.index, body=entry.body, readable=entry.readable)
    if found.older is not None:
        response.older = found.older
    return response.SerializeToString()


def write_search_request(wish: SearchPage) -> bytes:
    """A SearchRequest, for the client."""
    sought = wish.sought
    request = pb.SearchRequest(kind=sought.kind.value, text=sought.text, limit=wish.limit)
    for name in (*_NAMES, "verdict", "effect", "since", "until"):
        value = getattr(sought, name)
        if value is not None:
            setattr(request, name, value)
    if wish.before is not None:
        request.before = wish.before
    return request.SerializeToString()


def read_found(data: bytes) -> FoundPage:
    """The page of a SearchResponse."""
    response = parsed(pb.SearchResponse, data)
    found = tuple(FoundEntry(entry.index, entry.body, entry.readable) for entry in response.entries)
    return FoundPage(found, response.older if response.HasField("older") else None, response.looked)


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
