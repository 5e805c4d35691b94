"""From an admitted client to a session at the target: connect, TLS, sign in, collect its settings. Or a connection of its pool.

The gateway's credential is used here and goes nowhere else. The server's words about a failed sign-in are not the
client's business (they name the gateway's own role); its SQLSTATE is.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.core.buffer import MAX_SMALL_MESSAGE, Inbox
from adapters.core.effects import DeriveKey, LeaseUpstream, OpenUpstream, StartTls
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.errors import PeerProtocolError
from adapters.postgres.messages import authentication, notices, results, startup
from adapters.postgres.messages.authentication import Method
from adapters.postgres.messages.frames import HEADER, LENGTH_ITSELF, Back, u32_at
from adapters.postgres.scram import ScramClient, ScramRefused
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.phases import Phase
from adapters.postgres.session.pooled import Answers, Estate, Kin, encode_who, pooling_of
from adapters.postgres.session.reported import SHOWN, is_shown

DEFAULT_DATABASE = "postgres"


class Approach:
    """The target's side before it is ready."""

    def __init__(
        self,
        outbox: Outbox,
        target: Target,
        database: str | None,
        settings: Mapping[str, str],
        nonce: bytes,
        resource: str = "",
    ) -> None:
        """`resource` is the name of the one that the target's pool belongs to, where it has a pool."""
        self._out = outbox
        self._target = target
        self._database = _database(target, database)
        self.place = replace(target, database=self._database)
        """The target with the database that is really used."""
        self.resource = resource
        self._settings = settings
        self._inbox = Inbox()
        self._scram = ScramClient(nonce)
        self._stage = Method.OK
        self._is_signed_in = False
        self._must_prove = False
        self.phase = Phase.DIALLING
        self.key = b""
        self.statuses: dict[str, str] = {}
        """Settings as the target reported them."""
        self._who: Answers | None = None
        self.estate: Estate | None = None
        """What the next session would have to know of the connection, once it is ready; only of one of a pool."""
        self._is_pooled = pooling_of(target) is not None
        if self._is_pooled:
            outbox.wish(LeaseUpstream(Kin(resource, self.place, tuple(sorted(settings.items())))))
        else:
            outbox.wish(OpenUpstream())

    def opened(self, tls: bool) -> None:
        """The connection stands."""
        if self._target.tls and not tls:
            self.phase = Phase.SECURING
            self._out.up(startup.SSL_REQUEST)
        else:
            self.secured()

    def secured(self, end_point: bytes | None = None) -> None:
        """TLS stands, and a proof may be bound to `end_point`; or is not wanted."""
        self._scram.end_point = end_point
        self.phase = Phase.GREETING
        parameters = {"user": self._target.user, "database": self._database, "client_encoding": "UTF8"}
        self._out.up(startup.encode_startup({**parameters, **self._settings}))

    def taken(self, estate: object) -> None:
        """A connection of the pool serves, and is ready."""
        if not isinstance(estate, Estate):
            raise _failed("the pool gave something that is no connection of its own")
        self.phase = Phase.GREETING
        self.estate, self.key = estate, estate.key
        self.statuses.update(estate.statuses)

    @property
    def greeting(self) -> list[bytes]:
        """What the client is told of the target's settings."""
        shown = [one for one in self.statuses.items() if one[0] in SHOWN or one[0] == "application_name"]
        return [results.encode_status(name, value) for name, value in shown]

    def upstream(self, data: bytes) -> bytes | None:
        """Bytes from the target; what came behind its first ReadyForQuery (of one of a pool: what it says of itself), once that is there."""
        if self._who is not None:
            return self._told(self._who, data)
        inbox = self._inbox
        if not inbox.feed(data):
            return None
        if self.phase is Phase.SECURING:
            # INVARIANT: a refusal of TLS is an error, never a reason to go on without; so is plaintext behind the yes.
            if inbox.data[inbox.start :] != startup.GRANTED:
                raise _failed("the target does not offer TLS")
            inbox.use(1)
            self._out.wish(StartTls(Side.UPSTREAM, in_core=True))
            return None
        if self.phase is not Phase.GREETING:
            raise _failed("the target spoke out of turn")
        while (message := self._next()) is not None:
            if self._take(*message):
                rest = inbox.data[inbox.start :]
                inbox.use(len(rest))
                if not self._is_pooled:
                    return rest
                self._who = Answers(1)
                self._out.up(encode_who())
                return self._told(self._who, rest) if rest else None
        return None

    def _told(self, who: Answers, data: bytes) -> bytes | None:
        if not who.feed(data):
            return None
        row = who.rows[0]
        if row is None:
            raise _failed("the target does not say who it is")
        self.statuses.update(who.statuses)
        self.estate = Estate(self.key, self.statuses, row)
        return b""

    def _next(self) -> tuple[int, bytes] | None:
        inbox = self._inbox
        at = inbox.start
        if len(inbox) < HEADER:
            return None
        length: int = u32_at(inbox.data, at + 1)[0]
        if not LENGTH_ITSELF <= length <= MAX_SMALL_MESSAGE:
            raise _failed("the target does not speak PostgreSQL's protocol")
        if len(inbox) < 1 + length:
            inbox.want(1 + length)
            return None
        body = inbox.data[at + HEADER : at + 1 + length]
        kind = inbox.data[at]
        inbox.use(1 + length)
        return kind, body

    def _take(self, kind: int, body: bytes) -> bool:
        """One message; whether it was ReadyForQuery."""
        match kind:
            case Back.AUTHENTICATION if not self._is_signed_in:
                self._authentication(*authentication.decode_request(body))
            case Back.ERROR:
                raise _refused_by_target(notices.code_of(body))
            case Back.NOTICE | Back.NEGOTIATE:
                pass
            case Back.PARAMETER_STATUS if self._is_signed_in:
                name, value = results.decode_status(body)
                is_shown(name, value)
                self.statuses[name] = value
            case Back.BACKEND_KEY if self._is_signed_in and not self.key:
                self.key = body
            case Back.READY if self._is_signed_in:
                if body != bytes((results.IDLE,)):
                    raise _failed("the target begins inside a transaction")
                return True
            case _:
                raise _failed("the target sent what has no place before it is ready")
        return False

    # --- signing in

    def _authentication(self, code: int, data: bytes) -> None:
        match code:
            case Method.OK:
                # INVARIANT: a server that we proved ourselves to by SCRAM has to prove itself before it is believed.
                if self._must_prove:
                    raise _failed("the target did not prove that it knows the password")
                self._is_signed_in = True
            case Method.CLEARTEXT:
                if not self._target.tls:
                    raise _failed("the target wants the password in clear without TLS")
                self._once(Method.CLEARTEXT)
                self._out.up(authentication.encode_password(self._password()))
            case Method.MD5 if len(data) == 4:
                self._once(Method.MD5)
                self._out.up(authentication.encode_password(_md5(self._target.user, self._password(), data)))
            case Method.SASL:
                self._once(Method.SASL)
                self._must_prove = True
                mechanism = self._choose(authentication.decode_mechanisms(data))
                self._out.up(authentication.encode_sasl_initial(mechanism, self._scram.first()))
            case Method.SASL_CONTINUE if self._stage == Method.SASL:
                self._stage = Method.SASL_CONTINUE
                challenge = self._scram.challenge(data)
                self._out.wish(DeriveKey(_prepared(self._password()), challenge.salt, challenge.iterations))
            case Method.SASL_FINAL if self._stage == Method.SASL_FINAL:
                if not self._scram.verify(data):
                    raise ScramRefused("the target did not prove that it knows the password")
                self._must_prove = False
            case _:
                raise _failed("the target wants an authentication method that is not known here")

    def _choose(self, offered: Sequence[str]) -> str:
        scram = self._scram
        scram.is_bound = scram.end_point is not None and authentication.SCRAM_SHA_256_PLUS in offered
        if not scram.is_bound and authentication.SCRAM_SHA_256 not in offered:
            raise _failed("the target offers no authentication method that is known here")
        return authentication.SCRAM_SHA_256_PLUS if scram.is_bound else authentication.SCRAM_SHA_256

    def _once(self, method: Method) -> None:
        if self._stage != Method.OK:
            raise _failed("the target asks for a second proof")
        self._stage = method

    def key_derived(self, key: bytes) -> None:
        """The stretched password is there."""
        if self._stage == Method.SASL_CONTINUE:
            self._stage = Method.SASL_FINAL
            self._out.up(authentication.encode_sasl_response(self._scram.final(key)))

    def _password(self) -> str:
        if self._target.password is None:
            raise _failed("the gateway has no password for the target")
        return self._target.password


def _database(target: Target, wanted: str | None) -> str:
    if target.database is None:
        return wanted or DEFAULT_DATABASE
    if wanted is not None and wanted != target.database:
        raise PeerProtocolError("the resource has no such database", code="3D000")
    return target.database


def _failed(message: str) -> PeerProtocolError:
    return PeerProtocolError(message, code=notices.NO_TARGET)


def _refused_by_target(code: str | None) -> PeerProtocolError:
    shown = code if code is not None and len(code) == 5 else notices.NO_TARGET
    return PeerProtocolError("the target refused the gateway's connection", code=shown)


def _md5(user: str, password: str, salt: bytes) -> str:
    # WHY MD5: PostgreSQL's old method; the target chose it.
    inner = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
    return "md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest()


def _prepared(password: str) -> bytes:
    """SASLprep as far as passwords in use need it: compatibility forms joined, odd spaces made plain."""
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
    return unicodedata.normalize("NFKC", spaced).encode()
