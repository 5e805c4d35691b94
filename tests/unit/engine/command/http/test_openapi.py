"""OpenAPI documents as routes."""

from __future__ import annotations

import pytest

from engine.command.http.openapi import compile_openapi
from engine.command.tree import Effect
from engine.errors import InputInvalid
from tests.time_bounds import within

PETS = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://api.test/v1/"}, {"url": "/v2"}],
    "paths": {
        "/pets/{id}": {"get": {"operationId": "getPet"}, "delete": {"operationId": "removePet"}, "parameters": []},
        "/pets/mine": {"get": {"operationId": "myPets"}},
        "/pets/{id}.json": {"get": {"operationId": "petJson"}},
        "/pets/{id}/toys/{toy}": {"get": {}},
        "/search": {"post": {"operationId": "search", "x-sallyport-effect": "read"}},
        "/a b/{x}{y}": {"get": {"operationId": "odd"}},
    },
}


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/v1/pets/7", "getPet"),
        ("GET", "/v2/pets/7", "getPet"),
        ("GET", "/v1/pets/mine", "myPets"),
        ("GET", "/v1/pets/7.json", "petJson"),
        ("DELETE", "/v1/pets/7", "removePet"),
        ("GET", "/v1/a%20b/z", "odd"),
    ],
)
def test_the_most_concrete_template_is_found(method: str, path: str, operation: str) -> None:
    route = compile_openapi(PETS).find(method, path)
    assert route is not None
    assert route.operation_id == operation


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/pets/7"), ("PUT", "/v1/pets/7"), ("GET", "/v1/pets"), ("GET", "/v1/pets/"), ("GET", "/v1/pets/7/"), ("GET", "/v1/PETS/7")],
)  # fmt: skip
def test_what_the_document_does_not_have_is_not_found(method: str, path: str) -> None:
    assert compile_openapi(PETS).find(method, path) is None


def test_an_operation_may_be_without_an_id_and_may_say_its_effect() -> None:
    table = compile_openapi(PETS)
    toys, search = table.find("GET", "/v1/pets/7/toys/8"), table.find("POST", "/v1/search")
    assert toys is not None
    assert (toys.operation_id, toys.template, toys.effect) == (None, "/v1/pets/{id}/toys/{toy}", None)
    assert search is not None
    assert search.effect is Effect.READ


def test_the_older_form_has_a_base_path() -> None:
    table = compile_openapi(
        {"swagger": "2.0", "basePath": "/api", "paths": {"/chat.delete": {"post": {"operationId": "d"}}}}
    )
    assert table.find("POST", "/api/chat.delete") is not None


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"paths": []}, {"paths": {"/a": {"get": {"x-sallyport-effect": "harmless"}}}}],
)
def test_what_is_no_document_is_said(document: object) -> None:
    with pytest.raises(InputInvalid):
        compile_openapi(document)


def test_odd_entries_are_passed_over() -> None:
    table = compile_openapi({"servers": ["x"], "paths": {"a": {}, "/b": 1, "/c": {"get": 1, "x-y": {}}, 7: {}}})
    assert table.find("GET", "/c") is None


def test_a_long_segment_does_not_take_long() -> None:
    table = compile_openapi({"paths": {"/{a}-{b}-{c}-{d}-{e}x": {"get": {}}}})
    assert within(2.0, lambda: table.find("GET", "/" + "-" * 10_000)) is None
    assert within(2.0, lambda: table.find("GET", "/" + "-" * 500)) is None
