"""From the first byte to a client that proved who they are: encryption, cancel, startup, certificate, SCRAM or token.

The words of a failure never say whether the user exists.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.core.buffer import Inbox
from adapters.core.effects import Admit, CheckToken, FindVerifier, Interrupt, StartTls
from adapters.core.events import Side
from adapters.core.ports import Proof, ScramVerifier
from adapters.errors import PeerProtocolError
from adapters.postgres.facts import PROTOCOL
from adapters.postgres.messages import authentication, notices, startup
from adapters.postgres.messages.frames import HEADER, LENGTH_ITSELF, Front, refuse, u32_at
from adapters.postgres.scram import ScramServer
from adapters.postgres.session.outbox import Outbox
from adapters.postgres.session.parameters import Wanted, read_wishes
from adapters.postgres.session.phases import Phase
from adapters.postgres.session.settings import SHORT_KEY, ClientProof, Settings


@dataclass(frozen=True, slots=True)
class Place:
    """What `dbname` names: a resource, and a database inside it where one was given."""

    resource: str
    database: str | None


class Opening:
    """The client's side before anything is known of them."""

    def __init__(self, outbox: Outbox, settings: Settings) -> None:
        self._out = outbox
        self._settings = settings
        self._inbox = Inbox()
        self._asked_tls = self._asked_gss = self._is_direct = False
        self._scram = ScramServer(settings.server_nonce)
        self._certified: str | None = None
        """Whose certificate the client showed."""
        self._sasl_first: bytes | None = None
        self.phase = Phase.OPENING
        self.is_secure = False
        self.wanted: Wanted | None = None
        self.place: Place | None = None
        self.minor = 0

    # --- bytes

    def client(self, data: bytes) -> None:
        """Bytes from the client."""
        if not self._inbox.feed(data):
            return
        while len(self._inbox):
            before = len(self._inbox), self.phase
            if self.phase is Phase.OPENING:
                self._packet()
            elif self.phase is Phase.PROVING:
                self._password()
            else:
                raise refuse("the client sent something before it was its turn")
            if before == (len(self._inbox), self.phase):
                return

    def _packet(self) -> None:
        inbox = self._inbox
        waiting = inbox.data[inbox.start :]
        if startup.is_direct_tls(waiting[0]):
            self._direct(waiting)
            return
        length = startup.packet_length(waiting)
        if length is None or len(waiting) < length:
            return
        inbox.use(length)
        match startup.decode_packet(waiting[:length]):
            case startup.EncryptionRequest(gss):
                self._encryption(gss)
            case startup.CancelRequest(key):
                self._out.wish(Interrupt(key))
                self.phase = Phase.CLOSED
            case startup.StartupMessage() as message:
                self._start(message)

    def _direct(self, begun: bytes) -> None:
        """TLS from the first byte on, as clients of PostgreSQL 17 and later may begin it (`sslnegotiation=direct`)."""
        if self.is_secure or self._asked_tls or self._asked_gss:
            raise refuse("TLS was begun where it has no place")
        if not self._settings.tls_offered:
            raise refuse("this listener has no TLS", notices.UNSUPPORTED)
        self._is_direct = True
        self._inbox.use(len(begun))
        self.phase = Phase.SECURING_CLIENT
        self._out.wish(StartTls(Side.CLIENT, begun=begun))

    def _encryption(self, gss: bool) -> None:
        """Each kind may be asked for once, none inside TLS."""
        if self.is_secure or (self._asked_gss if gss else self._asked_tls):
            raise refuse("encryption was asked for twice")
        if gss:
            self._asked_gss = True
            self._out.down(startup.REFUSED)
            return
        self._asked_tls = True
        if not self._settings.tls_offered:
            self._out.down(startup.REFUSED)
            return
        # INVARIANT: nothing that came before TLS counts inside it (CVE-2021-23214 was that).
        if len(self._inbox):
            raise refuse("plaintext came behind the request for TLS")
        self.phase = Phase.SECURING_CLIENT
        self._out.down(startup.GRANTED)
        self._out.wish(StartTls(Side.CLIENT))

    def secured(self, name: str | None = None, protocol: str | None = None, end_point: bytes | None = None) -> None:
        """TLS stands (`events.TlsStarted`)."""
        self.is_secure = True
        self.phase = Phase.OPENING
        # INVARIANT: what was meant for another protocol on this certificate is not taken for PostgreSQL's (ALPACA); asking for TLS
        # in PostgreSQL's own words says as much.
        if self._is_direct and protocol != startup.ALPN:
            raise refuse("direct TLS needs the ALPN protocol `postgresql`")
        self._certified, self._scram.end_point = name, end_point

    # --- startup

    def _start(self, message: startup.StartupMessage) -> None:
        if message.major != startup.MAJOR:
            raise refuse(f"protocol {message.major}.{message.minor} is not supported", notices.UNSUPPORTED)
        if self._settings.tls_required and not self.is_secure:
            raise refuse("this listener wants TLS: connect with sslmode=require or stricter", notices.NOT_AUTHORISED)
        self.wanted = wanted = read_wishes(message)
        self.place = self._find_place(wanted.database)
        self.minor = 2 if message.minor >= startup.NEWEST_MINOR else 0
        if message.minor != self.minor or wanted.protocol_options:
            self._out.down(startup.encode_negotiation(self.minor, wanted.protocol_options))
        self.phase = Phase.PROVING
        if self._certified is not None:
            # WHY nothing else is asked of who shows somebody else's: it is no proof, and what fails is recorded.
            self.proven(self._certified == wanted.user)
            return
        match self._settings.proof:
            case ClientProof.SCRAM:
                self._out.down(authentication.ask_scram(self._mechanisms))
            case ClientProof.TOKEN:
                # INVARIANT: a token is never asked for where it could be read on the way.
                if not self.is_secure:
                    raise refuse("a token is only taken inside TLS: use sslmode=require", notices.NOT_AUTHORISED)
                self._out.down(authentication.ASK_CLEARTEXT)

    @property
    def _mechanisms(self) -> tuple[str, ...]:
        bound = () if self._scram.end_point is None else (authentication.SCRAM_SHA_256_PLUS,)
        return (*bound, authentication.SCRAM_SHA_256)

    def _find_place(self, database: str) -> Place:
        if self._settings.resource is not None:
            return Place(self._settings.resource, database)
        resource, slash, inside = database.partition("/")
        return Place(resource, inside if slash and inside else None)

    @property
    def client_key(self) -> bytes:
        """The cancel key as this client's protocol version knows it."""
        key = self._settings.cancel_key
        return key if self.minor >= 2 else key[:SHORT_KEY]

    # --- proof

    def _password(self) -> None:
        inbox = self._inbox
        at = inbox.start
        if len(inbox) < HEADER:
            return
        kind = inbox.data[at]
        length: int = u32_at(inbox.data, at + 1)[0]
        if kind != Front.PASSWORD or not LENGTH_ITSELF <= length <= authentication.MAX_PASSWORD:
            raise refuse("a password was expected")
        if len(inbox) < 1 + length:
            return
        body = inbox.data[at + HEADER : at + 1 + length]
        inbox.use(1 + length)
        wanted, place = self.wanted, self.place
        if wanted is None or place is None:
            raise refuse("a password came before startup")
        if self._settings.proof is ClientProof.TOKEN:
            self.phase = Phase.ADMISSION
            self._out.wish(CheckToken(wanted.user, authentication.decode_password(body), place.resource))
        elif self._sasl_first is None:
            initial = authentication.decode_sasl_initial(body)
            if initial.mechanism not in self._mechanisms:
                raise refuse("that authentication method was not offered")
            self._scram.is_bound = initial.mechanism == authentication.SCRAM_SHA_256_PLUS
            self._sasl_first = initial.data
            self._out.wish(FindVerifier(wanted.user))
        else:
            self._scram_final(body)

    def verifier_found(self, verifier: ScramVerifier) -> None:
        """Go on with SCRAM."""
        if self._sasl_first is not None:
            self._out.down(authentication.encode_sasl_continue(self._scram.first(self._sasl_first, verifier)))

    def _scram_final(self, body: bytes) -> None:
        answer = self._scram.final(body)
        if answer is not None:
            self._out.down(authentication.encode_sasl_final(answer))
        self.proven(answer is not None)

    def proven(self, good: bool, proof: Proof | None = None) -> None:
        """The proof was checked. A failed one goes to the gate too: it is recorded there."""
        wanted, place = self.wanted, self.place
        if wanted is None or place is None:
            raise refuse("a proof came before startup")
        self.phase = Phase.ADMISSION
        self._out.wish(
            Admit(
                *(wanted.user, place.resource, PROTOCOL, good),
                application=wanted.application,
                database=place.database,
                proof=proof,
            )
        )

    def wrong_password(self) -> PeerProtocolError:
        """The error for whoever did not prove who they are; the same words for all."""
        user = self.wanted.user if self.wanted is not None else ""
        return PeerProtocolError(f'password authentication failed for user "{user}"', code=notices.NOT_PROVEN)
