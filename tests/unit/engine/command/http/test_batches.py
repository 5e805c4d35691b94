"""Requests inside a body."""

from __future__ import annotations

import json

import pytest

from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.http.batches import requests_in
from engine.command.http.calls import MAX_CALLS

DELETE: dict[str, Value] = {"method": "DELETE", "url": "/users/1"}


def found(document: Value) -> list[tuple[str, str]]:
    return [(one.kind, one.targets[0].name) for one in requests_in(document, "h")]


@pytest.mark.parametrize(
    "document",
    [
        {"requests": [{"id": "1", **DELETE}]},
        [DELETE],
        {"batch": json.dumps([DELETE])},
        {"batch": ' [{"\\u006dethod": "delete", "relative_url": "users/1?a=b"}]'},
        {"operations": [{"method": "delete ", "path": "users/1#x"}]},
        {"x": 1, "calls": [{"method": "DELETE", "uri": "/users/1"}]},
        {"data": {"actions": [{"method": "delete", "relative_path": "/users/1"}]}},
        {"graphs": [{"graphId": "1", "compositeRequest": [{"method": "DELETE", "url": "/users/1"}]}]},
        {"requests": [{"httpMethod": "DELETE", "url": "/users/1"}]},
        {"operations": [{"verb": "DELETE", "resource": "/users/1"}]},
        {"batch": {"a": {"Method": "DELETE", "URL": "/users/1"}}},
        {"data": {"requests": [{"method": "DELETE", "url": "https://h/users/1"}]}},
        {"batch": json.dumps({"requests": [DELETE]})},
    ],
)
def test_a_request_in_a_batch_is_what_it_would_be_alone(document: Value) -> None:
    assert found(document) == [("delete", "h/users/1")]
    (one,) = requests_in(document, "h")
    assert (one.via, one.effect, one.targets[0].access) == (("top", "batch"), "delete", "delete")


def test_each_request_is_judged_and_one_for_another_host_says_so() -> None:
    batch: list[Value] = [{"method": "GET", "url": "https://other/x?y"}, {"method": "post", "href": "//third/a"}]
    assert found({"requests": batch}) == [("get", "other/x"), ("post", "third/a")]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        "[]",
        {"batch": "[nonsense"},
        {"method": "DELETE", "url": "/x"},
        {"requests": [{"method": "card", "url": "/x"}]},
        {"requests": [{"method": "DELETE"}]},
        [1],
        {"event": {"crumbs": [{"method": "DELETE", "url": "https://elsewhere.example/x"}]}},
        {"exception": "x", "request": {"method": "DELETE", "url": "https://elsewhere.example/x"}},
        {"rules": [{"verb": "delete", "resource": "pods"}]},
        {"log": [{"method": "DELETE took long", "path": "/x"}]},
    ],
)
def test_other_lists_hold_no_requests(document: Value) -> None:
    assert found(document) == []


@pytest.mark.parametrize("beside", [{}, {"name": "x"}, None, 1, {"method": "DELETE"}, [DELETE]])
def test_what_stands_beside_a_request_hides_none(beside: Value) -> None:
    assert set(found({"requests": [beside, DELETE, beside]})) == set(found([DELETE])) != set()


@pytest.mark.parametrize("url", ["/a/../admin", "/a//b", "http://h/%61dmin"])
def test_a_path_that_two_servers_read_differently_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        requests_in([{"method": "GET", "url": url}], "h")


def test_a_batch_ends() -> None:
    with pytest.raises(Refused):
        requests_in([DELETE] * (MAX_CALLS + 1), "h")
