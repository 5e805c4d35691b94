"""The sample API: what it answers, and that its lines are about it."""

from __future__ import annotations

import json
import tomllib
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus

from engine.decision import Verdict
from gateway.demo.parts.api import NAME, Shop, api
from gateway.demo.parts.part import Absent, Ground, Part


def test_orders_are_read_changed_and_deleted() -> None:
    shop = Shop()
    status, found = shop.answer("GET", "/orders?status=open", b"")
    assert (status, isinstance(found, list)) == (HTTPStatus.OK, True)
    assert shop.answer("PATCH", "/orders/8", b'{"status": "paid"}')[0] is HTTPStatus.OK
    assert shop.orders[8]["status"] == "paid"
    shop.answer("DELETE", "/orders/8", b"")
    assert 8 not in shop.orders
    for target in ("/orders/8", "/orders/x", "/nothing", "/"):
        assert shop.answer("GET", target, b"")[0] is HTTPStatus.NOT_FOUND
    assert len(shop.cards) > 3
    assert shop.answer("GET", "/cards", b"")[1] == shop.cards[:3]


def test_it_runs_until_it_is_left_and_each_verdict_has_a_line(ground: Ground) -> None:
    with ExitStack() as stack:
        part = api(stack, ground)
        assert isinstance(part, Part)
        read = tomllib.loads(part.configuration)
        address = read["resource"][0]["address"]
        with urllib.request.urlopen(f"http://{address}/orders/8", timeout=60) as answer:
            assert json.load(answer)["id"] == 8
        request = urllib.request.Request(f"http://{address}/orders/8", b'{"status": "paid"}', method="PATCH")
        (held,) = [act for act in part.acts if act.scene.verdict is Verdict.HOLD]
        assert held.happened is not None
        assert not held.happened()
        urllib.request.urlopen(request, timeout=60).close()
        assert held.happened()
    assert sorted(act.scene.verdict for act in part.acts) == sorted(Verdict)
    port = read["listener"][0]["bind"].rpartition(":")[2]
    assert all(f"https://127.0.0.1:{port}/" in act.scene.line() for act in part.acts)
    assert (ground.folder / "ana.header").read_text() == "Authorization: Bearer token of ana\n"
    assert (ground.folder / "ana.header").stat().st_mode & 0o777 == 0o600
    assert not any("token of" in act.scene.line() for act in part.acts)


def test_without_curl_it_is_absent(ground: Ground) -> None:
    with ExitStack() as stack:
        found = api(stack, replace(ground, environment={"PATH": "/nowhere"}))
    assert found == Absent(NAME, "no `curl` found (Debian: apt-get install curl)")
