"""The descriptions in docs/openapi, and whether each is of exactly the routes that a server has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

FOLDER = Path(__file__).parents[1] / "docs" / "openapi"
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@dataclass(frozen=True, slots=True)
class Operation:
    """One that is described. `path` has its parameters in braces."""

    method: str
    path: str
    is_open: bool
    """Whether nobody has to prove who they are."""
    body: tuple[str, Any] | None = field(default=None, repr=False)
    """The kind of its body, and an example of one."""

    @property
    def place(self) -> str:
        """The path with something in place of each parameter."""
        return re.sub(r"\{(\w+)\}", r"some-\1", self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def description(name: str) -> dict[str, Any]:
    """One of the documents."""
    found = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Everything that a document describes."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if (operation := item.get(method)) is not None:
                security = operation.get("security", document["security"])
                yield Operation(method.upper(), path, security == [], _body(document, operation.get("requestBody")))


def _body(document: Mapping[str, Any], body: Mapping[str, Any] | None) -> tuple[str, Any] | None:
    if body is None:
        return None
    if "$ref" in body:
        body = document["components"]["requestBodies"][body["$ref"].rpartition("/")[2]]
    ((kind, content),) = body["content"].items()
    return kind, content.get("example")


async def check(app: web.Application, name: str) -> None:
    """Each route of the application is described in the document, and what is described is a route."""
    described = set()
    for operation in operations(description(name)):
        found = await app.router.resolve(make_mocked_request(operation.method, operation.place))
        assert found.http_exception is None, f"{operation} is described and leads nowhere"
        assert isinstance(found, web.UrlMappingMatchInfo)
        described.add(found.route)
    # WHY not HEAD: aiohttp adds one to each GET, which answers the same without its body.
    there = {route for route in app.router.routes() if route.method != "HEAD"}
    left_out = sorted(f"{route.method} {route.resource.canonical}" for route in there - described if route.resource)
    assert left_out == [], "not described"
    assert described == there
