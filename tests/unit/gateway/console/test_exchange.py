"""Cookies, forms, and what counts as a click."""

from __future__ import annotations

import pytest

from gateway.console.exchange import Exchange
from gateway.identity.forwarding import Proxies
from tests.strategies.console import Served, token_in


def exchange(origin: str, served: Served) -> Exchange:
    return Exchange(lambda: origin, served.entrance, lambda viewer: 0, "v", Proxies())


async def test_over_tls_a_cookie_is_of_this_host_alone(served: Served) -> None:
    over_tls, plain = exchange("https://console.example", served), exchange("http://127.0.0.1:1", served)
    assert (over_tls.is_secure, over_tls.session_cookie) == (True, "__Host-sallyport")
    assert (plain.is_secure, plain.session_cookie, plain.form_cookie) == (False, "sallyport", "sallyport-form")


async def test_a_form_has_one_kind_one_origin_and_its_token(served: Served) -> None:
    await served.sign_in()
    token = token_in((await served.ask("GET", "/holds"))[1])
    place = "/holds/h-0123456789abcdef/approve"
    for headers, status in (
        ({}, 404),
        ({"Origin": served.server.origin}, 404),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
    ):
        assert (await served.ask("POST", place, {"csrf": token}, **headers))[0] == status, headers
    assert (await served.ask("POST", place, {"csrf": token, **{f"a{n}": "" for n in range(30)}}))[0] == 400


async def test_what_the_script_asks_is_no_click(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await served.sign_in()
    clicks: list[bool] = []
    looked = served.entrance.viewer

    def watch(value: str | None, *, is_click: bool) -> object:
        clicks.append(is_click)
        return looked(value, is_click=is_click)

    monkeypatch.setattr(served.entrance, "viewer", watch)
    await served.ask("GET", "/holds")
    await served.ask("GET", "/holds", X_Sallyport_Live="1")
    await served.ask("GET", "/events?topic=none")
    assert clicks == [True, False, False]
