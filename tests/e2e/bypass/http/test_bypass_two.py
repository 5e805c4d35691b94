"""Every way around that HTTP/2 opens, sent to the proxy before a real Python server and before a real nginx: no desync.

What counts is what the target understood: nothing that was refused, one request where one was judged, and the next client's
request as that client sent it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.e2e.bypass.http.two_cases import CASES, REFUSE, Case, Sent
from tests.interop.http.nginx import has_nginx, nginx_over
from tests.interop.http.running import Running, Target
from tests.interop.http.two import Client, Got, secured_gateway
from tests.interop.http.two_nginx import resource, two_nginx

PARAMETERS = [pytest.param(case, id=f"{case.number} {case.title}") for case in CASES]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


@pytest.fixture(scope="module", params=["python", "nginx", "nginx in HTTP/2"])
def running(
    request: pytest.FixtureRequest, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("way")
    if request.param == "python":
        with secured_gateway(folder, f"127.0.0.1:{target.port}") as made:
            yield made
        return
    if not has_nginx():
        missing("nginx")
    place = tmp_path_factory.mktemp("nginx")
    place.chmod(0o755)
    if request.param == "nginx in HTTP/2":
        with two_nginx(place, target.port) as two:
            lines = resource("always", place / "target.crt")
            with secured_gateway(folder, f"127.0.0.1:{two.port}", resource=lines) as made:
                yield made
        return
    with nginx_over(place, target.port) as nginx, secured_gateway(folder, f"127.0.0.1:{nginx.port}") as made:
        yield made


def send(client: Client, sent: Sent) -> Got:
    """One stream, and what came on it."""
    usual: dict[str, bytes | None] = {"method": b"GET", "scheme": b"https", "authority": b"shop", "path": b"/x"}
    pseudo = [(b":" + name.encode(), value) for name, value in (usual | dict(sent.pseudo)).items() if value is not None]
    own = [*sent.fields, (b"authorization", f"Bearer {client.running.token}".encode())]
    stream = client.begin([*own, *pseudo] if sent.order else [*pseudo, *own], end=sent.data is None)
    for number, data in enumerate(sent.data or (), 1):
        client.data(stream, data, end=sent.trailers is None and number == len(sent.data or ()))
    if sent.data == ():
        client.data(stream, b"", end=True)
    if sent.trailers is not None and client.streams[stream].reset is None:
        client.h2.send_headers(stream, sent.trailers, end_stream=True)
        client.flush()
    return client.wait(stream)


@pytest.mark.parametrize("case", PARAMETERS)
def test_no_stream_becomes_anything_but_the_request_that_was_judged(
    case: Case, running: Running, target: Target
) -> None:
    with Client(running) as client:
        assert client.ask("GET", "/first").status == 200
        for sent in case.sent:
            target.seen.clear()
            before = len(running.decisions())
            got = send(client, sent)
            told = running.decisions()[before:]
            assert len(told) <= 1, "nobody took a part of it for a request of its own"
            assert not any("admin" in one.path.lower() for one in target.seen), sent
            assert b"the secret area" not in bytes(got.body)
            if case.expected == REFUSE:
                assert target.seen == [], sent
                assert got.status >= 400 or got.reset is not None, sent
                assert [entry.verdict for entry in told] == ["deny"], sent
            else:
                assert got.status == 200, (sent, bytes(got.body))
                assert len(target.seen) == 1, sent
                assert target.seen[0].headers.get("x-forwarded-for") is None
                assert target.seen[0].body == b"".join(sent.data or ()), sent
            if client.is_closed:
                raise AssertionError(f"the others on the connection were ended too: {sent}")
        target.seen.clear()
        assert client.ask("GET", "/canary").status == 200, "the next request is served as ever"
        assert target.paths() == ["/canary"]


def test_there_are_enough_spellings_of_each() -> None:
    assert all(len({repr(one) for one in case.sent}) >= 4 for case in CASES)
    assert sum(len(case.sent) for case in CASES) > 100
