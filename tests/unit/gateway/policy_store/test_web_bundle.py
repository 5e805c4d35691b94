"""Asked for often, sent when new, bounded, never from elsewhere; the last accepted one outlives the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.errors import PolicyUnusable
from gateway.policy_store import web_bundle as module
from gateway.policy_store.bundle import pack
from gateway.policy_store.web_bundle import WebBundleOrigin


def bundle(text: str) -> bytes:
    return pack({"a.rego": text.encode()}, revision="r", sequence=1)


class Site:
    """A web server that answers what a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.body = bundle("one")
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                tag = f'"{hash(site.body)}"'
                known = self.headers["If-None-Match"]
                site.asked.append((self.path, known))
                status = 304 if known == tag and site.status == 200 else site.status
                self.send_response(status)
                if status != 304:
                    for name, value in {"ETag": tag, "Content-Length": str(len(site.body)), **site.headers}.items():
                        self.send_header(name, value)
                self.end_headers()
                if status != 304:
                    self.wfile.write(site.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/p/b.bundle?token=secret"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    opened = Site()
    yield opened
    opened.close()


@pytest.fixture
def make(site: Site, tmp_path: Path) -> Callable[[], WebBundleOrigin]:
    return lambda: WebBundleOrigin(site.url, None, tmp_path / "state" / "kept.bundle")


def text(origin: WebBundleOrigin) -> str:
    return origin.read().folder.sources[0].text


def test_the_same_bundle_is_sent_once(site: Site, make: Callable[[], WebBundleOrigin]) -> None:
    origin = make()
    assert text(origin) == "one"
    before = origin.look()
    assert origin.look() == before
    assert site.asked[0] == ("/p/b.bundle?token=secret", None)
    assert all(known is not None for _, known in site.asked[1:])
    site.body = bundle("two")
    assert origin.look() != before
    assert text(origin) == "two"


def test_a_server_without_etags_is_asked_for_all_of_it(site: Site, make: Callable[[], WebBundleOrigin]) -> None:
    origin = make()
    for tag in ("x" * 600, "caf\xe9\x01"):
        site.headers = {"ETag": tag}
        before = origin.look()
        assert origin.look() == before
        assert site.asked[-1][1] is None


def test_the_name_holds_no_secret(make: Callable[[], WebBundleOrigin]) -> None:
    assert make().name == "http://127.0.0.1/p/b.bundle"


@pytest.mark.parametrize("status", [204, 301, 302, 403, 404, 500])
def test_nothing_but_the_bundle_is_an_answer(site: Site, make: Callable[[], WebBundleOrigin], status: int) -> None:
    site.status, site.headers = status, {"Location": site.url}
    with pytest.raises(PolicyUnusable, match=str(status)):
        make().look()
    assert len(site.asked) == 1


def test_an_answer_without_end_is_cut(
    site: Site, make: Callable[[], WebBundleOrigin], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BUNDLE", 10)
    with pytest.raises(PolicyUnusable, match="too long"):
        make().look()


def test_a_slow_answer_is_given_up(site: Site, tmp_path: Path) -> None:
    times = iter([0.0, 100.0])
    origin = WebBundleOrigin(site.url, None, tmp_path / "kept", clock=lambda: next(times))
    with pytest.raises(PolicyUnusable, match="too slow"):
        origin.look()


def test_a_bundle_that_is_cut_off_is_none(site: Site, make: Callable[[], WebBundleOrigin]) -> None:
    site.headers = {"Content-Length": str(len(site.body) + 10), "Connection": "close"}
    with pytest.raises(PolicyUnusable):
        make().look()


def test_what_was_kept_outlives_the_server(site: Site, make: Callable[[], WebBundleOrigin], tmp_path: Path) -> None:
    origin = make()
    assert origin.kept() is None
    origin.read()
    assert make().kept() is None
    origin.keep()
    site.status = 500
    again = make()
    with pytest.raises(PolicyUnusable):
        again.read()
    found = again.kept()
    assert found is not None
    assert found.folder.sources[0].text == "one"
    (tmp_path / "state" / "kept.bundle").write_bytes(b"altered")
    with pytest.raises(PolicyUnusable):
        again.kept()


def test_a_server_that_is_away_is_told(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PolicyUnusable, match="cannot be had"):
        WebBundleOrigin("http://127.0.0.1:1/p", None, tmp_path / "kept").look()


def test_a_disk_that_takes_nothing_costs_only_the_kept_copy(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    origin = WebBundleOrigin(site.url, None, tmp_path / "file" / "kept")
    assert text(origin) == "one"
    origin.keep()
    assert origin.kept() is None


def test_tls_is_checked(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PolicyUnusable, match="cannot be had"):
        WebBundleOrigin(site.url.replace("http:", "https:"), None, tmp_path / "kept").look()
