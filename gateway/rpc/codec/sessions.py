"""Open sessions as messages, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.rpc.codec.questions import parsed
from gateway.rpc.codec.tickets import page
from gateway.rpc.limits import MAX_COMMENT, MAX_NAME
from gateway.rpc.ports import OpenSession
from gateway.rpc.refusals import bad_input, too_large
from grpc_proto.sallyport.session.v1 import session_pb2 as pb


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """An open session as a client reads it. `opened_at` is UTC nanoseconds; `verdict` is empty when no command came yet."""

    id: str
    principal: str
    resource: str
    protocol: str
    opened_at: int
    job: str | None = None
    application: str | None = None
    client_address: str | None = None
    database: str | None = None
    verdict: str = ""
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class EndWish:
    """Which session somebody wants to end, and why."""

    session_id: str
    comment: str = ""


def read_list(data: bytes) -> int:
    """How many a ListRequest wants."""
    return page(parsed(pb.ListRequest, data).limit)


def read_end(data: bytes) -> EndWish:
    """The wish of an EndRequest."""
    request = parsed(pb.EndRequest, data)
    name = request.session_id
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise bad_input("session_id: missing, or none")
    if len(request.comment) > MAX_COMMENT:
        raise too_large("characters of comment", len(request.comment), MAX_COMMENT)
    return EndWish(name, request.comment)


def write_list(sessions: Sequence[OpenSession], more: int) -> bytes:
    """A ListResponse."""
    response = pb.ListResponse(more=more)
    for one in sessions:
        _write(response.sessions.add(), one)
    return response.SerializeToString()


def write_ended(session: OpenSession) -> bytes:
    """An EndResponse."""
    response = pb.EndResponse()
    _write(response.session, session)
    return response.SerializeToString()


def _write(into: pb.Session, one: OpenSession) -> None:
    session, resource = one.session, one.resource
    into.id, into.principal, into.opened_at = session.id, one.principal.name, one.opened_at
    into.resource, into.protocol = resource.name, resource.protocol
    into.verdict, into.is_held = one.verdict, one.is_held
    if session.job is not None:
        into.job = session.job
    if session.application is not None:
        into.application = session.application
    if session.client_address is not None:
        into.client_address = session.client_address
    if resource.database is not None:
        into.database = resource.database


def read_sessions(data: bytes) -> tuple[tuple[SessionSeen, ...], int]:
    """The sessions of a ListResponse, and how many more there are."""
    response = parsed(pb.ListResponse, data)
    return tuple(_seen(one) for one in response.sessions), response.more


def read_ended(data: bytes) -> SessionSeen:
    """The session of an EndResponse."""
    return _seen(parsed(pb.EndResponse, data).session)


def _seen(message: pb.Session) -> SessionSeen:
    if not message.id:
        raise bad_input("session.id: missing")
    return SessionSeen(
        id=message.id,
        principal=message.principal,
        resource=message.resource,
        protocol=message.protocol,
        opened_at=message.opened_at,
        job=message.job if message.HasField("job") else None,
        application=message.application if message.HasField("application") else None,
        client_address=message.client_address if message.HasField("client_address") else None,
        database=message.database if message.HasField("database") else None,
        verdict=message.verdict,
        is_held=message.is_held,
    )


def write_list_request(limit: int) -> bytes:
    """A ListRequest, for the client."""
    return pb.ListRequest(limit=limit).SerializeToString()


def write_end_request(wish: EndWish) -> bytes:
    """An EndRequest, for the client."""
    return pb.EndRequest(session_id=wish.session_id, comment=wish.comment).SerializeToString()
