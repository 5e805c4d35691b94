"""What is asked of hostile bytes in Python's readers: each target is a plain function that raises where the answer is wrong.

`test_seeds.py` runs them over the seeds that are checked in; `guided.py` hands them to atheris, which looks for bytes that
reach new code. The core's own targets are in `engine/native/tests/targets/mod.rs`. A new parser gets a function and seeds.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa

from adapters.core.carried import Done, Heard
from adapters.core.events import BytesReceived, Side
from adapters.errors import PeerProtocolError
from adapters.http.hello import MAX_HELLO, server_name
from adapters.mcp.masking import Hiding
from adapters.mcp.messages import of_events
from adapters.mcp.messages import read as read_message
from adapters.postgres.messages import authentication, notices, query, results, startup
from adapters.postgres.messages.frames import Back
from adapters.web.bodies import Body, Chunked, Sized
from adapters.web.csv_masks import CsvMasker
from adapters.web.event_masks import EventMasker
from adapters.web.events import Events
from adapters.web.http2.frames import PREFACE
from adapters.web.http2.inward import Inward, Limits
from adapters.web.http2.outward import Outward
from adapters.web.json_masks import JsonMasker, PathMask
from adapters.web.requests import HeadReader
from adapters.web.responses import AnswerData, AnswerEnd, AnswerHead, AnswerPart, AnswerReader
from adapters.web.session.manners import Plan
from adapters.web.websocket import handshake
from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.documents.yaml_text import read_yaml
from engine.command.http import kinds as http_kinds
from engine.command.http import wire
from engine.command.http.openapi import RouteTable, compile_openapi
from engine.command.http.parse import parse_http
from engine.command.http.path import canonical_path, canonical_query, parse_query
from engine.command.http.url import parse_url
from engine.command.http.wire import body_length, read_request
from engine.command.kubernetes import kinds as kubernetes_kinds
from engine.command.kubernetes.parse import parse_kubernetes
from engine.command.mcp import kinds as mcp_kinds
from engine.command.mcp.parse import parse_mcp
from engine.command.python import kinds as python_kinds
from engine.command.python.parse import parse_python
from engine.command.shell import kinds as shell_kinds
from engine.command.sql import kinds as sql_kinds
from engine.command.tree import Command
from engine.compiler.stages import compile_policies
from engine.dsl.parser import parse
from engine.dsl.printer import print_file
from engine.errors import PolicyRefused
from engine.masking.output import ValueMask
from engine.masking.paths import parse_path
from engine.masking.transforms import Method
from engine.source import Source
from gateway.errors import IdentityRefused, RecordingBroken
from gateway.identity.oidc.claims import identity_of
from gateway.identity.oidc.keys import read_keys
from gateway.identity.oidc.login import local_path
from gateway.identity.oidc.metadata import read_metadata
from gateway.identity.oidc.settings import IssuerSettings
from gateway.identity.signed import Algorithm, PublicKey, Signed, encoded, fits, is_signed_by, read_signed
from gateway.policy_store.archive import ArchiveRefused, read_archive, write_archive
from gateway.policy_store.bundle import MAGIC, BundleRefused, unpack
from gateway.recording.frames import open_chunk, read_chunks, read_head
from gateway.recording.lines import COMMAND, TERMINAL, read_events
from gateway.recording.showing import Neutralizer
from tests.strategies.http_sessions import ALLOW
from tests.strategies.web_sockets import BY_PATH, BY_VALUE, masking, switched

ROOT: Final = Path(__file__).parents[2]
SEEDS: Final = Path(__file__).parent / "seeds"
KINDS: Final = {
    "http": http_kinds.KIND_NAMES,
    "kubernetes": kubernetes_kinds.KIND_NAMES,
    "mcp": mcp_kinds.KIND_NAMES,
    "python": python_kinds.KIND_NAMES | shell_kinds.KIND_NAMES | sql_kinds.KIND_NAMES,
}


def gate(data: bytes) -> None:
    """A `.gate` file is read or every mistake is named; what is read is printed, read and printed the same."""
    source = Source("x.gate", data.decode("utf-8", "replace"))
    found = parse(source)
    assert found.file is not None or found.diagnostics
    if found.file is not None and not found.diagnostics:
        printed = print_file(found.file)
        again = parse(Source("x.gate", printed))
        assert again.file is not None, printed
        assert not again.diagnostics, printed
        assert print_file(again.file) == printed
    with contextlib.suppress(PolicyRefused):
        compile_policies([source])


def documents(data: bytes) -> None:
    """JSON and YAML are read or refused; JSON that is read is what the standard library reads."""
    with contextlib.suppress(Refused):
        # As text: NaN is no value here, and 1 is not 1.0.
        assert repr(read_json(data)) == repr(json.loads(data.decode("utf-8")))
    with contextlib.suppress(Refused):
        for one in read_yaml(data):
            json.dumps(one, default=_no_value)


def recordings(data: bytes) -> None:
    """A file is a recording as far as its chunks are whole, or one error; lines are events or a ValueError; nothing that is shown
    has a control character in it but those that draw."""
    with contextlib.suppress(RecordingBroken):
        file = io.BytesIO(data)
        opened = read_head(file)
        for chunk in read_chunks(file, opened):
            open_chunk(chunk, opened, b"k" * 32)
    for shape in (COMMAND, TERMINAL):
        with contextlib.suppress(ValueError):
            list(read_events(iter(data.splitlines()), shape))
    shown = Neutralizer().clean(data.decode("utf-8", "replace"))
    assert not re.search(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]", shown)
    assert not re.search(r"\x1b(?![\[(78DEM])|\x1b\[[0-9;?>]*[nctipq]", shown)


def _no_value(value: object) -> Value:
    raise AssertionError(value)


def sound(command: Command, raw: bytes) -> None:
    assert command.operations, raw
    assert command.complete or command.problems or command.features, raw
    assert {one.kind for one in command.operations} <= KINDS[command.protocol], raw
    if command.http is not None and command.http.path not in ("", "*"):
        assert canonical_path(command.http.path) == command.http.path, raw


@cache
def routes() -> RouteTable:
    paths = {"/{a}-{b}/{c}": {"get": {}, "post": {"operationId": "x"}}, "/a/b": {"delete": {}}}
    return compile_openapi({"paths": paths})


def http(data: bytes) -> None:
    """A request as it stands on the wire ends in a tree, with and without an OpenAPI document, and as the API server's."""
    with contextlib.suppress(Refused):
        request = read_request(data)
        assert request.method.isascii()
        assert len(request.body) <= len(data)
    sound(parse_http(data, routes()).command, data)
    sound(parse_kubernetes(data).command, data)


def bodies(data: bytes) -> None:
    """A request made around `METHOD TARGET`, a content type and a body, a line each, ends in a tree in both languages."""
    line, _, rest = data.partition(b"\n")
    kind, _, body = rest.partition(b"\n")
    head = [line + b" HTTP/1.1", b"Host: api.test", b"Content-Type: " + kind, b"Content-Length: %d" % len(body)]
    http(b"\r\n".join([*head, b"", body]))


def kubectl(data: bytes) -> None:
    """A command line ends in a tree, and in the same one each time."""
    made = parse_kubernetes(data).command
    sound(made, data)
    assert parse_kubernetes(data).command == made


def python(data: bytes) -> None:
    """A program ends in a tree, in the same one each time, and each of its calls is counted in one operation."""
    parsed = parse_python(data)
    made = parsed.command
    sound(made, data)
    assert parse_python(data).encoded == parsed.encoded
    assert all(0 <= one.span[0] <= one.span[1] <= len(data) for one in made.operations)
    codes = {problem.code for problem in made.problems}
    if (
        made.operations[0].kind == "unknown"
        or codes & {"too_many_operations", "notebook_line"}
        or "notebook" in made.features
    ):
        return
    calls = sum(isinstance(node, ast.Call) for node in ast.walk(ast.parse(data.decode().removeprefix("\ufeff"))))
    counted = (one.python.calls for one in made.operations if one.python is not None and "code" not in one.via)
    assert sum(counted) == calls


def mcp(data: bytes) -> None:
    """A message of a client ends in a tree; of a server's, in JSON or events wherever they are cut, nothing masked is shown."""
    command = parse_mcp(data).command
    sound(command, data)
    hiding = Hiding(Plan(tuple(MASKS), values=(ValueMask(frozenset({"pii.email"}), Method.REDACT),)), "call_tool")
    found = []
    for size in (1, 7, len(data) + 1):
        events, shown, sse = Events(), [], EventMasker(MASKS)
        for at in range(0, len(data), size):
            shown += of_events(events.feed(data[at : at + size]))
            with contextlib.suppress(PeerProtocolError):
                sse.feed(data[at : at + size])
        found.append(shown)
    assert found[0] == found[1] == found[2]
    for raw in (data, *found[0]):
        with contextlib.suppress(PeerProtocolError):
            document = read_message(raw)
            shown_result = json.dumps(hiding.result(document.get("result")))
            assert "ana@example.org" not in shown_result
            json.dumps(hiding.notification(document))
            json.dumps(hiding.error(document.get("error")))


def url(data: bytes) -> None:
    """URLs, paths and queries: the one spelling of something is its own one spelling."""
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(Refused):
        href = parse_url(text, parse_url("http://a.test/b/c?d#e")).href
        assert parse_url(href).href == href
    with contextlib.suppress(Refused):
        path = canonical_path(text)
        assert canonical_path(path) == path
    with contextlib.suppress(Refused):
        written = canonical_query(text)
        assert canonical_query(written) == written
        assert parse_query(written) == parse_query(text)


MASKS: Final = [
    PathMask(parse_path(path), method)
    for path, method in (("$.a", Method.REDACT), ("$.b[*].c", Method.NULL), ("$..d", Method.REDACT))
]


def tables(data: bytes) -> None:
    """A table is masked the same wherever it is cut, or refused; no cell under a masked name is shown as it was."""
    found = []
    for size in (1, 7, len(data) + 1):
        masker, made = CsvMasker(MASKS), b""
        try:
            for at in range(0, len(data), size):
                made += masker.feed(data[at : at + size])
            found.append(made + masker.end())
        except PeerProtocolError:
            found.append(b"")
    assert found[0] == found[1] == found[2]
    rows = list(csv.reader(io.StringIO(found[0].decode(), newline=""), strict=True)) if found[0] else []
    masked = [at for at, name in enumerate(rows[0]) if name.strip() == "a"] if rows else []
    assert {row[at] for row in rows[1:] if row for at in masked} <= {"", "[redacted]"}


def _answer(pieces: list[bytes]) -> tuple[list[AnswerHead], bytes, bool] | None:
    reader, parts = AnswerReader("GET"), list[AnswerPart]()
    try:
        for piece in pieces:
            parts += reader.feed(piece)
        parts += reader.end()
    except PeerProtocolError:
        return None
    body = b"".join(part.data for part in parts if isinstance(part, AnswerData))
    return [part for part in parts if isinstance(part, AnswerHead)], body, isinstance(parts[-1], AnswerEnd)


def _masked(pieces: list[bytes], *, by_tokens: bool = False) -> bytes | None:
    masker = JsonMasker(MASKS)
    if by_tokens:
        masker._core, masker._is_awaited = None, False
    try:
        return b"".join([*(masker.feed(piece) for piece in pieces), masker.end()])
    except PeerProtocolError:
        return None


def answers(data: bytes) -> None:
    """An answer on the wire, and JSON to be masked: in pieces the same as whole, in the core as token by token; what is left is JSON."""
    cut = data[0] % (len(data) + 1) if data else 0
    pieces = [piece for piece in (data[:cut], data[cut:]) if piece]
    assert _answer(pieces) == _answer([data] if data else [])
    whole = _masked([data])
    assert _masked(pieces) == whole
    assert _masked([data], by_tokens=True) == whole
    if whole is not None:
        json.loads(whole)


def http2(data: bytes) -> None:
    """Frames of HTTP/2: in pieces the same as whole; what a session is handed is one request, as far as it goes, and nothing behind it
    but the messages of a WebSocket."""
    cut = data[0] % (len(data) + 1) if data else 0
    whole = _streams([data])
    assert _streams([data[:cut], data[cut:]]) == whole
    for said in whole[0].values():
        reader = HeadReader()
        reader.feed(said)
        head = reader.take()
        if head is not None and not handshake.is_asked(head):
            length = body_length(head)
            body: Body = Chunked(is_strict=True, reads_trailers=True) if length is None else Sized(length)
            body.feed(reader.take_rest())
            assert body.rest == b""


def http2_target(data: bytes) -> None:
    """Frames of a target: in pieces the same as whole; what each session hears is an answer, as far as it goes, and one that is said to be whole is."""
    cut = data[0] % (len(data) + 1) if data else 0
    whole = _answers([data])
    assert _answers([data[:cut], data[cut:]]) == whole
    for number, said in whole[0].items():
        reader = AnswerReader("GET" if number == 1 else "POST")
        with contextlib.suppress(PeerProtocolError):
            reader.feed(said)
            assert reader.is_done == (Done(number) in whole[1])


def _answers(pieces: list[bytes]) -> tuple[dict[int, bytes], list[object], bool]:
    """What each of two requests' sessions would hear, what else happened, whether the connection is over."""
    made = Outward(is_tls=True)
    made.begin(0.0)
    made.receive(bytes(3) + b"\x04" + bytes(5), 0.0)
    for words in (b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nok"):
        made.answer(made.open(), words)
    while made.wants_sending:
        assert made.send(1 << 20, 0.0)
    for piece in pieces:
        made.receive(piece, 0.0)
    happened = made.happened()
    while made.wants_sending:
        assert made.send(1 << 20, 0.0)
    heard: dict[int, bytes] = {}
    for one in happened:
        if isinstance(one, Heard):
            heard[one.stream] = heard.get(one.stream, b"") + one.data
    return heard, [one for one in happened if not isinstance(one, Heard)], made.is_over


def _streams(pieces: list[bytes]) -> tuple[dict[int, bytes], list[object], bool]:
    """What each stream's session would hear, what else happened, whether the connection is over."""
    refused: list[str] = []

    def refusal(why: Refused, shown: bytes) -> bytes:
        refused.append(why.code)
        return b"HTTP/1.1 400 no\r\ncontent-length: 2\r\n\r\nno"

    def check(head: bytes) -> None:
        body_length(wire.read_head(head.removesuffix(b"\r\n\r\n")))

    made = Inward(is_tls=True, check=check, refusal=refusal, limits=Limits(), takes_websockets=True)
    made.begin(0.0)
    for piece in (PREFACE + bytes(3) + b"\x04" + bytes(5), *pieces):
        made.receive(piece, 0.0)
    happened = made.happened()
    while made.wants_sending:
        assert made.send(1 << 20, 0.0)
    heard: dict[int, bytes] = {}
    for one in happened:
        if isinstance(one, Heard):
            heard[one.stream] = heard.get(one.stream, b"") + one.data
    return heard, [*refused, *(one for one in happened if not isinstance(one, Heard))], made.is_over


DECODERS: Final[tuple[Callable[[bytes], object], ...]] = (
    *(query.decode_query, query.decode_parse, query.decode_bind, query.decode_execute, query.decode_named),
    *(results.decode_row_description, results.decode_data_row, results.decode_status),
    *(authentication.decode_password, authentication.decode_sasl_initial, authentication.decode_request),
    *(authentication.decode_mechanisms, notices.decode_fields, notices.code_of),
)


def frames(data: bytes) -> None:
    """Bodies of PostgreSQL's messages are read or refused; what is made of an error can be read."""
    for decode in DECODERS:
        with contextlib.suppress(PeerProtocolError):
            decode(data)
    with contextlib.suppress(PeerProtocolError):
        query.decode_parameters(query.decode_bind(data).rest)
    with contextlib.suppress(PeerProtocolError):
        length = startup.packet_length(data)
        if length is not None and length <= len(data):
            startup.decode_packet(data[:length])
    with contextlib.suppress(PeerProtocolError):
        fields = notices.decode_fields(data)
        for made in (notices.redacted(Back.ERROR, data), notices.shifted(data, 7)):
            assert notices.decode_fields(made[5:]).get("C") == fields.get("C")


def bundle(data: bytes) -> None:
    """A bundle, and the archive in one, opens or is refused; what opens is written again as it was, but for its spelling."""
    with contextlib.suppress(BundleRefused, ArchiveRefused):
        unpack(data if data.startswith(MAGIC) else MAGIC + data, None)
    with contextlib.suppress(ArchiveRefused):
        files = read_archive(data)
        assert read_archive(write_archive(files.items())) == files


def websockets(data: bytes) -> None:
    """Frames of a client and of a target are carried or end the connection once; a client reads every byte it gets; pieces do not matter."""
    for item in (None, BY_PATH, BY_VALUE):
        for side in Side:
            seen = []
            for size in (len(data) or 1, 3):
                here = switched(lambda _, item=item: ALLOW if item is None else masking(item))  # type: ignore[misc]  # one item each
                for at in range(0, len(data), size):
                    here.house.saw(BytesReceived(side, data[at : at + size]))
                assert len(here.house.records) <= 1
                assert [opcode for opcode, _, _ in here.down].count(8) <= 1
                seen.append((here.down, here.up, here.house.records))
            assert seen[0] == seen[1]


def hello(data: bytes) -> None:
    """The first words of TLS have a name, or are waited for, or are none; what is waited for with more bytes never had one."""
    try:
        whole = server_name(data)
        before = server_name(data[:-1])
    except Refused:
        return
    assert whole is not None or len(data) <= MAX_HELLO
    assert before in (None, whole), "more bytes change no name"


def tokens(data: bytes) -> None:
    """A signed token, the keys and the papers of an issuer are read or refused; nothing is signed by a key that did not sign it."""
    text = data.decode("utf-8", "replace")
    read = read_signed(text)
    if isinstance(read, Signed):
        assert read.payload.decode() + "." + encoded(read.signature) == text
        assert not any(is_signed_by(read, key, read.algorithm) for key in _strangers())
        with contextlib.suppress(IdentityRefused):
            found = identity_of(read.claims, _ISSUER, _NOW, audiences=("sallyport",))
            assert found.expires_at > _NOW
            assert found.principal.isprintable()
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(text)
        for key in read_keys(document).keys:
            assert any(fits(key.key, one) for one in Algorithm)
        with contextlib.suppress(IdentityRefused):
            assert read_metadata(document, _ISSUER.issuer).jwks_uri.startswith("https://")
    path = local_path(text)
    assert path[:1] == "/"
    assert path[:2] != "//"
    assert "\\" not in path


_ISSUER: Final = IssuerSettings("fuzz", "https://issuer.test", audiences=("sallyport",))
_NOW: Final = 1_800_000_000_000_000_000


@cache
def _strangers() -> tuple[PublicKey, ...]:
    return (generate_rsa(65537, 2048).public_key(), Ed25519PrivateKey.generate().public_key())


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    made.__name__: made
    for made in (
        gate,
        documents,
        http,
        bodies,
        kubectl,
        mcp,
        python,
        url,
        answers,
        http2,
        http2_target,
        tables,
        frames,
        bundle,
        recordings,
        websockets,
        hello,
        tokens,
    )
}

_BYTE: Final = re.compile(rb"\\x([0-9a-f]{2})")


def seeds(name: str) -> list[bytes]:
    """The parts of a target's file of seeds: between lines of `====`, `\\xNN` is a byte."""
    raw = (SEEDS / f"{name}.txt").read_bytes().rstrip(b"\n")
    return [_BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), part) for part in raw.split(b"\n====\n")]
