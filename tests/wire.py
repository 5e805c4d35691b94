"""PostgreSQL messages for tests, both directions, written apart from the code under test; and a session signed in by them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer, Target
from adapters.errors import PeerProtocolError
from adapters.postgres.scram import make_verifier
from adapters.postgres.session import ClientProof, PostgresSession, Settings
from adapters.postgres.session.meanings import Meanings
from adapters.postgres.type_shapes import Shape
from engine.command.tree import Command, Operation, Output, ParsedCommand, Sql
from engine.command.tree import Effect as CommandEffect
from engine.decision import Decision, DenyKind, Hold, MaskItem, Obligation, Reason, Verdict
from tests.playbook import Playbook

KEY = bytes(range(36))
OWN = b"sallyport_own"


def message(kind: str, body: bytes = b"") -> bytes:
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def packet(body: bytes) -> bytes:
    return struct.pack("!I", len(body) + 4) + body


# --- what clients send


def startup(code: int = 196608, **parameters: str) -> bytes:
    text = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in parameters.items())
    return packet(struct.pack("!I", code) + text + b"\0")


def query(text: str) -> bytes:
    return message("Q", text.encode() + b"\0")


def parse(text: str, name: str = "") -> bytes:
    return message("P", name.encode() + b"\0" + text.encode() + b"\0\0\0")


def bind(
    statement: str = "", portal: str = "", parameters: tuple[bytes | None, ...] = (), formats: bytes = b"\0\0"
) -> bytes:
    cells = b"".join(struct.pack("!i", -1) if p is None else struct.pack("!i", len(p)) + p for p in parameters)
    body = portal.encode() + b"\0" + statement.encode() + b"\0\0\0" + struct.pack("!h", len(parameters)) + cells
    return message("B", body + formats)


def describe(sort: str = "P", name: str = "") -> bytes:
    return message("D", sort.encode() + name.encode() + b"\0")


def execute(portal: str = "", limit: int = 0) -> bytes:
    return message("E", portal.encode() + b"\0" + struct.pack("!i", limit))


def close(sort: str = "S", name: str = "") -> bytes:
    return message("C", sort.encode() + name.encode() + b"\0")


SYNC = message("S")
FLUSH = message("H")
POISON = message("P", b"\0)sallyport_denied\0\0\0")

# --- what servers send

PARSED, BOUND, CLOSED, NO_DATA = message("1"), message("2"), message("3"), message("n")


def ready(status: str = "I") -> bytes:
    return message("Z", status.encode())


def tag(text: str) -> bytes:
    return message("C", text.encode() + b"\0")


def described(*names: str, relation: int = 0, number: int = 0, type_oid: int = 25, format: int = 0) -> bytes:
    fields = b"".join(
        name.encode() + b"\0" + struct.pack("!IhIhih", relation, number, type_oid, -1, -1, format) for name in names
    )
    return message("T", struct.pack("!h", len(names)) + fields)


def row(*cells: str | None) -> bytes:
    body = b"".join(
        struct.pack("!i", -1) if cell is None else struct.pack("!i", len(cell.encode())) + cell.encode()
        for cell in cells
    )
    return message("D", struct.pack("!h", len(cells)) + body)


def fields(kind: str, **values: str) -> bytes:
    return message(kind, b"".join(name.encode() + value.encode() + b"\0" for name, value in values.items()) + b"\0")


def error(code: str, text: str = "server's words", **more: str) -> bytes:
    return fields("E", S="ERROR", V="ERROR", C=code, M=text, **more)


def standing(path: str = '["pg_catalog","public"]', role: str = "app", status: str = "I") -> bytes:
    """The server's answer to the gateway's own question about path and role."""
    return PARSED + BOUND + row(path, role, role) + tag("SELECT 1") + CLOSED + CLOSED + ready(status)


def split(data: bytes) -> list[tuple[str, bytes]]:
    """Messages as (type, body)."""
    found = []
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("!I", data, at + 1)
        found.append((chr(data[at]), data[at + 5 : at + 1 + length]))
        at += 1 + length
    assert at == len(data)
    return found


def kinds(data: bytes) -> str:
    return "".join(kind for kind, _ in split(data))


def errors(data: bytes) -> list[dict[str, str]]:
    """The fields of the errors in a stream."""
    return [
        {part[:1].decode(): part[1:].decode() for part in body[:-2].split(b"\0")}
        for kind, body in split(data)
        if kind == "E"
    ]


@contextmanager
def read_or_refused() -> Iterator[None]:
    """Hostile bytes are read, or refused with the one error there is for them."""
    try:
        yield
    except PeerProtocolError as refusal:
        if refusal.code != "08P01":
            raise


# --- answers of the gate


def tree(kind: str = "select", effect: CommandEffect = CommandEffect.READ, **more: object) -> ParsedCommand:
    operations = (Operation(kind, effect, ("top",)),)
    return ParsedCommand.of(Command("postgres", "", "", operations, complete=True, **more))


def allow(*obligations: Obligation, command: ParsedCommand | None = None) -> Answer:
    return Answer(Decision(Verdict.ALLOW, None, obligations=obligations), "d-allow", command=command or tree())


def deny(reason: str = "because") -> Answer:
    return Answer(Decision(Verdict.DENY, DenyKind.RULE, (Reason("p/R", "deny", "R", reason, hint="ask"),)), "d-deny")


def hold(ticket: str = "T-1") -> Answer:
    held = Hold(({"groups": ["dba"]},), 60, ("p/H",))
    reason = Reason("p/H", "hold", "H", "somebody looks first")
    return Answer(
        Decision(Verdict.HOLD, None, (reason,), hold=held), "d-hold", ticket, "https://gate.example/T-1", tree()
    )


def mask(
    *items: MaskItem, outputs: tuple[Output, ...] = (Output("c", ("public.t.c",), proven=True),), kind: str = "select"
) -> Answer:
    plan = items or (MaskItem(0, ("public.t.c",), "redact"),)
    sql = Sql(outputs=outputs, outputs_proven=True)
    return Answer(Decision(Verdict.MASK, None, mask_plan=plan), "d-mask", command=tree(kind, sql=sql))


# --- a session


@dataclass
class Known:
    """Names that are known: `origins` by relation and number."""

    origins: dict[tuple[int, int], str] = field(default_factory=dict)
    is_known: bool = True
    handles: list[tuple[tuple[str, ...], dict[str, str]]] = field(default_factory=list)
    cursors: list[dict[str, str]] = field(default_factory=list)
    checked: frozenset[int] = frozenset()
    version: str | None = "first"

    @property
    def current(self) -> object | None:
        return self if self.is_known else None

    def handle(
        self, search_path: tuple[str, ...], prepared: Mapping[str, str], cursors: Mapping[str, str]
    ) -> object | None:
        self.handles.append((search_path, dict(prepared)))
        self.cursors.append(dict(cursors))
        if not self.is_known:
            return None
        return "".join(f"{name}:{text}" for name, text in cursors.items()) or "handle"

    def origin_of(self, relation: int, number: int) -> str | None:
        return self.origins.get((relation, number))

    def shape_of(self, type_oid: int) -> Shape:
        return type_oid

    def is_checked(self, type_oid: int) -> bool:
        return type_oid in self.checked


def settings(**more: object) -> Settings:
    given: dict[str, object] = {
        "proof": ClientProof.TOKEN,
        "cancel_key": KEY,
        "server_nonce": b"serverNonce",
        "client_nonce": b"clientNonce",
        "own_name": OWN,
        "tls_required": False,
    }
    return Settings(**{**given, **more})


VERIFIER = make_verifier(b"pencil", b"0123456789abcdef", 4096)
TARGET = Target("db.example", 5432, "app", "s3cret", "main", tls=False)


@dataclass
class SignedIn(Playbook):
    """A session that is ready, with its standing known; `gate` says what is answered to each question."""

    meanings: Meanings | None = None
    given: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(PostgresSession(settings(**self.given), lambda target: self.meanings))
        sign_in(self)

    def answer(self, answer: Answer) -> Self:
        """The gate answers the question that was just asked."""
        asked = self.take(do.Ask)
        self.saw(saw.Decided(asked.ticket, answer))
        return self

    def learn(self) -> Self:
        """The first question makes the gateway read the catalog and ask where it stands; the server answers."""
        if self.meanings is not None:
            self.take(do.RefreshFacts)
            self.saw(saw.FactsRefreshed())
        return self.stand()

    def stand(self) -> Self:
        """It is asked where it stands; the server answers."""
        assert kinds(self.sent(Side.UPSTREAM)) == "PBECCS"
        self.upstream(standing())
        return self


def sign_in(play: Playbook) -> None:
    """Token inside TLS, a target that trusts us."""
    play.client(packet(struct.pack("!I", 80877103))).saw(saw.TlsStarted(Side.CLIENT))
    play.client(startup(user="ann", database="orders", application_name="tests"))
    play.client(message("p", b"token\0")).saw(saw.TokenChecked(True)).saw(saw.Admitted("s-1", TARGET))
    play.saw(saw.UpstreamOpened(False))
    play.upstream(
        message("R", bytes(4)) + message("S", b"server_version\00015\0") + message("K", b"pid!key!") + ready()
    )
    play.wishes.clear()
