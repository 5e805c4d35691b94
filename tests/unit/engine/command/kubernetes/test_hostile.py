"""Texts that are made to take long, to nest or to grow: each ends quickly, in a tree."""

from __future__ import annotations

import json

import pytest

from engine.command.kubernetes.bodies import JSON_PATCH
from engine.command.kubernetes.parse import parse_kubernetes
from tests.time_bounds import within
from tests.web_requests import raw_request

SECONDS = 6.0
KIB = 1024
YAML = "application/yaml"

BODIES = {
    "nested YAML": (YAML, "[" * 300 * KIB),
    "nested sequences": (YAML, "- " * 200 * KIB),
    "anchors": (YAML, "a: &a [x]\n" + "b: *a\n" * 50 * KIB),
    "growing anchors": (
        YAML,
        "a0: &a0 [x, x]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)),
    ),
    "many scalars": (YAML, "- a\n" * 99_000),
    "many keys": (YAML, "\n".join(f"k{n}: 1" for n in range(40_000))),
    "many documents": (YAML, "---\na: 1\n" * 20_000),
    "long plain text": (YAML, "a: " + "x" * 500_000),
    "quotes": (YAML, "a: '" + "''" * 200_000),
    "numbers": (YAML, "- 1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1_\n" * 6_000),
    "containers": ("application/json", json.dumps({"containers": [{"image": "i", "command": ["a"] * 50}] * 1500})),
    "patches": (JSON_PATCH, json.dumps([{"op": "add", "path": "/a" * 60, "value": 1}] * 900)),
    "a list": ("application/json", json.dumps({"kind": "List", "items": [{"kind": "Pod"}] * 20_000})),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_end_quickly(name: str) -> None:
    media, body = BODIES[name]
    raw = raw_request("POST", "/api/v1/namespaces/a/pods", {"Content-Type": media}, body)
    assert within(SECONDS, lambda: parse_kubernetes(raw)).command.operations


LINES = {
    "words": "kubectl get pods " + "a " * 60_000,
    "objects": "kubectl delete " + "pod/a " * 20_000,
    "options": "kubectl get pods " + "-l a " * 20_000,
    "letters": "kubectl exec -" + "it" * 60_000,
    "escaped quotes": 'kubectl get "' + '\\"' * 60_000,
    "quotes": "kubectl get " + "'" * 100_001,
    "substitutions": "kubectl get " + "$(" * 60_000,
    "backticks": "kubectl get " + "`" * 100_001,
    "dollars": "kubectl get " + "$" * 120_000,
    "braces": "kubectl get " + "${" * 60_000,
    "pipes": "kubectl get po " + "| kubectl get po " * 7_000,
    "kinds": "kubectl get " + "po," * 40_000,
    "the category of all": "kubectl delete " + "all," * 30_000 + " a",
    "redirections": "kubectl get po " + "> a " * 30_000,
    "numbers of redirections": "kubectl get po " + "1" * 120_000,
    "angles": "kubectl get po " + "<" * 120_000,
    "a selector": "GET /api/v1/pods?fieldSelector=" + "a%5C" * 3000 + " HTTP/1.1\r\n\r\n",
    "many selectors": "GET /api/v1/pods?fieldSelector=" + "a=b," * 3000 + " HTTP/1.1\r\n\r\n",
    "operators": "GET /api/v1/pods?fieldSelector=" + "%21" * 4000 + " HTTP/1.1\r\n\r\n",
    "a path": "GET /api/v1/" + "a/" * 7000 + " HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("name", LINES)
def test_lines_end_quickly(name: str) -> None:
    command = within(SECONDS, lambda: parse_kubernetes(LINES[name])).command
    assert command.operations
    assert len(command.operations) <= 10_000
