"""gRPC's own services, which monitors and generic clients expect: health checks and reflection.

Ours take bytes too: grpcio's ready-made ones answer garbage with INTERNAL and hold threads that nobody can end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import cast

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from gateway.rpc.calls import ExchangeCall, Reception, StreamCall, UnaryCall
from gateway.rpc.codec.questions import parsed
from gateway.rpc.identity import Caller
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.refusals import CallRefused, Cause

HEALTH = "grpc.health.v1.Health"
# WHY both: the messages are the same, field by field, and clients ask for one or the other.
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")

_Answers = Callable[
    [Iterator[reflection_pb2.ServerReflectionRequest], None], Iterator[reflection_pb2.ServerReflectionResponse]
]


class Health:
    """Whether each service serves. The empty name stands for the whole program."""

    def __init__(self, services: Sequence[str]) -> None:
        self._lock = Lock()
        self._serving = dict.fromkeys(("", *services), False)
        self._watching: list[tuple[str, Mailbox[int]]] = []

    def set_serving(self, serving: bool) -> None:
        """Say so of all services, to everybody who watches."""
        with self._lock:
            for name in self._serving:
                self._serving[name] = serving
            for name, box in self._watching:
                box.put(self._status(name))

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        watch: StreamCall[int] = StreamCall(reception, f"/{HEALTH}/Watch", self.watch, room=1)
        return {
            "Check": grpc.stream_unary_rpc_method_handler(UnaryCall(reception, f"/{HEALTH}/Check", self.check)),
            "Watch": grpc.stream_stream_rpc_method_handler(watch),
        }

    def check(self, message: bytes, caller: Caller) -> bytes:
        """The status of one service."""
        name = parsed(health_pb2.HealthCheckRequest, message).service
        with self._lock:
            status = self._status(name)
        if status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN:
            raise CallRefused(Cause.NOT_FOUND, "SERVICE_UNKNOWN", "no such service; reflection lists them")
        return _health(status)

    def watch(self, message: bytes, caller: Caller, box: Mailbox[int]) -> Iterator[bytes]:
        """The status of one service, then each change; an unknown one may come to be known."""
        name = parsed(health_pb2.HealthCheckRequest, message).service
        watched = (name, box)
        with self._lock:
            self._watching.append(watched)
            box.put(self._status(name))
        told: int | None = None
        try:
            for status in box:
                if status != told:
                    told = status
                    yield _health(status)
        finally:
            with self._lock:
                self._watching = [other for other in self._watching if other is not watched]

    def _status(self, name: str) -> int:
        serving = self._serving.get(name)
        if serving is None:
            return int(health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        return int(health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING)


def _health(status: int) -> bytes:
    return bytes(health_pb2.HealthCheckResponse(status=status).SerializeToString())


class Reflection:
    """What services there are and what their messages look like, for clients without our schemas."""

    def __init__(self, services: Sequence[str]) -> None:
        servicer = reflection.ReflectionServicer([*services, HEALTH, *REFLECTION])
        # WHY a cast: the package's types do not say what this generator yields; it never looks at its context.
        self._answers = cast("_Answers", servicer.ServerReflectionInfo)

    def handlers(self, reception: Reception, name: str) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket under one of the names of this service."""
        exchange = ExchangeCall(reception, f"/{name}/ServerReflectionInfo", self.info)
        return {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(exchange)}

    def info(self, message: bytes, caller: Caller) -> bytes:
        """The answer to one question."""
        request = parsed(reflection_pb2.ServerReflectionRequest, message)
        (response,) = self._answers(iter([request]), None)
        return bytes(response.SerializeToString())
