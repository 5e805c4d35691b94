"""Every way around, in every spelling, through a whole session judged by the shipped policies: nothing goes to the API server."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.bypass.kubernetes.cases import CASES, DEV, PODS, PROD, TOKEN, Case
from tests.e2e.bypass.kubernetes.judging import judge_for
from tests.strategies.kubernetes_sessions import House, request


def house(environment: str) -> House:
    return House(judge=judge_for(environment), answers=None)


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.number} {case.title}") for case in CASES])
def test_nothing_goes_to_the_api_server(case: Case) -> None:
    for text in case.texts:
        played = house(case.host).client(text.replace(TOKEN.encode(), b"ana"))
        assert not any(played.up), text
        assert len(played.asked) <= 1, text
        assert set(played.statuses) <= {101, 400, 403, 413, 501}, text


def test_there_are_enough_spellings_of_each() -> None:
    assert {case.number for case in CASES} == set(range(83, 95))
    assert all(len(set(case.texts)) >= 4 for case in CASES)
    assert sum(Counter(case.number for case in CASES).values()) == len(CASES)


def test_what_is_no_way_around_does_go_on() -> None:
    for environment, line in (
        (PROD, f"GET {PODS}"),
        (PROD, "GET /api/v1/namespaces/t/pods/web/log?follow=true"),
        (DEV, "DELETE /api/v1/namespaces/t/configmaps/a"),
        (PROD, "GET /apis"),
    ):
        assert any(house(environment).client(request(line)).up), line
