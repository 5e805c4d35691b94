"""An issuer is asked plainly: no redirects, bounded answers, a client's secret only in its header."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.errors import IdentityRefused
from gateway.identity.oidc.fetching import MAX_ANSWER, Web


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def test_an_answer_is_its_status_and_its_document() -> None:
    with server(lambda handler: say(handler, 200, b'{"a": 1}')) as place:
        found = Web()(f"{place}/x?y=1")
    assert (found.status, found.document) == (200, {"a": 1})
    with server(lambda handler: say(handler, 400, b"<html>")) as place:
        found = Web()(place)
    assert (found.status, found.document) == (400, None)
    with server(lambda handler: say(handler, 200, b"[" * 100_000)) as place:
        assert Web()(place).document is None


def test_a_form_is_posted_and_a_secret_stands_in_its_header_only() -> None:
    seen: list[tuple[str, str, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.path, handler.headers["Authorization"], body))
        say(handler, 200, b"{}")

    with server(answer) as place:
        Web()(f"{place}/token", {"code": "a b"}, ("id", "s:/"))
    path, authorization, body = seen[0]
    assert (path, body) == ("/token", b"code=a+b")
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"id:s%3A%2F"


def test_nobody_is_followed_elsewhere() -> None:
    with server(lambda handler: say(handler, 302, b"", Location="http://127.0.0.1:1/")) as place:
        assert Web()(place).status == 302


def test_too_long_too_slow_and_not_there_are_one_error_without_the_question() -> None:
    with server(lambda handler: say(handler, 200, b" " * (MAX_ANSWER + 1))) as place, pytest.raises(IdentityRefused):
        Web()(place)
    ticks = iter(range(0, 1_000_000, 10))
    with server(lambda handler: say(handler, 200, b"{}")) as place, pytest.raises(IdentityRefused):
        Web(clock=lambda: float(next(ticks)))(place)
    with pytest.raises(IdentityRefused) as caught:
        Web()("http://127.0.0.1:1/token", {"code": "hush"})
    assert caught.value.code == "ISSUER_UNREACHABLE"
    assert "hush" not in str(caught.value)


def test_an_authority_that_is_no_file_is_the_same_error() -> None:
    from pathlib import Path

    with pytest.raises(IdentityRefused):
        Web(Path("/nowhere/ca.pem"))("https://127.0.0.1:1/")
