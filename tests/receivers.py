"""Small receivers of exported events for tests: an HTTP server that answers as it is told, a syslog server over TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

Answer = tuple[int, bytes]


@dataclass
class Posted:
    """What came: bodies with their headers, in order."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def http_receiver(
    answer: Callable[[bytes], Answer] = lambda body: (200, b""),
    tls: ssl.SSLContext | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Posted]:
    """A server on loopback. What `answer` gives a success is noted down; the rest never came."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, told = answer(body)
            if 200 <= status < 300:
                posted.bodies.append(body)
                posted.headers.append(dict(self.headers.items()))
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme, host = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
    posted = Posted(f"{scheme}://{host}:{server.server_address[1]}/in")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class SyslogReceiver:
    """A receiver of octet-counted messages over TLS. `messages` is complete once `stop` returns."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.messages: list[bytes] = []
        self.farewells = 0
        self.has_some = threading.Event()
        """Set with the first message."""
        self._all: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._read, args=(raw,))
            self._threads.append(thread)
            self._all.append(raw)
            thread.start()

    def _read(self, raw: socket.socket) -> None:
        data = b""
        with suppress(OSError, ssl.SSLError), self._context.wrap_socket(raw, server_side=True) as connection:
            self._all.append(connection)
            while piece := connection.recv(65536):
                data += piece
                while (space := data.find(b" ")) > 0 and len(data) >= space + 1 + int(data[:space]):
                    end = space + 1 + int(data[:space])
                    self.messages.append(data[space + 1 : end])
                    self.has_some.set()
                    data = data[end:]
            self.farewells += 1

    def cut(self) -> None:
        """End every connection without a word."""
        for each in self._all:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Take nothing new; returns when all that came is in `messages`."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
