"""Everything that answers over HTTP, scanned by its own description: no error of the server, no word of the program, nothing wrong taken."""

from __future__ import annotations

import json
import socket
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.api_descriptions import Operation, description, operations
from tests.e2e.identity.provider import Provider
from tests.e2e.identity.scanned import NOBODY, PEOPLE, Scan, Scanned, running

EVERYBODY = [*PEOPLE, NOBODY]
FACES, CONSOLE = list(operations(description("faces"))), list(operations(description("console")))


@pytest.fixture(scope="module")
def scanned(provider: Provider) -> Iterator[Scanned]:
    with running(provider.issuer) as found:
        yield found


def is_well(here: Scanned, scan: Scan, people: list[str]) -> None:
    """What holds of every scan. Who did not come to ask something in it, because there are few ways to, asks it now."""
    assert scan.code == 0, scan.said[-6_000:]
    assert [call for call in scan.calls if call.status >= 500] == []
    asked = {(call.operation, call.who) for call in scan.calls}
    assert {str(one) for one in scan.wanted} - {one for one, _ in asked} == set()
    missed = [(one, who) for one in scan.wanted for who in people if (str(one), who) not in asked]
    assert [(str(one), who) for one, who in missed if here.plain_call(scan.name, one, who) >= 500] == []
    assert [call for call in scan.calls if call.is_taken] == []


def test_the_faces_stand_a_scan_as_everybody(scanned: Scanned) -> None:
    scan = scanned.scan("faces", examples=6, seed=1)
    is_well(scanned, scan, EVERYBODY)
    assert {call.status for call in scan.calls if call.is_wrong} >= {400, 401}
    for operation in ("POST /v1/data/sallyport/decision", "POST /access/v1/evaluation", "GET /sallyport/v1/whoami"):
        assert any(call.operation == operation and call.status == 200 for call in scan.calls), operation


def test_the_console_stands_a_scan_as_everybody(scanned: Scanned) -> None:
    scan = scanned.scan("console", examples=4, seed=2)
    is_well(scanned, scan, EVERYBODY)
    assert {200, 303, 400, 403, 404, 405} <= set(scan.statuses())


def test_what_monitoring_asks_stands_a_scan(scanned: Scanned) -> None:
    is_well(scanned, scanned.scan("health", examples=4, seed=3), [])


@pytest.mark.parametrize("operation", FACES, ids=str)
@pytest.mark.parametrize("bearer", [None, "wrong", "ey.ey.ey"])
def test_nobody_is_let_in_by_the_faces(scanned: Scanned, operation: Operation, bearer: str | None) -> None:
    sent = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    body = None if operation.body is None else json.dumps(operation.body[1])
    status, lines, said = scanned.ask(scanned.faces, operation.method, operation.place, body, sent)
    if operation.is_open:
        assert status == 200
        return
    # 429 once too many wrong ones came from here.
    assert status in (401, 429), said
    assert status == 429 or ("www-authenticate", 'Bearer realm="sallyport"') in lines
    assert not {"result", "decision", "token", "tokens", "principal"} & set(json.loads(said))


@pytest.mark.parametrize("operation", [one for one in CONSOLE if not one.is_open], ids=str)
@pytest.mark.parametrize("cookie", [None, "sallyport=guessed"])
def test_nobody_is_let_in_by_the_console(scanned: Scanned, operation: Operation, cookie: str | None) -> None:
    sent = {"Origin": scanned.origin, "Content-Type": "application/x-www-form-urlencoded"}
    if cookie is not None:
        sent["Cookie"] = cookie
    form = urllib.parse.urlencode({"csrf": "guessed"}) if operation.method == "POST" else None
    status, lines, said = scanned.ask(scanned.console, operation.method, operation.place, form, sent)
    to = dict(lines).get("location", "")
    assert status == 403 or (status == 303 and to.startswith("/sign-in")), (status, to, said[:200])


PATHS = [
    *(
        "/../../etc/passwd",
        "/static/../server.py",
        "/v1/data/../../health",
        "/v1/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ),
    *(
        "//etc/passwd",
        "/v1/data/%00",
        "/sallyport/v1/tokens/../whoami",
        "/.env",
        "/metrics/../readyz",
        "/\\..\\etc\\passwd",
    ),
    *("/.well-known/../health", "/v1/policies/..;/x", "/docs/openapi/faces.yaml", "/v1/data/sallyport/../allow"),
]


@pytest.mark.parametrize("name", ["faces", "console", "health"])
@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file_or_around_the_door(scanned: Scanned, name: str, path: str) -> None:
    """As it is written: nobody takes the dots out on the way."""
    with socket.create_connection(("127.0.0.1", scanned.port(name)), 20) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while chunk := wire.recv(65_536):
            said += chunk
    status = int(said.split(b" ", 2)[1])
    assert status in (303, 400, 401, 404, 405, 429), said[:200]
    assert not any(word in said for word in (b"root:", b"import", b"openapi:", b"Traceback"))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("who", EVERYBODY)
def test_each_of_the_people_alone_with_many_more_examples(scanned: Scanned, who: str) -> None:
    for name in ("faces", "console"):
        is_well(scanned, scanned.scan(name, examples=300, seed=11, only=who), [who])
