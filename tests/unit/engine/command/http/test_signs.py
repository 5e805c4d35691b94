"""Signs in values, words and headers."""

from __future__ import annotations

import pytest

from engine.command.http.signs import (
    CHANGE,
    DELETION,
    action_values,
    has_secret,
    header_features,
    names_change,
    names_deletion,
    value_features,
    words_of,
)


@pytest.mark.parametrize(
    "value",
    ["http://169.254.169.254/", "http://0x7f.1/", "//localhost/x", "gopher://127.0.0.1:6379/_", "https:\\\\10.0.0.1", "file:///etc/passwd",
     "dict://2130706433:11211/", "http://[::1]/", "http://a b/", "  http://metadata.google.internal",
     "jar:https://127.0.0.1!/x", "https://a.test/?u=http%253A%252F%252Flocalhost", "x 169.254.169.254 y"],
)  # fmt: skip
def test_urls_to_inside_are_seen_in_every_spelling(value: str) -> None:
    assert "url_to_internal" in value_features([value], is_line=True)


def test_urls_to_outside_are_urls() -> None:
    assert value_features(["https://example.com/x"], is_line=True) == {"url_value"}
    assert value_features(["not a url", "a/b", 7, None, "12:30", "10.0.0.1"], is_line=True) == set()


@pytest.mark.parametrize(
    "value",
    ["../x", "a/../b", "..\\x", "%2e%2e/x", "%252e%252e%252fx", "/etc/passwd", "/proc/self/environ", "C:\\Windows"],
)
def test_values_that_leave_their_place_are_seen(value: str) -> None:
    assert "dotdot_value" in value_features([value], is_line=True)


def test_line_breaks_do_not_belong_into_a_line() -> None:
    assert value_features(["a\r\nSet-Cookie: b"], is_line=True) == {"control_character"}
    assert value_features(["a\nb"], is_line=False) == set()


@pytest.mark.parametrize(
    "name", ["chat.delete", "doDelete", "_delete_by_query", "delete-batch", "delete_series", "purgeAll", "user.remove"]
)
def test_words_of_deletion_are_found_in_every_style(name: str) -> None:
    assert words_of([name]) & DELETION


def test_words_are_whole() -> None:
    assert not words_of(["undeletable", "Settings", "deleteds", "assets"]) & (DELETION | CHANGE)


@pytest.mark.parametrize(
    ("word", "says"),
    [("deleteuser", True), ("DELETEUSER", True), ("softdelete", True), ("removeall", True), ("destroyed", True), ("purgecache", True),
     ("undelete", False), ("removal", False), ("determinate", False), ("dropdown", False), ("delivery", False)],
)  # fmt: skip
def test_words_that_nobody_parted_say_it_too(word: str, says: bool) -> None:
    assert names_deletion(words_of([word])) is says


@pytest.mark.parametrize("name", ["_action", "Action", "action[]", "http_method", "_HttpMethod", "verb"])
def test_a_parameter_that_names_an_action_may_be_spelt_otherwise(name: str) -> None:
    assert action_values({name: ("delete",)}, {f"/{name}": "delete"}) == ["delete", "delete"]


def test_actions_are_named_by_parameters() -> None:
    assert action_values({"action": ("delete",), "q": ("x",)}, {"/op": "drop", "/a/op": "no", "/cmd": 7}) == [
        "delete",
        "drop",
    ]


def test_headers_that_only_proxies_set_are_seen() -> None:
    assert header_features(["x-forwarded-for", "accept"]) == {"forwarding_header"}
    assert header_features(["x_y"]) == {"underscore_header"}


def test_secrets_of_an_unmistakable_form_are_seen() -> None:
    assert has_secret(["x", "AKIA" + "A1" * 8])
    assert has_secret(["ghp_" + "a" * 36])
    assert not has_secret(["AKIA", "sk-", "eyJ", "key=abc"])


def test_names_and_actions_of_changes() -> None:
    assert names_change(["create"], [])
    assert names_change([], ["RunInstances"])
    assert not names_change(["users"], ["GetRunStatus", "write it down", "list"])
