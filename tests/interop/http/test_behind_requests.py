"""Fields behind a request's body, from Node's client to Node's server: what goes on, what is refused, what is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.http.running import Running, Target, gateway_before
from tests.interop.http.two_nginx import resource
from tests.interop.http.two_node import node_client, node_server

POLICY = """\
package policies.sums

allow contains {"code": "SUMS", "reason": "sums are open"} if {
	startswith(input.command.http.path, "/sum")
}

deny contains {"code": "MARKED", "reason": "marks are not wanted"} if {
	"x-mark" in input.command.http.headers
}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with (
        node_server() as port,
        gateway_before(
            tmp_path_factory.mktemp("behind"),
            f"127.0.0.1:{port}",
            listener='http2 = "clear"',
            resource=resource("always", None),
            policy=POLICY,
        ) as made,
    ):
        yield made


def ask(running: Running, size: int, behind: dict[str, str]) -> tuple[int, dict[str, object]]:
    head = {
        ":method": "POST",
        ":path": "/sum",
        "authorization": f"Bearer {running.token}",
        "content-type": "text/plain",
    }
    status, body = node_client(running.port, head, size, behind)
    return status, json.loads(body) if body else {}


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
def test_fields_behind_a_body_get_there_but_for_those_of_hops_and_of_who_somebody_is(
    running: Running, size: int
) -> None:
    status, said = ask(running, size, {"x-sum": "1", "x-forwarded-for": "1.2.3.4", "via": "me"})
    assert (status, said["size"], said["behind"]) == (200, size, {"x-sum": "1"})


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("authorization", "TRAILER"),
        ("content-length", "TRAILER"),
        ("x_sum", "UNDERSCORE_HEADER"),
        ("x-original-url", "REWRITING_HEADER"),
        ("sallyport-decision", "RESERVED_HEADER"),
    ],
)
def test_fields_that_change_what_was_read_are_refused_and_told_to_the_audit(
    running: Running, name: str, code: str
) -> None:
    before = len(running.decisions())
    status, said = ask(running, 10, {name: "1"})
    assert (status, said.get("code")) == (400, code)
    assert len(running.decisions()) == before + 1


def test_policies_see_their_names_and_the_audit_what_they_say(running: Running) -> None:
    status, said = ask(running, 10, {"x-mark": "1"})
    assert (status, said["code"]) == (403, "MARKED")


def test_a_target_of_http_1_gets_none(tmp_path: Path) -> None:
    target = Target()
    try:
        with gateway_before(tmp_path, f"127.0.0.1:{target.port}", listener='http2 = "clear"', policy=POLICY) as running:
            status, said = ask(running, 10, {"x-sum": "1"})
            assert (status, said["code"]) == (400, "TRAILER")
            assert target.paths() == []
    finally:
        target.close()
