"""Approvals that are remembered as messages, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.rpc.codec.questions import parsed
from gateway.rpc.limits import MAX_NAME
from gateway.rpc.ports import Remembered
from gateway.rpc.refusals import bad_input
from grpc_proto.sallyport.approval.v1 import approval_pb2 as pb


@dataclass(frozen=True, slots=True)
class RememberedApproval:
    """One of them, as a client reads it. Times are UTC nanoseconds; `text` is the command whose like passes."""

    id: str
    ticket: str
    principal: str
    resource: str
    job: str
    rules: tuple[str, ...]
    approvers: tuple[str, ...]
    granted_at: int
    expires_at: int
    uses: int
    text: str


def read_list(data: bytes) -> None:
    """A ListRememberedRequest, which says nothing."""
    parsed(pb.ListRememberedRequest, data)


def read_take_back(data: bytes) -> str:
    """Which one a TakeBackRequest names."""
    given = parsed(pb.TakeBackRequest, data).remembered_id
    if not given or len(given) > MAX_NAME or not given.isprintable():
        raise bad_input("remembered_id: missing, or none")
    return given


def write_list(remembered: Sequence[Remembered]) -> bytes:
    """A ListRememberedResponse."""
    return pb.ListRememberedResponse(remembered=[_message(one) for one in remembered]).SerializeToString()


def write_one(remembered: Remembered) -> bytes:
    """A TakeBackResponse."""
    return pb.TakeBackResponse(remembered=_message(remembered)).SerializeToString()


def _message(one: Remembered) -> pb.Remembered:
    return pb.Remembered(
        id=one.id,
        ticket=one.ticket,
        principal=one.principal,
        resource=one.resource,
        job=one.job,
        rules=one.rules,
        approvers=one.approvers,
        granted_at=one.granted_at,
        expires_at=one.expires_at,
        uses=one.uses,
        text=one.text,
    )


def write_list_request() -> bytes:
    """A ListRememberedRequest, for the client."""
    return pb.ListRememberedRequest().SerializeToString()


def write_take_back_request(remembered_id: str) -> bytes:
    """A TakeBackRequest, for the client."""
    return pb.TakeBackRequest(remembered_id=remembered_id).SerializeToString()


def read_remembered(data: bytes) -> tuple[RememberedApproval, ...]:
    """Those of a ListRememberedResponse."""
    return tuple(_approval(one) for one in parsed(pb.ListRememberedResponse, data).remembered)


def read_one(data: bytes) -> RememberedApproval:
    """The one of a TakeBackResponse."""
    return _approval(parsed(pb.TakeBackResponse, data).remembered)


def _approval(message: pb.Remembered) -> RememberedApproval:
    return RememberedApproval(
        *(message.id, message.ticket, message.principal, message.resource, message.job),
        *(tuple(message.rules), tuple(message.approvers), message.granted_at, message.expires_at, message.uses),
        message.text,
    )
