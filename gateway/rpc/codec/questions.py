"""What callers ask: bytes of a message to an `Asked`, everything checked. Raises CallRefused for what is no question.

Who may ask what is not judged here, nor is anything decided. `asking.py` is the way back, for the client.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import msgspec
from google.protobuf.message import DecodeError, Message

from engine.command.tree import ParsedCommand
from engine.request import Json, Principal, Resource, Session
from gateway.rpc.codec.commands import read_command
from gateway.rpc.codec.values import read_map
from gateway.rpc.limits import (
    MAX_BATCH,
    MAX_GROUPS,
    MAX_LABELS,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_PARAMETERS,
    MAX_REQUEST_ID,
    MAX_TEXT,
)
from gateway.rpc.refusals import CallRefused, bad_input, too_large
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

_M = TypeVar("_M", bound=Message)
_KINDS: dict[int, str] = {pb.Principal.USER: "user", pb.Principal.AGENT: "agent", pb.Principal.SERVICE: "service"}


class Detail(Enum):
    """How much of the why comes with an answer."""

    NONE = pb.DecideRequest.NONE
    REASONS = pb.DecideRequest.REASONS
    TRACE = pb.DecideRequest.TRACE


_DETAILS: dict[int, Detail] = {detail.value: detail for detail in Detail}


@dataclass(frozen=True, slots=True)
class Names:
    """What names in SQL mean, as the caller knows them."""

    search_path: tuple[str, ...]
    relations: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Raw:
    """A command as its client sent it."""

    protocol: str
    text: bytes = field(repr=False)
    parameters: tuple[str | None, ...] | None = field(repr=False, default=None)
    names: Names | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it was asked. `principal` and `session` are None where the message has none.

    `input_digest` is of what is to be decided; `question_digest` of how as well, all but the request id.
    """

    what: Raw | ParsedCommand
    resource: Resource
    principal: Principal | None = None
    session: Session | None = None
    context: Mapping[str, Json] = field(default_factory=dict)
    request_id: str = ""
    min_revision: str = ""
    detail: Detail = Detail.NONE
    dry_run: bool = False
    input_digest: str = ""
    question_digest: str = ""


@dataclass(frozen=True, slots=True)
class AskedBatch:
    """Questions that share their circumstances. An item that is no question stands as its refusal."""

    items: tuple[Asked | CallRefused, ...]
    request_id: str
    min_revision: str
    question_digest: str


@dataclass(frozen=True, slots=True)
class _Shared:
    principal: Principal | None
    session: Session | None
    context: Mapping[str, Json]
    min_revision: str
    detail: Detail
    dry_run: bool


def read_question(message: bytes) -> Asked:
    """The question of a DecideRequest."""
    request = parsed(pb.DecideRequest, message)
    shared = _shared(request)
    if not request.HasField("resource"):
        raise bad_input("resource: missing")
    request_id = _name(request.request_id, "request_id", MAX_REQUEST_ID, required=False)
    return _asked(shared, _resource(request.resource), _what(request), request_id)


def read_batch(message: bytes) -> AskedBatch:
    """The questions of a DecideBatchRequest. What the items share must be right, else there is no batch."""
    request = parsed(pb.DecideBatchRequest, message)
    if not 0 < len(request.items) <= MAX_BATCH:
        if request.items:
            raise too_large("items of the batch", len(request.items), MAX_BATCH)
        raise bad_input("items: an empty batch asks nothing")
    shared = _shared(request)
    request_id = _name(request.request_id, "request_id", MAX_REQUEST_ID, required=False)
    common = _resource(request.resource) if request.HasField("resource") else None
    items = tuple(_item(item, shared, common) for item in request.items)
    marks = [item.question_digest if isinstance(item, Asked) else f"{item.code}: {item}" for item in items]
    return AskedBatch(items, request_id, shared.min_revision, _digest(marks))


def read_parse(message: bytes) -> Raw:
    """The text of a ParseRequest."""
    request = parsed(pb.ParseRequest, message)
    if not request.HasField("raw"):
        raise bad_input("raw: missing")
    return _raw(request.raw)


def read_watch(message: bytes) -> None:
    """A WatchRequest says nothing, but it must be one."""
    parsed(pb.WatchRequest, message)


def _item(item: pb.BatchItem, shared: _Shared, common: Resource | None) -> Asked | CallRefused:
    try:
        resource = _resource(item.resource) if item.HasField("resource") else common
        if resource is None:
            return bad_input("items.resource: missing, and the batch has none either")
        return _asked(shared, resource, _what(item))
    except CallRefused as refused:
        return refused


def _asked(shared: _Shared, resource: Resource, what: Raw | ParsedCommand, request_id: str = "") -> Asked:
    asked: object = what.encoded if isinstance(what, ParsedCommand) else what
    subject = (shared.principal, shared.session, resource, shared.context, asked)
    input_digest = _digest(subject)
    manner = (input_digest, shared.min_revision, shared.detail.value, shared.dry_run)
    return Asked(
        what=what,
        resource=resource,
        principal=shared.principal,
        session=shared.session,
        context=shared.context,
        request_id=request_id,
        min_revision=shared.min_revision,
        detail=shared.detail,
        dry_run=shared.dry_run,
        input_digest=input_digest,
        question_digest="\n".join(map(str, manner)),
    )


def _shared(request: pb.DecideRequest | pb.DecideBatchRequest) -> _Shared:
    if request.detail not in _DETAILS:
        raise bad_input("detail: no such number")
    context = read_map(request.context, "context")
    if request.tenant:
        if "tenant" in context:
            raise bad_input("tenant: given twice, as a field and in the context")
        context["tenant"] = _name(request.tenant, "tenant")
    return _Shared(
        principal=_principal(request.principal) if request.HasField("principal") else None,
        session=_session(request.session) if request.HasField("session") else None,
        context=context,
        min_revision=_name(request.min_revision, "min_revision", required=False),
        detail=_DETAILS[request.detail],
        dry_run=request.dry_run,
    )


def _principal(message: pb.Principal) -> Principal:
    if message.kind not in _KINDS:
        raise bad_input("principal.kind: no such number")
    if len(message.groups) > MAX_GROUPS:
        raise too_large("groups of the principal", len(message.groups), MAX_GROUPS)
    return Principal(
        name=_name(message.name, "principal.name"),
        kind=_KINDS[message.kind],
        groups=tuple([_name(group, "principal.groups") for group in message.groups]),
        attributes=read_map(message.attributes, "principal.attributes"),
    )


def _session(message: pb.Session) -> Session:
    return Session(
        id=_name(message.id, "session.id", required=False),
        job=_name(message.job, "session.job") if message.HasField("job") else None,
        application=_short(message.application, "session.application") if message.HasField("application") else None,
        client_address=_name(message.client_address, "session.client_address")
        if message.HasField("client_address")
        else None,
        state=read_map(message.state, "session.state"),
    )


def _resource(message: pb.Resource) -> Resource:
    if len(message.labels) > MAX_LABELS:
        raise too_large("labels of the resource", len(message.labels), MAX_LABELS)
    return Resource(
        name=_name(message.name, "resource.name"),
        protocol=_name(message.protocol, "resource.protocol"),
        database=_short(message.database, "resource.database") if message.HasField("database") else None,
        role=_short(message.role, "resource.role") if message.HasField("role") else None,
        labels={
            _name(key, "resource.labels"): _short(value, "resource.labels") for key, value in message.labels.items()
        },
    )


def _what(message: pb.DecideRequest | pb.BatchItem) -> Raw | ParsedCommand:
    match message.WhichOneof("what"):
        case "raw":
            return _raw(message.raw)
        case "command":
            return ParsedCommand.of(read_command(message.command))
        case _:
            raise bad_input("raw or command: exactly one of them is needed")


def _raw(message: pb.RawCommand) -> Raw:
    if len(message.text) > MAX_TEXT:
        raise too_large("bytes of raw.text", len(message.text), MAX_TEXT)
    if len(message.parameters) > MAX_PARAMETERS:
        raise too_large("parameters", len(message.parameters), MAX_PARAMETERS)
    return Raw(
        protocol=_name(message.protocol, "raw.protocol"),
        text=message.text,
        parameters=tuple([item.text if item.HasField("text") else None for item in message.parameters]) or None,
        names=_names(message.catalog) if message.HasField("catalog") else None,
    )


def _names(message: pb.Catalog) -> Names:
    relations = message.relations
    return Names(
        search_path=tuple(message.search_path),
        relations={key: tuple(relations[key].names) for key in sorted(relations)},
    )


def _name(value: str, where: str, limit: int = MAX_NAME, *, required: bool = True) -> str:
    """A name people and policies compare: of bounded length, nothing in it that cannot be seen."""
    if not value:
        if required:
            raise bad_input(f"{where}: missing")
        return value
    if len(value) > limit:
        raise too_large(f"characters of {where}", len(value), limit)
    if not value.isprintable():
        raise bad_input(f"{where}: holds a character that cannot be seen")
    return value


def _short(value: str, where: str) -> str:
    if len(value) > MAX_NAME:
        raise too_large(f"characters of {where}", len(value), MAX_NAME)
    return value


def parsed(kind: type[_M], data: bytes) -> _M:
    """A message of its bytes: all of it known to this schema, else CallRefused."""
    if len(data) > MAX_MESSAGE:
        raise too_large("bytes of the message", len(data), MAX_MESSAGE)
    try:
        message = kind.FromString(data)
    except DecodeError:
        # WHY no more: the parser's words quote positions in our schema, which help nobody who sends garbage.
        raise bad_input(f"the message is no {kind.DESCRIPTOR.full_name}", code="MESSAGE_MALFORMED") from None
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        # INVARIANT: unknown is never skipped. A newer caller's field may be what would have made the answer a deny.
        raise bad_input("the message holds a field that this version does not know", code="FIELD_UNKNOWN")
    return message


def _digest(value: object) -> str:
    return hashlib.sha256(_ENCODER.encode(value)).hexdigest()


# WHY deterministic: maps have no order on the wire, and the same question must have the same digest.
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
