"""`sallyport.recording.v1.RecordingService`: who looks at recordings by themselves says so first; for callers with role `auditor`."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from gateway.errors import RecordingBroken
from gateway.rpc.calls import Reception, UnaryCall
from gateway.rpc.codec import recordings as codec
from gateway.rpc.identity import Caller, Role
from gateway.rpc.permissions import require
from gateway.rpc.ports import RecordingPort
from gateway.viewing import Look

NAME = "sallyport.recording.v1.RecordingService"
_PREFIX = f"/{NAME}/"
_VIEWERS = frozenset({Role.AUDITOR})


class NoRecordings:
    """What a program has that keeps none."""

    def announce(self, look: Look, *, by: str) -> int:
        """There is none to look at."""
        raise RecordingBroken("no recordings are kept here", code="NO_RECORDING")


class RecordingService:
    """One for the whole program."""

    def __init__(self, recordings: RecordingPort) -> None:
        self._recordings = recordings

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        announce = UnaryCall(reception, _PREFIX + "Announce", self.announce)
        return {"Announce": grpc.stream_unary_rpc_method_handler(announce)}

    def announce(self, message: bytes, caller: Caller) -> bytes:
        """Record that the caller is about to look, as itself."""
        look = codec.read_announce(message)
        require(caller, _VIEWERS, "Announce")
        return codec.write_announced(self._recordings.announce(look, by=caller.name))
