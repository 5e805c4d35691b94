"""HTTP/2 for tests: a gateway whose listener speaks TLS, and a client that can say anything, frame by frame."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import H2Error

from gateway.demo.certificates import loopback_certificate
from tests.interop.http.running import POLICY, Running, gateway_before

Pairs = Sequence[tuple[str | bytes, str | bytes]]


@contextmanager
def secured_gateway(
    folder: Path,
    address: str,
    *,
    extra: str = "",
    policy: str = POLICY,
    resource: str = "",
    more: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A gateway before the target at an address, whose clients come over TLS; the certificate is `gateway.crt`."""
    made = loopback_certificate(datetime.datetime.now(datetime.UTC))
    (folder / "gateway.crt").write_bytes(made.certificate)
    (folder / "gateway.key").write_bytes(made.key)
    files = f'[listener.tls]\ncertificate = "{folder}/gateway.crt"\nkey = "{folder}/gateway.key"'
    (folder / "way").mkdir()
    with gateway_before(
        folder / "way", address, listener=f"{extra}\n{files}", policy=policy, resource=resource, more=more
    ) as running:
        yield running


@dataclass(slots=True)
class Got:
    """What came on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    is_ended: bool = False
    reset: int | None = None
    interim: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", "0"))


class Client:
    """A client that checks nothing of what it sends."""

    def __init__(self, running: Running, *, tls: bool = True, alpn: Sequence[str] = ("h2",)) -> None:
        plain = socket.create_connection(("127.0.0.1", running.port), timeout=30)
        self.running = running
        self.socket: socket.socket = plain
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(list(alpn))
            self.socket = context.wrap_socket(plain)
        self.scheme = "https" if tls else "http"
        self.h2 = H2Connection(
            H2Configuration(
                client_side=True,
                header_encoding="latin-1",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=True,
            )
        )
        self.h2.initiate_connection()
        self.streams: dict[int, Got] = {}
        self.goaway: int | None = None
        self.is_closed = False
        self.grants = True
        self.flush()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *why: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.raw(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError:
            self.is_closed = True

    def fields(self, method: str, path: str, *more: tuple[str, str], bears: bool = True) -> list[tuple[str, str]]:
        made = [(":method", method), (":scheme", self.scheme), (":authority", "shop"), (":path", path)]
        made += [("authorization", f"Bearer {self.running.token}")] if bears else []
        return [*made, *more]

    def begin(self, fields: Pairs, *, end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.streams[stream] = Got()
        self.h2.send_headers(stream, [(_bytes(name), _bytes(value)) for name, value in fields], end_stream=end)
        self.flush()
        return stream

    def ask(self, method: str, path: str, *more: tuple[str, str], body: bytes | None = None) -> Got:
        """A request, and its whole answer."""
        stream = self.begin(self.fields(method, path, *more), end=body is None)
        if body is not None:
            self.data(stream, body, end=True)
        return self.wait(stream)

    def data(self, stream: int, data: bytes, *, end: bool = False) -> None:
        with contextlib.suppress(H2Error):
            while data:
                while not (room := min(self.h2.local_flow_control_window(stream), 16384)):
                    if not self.turn() or self.streams[stream].reset is not None:
                        return
                piece, data = data[:room], data[room:]
                self.h2.send_data(stream, piece, end_stream=end and not data)
                self.flush()
                end = end and bool(data)
            if end:
                self.h2.end_stream(stream)
                self.flush()

    def wait(self, stream: int, *, until: int | None = None) -> Got:
        """What came on a stream, when it has ended (or so many bytes are there)."""
        got = self.streams[stream]
        while not got.is_ended and got.reset is None and (until is None or len(got.body) < until):
            if not self.turn():
                break
        return got

    def turn(self) -> bool:
        """Read once; False when there is nothing more."""
        if self.is_closed:
            return False
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            raise AssertionError("nothing came in time") from None
        except OSError:
            data = b""
        if not data:
            self.is_closed = True
            return False
        try:
            for event in self.h2.receive_data(data):
                self._take(event)
        except H2Error:
            self.is_closed = True
        if not self.is_closed:
            self.flush()
        return True

    def _take(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                self.streams[event.stream_id].headers = {str(k): str(v) for k, v in event.headers}
            case InformationalResponseReceived():
                self.streams[event.stream_id].interim.append(str(dict(event.headers)[":status"]))
            case DataReceived():
                self.streams[event.stream_id].body += event.data
                if self.grants:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self.streams[event.stream_id].is_ended = True
            case StreamReset():
                self.streams[event.stream_id].reset = int(event.error_code)
            case ConnectionTerminated():
                self.goaway = int(event.error_code)
            case _:
                pass


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
