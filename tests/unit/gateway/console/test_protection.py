"""Headers, origins and places to go on to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.protection import START, headers, is_ours, is_same, own_place

OWN = "https://console.example:8443"


def test_pages_may_run_our_script_and_nothing_else() -> None:
    policy = headers(is_secure=True)["Content-Security-Policy"]
    for rule in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "script-src 'self'",
    ):
        assert rule in policy.split("; ")
    assert "unsafe" not in policy
    assert "Strict-Transport-Security" in headers(is_secure=True)
    assert "Strict-Transport-Security" not in headers(is_secure=False)


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        (OWN, "same-origin", True),
        (OWN, None, True),
        (None, "same-origin", True),
        (None, None, False),
        ("null", None, False),
        (OWN, "cross-site", False),
        (OWN, "same-site", False),
        (None, "none", False),
        ("https://console.example", "same-origin", False),
        ("http://console.example:8443", None, False),
        (f"{OWN}.evil.example", None, False),
    ],
)
def test_a_form_is_ours_when_the_browser_says_so(origin: str | None, site: str | None, expected: bool) -> None:
    assert is_ours(origin, site, OWN) is expected


@pytest.mark.parametrize("place", ["/holds/h-1?said=h-1", "/decisions?text=a%20b&before=7", "/audit"])
def test_a_place_of_ours_is_kept(place: str) -> None:
    assert own_place(place) == place


@pytest.mark.parametrize(
    "place",
    [
        *(None, "", "//evil.example", "/\\evil", "https://evil.example", "/a/../b", "/a b", "/holds\r\nX: 1", "holds"),
        *("/sign-in", "/sign-out", "/holds#x", '/holds"><script>', "/" + "a" * 500, "/../x", "/x/.."),
    ],
)
def test_every_other_place_is_the_first_page(place: str | None) -> None:
    assert own_place(place) == START


@given(st.text(max_size=80))
def test_no_text_leads_to_another_site(text: str) -> None:
    for wanted in (text, "/" + text):
        place = own_place(wanted)
        assert place.startswith("/")
        assert not place.startswith(("//", "/\\"))
        assert place.isascii()
        assert place.isprintable()


def test_values_are_compared_whole() -> None:
    assert is_same("abc", "abc")
    assert not is_same("abc", "abd")
    assert not is_same("\ud800", "abc")
