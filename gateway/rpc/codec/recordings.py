"""Who is about to look at recordings, as messages, both ways."""

from __future__ import annotations

from typing import Final, assert_never

from gateway.recording.shelf import Wanted
from gateway.rpc.codec.questions import parsed
from gateway.rpc.limits import MAX_NAME, MAX_SOUGHT
from gateway.rpc.refusals import bad_input, too_large
from gateway.viewing import Look, Playing, Searching
from grpc_proto.sallyport.recording.v1 import recording_pb2 as pb

_NAMES: Final = ("principal", "resource", "job")
_TIMES: Final = ("since", "until")


def read_announce(data: bytes) -> Look:
    """What an AnnounceRequest says. Raises CallRefused."""
    request = parsed(pb.AnnounceRequest, data)
    match request.WhichOneof("look"):
        case "playing":
            return Playing(_name(request.playing.recording, "recording"), request.playing.is_export)
        case "searching":
            return _searching(request.searching)
        case None:
            raise bad_input("look: missing")
        case other:
            assert_never(other)


def _searching(search: pb.Searching) -> Searching:
    if len(search.text) > MAX_SOUGHT:
        raise too_large("characters of text", len(search.text), MAX_SOUGHT)
    names = [_name(getattr(search, name), name) if search.HasField(name) else None for name in _NAMES]
    times = [getattr(search, name) if search.HasField(name) else None for name in _TIMES]
    if any(at is not None and at < 0 for at in times):
        raise bad_input("since, until: negative")
    principal, resource, job = names
    since, until = times
    return Searching(search.text, Wanted(principal, resource, job, None, since, until))


def _name(value: str, name: str) -> str:
    if not value or len(value) > MAX_NAME:
        raise bad_input(f"{name}: missing, or none")
    return value


def write_announced(index: int) -> bytes:
    """An AnnounceResponse."""
    return pb.AnnounceResponse(index=index).SerializeToString()


def write_announce_request(look: Look) -> bytes:
    """An AnnounceRequest, for the client."""
    request = pb.AnnounceRequest()
    if isinstance(look, Playing):
        request.playing.SetInParent()
        request.playing.recording, request.playing.is_export = look.recording, look.is_export
    else:
        request.searching.text = look.text
        request.searching.SetInParent()
        for name in (*_NAMES, *_TIMES):
            value = getattr(look.wanted, name)
            if value is not None:
                setattr(request.searching, name, value)
    return request.SerializeToString()


def read_announced(data: bytes) -> int:
    """The index of the entry. Raises CallRefused where the answer names none: then nobody knows that it was written."""
    index = parsed(pb.AnnounceResponse, data).index
    if index < 1:
        raise bad_input("index: missing")
    return index
