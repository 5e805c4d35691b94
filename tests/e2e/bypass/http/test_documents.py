"""Bodies that a guard and a server may read differently, sent through a whole gateway with the shipped policies to a generous server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.e2e.bypass.http.cases import TOKEN
from tests.e2e.bypass.http.document_cases import DOCUMENTS, HARMLESS, Case
from tests.e2e.bypass.http.service import Service
from tests.e2e.bypass.http.test_bypass import send, statuses
from tests.interop.http.running import Running, gateway_before

LEAST_SPELLINGS = 4
ROLES = """\
package policies.http.roles

deny contains {"code": "ROLE", "reason": "nobody makes administrators here"} if {
	some pointer, value in input.command.http.body
	endswith(lower(pointer), "role")
	contains(lower(value), "admin")
}

deny contains {"code": "FORM_ROLE", "reason": "nobody makes administrators here"} if {
	some pointer, value in input.command.http.body
	contains(lower(pointer), "role")
	contains(lower(value), "admin")
}
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = [file for part in ("lib", "http") for file in sorted((ROOT / "policies" / part).iterdir())]
    files = {f"{one.parent.name}_{one.name}": one.read_text() for one in found if one.suffix in (".rego", ".gate")}
    with gateway_before(
        tmp_path_factory.mktemp("documents"),
        f"127.0.0.1:{service.port}",
        resource='labels = { environment = "test" }\n[resource.tls]\nmode = "disable"',
        policy=ROLES,
        groups="developers",
        more=files,
    ) as made:
        yield made


def said(running: Running, text: bytes) -> list[int]:
    return statuses(send(running.port, text.replace(TOKEN.encode(), running.token.encode())))


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.number} {case.title}") for case in DOCUMENTS])
def test_nothing_is_reached_by_a_body_that_two_read_differently(case: Case, running: Running, service: Service) -> None:
    reached = []
    for text in case.texts:
        service.effects.clear()
        answers = said(running, text)
        if service.effects:
            reached.append((text[-300:], service.effects[:], answers))
        assert len(answers) == 1 or answers == [], (text[:300], answers)
    assert reached == []


def test_ordinary_bodies_go_through(running: Running, service: Service) -> None:
    before = service.seen
    assert [said(running, text) for text in HARMLESS] == [[200]] * len(HARMLESS)
    assert service.seen == before + len(HARMLESS)


def test_without_us_nearly_every_body_reaches_something(service: Service) -> None:
    reached = 0
    for case in DOCUMENTS:
        for text in case.texts:
            service.effects.clear()
            send(service.port, text)
            reached += bool(service.effects)
    assert reached >= 0.8 * sum(len(case.texts) for case in DOCUMENTS), reached


def test_each_case_has_enough_spellings() -> None:
    assert {case.number for case in DOCUMENTS} == {100, 101}
    assert [case.title for case in DOCUMENTS if len(set(case.texts)) < LEAST_SPELLINGS] == []
