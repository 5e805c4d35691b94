"""Questions to bytes and answers from them, for the client; and the small messages of `Parse` and `Watch`, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.command.tree import Command
from engine.decision import Decision
from engine.request import Json, Principal, Resource, Session
from gateway.rpc.codec.answers import Particulars, answer_of
from gateway.rpc.codec.commands import read_command, write_command
from gateway.rpc.codec.questions import Detail, Raw, parsed
from gateway.rpc.codec.values import write_map
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

_KINDS = {"user": pb.Principal.USER, "agent": pb.Principal.AGENT, "service": pb.Principal.SERVICE}


@dataclass(frozen=True, slots=True)
class Query:
    """In which circumstances something is asked. Without a principal the caller itself is meant."""

    resource: Resource
    principal: Principal | None = None
    session: Session | None = None
    context: Mapping[str, Json] = field(default_factory=dict)
    request_id: str = ""
    min_revision: str = ""
    detail: Detail = Detail.REASONS
    dry_run: bool = False


def write_question(what: Raw | Command, query: Query) -> bytes:
    """A DecideRequest."""
    request = pb.DecideRequest()
    _write_query(request, query)
    _write_what(request, what)
    return request.SerializeToString()


def write_batch(whats: Sequence[Raw | Command], query: Query) -> bytes:
    """A DecideBatchRequest: each command in the same circumstances."""
    request = pb.DecideBatchRequest()
    _write_query(request, query)
    for what in whats:
        _write_what(request.items.add(), what)
    return request.SerializeToString()


def write_parse(raw: Raw) -> bytes:
    """A ParseRequest."""
    request = pb.ParseRequest()
    _write_raw(request.raw, raw)
    return request.SerializeToString()


def write_watch() -> bytes:
    """A WatchRequest."""
    return pb.WatchRequest().SerializeToString()


def read_batch_answers(data: bytes) -> tuple[tuple[Decision, Particulars], ...]:
    """The answers of a DecideBatchResponse."""
    return tuple(answer_of(message) for message in parsed(pb.DecideBatchResponse, data).answers)


def read_parsed(data: bytes) -> Command:
    """The tree of a ParseResponse."""
    return read_command(parsed(pb.ParseResponse, data).command)


def write_parsed(command: Command) -> bytes:
    """A ParseResponse, for the service."""
    response = pb.ParseResponse()
    write_command(response.command, command)
    return response.SerializeToString()


def write_revision(revision: str) -> bytes:
    """A WatchResponse, for the service."""
    return pb.WatchResponse(revision=revision).SerializeToString()


def read_revision(data: bytes) -> str:
    """The revision of a WatchResponse."""
    return parsed(pb.WatchResponse, data).revision


def _write_query(into: pb.DecideRequest | pb.DecideBatchRequest, query: Query) -> None:
    into.request_id, into.min_revision = query.request_id, query.min_revision
    into.detail, into.dry_run = pb.DecideRequest.Detail.ValueType(query.detail.value), query.dry_run
    if query.principal is not None:
        _write_principal(into.principal, query.principal)
    if query.session is not None:
        _write_session(into.session, query.session)
    _write_resource(into.resource, query.resource)
    write_map(into.context, query.context)


def _write_principal(into: pb.Principal, principal: Principal) -> None:
    into.name = principal.name
    into.kind = _KINDS[principal.kind]
    into.groups.extend(principal.groups)
    write_map(into.attributes, principal.attributes)


def _write_session(into: pb.Session, session: Session) -> None:
    into.id = session.id
    for name in ("job", "application", "client_address"):
        value = getattr(session, name)
        if value is not None:
            setattr(into, name, value)
    write_map(into.state, session.state)


def _write_resource(into: pb.Resource, resource: Resource) -> None:
    into.name, into.protocol = resource.name, resource.protocol
    if resource.database is not None:
        into.database = resource.database
    if resource.role is not None:
        into.role = resource.role
    into.labels.update(resource.labels)


def _write_what(into: pb.DecideRequest | pb.BatchItem, what: Raw | Command) -> None:
    match what:
        case Raw():
            _write_raw(into.raw, what)
        case Command():
            write_command(into.command, what)


def _write_raw(into: pb.RawCommand, raw: Raw) -> None:
    into.protocol, into.text = raw.protocol, raw.text
    for parameter in raw.parameters or ():
        into.parameters.add(text=parameter)
    if raw.names is not None:
        into.catalog.search_path.extend(raw.names.search_path)
        for relation, columns in raw.names.relations.items():
            into.catalog.relations[relation].names.extend(columns)
