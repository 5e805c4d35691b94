"""HTTP and Kubernetes trees: what is forwarded is what was judged, no text raises, one decoding."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.http.parse import parse_http
from engine.command.http.target import read_target
from engine.command.http.wire import read_request
from engine.command.kubernetes.kubectl import kubectl_line
from engine.command.kubernetes.parse import parse_kubernetes
from engine.command.tree import Command
from tests.time_bounds import within
from tests.web_requests import raw_request

segments = st.sampled_from(
    ["a", "B", "c.d", "%20", "%C3%A9", "%c3%a9", "%7E", "~", "x:y", "", "..", "%2e", "%2f", "a;b", "%252e", '"q"', "*"]
)
queries = st.lists(
    st.sampled_from(["a=1", "a=2", "b=%20", "c", "=d", "u=http://127.1/", "x=../y", "_method=PUT"]), max_size=4
).map("&".join)
hosts = st.sampled_from(
    ["h.test", "H.test", "h.test:80", "127.1", "0x7f.1", "[::1]:8080", "bücher.test".encode().decode("latin-1"), "a b"]
)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])


def facts(command: Command) -> Command:
    """A tree without what differs between two spellings of one request."""
    bare = tuple(replace(operation, span=(0, 0)) for operation in command.operations)
    features = tuple(feature for feature in command.features if feature != "fragment")
    return replace(command, text="", digest="", operations=bare, features=features)


@settings(max_examples=400)
@given(methods, st.lists(segments, max_size=5), queries, hosts, st.booleans())
def test_the_canonical_request_has_the_tree_that_was_judged(
    method: str, parts: list[str], query: str, host: str, is_whole: bool
) -> None:
    path = "/" + "/".join(parts) + (f"?{query}" if query else "")
    target = f"http://{host}{path}" if is_whole else path
    raw = raw_request(method, target, host=None if is_whole else host)
    command = parse_http(raw).command
    if command.http is None:
        assert not command.complete
        return
    where = read_target(read_request(raw))
    address = f"{where.host}:{where.port}" if where.port else where.host
    canonical = command.http.path + (f"?{where.raw_query}" if where.raw_query else "")
    forwarded = raw_request(
        method, f"http://{address}{canonical}" if is_whole else canonical, host=None if is_whole else address
    )
    assert facts(parse_http(forwarded).command) == facts(command)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_random_bytes_end_in_a_tree(raw: bytes) -> None:
    for command in (parse_http(raw).command, parse_kubernetes(raw).command):
        assert command.operations
        assert command.complete or command.problems or command.features


words = st.sampled_from(
    [
        "kubectl",
        "get",
        "delete",
        "exec",
        "run",
        "apply",
        "pods",
        "ns",
        "a/b",
        "-n",
        "-it",
        "--",
        "-f",
        "x",
        "--all",
        "-l",
        "--dry-run",
        "-p",
        "{}",
        "=",
        "-",
        "--as",
        "",
    ]
)


@settings(max_examples=400)
@given(st.lists(st.one_of(st.none(), words), max_size=10))
def test_any_words_end_in_operations(argv: list[str | None]) -> None:
    line = kubectl_line(["kubectl", *argv])
    assert line.operations
    assert (
        None not in argv or not line.is_complete or "--" in argv or "dynamic" in str(line.features) or _is_value(argv)
    )


def _is_value(argv: list[str | None]) -> bool:
    """A word that is no literal as the value of an option leaves the options known."""
    return (
        all(argv[at - 1] in ("-n", "-f", "-l", "-p", "--as") for at, word in enumerate(argv) if word is None and at)
        and argv[0] is not None
    )


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8"), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6), inner, max_size=4),
    ),
    max_leaves=20,
)


@settings(max_examples=200)
@given(json_values)
def test_every_json_document_is_read_with_every_scalar(document: object) -> None:
    raw = raw_request("POST", "/a", {"Content-Type": "application/json"}, json.dumps(document))
    command = parse_http(raw).command
    assert command.http is not None or command.problems

    def scalars(value: object) -> int:
        match value:
            case dict():
                return sum(scalars(inside) for inside in value.values())
            case list():
                return sum(scalars(inside) for inside in value)
            case None:
                return 0
            case _:
                return 1

    if command.http is not None:
        assert len(command.http.body) == scalars(document)


@given(st.text(max_size=60))
def test_an_address_never_takes_long(text: str) -> None:
    def read_both() -> None:
        for host in (text, text * 200):
            with contextlib.suppress(Refused, UnicodeError):
                read_target(read_request(raw_request("GET", "/", host=host.encode().decode("latin-1"))))

    within(1.0, read_both)
