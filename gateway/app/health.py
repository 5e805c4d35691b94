"""The operator's little HTTP server: `/metrics` for Prometheus, `/healthz` (the process lives), `/readyz` (it can decide, and by which policies).

docs/openapi/health.yaml describes them. Plain HTTP without authentication: bind it where only monitoring can reach it. It tells numbers and codes, no commands.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import msgspec

from gateway.errors import ConfigInvalid

SOCKET_SECONDS = 10.0
"""How long a connection may take to say what it wants."""


class HealthServer:
    """Serves on a thread of its own until `close`."""

    def __init__(
        self,
        host: str,
        port: int,
        metrics: Callable[[], bytes],
        troubles: Callable[[], Sequence[str]],
        policies: Callable[[], Mapping[str, object]] = dict,
        not_reloaded: Callable[[], Sequence[str]] = list,
    ) -> None:
        """`troubles` says why no decision can be had at the moment, `policies` how these stand, `not_reloaded` what of the
        configuration is older than what was asked for last.

        Raises ConfigInvalid when the address cannot be had.
        """

        class Handler(_Handler):
            answers: ClassVar = {
                "/metrics": lambda: (HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", metrics()),
                "/healthz": lambda: (HTTPStatus.OK, "text/plain", b"alive\n"),
                "/readyz": lambda: _readiness(troubles(), policies(), not_reloaded()),
            }

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise ConfigInvalid(
                f"`{host}:{port}` cannot be listened on ({error.strerror})", help="is the port taken, or not ours?"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port really bound."""
        return self._server.server_port

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _readiness(
    troubles: Sequence[str], policies: Mapping[str, object], not_reloaded: Sequence[str]
) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
    said = {"ready": not troubles, "troubles": list(troubles), "policies": policies, "not_reloaded": list(not_reloaded)}
    return status, "application/json", msgspec.json.encode(said)


class _Handler(BaseHTTPRequestHandler):
    timeout = SOCKET_SECONDS
    server_version = "sallyport"
    sys_version = ""
    answers: ClassVar[dict[str, Callable[[], tuple[HTTPStatus, str, bytes]]]] = {}

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        answer = self.answers.get(self.path.partition("?")[0])
        self._say(*(answer() if answer else (HTTPStatus.NOT_FOUND, "text/plain", b"not here\n")))

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what cannot be read, and every other method, without a word of what was sent."""
        # WHY: an unknown method is the client's mistake, and the server of the library would answer 501.
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.close_connection = True
        self._say(status, "text/plain", f"{status.phrase.lower()}\n".encode())

    def _say(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: monitoring asks every few seconds."""
