"""`sallyport.session.v1.SessionService`: who is connected, and ending a session. What an end means is for the doors to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import grpc

from gateway.errors import SessionUnknown
from gateway.rpc.calls import Reception, UnaryCall
from gateway.rpc.codec import sessions as codec
from gateway.rpc.identity import Caller, Role
from gateway.rpc.permissions import require
from gateway.rpc.ports import OpenSession, SessionPort

NAME = "sallyport.session.v1.SessionService"
_PREFIX = f"/{NAME}/"
_SEES_ALL = frozenset({Role.OPERATOR, Role.AUDITOR})
_ENDS_ALL = frozenset({Role.OPERATOR})


class NoSessions:
    """What a program has that lets no clients in."""

    def live(self) -> Sequence[OpenSession]:
        """None."""
        return ()

    def end(self, session_id: str, *, by: str, comment: str) -> OpenSession:
        """There is none to end."""
        raise SessionUnknown("no such session is open here")


class SessionService:
    """One for the whole program."""

    def __init__(self, sessions: SessionPort) -> None:
        self._sessions = sessions

    def handlers(self, reception: Reception) -> Mapping[str, grpc.RpcMethodHandler[bytes, bytes]]:
        """The handlers for one socket, by method name."""
        single = {"List": self.list, "End": self.end}
        return {
            name: grpc.stream_unary_rpc_method_handler(UnaryCall(reception, _PREFIX + name, answer))
            for name, answer in single.items()
        }

    def list(self, message: bytes, caller: Caller) -> bytes:
        """Open sessions, the newest first; only one's own without a role to see all."""
        limit = codec.read_list(message)
        found = self._of(caller, _SEES_ALL)
        return codec.write_list(found[:limit], max(0, len(found) - limit))

    def end(self, message: bytes, caller: Caller) -> bytes:
        """Have one end."""
        wish = codec.read_end(message)
        own = [one for one in self._of(caller, _SEES_ALL) if one.session.id == wish.session_id]
        if not own and not caller.roles & _ENDS_ALL:
            # WHY the same words: whether somebody else's session is open is none of this caller's business.
            raise SessionUnknown("no such session is open here")
        if not own or own[0].principal.name != caller.name:
            require(caller, _ENDS_ALL, "End")
        return codec.write_ended(self._sessions.end(wish.session_id, by=caller.name, comment=wish.comment))

    def _of(self, caller: Caller, seers: frozenset[Role]) -> Sequence[OpenSession]:
        """Those that this caller may see, the newest first."""
        found = sorted(self._sessions.live(), key=lambda one: -one.opened_at)
        if caller.roles & seers:
            return found
        own = [one for one in found if one.principal.name == caller.name]
        return [one for one in own if caller.reaches(one.resource.name, one.session.job)]
