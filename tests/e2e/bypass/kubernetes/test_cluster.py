"""The same ways around, over TLS to a whole gateway before a real API server: nothing of them stands in that server's own audit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.bypass.kubernetes.cases import CASES, TOKEN, Case
from tests.e2e.bypass.kubernetes.judging import shipped
from tests.interop.kubernetes.cluster import Cluster, placed


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    with placed(shipped()) as made:
        yield made


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.number} {case.title}") for case in CASES])
def test_nothing_reaches_the_api_server(case: Case, guarded: Cluster) -> None:
    for text in case.texts:
        before, told = len(guarded.requests()), len(guarded.decisions())
        wire = text.replace(TOKEN.encode(), guarded.token.encode()).replace(
            b"Host: HOST", b"Host: " + case.host.encode()
        )
        guarded.send(wire, port=guarded.open_port, seconds=0.4)
        reached = [one for one in guarded.requests()[before:] if one["user"]["username"] == "sallyport-gateway"]  # type: ignore[index]
        assert not reached, text
        assert {entry.verdict for entry in guarded.decisions()[told:]} <= {"deny", "hold"}, text
    assert not list(guarded.folder.rglob("way"))
    assert b"way" not in guarded.admin("get", "pods,jobs,cronjobs,deployments,daemonsets")


def test_the_same_bytes_sent_past_the_gateway_do_reach_something(guarded: Cluster) -> None:
    """The cases are no paper tigers: with a developer's own certificate the API server does what many of them ask."""
    reached = set()
    for case in CASES:
        for text in case.texts:
            answer = guarded.send_past(text.replace(b"Authorization: Bearer " + TOKEN.encode() + b"\r\n", b""))
            status = answer[9:12]
            if status in (b"101", b"200", b"201"):
                reached.add(case.number)
    assert len(reached) >= 8, reached
