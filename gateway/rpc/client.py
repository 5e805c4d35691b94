"""A small client of the gRPC services: for integrators in Python, the command line, and tests.

Everything that goes wrong is `CallFailed` with a stable code. An answer that is not fully understood is no answer: it
raises too, so a caller that only looks at `decision.is_granted` fails closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypeVar

import grpc

from engine.command.tree import Command
from engine.decision import Decision
from gateway.audit.index.sought import Sought
from gateway.config.addresses import is_loopback, split_address
from gateway.errors import ConfigInvalid, GatewayError
from gateway.rpc.bearer import KEY
from gateway.rpc.calls import CODE_KEY
from gateway.rpc.codec import asking, entries, recordings, remembered, sessions, tickets
from gateway.rpc.codec.answers import Particulars, read_answer
from gateway.rpc.codec.asking import Query
from gateway.rpc.codec.entries import FoundPage, LoggedEntry
from gateway.rpc.codec.questions import Detail, Names, Raw
from gateway.rpc.codec.remembered import RememberedApproval
from gateway.rpc.codec.sessions import EndWish, SessionSeen
from gateway.rpc.codec.tickets import Fate, HeldCommand, Said, Wanted
from gateway.rpc.limits import MAX_MESSAGE, MAX_PAGE
from gateway.rpc.refusals import CallRefused
from gateway.viewing import Look

__all__ = ["CallFailed", "Client", "ClientTls", "Detail", "Names", "Ruling", "Query", "Raw"]

_DECISION = "/sallyport.decision.v1.DecisionService/"
_APPROVAL = "/sallyport.approval.v1.ApprovalService/"
_AUDIT = "/sallyport.audit.v1.AuditService/"
_RECORDING = "/sallyport.recording.v1.RecordingService/"
_SESSION = "/sallyport.session.v1.SessionService/"
_OPTIONS = (("grpc.max_receive_message_length", 2 * MAX_MESSAGE), ("grpc.enable_retries", 0))
DEFAULT_TIMEOUT = 10.0
"""Seconds for one call that is no stream."""

Token: TypeAlias = str | Callable[[], str] | None
_T = TypeVar("_T")


class CallFailed(GatewayError):
    """A call without an answer. `status` is gRPC's name of the status, `code` the service's own."""

    def __init__(self, code: str, message: str, *, status: str, help: str = "") -> None:
        super().__init__(message, code=code, help=help)
        self.status = status


@dataclass(frozen=True, slots=True)
class ClientTls:
    """The client's certificate and key, and the authority that signed the server's, as PEM. Without a certificate: with a token."""

    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    server_authority: bytes = b""
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """One answer: the decision, and what is particular to this question (ids, ticket, how long it may be kept)."""

    decision: Decision
    particulars: Particulars

    @property
    def is_granted(self) -> bool:
        """Whether the command may run now, with the mask plan and every obligation carried out."""
        return self.decision.is_granted


class Client:
    """One connection. Safe from any thread; use it as a context manager."""

    def __init__(
        self, channel: grpc.Channel, address: str, *, timeout: float = DEFAULT_TIMEOUT, token: Token = None
    ) -> None:
        """`token` goes with each call, and says who calls; a function is asked for it each time."""
        self._channel = channel
        self._address = address
        self._timeout = timeout
        self._token = token

    @classmethod
    def over_unix(cls, path: Path, *, timeout: float = DEFAULT_TIMEOUT, token: Token = None) -> Client:
        """A client of the socket file; the service knows the caller by who may open it, or by a token."""
        address = f"unix:{path.absolute()}"
        # WHY the authority: gRPC would make one of the file's name, which need not be a legal host.
        options = (*_OPTIONS, ("grpc.default_authority", "localhost"))
        return cls(grpc.insecure_channel(address, options=options), address, timeout=timeout, token=token)

    @classmethod
    def over_tls(cls, address: str, tls: ClientTls, *, timeout: float = DEFAULT_TIMEOUT, token: Token = None) -> Client:
        """A client of HOST:PORT that shows its certificate, a token, or both."""
        credentials = grpc.ssl_channel_credentials(
            tls.server_authority or None, tls.key or None, tls.certificate or None
        )
        options: tuple[tuple[str, int | str], ...] = _OPTIONS
        if tls.server_name is not None:
            options = (*options, ("grpc.ssl_target_name_override", tls.server_name))
        channel = grpc.secure_channel(address, credentials, options=options)
        return cls(channel, address, timeout=timeout, token=token)

    @classmethod
    def over_loopback(cls, address: str, *, timeout: float = DEFAULT_TIMEOUT, token: Token = None) -> Client:
        """A client of a plaintext port on this machine. Raises ConfigInvalid rather than send a token to another one."""
        host, _ = split_address(address) or ("", 0)
        if token is not None and not is_loopback(host):
            raise ConfigInvalid(f"`{address}` is not this machine, and a token is sent over TLS only")
        return cls(grpc.insecure_channel(address, options=_OPTIONS), address, timeout=timeout, token=token)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection and every stream on it."""
        self._channel.close()

    def decide(self, what: Raw | Command, query: Query) -> Ruling:
        """Whether this command may run."""
        return Ruling(*self._unary(_DECISION + "Decide", asking.write_question(what, query), read_answer))

    def decide_batch(self, whats: Sequence[Raw | Command], query: Query) -> tuple[Ruling, ...]:
        """Whether each of these may run, in their order."""
        answers = self._unary(_DECISION + "DecideBatch", asking.write_batch(whats, query), asking.read_batch_answers)
        if len(answers) != len(whats):
            raise _invalid(f"{len(answers)} answers to {len(whats)} questions")
        return tuple(Ruling(*answer) for answer in answers)

    def decide_stream(self, questions: Iterable[tuple[Raw | Command, Query]]) -> Iterator[Ruling]:
        """Whether each may run, answered in order as they are asked."""
        messages = (asking.write_question(what, query) for what, query in questions)
        call = self._channel.stream_stream(_DECISION + "DecideStream", None, None)
        return (Ruling(*answer) for answer in self._read(call(messages, metadata=self._metadata()), read_answer))

    def parse(self, raw: Raw) -> Command:
        """The command tree of a text."""
        return self._unary(_DECISION + "Parse", asking.write_parse(raw), asking.read_parsed)

    def watch(self) -> Iterator[str]:
        """The policy revision that decides, now and whenever it changes."""
        return self._stream(_DECISION + "Watch", asking.write_watch(), asking.read_revision)

    def tickets(self, *states: str, limit: int = MAX_PAGE) -> tuple[HeldCommand, ...]:
        """Held commands in these states (all, when none is named), newest first."""
        message = tickets.write_list_request(Wanted(states, limit))
        return self._unary(_APPROVAL + "List", message, tickets.read_tickets)

    def approve(self, ticket_id: str, comment: str = "", remember: int = 0) -> HeldCommand:
        """Vote yes; with `remember` (seconds) also to what is like the command."""
        return self._say("Approve", ticket_id, comment, remember)

    def remembered(self) -> tuple[RememberedApproval, ...]:
        """Approvals that are remembered and count now, newest first."""
        message = remembered.write_list_request()
        return self._unary(_APPROVAL + "ListRemembered", message, remembered.read_remembered)

    def take_back(self, remembered_id: str) -> RememberedApproval:
        """End one of them."""
        message = remembered.write_take_back_request(remembered_id)
        return self._unary(_APPROVAL + "TakeBack", message, remembered.read_one)

    def refuse(self, ticket_id: str, comment: str = "") -> HeldCommand:
        """Vote no."""
        return self._say("Refuse", ticket_id, comment)

    def withdraw(self, ticket_id: str, comment: str = "") -> HeldCommand:
        """Take a request back."""
        return self._say("Withdraw", ticket_id, comment)

    def await_release(self, ticket_id: str) -> Iterator[Fate]:
        """The ticket as it is, then each change; the last one has the decision."""
        return self._stream(_APPROVAL + "AwaitRelease", tickets.write_await_request(ticket_id), tickets.read_fate)

    def entries(self, start: int = 0, limit: int = MAX_PAGE) -> tuple[LoggedEntry, ...]:
        """Entries of the audit log from an index on."""
        message = entries.write_list_request(entries.Page(start, limit))
        return self._unary(_AUDIT + "List", message, entries.read_entries)

    def tail(self, start: int | None = None) -> Iterator[LoggedEntry]:
        """Entries of the audit log from an index (or the end) on, and new ones as they are written."""
        pages = self._stream(_AUDIT + "Tail", entries.write_tail_request(start), entries.read_tail_entries)
        return (entry for page in pages for entry in page)

    def search(self, sought: Sought, limit: int = MAX_PAGE, before: int | None = None) -> FoundPage:
        """A page of the audit's entries that are looked for, newest first; go on with `before` its `older`."""
        message = entries.write_search_request(entries.SearchPage(sought, limit, before))
        return self._unary(_AUDIT + "Search", message, entries.read_found)

    def announce(self, look: Look) -> int:
        """Have the audit told that you are about to look at recordings; the index of the entry."""
        message = recordings.write_announce_request(look)
        return self._unary(_RECORDING + "Announce", message, recordings.read_announced)

    def sessions(self, limit: int = MAX_PAGE) -> tuple[tuple[SessionSeen, ...], int]:
        """Sessions that are open at this gateway, newest first, and how many more there are."""
        return self._unary(_SESSION + "List", sessions.write_list_request(limit), sessions.read_sessions)

    def end_session(self, session_id: str, comment: str = "") -> SessionSeen:
        """Have a session end; as it stood before."""
        return self._unary(
            _SESSION + "End", sessions.write_end_request(EndWish(session_id, comment)), sessions.read_ended
        )

    def _say(self, method: str, ticket_id: str, comment: str, remember: int = 0) -> HeldCommand:
        said = Said(ticket_id, comment, remember)
        return self._unary(_APPROVAL + method, tickets.write_said(said), tickets.read_ticket)

    def _unary(self, method: str, message: bytes, read: Callable[[bytes], _T]) -> _T:
        call = self._channel.unary_unary(method, None, None)
        try:
            answer: bytes = call(message, timeout=self._timeout, metadata=self._metadata())
        except grpc.RpcError as error:
            raise self._failed(error) from None
        return _understood(answer, read)

    def _stream(self, method: str, message: bytes, read: Callable[[bytes], _T]) -> Iterator[_T]:
        call = self._channel.unary_stream(method, None, None)
        return self._read(call(message, metadata=self._metadata()), read)

    def _metadata(self) -> tuple[tuple[str, str], ...] | None:
        token = self._token() if callable(self._token) else self._token
        return None if token is None else ((KEY, f"Bearer {token}"),)

    def _read(self, answers: grpc.CallIterator[bytes], read: Callable[[bytes], _T]) -> Iterator[_T]:
        try:
            for answer in answers:
                yield _understood(answer, read)
        except grpc.RpcError as error:
            raise self._failed(error) from None
        finally:
            answers.cancel()  # type: ignore[no-untyped-call]  # bare in the stubs

    def _failed(self, error: grpc.RpcError) -> CallFailed:
        call: object = error  # WHY: every error of a call is the call too, which the stubs hold impossible
        if not isinstance(call, grpc.Call):
            return CallFailed("CALL_FAILED", "the call failed", status="UNKNOWN")
        status, details = call.code(), call.details() or ""
        codes = [value for key, value in call.trailing_metadata() or () if key == CODE_KEY]
        if codes and isinstance(codes[0], str):
            return CallFailed(codes[0], details.removeprefix(f"{codes[0]}: "), status=status.name)
        match status:
            case grpc.StatusCode.UNAVAILABLE:
                return CallFailed(
                    "UNREACHABLE",
                    f"no service answers at {self._address}",
                    status=status.name,
                    help="is `sallyport up` or `sallyport serve` running, and may this user open that address?",
                )
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return CallFailed("NO_ANSWER", f"no answer within {self._timeout:g} s", status=status.name)
            case _:
                return CallFailed(status.name, details or "the call failed", status=status.name)


def _understood(answer: bytes, read: Callable[[bytes], _T]) -> _T:
    try:
        return read(answer)
    except CallRefused as refused:
        raise _invalid(str(refused)) from None


def _invalid(message: str) -> CallFailed:
    return CallFailed(
        "ANSWER_INVALID",
        f"the answer is not understood: {message}",
        status="OK",
        help="client and service of one version",
    )
