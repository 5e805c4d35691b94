"""One call, from its bytes to its status: who is calling, the answer, and what happens when there is none.

Handlers take and give bytes, so that the transport can be replaced without touching a decision, and so that bad bytes
come to us and not to gRPC's own parser. Every handler takes a stream of messages, also where one belongs: on the wire
that is the same, and so it is we who wait for it, look at who is calling first, and record what never arrives.

Every refusal goes to the audit as a deny before the caller sees its status. `server.py` builds one Reception for each
socket; the services hand it their functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, Semaphore
from typing import Generic, NoReturn, TypeVar
from weakref import WeakValueDictionary

import grpc

from engine.errors import EngineError
from gateway.errors import AuditUnavailable, GatewayError
from gateway.identity.rates import NO_LIMIT, Rates
from gateway.rpc.arrivals import SECONDS, Arrivals
from gateway.rpc.bearer import Tokens, trouble_of
from gateway.rpc.identity import Caller, Identify, Role, address_of
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.openings import MAX_EXCHANGES_OF_CALLER, Openings, stopping
from gateway.rpc.ports import DecisionPort
from gateway.rpc.refusals import CallRefused, Cause, bad_input, check_rate, refusal_of

RETRY_KEY = "retry-after"
"""Trailing metadata with the seconds that somebody who asks too often is to wait."""
CODE_KEY = "sallyport-code"
"""Trailing metadata with the stable code of a refusal."""
AT_ONCE = 8
"""Streams of one caller whose message is read at once; more of theirs wait, and hold nothing meanwhile."""
UNIDENTIFIED = "unidentified"
LOST = "no whole message arrived: too large for the transport, too slow, or the caller left"

_T = TypeVar("_T")


class Reception:
    """Receives the calls of one socket."""

    def __init__(
        self,
        identify: Identify,
        gate: DecisionPort,
        arrivals: Arrivals,
        stream_threads: ThreadPoolExecutor | None = None,
        tokens: Tokens | None = None,
        rates: Rates = NO_LIMIT,
    ) -> None:
        """`stream_threads`: where streams run; without them where everything does. `tokens`: who brings one may be known by it."""
        self._identify = identify
        self.arrivals = arrivals
        self.openings = Openings()
        self._exchanges = Openings(limit_of_caller=MAX_EXCHANGES_OF_CALLER)
        self._turns: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()
        self._lock = Lock()
        self.stream_threads = stream_threads
        self._gate = gate
        self._tokens = tokens
        self._rates = rates

    def identify(self, context: grpc.ServicerContext) -> Caller:
        """Who is calling, and from where. Raises CallRefused."""
        caller = self._identify(context)
        address = address_of(context.peer())
        return caller if address is None else replace(caller, address=address)

    @contextmanager
    def exchange(self, caller: Caller, end: Callable[[], None]) -> Iterator[None]:
        """Hold a stream of questions open, as `openings` does; of who speaks only for itself few. Raises CallRefused."""
        with self.openings.opened(caller.name, end):
            if caller.may_speak_for_others:
                yield
                return
            with self._exchanges.opened(caller.name, end):
                yield

    def first_message(self, messages: Iterator[bytes], context: grpc.ServicerContext, caller: Caller) -> bytes:
        """As `message`, for streams: of who speaks only for itself few are read at once, for while one is read it may hold megabytes."""
        if caller.may_speak_for_others:
            return self.message(messages, context, caller)
        with self._lock:
            turn = self._turns.setdefault(caller.name, Semaphore(AT_ONCE))
        if not turn.acquire(timeout=SECONDS):
            raise CallRefused(Cause.TOO_LARGE, "TOO_MANY_STREAMS", "too many streams of yours send no message")
        try:
            return self.message(messages, context, caller)
        finally:
            turn.release()

    def count(self, caller: Caller) -> None:
        """Count one question of a stream. Raises CallRefused when its caller asks too often."""
        if Role.ADAPTER not in caller.roles:
            check_rate(self._rates, caller.name)

    def look_again(self, caller: Caller) -> None:
        """Raises CallRefused when a token that a stream began with counts no more."""
        refusal = trouble_of(caller, self._tokens)
        if refusal is not None:
            raise refusal

    def refuse(self, context: grpc.ServicerContext, method: str, caller: str, refusal: CallRefused) -> NoReturn:
        """Record the refusal, then end the call with its status."""
        over = refusal.over
        try:
            if over is None or over.is_told:
                self._gate.refused(caller=caller, method=method, code=refusal.code, message=str(refusal))
        except AuditUnavailable as error:
            refusal = refusal_of(error)
        wait = () if over is None else ((RETRY_KEY, str(over.seconds)),)
        context.set_trailing_metadata(((CODE_KEY, refusal.code), *wait))
        context.abort(refusal.cause.value, f"{refusal.code}: {refusal}")

    def failed(self, context: grpc.ServicerContext, method: str, caller: str) -> None:
        """A bug of ours is passing through: keep its words from the caller and leave a deny behind.

        gRPC logs the exception itself; the status set here is what it sends.
        """
        context.set_code(grpc.StatusCode.INTERNAL)
        context.set_details("INTERNAL: the service failed; its log says how")
        self._note(method, caller, "INTERNAL", "the service failed")

    def message(self, messages: Iterator[bytes], context: grpc.ServicerContext, caller: Caller) -> bytes:
        """The one message of a call. Raises CallRefused when there is none or its caller has too many that do not come, gRPC's own error when
        it was broken off."""
        who = "" if caller.may_speak_for_others else caller.name
        if who and self.arrivals.is_crowded(who):
            raise CallRefused(Cause.TOO_LARGE, "TOO_MANY_CALLS", "too many calls of yours send no message")
        message = self.arrivals.message(messages, context, who)
        if message is None:
            raise bad_input(LOST, code="MESSAGE_LOST")
        return message

    def lost(self, method: str, caller: str) -> None:
        """Record a call that was broken off before its message was whole; its caller has a status from gRPC already."""
        self._note(method, caller, "MESSAGE_LOST", LOST)

    def _note(self, method: str, caller: str, code: str, message: str) -> None:
        try:
            self._gate.refused(caller=caller, method=method, code=code, message=message)
        except AuditUnavailable:
            return  # nothing was granted, and there is nobody left to tell


class UnaryCall:
    """Handles one message in, one out."""

    __slots__ = ("_answer", "_reception", "method")

    def __init__(self, reception: Reception, method: str, answer: Callable[[bytes, Caller], bytes]) -> None:
        self._reception = reception
        self._answer = answer
        self.method = method

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        reception, name, settled = self._reception, UNIDENTIFIED, False
        try:
            caller = reception.identify(context)
            name = caller.name
            response = self._answer(reception.message(messages, context, caller), caller)
            settled = True
            return response
        except grpc.RpcError:
            settled = True
            reception.lost(self.method, name)
            raise
        except (GatewayError, EngineError) as error:
            settled = True
            reception.refuse(context, self.method, name, refusal_of(error))
        finally:
            if not settled:
                reception.failed(context, self.method, name)


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

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        reception, name, settled = self._reception, UNIDENTIFIED, False
        try:
            caller = reception.identify(context)
            name = caller.name
            box: Mailbox[_T] = Mailbox(self._room)
            with reception.openings.opened(name, box.close):
                request = reception.first_message(messages, context, caller)
                if not context.add_callback(box.close):
                    box.close()
                for news in self._answer(request, caller, box):
                    reception.look_again(caller)
                    yield news
                if reception.openings.is_stopping:
                    raise stopping()
            settled = True
        except GeneratorExit:
            settled = True  # the caller left
            raise
        except grpc.RpcError:
            settled = True
            reception.lost(self.method, name)
            raise
        except (GatewayError, EngineError) as error:
            settled = True
            reception.refuse(context, self.method, name, refusal_of(error))
        finally:
            if not settled:
                reception.failed(context, self.method, name)


class ExchangeCall:
    """Handles messages in, as many out, in order."""

    __slots__ = ("_answer", "_reception", "experimental_thread_pool", "method")

    def __init__(self, reception: Reception, method: str, answer: Callable[[bytes, Caller], bytes]) -> None:
        self._reception = reception
        self._answer = answer
        self.experimental_thread_pool = reception.stream_threads  # grpcio looks for this name
        self.method = method

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        reception, name, settled = self._reception, UNIDENTIFIED, False
        turn = _Turn(context)
        try:
            caller = reception.identify(context)
            name = caller.name
            if not context.add_callback(lambda: self._ended(context, caller)):
                self._ended(context, caller)
            with reception.exchange(caller, turn.end):
                for message in messages:
                    turn.is_idle = False
                    reception.look_again(caller)
                    reception.count(caller)
                    yield self._answer(message, caller)
                    turn.is_idle = True
                    if reception.openings.is_stopping:
                        raise stopping()
            settled = True
        except (GeneratorExit, grpc.RpcError):
            settled = True  # broken off; `_ended` records it
            raise
        except (GatewayError, EngineError) as error:
            settled = True
            reception.refuse(context, self.method, name, refusal_of(error))
        finally:
            if not settled:
                reception.failed(context, self.method, name)

    def _ended(self, context: grpc.ServicerContext, caller: Caller) -> None:
        """Record a stream that was broken off: what was too large for the transport looks like a caller who left."""
        # WHY the private name: grpcio ends the iterator as if all had been sent when it learns of the failed message
        # before it learns of the cancelled call. tests/interop/grpc/test_bad_input.py notices when the name moves.
        if getattr(getattr(context, "_state", None), "client", "cancelled") == "cancelled":
            self._reception.lost(self.method, caller.name)


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

        def serve(_messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            refusal = CallRefused(Cause.UNKNOWN_METHOD, "METHOD_UNKNOWN", "no such method; reflection lists them")
            self._reception.refuse(context, ascii(method), self._name(context), refusal)

        return grpc.stream_unary_rpc_method_handler(serve)

    def _name(self, context: grpc.ServicerContext) -> str:
        try:
            return self._reception.identify(context).name
        except CallRefused:
            return UNIDENTIFIED
