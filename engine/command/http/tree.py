"""What is particular to HTTP in a command tree. Data only; `engine/command/tree.py` holds it, policies read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Scalar: TypeAlias = "bool | int | float | str"


@dataclass(frozen=True, slots=True)
class Http:
    """One request. `path` is canonical, `host` serialised as URLs do it, header names are in lower case.

    `route` is the path template and `operation_id` the operation of the OpenAPI document, where one was given and has
    it. `body` maps JSON pointers to scalar values, for JSON, forms and multipart alike; `body_kind` is one of
    none, json, form, multipart, text, binary. `override` is the method that a header or parameter asks for instead.
    """

    method: str
    path: str
    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    route: str | None = None
    operation_id: str | None = None
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    content_type: str | None = None
    body_kind: str = "none"
    body: Mapping[str, Scalar] = field(default_factory=dict)
    override: str | None = None
