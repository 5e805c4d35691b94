"""One call, from its bytes to its status: who is calling, the answer, and what happens when there is none.

Handlers take and give bytes, so that the transport can be replaced without touching a decision, and so that bad bytes
come to us and not to gRPC's own parser. Every refusal goes to the audit as a deny before the caller sees its status.
`server.py` builds one Reception for each socket; the services hand it their functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NoReturn, TypeVar

import grpc

from engine.errors import EngineError
from gateway.errors import AuditUnavailable, GatewayError
from gateway.rpc.identity import Caller, Identify
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.openings import Openings, stopping
from gateway.rpc.ports import DecisionPort
from gateway.rpc.refusals import CallRefused, Cause, refusal_of
from gateway.rpc.threads import mark_arrived

CODE_KEY = "sallyport-code"
"""Trailing metadata with the stable code of a refusal."""
UNIDENTIFIED = "unidentified"

_T = TypeVar("_T")


class Reception:
    """Receives the calls of one socket."""

    def __init__(
        self,
        identify: Identify,
        gate: DecisionPort,
        openings: Openings | None = None,
        stream_threads: ThreadPoolExecutor | None = None,
    ) -> None:
        """`stream_threads`: where streams run; without them where everything does."""
        self.identify = identify
        self.openings = openings or Openings()
        self.stream_threads = stream_threads
        self._gate = gate

    def refuse(self, context: grpc.ServicerContext, method: str, caller: str, refusal: CallRefused) -> NoReturn:
        """Record the refusal, then end the call with its status."""
        try:
            self._gate.refused(caller=caller, method=method, code=refusal.code, message=str(refusal))
        except AuditUnavailable as error:
            refusal = refusal_of(error)
        context.set_trailing_metadata(((CODE_KEY, refusal.code),))
        context.abort(refusal.cause.value, f"{refusal.code}: {refusal}")

    def failed(self, context: grpc.ServicerContext, method: str, caller: str) -> None:
        """A bug of ours is passing through: keep its words from the caller and leave a deny behind.

        gRPC logs the exception itself; the status set here is what it sends.
        """
        context.set_code(grpc.StatusCode.INTERNAL)
        context.set_details("INTERNAL: the service failed; its log says how")
        self._gate.refused(caller=caller, method=method, code="INTERNAL", message="the service failed")

    def lost(self, method: str) -> None:
        """The call ended before its message was whole."""
        message = "the message did not arrive: too large for the transport, or the caller left"
        self._gate.refused(caller=UNIDENTIFIED, method=method, code="MESSAGE_LOST", message=message)


class UnaryCall:
    """Handles one message in, one out."""

    __slots__ = ("_answer", "_reception", "method")

    def __init__(self, reception: Reception, method: str, answer: Callable[[bytes, Caller], bytes]) -> None:
        self._reception = reception
        self._answer = answer
        self.method = method

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        mark_arrived()
        name, settled = UNIDENTIFIED, False
        try:
            caller = self._reception.identify(context)
            name = caller.name
            response = self._answer(request, caller)
            settled = True
            return response
        except (GatewayError, EngineError) as error:
            settled = True
            self._reception.refuse(context, self.method, name, refusal_of(error))
        finally:
            if not settled:
                self._reception.failed(context, self.method, name)


class StreamCall(Generic[_T]):
    """Handles one message in, news out: the service puts listeners on a mailbox and writes what comes."""

    __slots__ = ("_answer", "_reception", "_room", "experimental_thread_pool", "method")

    def __init__(
        self,
        reception: Reception,
        method: str,
        answer: Callable[[bytes, Caller, Mailbox[_T]], Iterator[bytes]],
        room: int,
    ) -> None:
        self._reception = reception
        self._answer = answer
        self._room = room
        self.experimental_thread_pool = reception.stream_threads  # grpcio looks for this name
        self.method = method

    def __call__(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        mark_arrived()
        return self._serve(request, context)

    def _serve(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        openings = self._reception.openings
        name, settled = UNIDENTIFIED, False
        try:
            caller = self._reception.identify(context)
            name = caller.name
            box: Mailbox[_T] = Mailbox(self._room)
            with openings.opened(name, box.close):
                if not context.add_callback(box.close):
                    box.close()
                yield from self._answer(request, caller, box)
                if openings.is_stopping:
                    raise stopping()
            settled = True
        except GeneratorExit:
            settled = True  # the caller left
            raise
        except (GatewayError, EngineError) as error:
            settled = True
            self._reception.refuse(context, self.method, name, refusal_of(error))
        finally:
            if not settled:
                self._reception.failed(context, self.method, name)


class ExchangeCall:
    """Handles messages in, as many out, in order."""

    __slots__ = ("_answer", "_reception", "experimental_thread_pool", "method")

    def __init__(self, reception: Reception, method: str, answer: Callable[[bytes, Caller], bytes]) -> None:
        self._reception = reception
        self._answer = answer
        self.experimental_thread_pool = reception.stream_threads  # grpcio looks for this name
        self.method = method

    def __call__(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        mark_arrived()
        return self._serve(requests, context)

    def _serve(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        openings = self._reception.openings
        turn = _Turn(context)
        name, settled = UNIDENTIFIED, False
        if not context.add_callback(lambda: self._ended(context)):
            self._ended(context)
        try:
            caller = self._reception.identify(context)
            name = caller.name
            with openings.opened(name, turn.end):
                for request in requests:
                    turn.is_idle = False
                    yield self._answer(request, caller)
                    turn.is_idle = True
                    if openings.is_stopping:
                        raise stopping()
            settled = True
        except (GeneratorExit, grpc.RpcError):
            settled = True  # broken off; `_ended` records it
            raise
        except (GatewayError, EngineError) as error:
            settled = True
            self._reception.refuse(context, self.method, name, refusal_of(error))
        finally:
            if not settled:
                self._reception.failed(context, self.method, name)

    def _ended(self, context: grpc.ServicerContext) -> None:
        """Record a stream that was broken off: what was too large for the transport looks like a caller who left."""
        # WHY the private name: grpcio ends the iterator as if all had been sent when it learns of the failed message
        # before it learns of the cancelled call. tests/interop/grpc/test_bad_input.py notices when the name moves.
        if getattr(getattr(context, "_state", None), "client", "cancelled") == "cancelled":
            self._reception.lost(self.method)


class _Turn:
    """Whose turn it is in an exchange: an idle one is cancelled when the service stops, a busy one answers first."""

    __slots__ = ("_context", "is_idle")

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context
        self.is_idle = True

    def end(self) -> None:
        if self.is_idle:
            self._context.cancel()  # type: ignore[no-untyped-call]  # bare in the stubs


class NoSuchMethod(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs, not in grpcio
    """The last handler asked: whatever nobody serves is refused and recorded."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """A handler that refuses at once, without waiting for a message."""
        method = str(handler_call_details.method)[:200]

        def serve(_requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            mark_arrived()
            refusal = CallRefused(Cause.UNKNOWN_METHOD, "METHOD_UNKNOWN", "no such method; reflection lists them")
            self._reception.refuse(context, ascii(method), self._name(context), refusal)

        return grpc.stream_unary_rpc_method_handler(serve)

    def _name(self, context: grpc.ServicerContext) -> str:
        try:
            return self._reception.identify(context).name
        except CallRefused:
            return UNIDENTIFIED
