"""A short seeded run of mutated requests and kubectl lines: every text ends in a tree, quickly. `make long` runs it longer."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from functools import partial
from pathlib import Path

import pytest

from engine.command.http import kinds as http_kinds
from engine.command.http.openapi import compile_openapi
from engine.command.http.parse import parse_http
from engine.command.http.path import canonical_path
from engine.command.kubernetes import kinds as kubernetes_kinds
from engine.command.kubernetes.parse import parse_kubernetes
from engine.command.tree import Command
from tests.time_bounds import within
from tests.web_requests import raw_request

SEED = 20261126
SECONDS_EACH = 1.0
KINDS = {"http": http_kinds.KIND_NAMES, "kubernetes": kubernetes_kinds.KIND_NAMES}
ROUTES = compile_openapi({"paths": {"/{a}-{b}/{c}": {"get": {}, "post": {"operationId": "x"}}, "/a/b": {"delete": {}}}})
PIECES = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b"\t",
        b":",
        b"/",
        b"//",
        b"/../",
        b"%2e",
        b"%2F",
        b"%00",
        b"%",
        b"?",
        b"&",
        b"=",
        b";",
        b"#",
    ),
    *(
        b"\\",
        b"@",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
        b"$",
        b"$(",
        b"`",
        b"|",
        b"--",
        b"-",
        b"*",
        b"\xff",
        b"\xc0\xae",
        b"\xe2\x80\xa8",
    ),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\n",
        b"Host: a\r\n",
        b" HTTP/1.1\r\n",
        b"0\r\n\r\n",
        b"HTTP/",
    ),
    *(
        b"[" * 70,
        b"{" * 70,
        b'{"a":' * 30,
        b"&a " * 30,
        b"*a",
        b"<<: ",
        b"- " * 70,
        b"query { a } ",
        b"...F ",
        b"1" * 400,
        b"a=b&" * 600,
    ),
    *(
        b"xn--",
        b"0x7f.1",
        b"[::1]",
        b"http://",
        b"kubectl ",
        b"-n",
        b" --all ",
        b"exec x -- ",
        b"/api/v1/",
        b"privileged: true\n",
    ),
)


def mutated(chance: random.Random, texts: list[bytes]) -> bytes:
    """One text cut, joined, doubled and salted."""
    text = chance.choice(texts)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.randint(0, 60))
        match chance.randint(0, 5):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + text[at:to] * chance.randint(2, 9) + text[to:]
            case 3:
                other = chance.choice(texts)
                text = text[:at] + other[chance.randint(0, len(other)) :]
            case 4:
                text = text[:at] + text[at:to].swapcase() + text[to:]
            case _:
                if text:
                    broken = bytearray(text)
                    broken[chance.randrange(len(broken))] = chance.randrange(256)
                    text = bytes(broken)
    return text[:40_000]


def right_length(chance: random.Random, raw: bytes) -> bytes:
    """Mostly the length of the body is made right, so that bodies are read at all."""
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator or chance.random() < 0.3:
        return raw
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body) if body else b"X: y", b"", body])


def check(command: Command, raw: bytes) -> None:
    assert command.operations, raw
    assert command.complete or command.problems or command.features, raw
    assert {one.kind for one in command.operations} <= KINDS[command.protocol], raw
    if command.http is not None and command.http.path not in ("", "*"):
        assert canonical_path(command.http.path) == command.http.path, raw


def run(texts: list[bytes], seed: int, seconds: float) -> int:
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until:
        raw = right_length(chance, mutated(chance, texts))
        check(within(SECONDS_EACH, partial(parse_http, raw, ROUTES if done % 2 else None), raw).command, raw)
        check(within(SECONDS_EACH, partial(parse_kubernetes, raw), raw).command, raw)
        done += 1
    return done


@pytest.fixture(scope="module")
def texts(corpora: Path) -> list[bytes]:
    found: list[bytes] = []

    def read(corpus: str) -> list[dict[str, object]]:
        with gzip.open(corpora / corpus / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    found += [str(item["raw"]).encode("latin-1", "replace") for item in read("http-wire")[:400]]
    found += [str(item["command"]).encode() for item in read("k8s-kubectl")]
    for item in read("k8s-manifests"):
        body = json.dumps(item["object"])
        found.append(raw_request("POST", "/api/v1/namespaces/a/pods", {"Content-Type": "application/json"}, body))
        found.append(
            raw_request("PATCH", "/api/v1/namespaces/a/pods/b", {"Content-Type": "application/apply-patch+yaml"}, body)
        )
        found.append(raw_request("POST", "/x", {"Content-Type": "application/json"}, body))
    found.append(raw_request("POST", "/graphql", {"Content-Type": "application/json"}, json.dumps({"query": "query A($x: Int) { a(x: $x) { ...F } } fragment F on T { b }"})))  # fmt: skip
    found.append(
        raw_request("POST", "/f", {"Content-Type": "application/x-www-form-urlencoded"}, "a=1&b=%20&_method=PUT")
    )
    found.append(raw_request("POST", "/m", {"Content-Type": "multipart/form-data; boundary=b"}, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--b--\r\n"))  # fmt: skip
    found.append(raw_request("POST", "/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&command=ls&stdin=true"))
    return [text for text in found if len(text) < 8_000]


def test_mutated_texts_end_in_a_tree(texts: list[bytes]) -> None:
    assert run(texts, SEED, 5.0) > 300


@pytest.mark.long
def test_mutated_texts_end_in_a_tree_for_long(texts: list[bytes]) -> None:
    seconds = float(os.environ.get("SALLYPORT_FUZZ_SECONDS", "600"))
    assert run(texts, random.SystemRandom().randrange(2**32), seconds) > 5_000
