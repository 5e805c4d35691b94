"""Real clients that are told of a proxy: curl, requests, git, aiohttp; allowed, masked, held, denied, tunnelled."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from aiohttp import ClientSession, WSServerHandshakeError

from tests.interop.http.proxied import Proxied, proxied
from tests.interop.http.test_tls import written
from tests.interop.http.web_sockets import WebTarget


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(tmp_path_factory.mktemp("proxy")) as made:
        yield made


@pytest.fixture(autouse=True)
def _forgets(proxy: Proxied) -> None:
    proxy.forget()


def session(proxy: Proxied) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.proxies = {"http": proxy.url, "https": proxy.url}
    made.verify = str(proxy.folder / "proxy.crt")
    return made


def test_a_request_with_a_whole_url_goes_to_its_host(proxy: Proxied) -> None:
    code, said = proxy.curl(proxy.http(path="/a?b=1"), "-H", "Authorization: Bearer theirs", "-H", "Cookie: a=b")
    assert (code, json.loads(said)["path"]) == (0, "/a?b=1")
    (seen,) = proxy.plain.seen
    assert seen.headers["authorization"] == "Bearer theirs"
    assert seen.headers["cookie"] == "a=b"
    assert not any(name.startswith(("proxy-", "via", "x-forwarded")) for name in seen.headers)
    assert proxy.running.token not in json.dumps(dict(seen.headers))
    asked = proxy.running.decisions()[-1]
    assert asked.text.startswith(f"GET {proxy.http(path='/a?b=1')} HTTP/1.1")
    assert "theirs" not in asked.text
    assert (asked.verdict, asked.principal) == ("allow", "ana")


def test_tls_is_opened_and_what_is_in_it_judged(proxy: Proxied) -> None:
    code, said = proxy.curl(proxy.https(path="/others"), proxy.https(path="/things"))
    assert code == 0, said
    assert proxy.secure.paths() == ["/things", "/others"]
    assert [entry.text.split()[1] for entry in proxy.running.decisions()[-2:]] == [
        proxy.https(path="/things"),
        proxy.https(path="/others"),
    ]
    code, said = proxy.curl(proxy.https(path="/things"), "-X", "DELETE", "-o", "-", "-w", "%{http_code}")
    assert said.endswith("403")
    assert proxy.curl(proxy.https(), trusts="web.crt")[0] in (35, 60), "it is the proxy's authority that signs"
    assert len(proxy.secure.seen) == 2


def test_cards_are_masked_in_clear_and_in_tls(proxy: Proxied) -> None:
    for url in (proxy.http(path="/cards"), proxy.https(path="/cards")):
        code, said = proxy.curl(url)
        assert code == 0, said
        assert json.loads(said)[0]["card"] == "[redacted]"


def test_requests_is_served_as_ever(proxy: Proxied) -> None:
    with session(proxy) as client:
        assert client.get(proxy.http(path="/a")).json()["path"] == "/a"
        assert client.get(proxy.https(path="/b")).json()["path"] == "/b"
        assert client.get(proxy.https(path="/cards")).json()[0]["card"] == "[redacted]"
        refused = client.post(proxy.https(path="/things"), json={})
        assert (refused.status_code, "decision" in refused.json()) == (403, True)
        moved = client.get(proxy.http(path="/moved"), allow_redirects=False)
        assert moved.headers["location"].startswith("http://169.254.")
        assert client.get(proxy.http(path="/moved")).status_code == 403, "where it leads is a request of its own"


def test_a_request_is_held(proxy: Proxied) -> None:
    done: list[int] = []
    with session(proxy) as client:
        waiting = threading.Thread(target=lambda: done.append(client.get(proxy.https(path="/orders")).status_code))
        waiting.start()
        ticket = proxy.running.ticket()
        assert proxy.seen() == []
        proxy.running.approve(ticket)
        waiting.join(20)
    assert done == [200]
    assert proxy.secure.paths() == ["/orders"]


def test_git_goes_through_it(proxy: Proxied, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    environment |= {"http_proxy": proxy.url, "https_proxy": proxy.url, "GIT_SSL_CAINFO": f"{proxy.folder}/proxy.crt"}
    done = subprocess.run(
        ["git", "ls-remote", proxy.https(path="/repo.git")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert proxy.seen(), done.stderr + proxy.running.entries()[-1].text
    assert proxy.secure.paths()[0] == "/repo.git/info/refs?service=git-upload-pack"


def test_who_nobody_knows_is_asked_for_a_token(proxy: Proxied) -> None:
    bare = f"http://127.0.0.1:{proxy.running.port}"
    for url in (proxy.http(), proxy.https()):
        for place in (bare, bare.replace("//", "//ana:wrong@")):
            _, said = proxy.curl(url, "-i", proxy=place)
            assert "407" in said
            assert "Basic" in said or url.startswith("https")
    assert proxy.seen() == proxy.looked_up == []
    _, said = proxy.curl(proxy.http(), "-i", "-H", f"Authorization: Bearer {proxy.running.token}", proxy=bare)
    assert "407" in said, "a token for the host is none for the proxy"


def test_a_tunnel_is_for_whom_a_rule_lets_through(proxy: Proxied) -> None:
    code, said = proxy.curl(proxy.https("pinned.test", "/x"), trusts="web.crt")
    assert code == 0, said
    assert proxy.secure.paths() == ["/x"]
    asked = proxy.running.decisions()[-1]
    assert asked.text.startswith(f"CONNECT pinned.test:{proxy.secure.port} ")
    assert proxy.running.outcome(asked.decision_id).bytes > 0


def test_without_an_authority_nothing_is_opened(tmp_path: Path) -> None:
    with proxied(tmp_path, opens=False) as closed:
        code, said = closed.curl(closed.https(), trusts="web.crt")
        assert (code, "403" in said) == (56, True)
        assert closed.curl(closed.https("pinned.test"), trusts="web.crt")[0] == 0
        assert closed.secure.paths() == ["/x"]


def test_the_way_to_the_proxy_may_be_tls_too(tmp_path: Path) -> None:
    written(tmp_path, "listener")
    listener = f'[listener.tls]\ncertificate = "{tmp_path}/listener.crt"\nkey = "{tmp_path}/listener.key"'
    with proxied(tmp_path, listener=listener) as here:
        place = here.url.replace("http://", "https://").replace("127.0.0.1", "localhost")
        for url in (here.http(path="/cards"), here.https(path="/cards")):
            code, said = here.curl(url, "--proxy-cacert", str(tmp_path / "listener.crt"), proxy=place)
            assert code == 0, said
            assert json.loads(said)[0]["card"] == "[redacted]"


async def test_a_websocket_is_carried_and_masked(tmp_path: Path) -> None:
    target = WebTarget()
    try:
        with proxied(tmp_path, target.port) as here:
            async with ClientSession() as client:
                place = f"http://shop.test:{target.port}"
                async with client.ws_connect(f"{place}/echo", proxy=here.url, origin="https://elsewhere") as socket:
                    await socket.send_str("hello")
                    assert await socket.receive_str(timeout=20) == "hello"
                async with client.ws_connect(f"{place}/feed", proxy=here.url) as socket:
                    assert json.loads(await socket.receive_str(timeout=20))["card"] == "[redacted]"
                with pytest.raises(WSServerHandshakeError):
                    async with client.ws_connect(f"{place}/notes", proxy=here.url):
                        pass
        assert not any(name.startswith("proxy-") for one in target.handshakes for name in one)
        assert len(target.handshakes) == 2
    finally:
        target.close()
