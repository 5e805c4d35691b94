"""The session is a file of one person's alone, and its token goes to its gateway and nowhere else."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.cli.session import Session, asked, call, forget, keep, kept, session_file
from gateway.errors import ConfigInvalid, IdentityRefused

SESSION = Session("https://gateway.test", "alice", "https://issuer.test", 1, "the token")


def test_it_lies_where_the_desktop_says() -> None:
    assert session_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/sallyport/session.json")
    for environment in ({}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "relative"}):
        assert session_file(environment) == Path("~/.config/sallyport/session.json").expanduser()


def test_it_is_kept_for_its_owner_alone_and_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "a" / "session.json"
    for _ in range(2):
        keep(SESSION, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["session.json"]
    assert kept(file) == SESSION
    assert "the token" not in repr(SESSION)
    assert forget(file)
    assert not forget(file)
    with pytest.raises(IdentityRefused) as caught:
        kept(file)
    assert caught.value.code == "NO_SESSION"


def test_a_file_that_others_may_read_or_that_is_none_is_no_session(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    keep(SESSION, file)
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(ConfigInvalid):
            kept(file)
    file.chmod(0o600)
    file.write_text("{}")
    with pytest.raises(ConfigInvalid):
        kept(file)
    for wrong in (tmp_path, tmp_path / "session.json" / "x"):
        with pytest.raises(ConfigInvalid):
            kept(wrong)
    with pytest.raises(ConfigInvalid):
        forget(tmp_path)
    with pytest.raises(ConfigInvalid):
        keep(SESSION, file / "x" / "session.json")


@contextmanager
def gateway(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, str, str | None]]]]:
    seen: list[tuple[str, str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.command, self.path, self.headers["Authorization"]))
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_gateway_is_asked_with_the_token_and_nobody_is_followed() -> None:
    with gateway(200, b'{"a": 1}') as (url, seen):
        session = Session(url, "alice", "i", 1, "the token")
        assert asked(session, "/x") == {"a": 1}
        assert asked(session, "/x", {"b": 2}) == {"a": 1}
        assert call(url, "/x").document == {"a": 1}
    assert seen == [("GET", "/x", "Bearer the token"), ("POST", "/x", "Bearer the token"), ("GET", "/x", None)]
    with gateway(302, b"{}") as (url, _), pytest.raises(IdentityRefused):
        asked(Session(url, "alice", "i", 1, "t"), "/x")


def test_what_the_gateway_says_is_said() -> None:
    with gateway(401, b'{"code": "TOKEN_EXPIRED", "message": "the token has expired"}') as (url, _):
        with pytest.raises(IdentityRefused) as caught:
            asked(Session(url, "alice", "i", 1, "t"), "/x")
        assert (caught.value.code, str(caught.value)) == ("TOKEN_EXPIRED", "the token has expired")
        assert "login" in caught.value.help
    with gateway(500, b"[]") as (url, _), pytest.raises(IdentityRefused) as caught:
        asked(Session(url, "alice", "i", 1, "t"), "/x")
    assert str(caught.value) == "the gateway answered 500"


@pytest.mark.parametrize("url", ["", "gateway.test", "http://gateway.test", "file:///etc/passwd", "https://u@x"])
def test_a_token_goes_nowhere_where_others_could_read_it(url: str) -> None:
    with pytest.raises(IdentityRefused) as caught:
        call(url, "/x", token="t")
    assert caught.value.code == "GATEWAY_URL"


def test_a_gateway_that_is_not_there_or_speaks_nonsense_is_one_error() -> None:
    with pytest.raises(IdentityRefused) as caught:
        call("http://127.0.0.1:1", "/x", token="hush")
    assert caught.value.code == "GATEWAY_UNREACHABLE"
    assert "hush" not in str(caught.value)
    with gateway(200, b"<html>") as (url, _), pytest.raises(IdentityRefused):
        call(url, "/x")
    with pytest.raises(IdentityRefused):
        call("https://127.0.0.1:1", "/x", ca_file="/nowhere.pem")
