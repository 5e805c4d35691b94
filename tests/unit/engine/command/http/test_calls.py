"""Calls inside bodies."""

from __future__ import annotations

import json

import pytest

from engine.command.documents.refusal import Refused
from engine.command.http.calls import MAX_CALLS, calls_in, is_nothing_else
from engine.command.http.content import read_content
from engine.command.tree import Operation


def calls(document: object, path: str = "/x", query: dict[str, tuple[str, ...]] | None = None) -> list[Operation]:
    raw = b"" if document is None else json.dumps(document).encode()
    return calls_in(read_content(raw, "application/json", None), path, query or {})


def names(found: list[Operation]) -> list[tuple[str, list[str]]]:
    return [(one.kind, [target.name for target in one.targets]) for one in found]


def test_a_mutation_is_seen_behind_alias_and_fragment() -> None:
    document = {"query": "mutation { nice: ...F } fragment F on M { volumeDelete }".replace("nice: ...F", "...F")}
    assert names(calls(document, "/graphql")) == [("graphql_mutation", ["mutation.volumeDelete"])]


def test_only_the_operation_that_is_asked_for_runs() -> None:
    document = {"query": "query A { a } mutation B { b }", "operationName": "A"}
    assert names(calls(document)) == [("graphql_query", ["query.a"])]


TWO = {"query": "query A { a } mutation B { b }", "operationName": "A"}


@pytest.mark.parametrize(
    "document", [TWO, {"query": TWO["query"]}, {"query": "mutation B { b }", "operationName": "B"}, [TWO]]
)
def test_an_operation_that_the_url_asks_for_is_that_of_the_body_or_refused(document: object) -> None:
    """Servers differ in which of the two they prefer."""
    for path in ("/graphql", "/x"):
        with pytest.raises(Refused):
            calls(document, path, {"operationName": ("C",)})
    assert calls(TWO, "/graphql", {"operationName": ("A",)}) == calls(TWO, "/graphql")


def test_an_operation_in_the_url_counts_for_a_plain_document_and_a_form_too() -> None:
    plain = read_content(b"query A { a } mutation B { b }", "application/graphql", None)
    assert names(calls_in(plain, "/graphql", {"operationName": ("B",)})) == [("graphql_mutation", ["mutation.b"])]
    form = read_content(b"query=query+A+%7Ba%7D&operationName=A", "application/x-www-form-urlencoded", None)
    assert len(calls_in(form, "/graphql", {"operationName": ("A",)})) == 1
    with pytest.raises(Refused):
        calls_in(form, "/graphql", {"operationName": ("B",)})


def test_every_entry_of_a_batch_is_one() -> None:
    found = calls([{"query": "{ a }"}, {"query": "mutation { b }"}], "/graphql")
    assert [one.kind for one in found] == ["graphql_query", "graphql_mutation"]
    assert {one.via for one in found} == {("top", "batch", "graphql")}


def test_a_query_of_a_get_is_read() -> None:
    found = calls(None, "/graphql", {"query": ("mutation { a }",)})
    assert [one.kind for one in found] == ["graphql_mutation"]


def test_a_form_may_carry_a_query() -> None:
    content = read_content(b"query=mutation%20%7B%20a%20%7D", "application/x-www-form-urlencoded", None)
    assert [one.kind for one in calls_in(content, "/graphql", {})] == ["graphql_mutation"]


def test_the_plain_type_of_graphql_is_read() -> None:
    content = read_content(b"{ a }", "application/graphql", None)
    assert [one.kind for one in calls_in(content, "/", {})] == ["graphql_query"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"query": "query A { a } query B { b }"}, "/graphql"),
        ({"query": "{ a }", "operationName": "B"}, "/graphql"),
        ({"extensions": {"persistedQuery": {"sha256Hash": "x"}}}, "/graphql"),
        ({"id": "abc"}, "/graphql"),
        ({"query": "not a query"}, "/graphql"),
        ([], "/graphql"),
        ({"other": 1}, "/graphql"),
        ([{"query": "{ a }"}, 7], "/graphql"),
        ([{"jsonrpc": "2.0", "method": "a"}, {"x": 1}], "/x"),
        ({"jsonrpc": "1.0", "method": "a"}, "/x"),
        ({"jsonrpc": "2.0", "method": 7}, "/x"),
        ({"jsonrpc": "2.0", "method": "a", "extra": 1}, "/x"),
        ({"jsonrpc": "2.0", "method": "tools/call", "params": {"arguments": {}}}, "/x"),
        ([{"jsonrpc": "2.0", "method": "a"}] * (MAX_CALLS + 1), "/x"),
    ],
)
def test_calls_that_nobody_can_read_are_refused(document: object, path: str) -> None:
    with pytest.raises(Refused):
        calls(document, path)


def test_a_query_that_stands_twice_is_refused() -> None:
    with pytest.raises(Refused):
        calls(None, "/graphql", {"query": ("{ a }", "mutation { b }")})


@pytest.mark.parametrize(
    ("entry", "kind", "target"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "wipe", "params": []}, "rpc_call", ["wipe"]),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, "mcp_request", ["tools/list"]),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "rm"}}, "mcp_tool_call", ["rm"]),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, "mcp_request", []),
    ],
)
def test_calls_of_json_rpc_name_their_method_or_tool(entry: object, kind: str, target: list[str]) -> None:
    assert names(calls(entry)) == [(kind, target)]
    (one,) = calls([entry])
    assert one.via == ("top", "batch", "rpc")


def test_other_bodies_carry_no_calls() -> None:
    assert calls({"query": "shoes", "size": 7}) == []
    assert calls({"query": "{ a }", "size": 7}) == []
    assert calls([{"a": 1}]) == []
    assert calls(None) == []


MUTATION = "mutation { deleteUser(id: 1) { id } }"


@pytest.mark.parametrize(
    "document",
    [
        {"query": MUTATION, "extra": 1},
        {"query": "# a query\n" + MUTATION},
        {"query": "\ufeff,, " + MUTATION, "extra": 1},
        [{"query": MUTATION, "extra": 1}],
    ],
)
def test_a_mutation_is_seen_whatever_the_path_is_and_whatever_stands_beside_it(document: object) -> None:
    assert [one.kind for one in calls(document, "/gql")] == ["graphql_mutation"]


@pytest.mark.parametrize(
    "document",
    [
        [{"query": MUTATION}, {"a": 1}],
        {"query": "mutation { " + " ".join(f"f{number}" for number in range(600)) + " }", "extra": 1},
        {"query": "mutation { a(x: %) }"},
        {"query": "query A { a } mutation A { b }"},
    ],
)
def test_what_may_be_a_document_and_is_not_read_is_refused(document: object) -> None:
    with pytest.raises(Refused):
        calls(document, "/gql")


def multipart(operations: str, name: str = "operations") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{operations}\r\n--b--\r\n'.encode()


@pytest.mark.parametrize("path", ["/graphql", "/gql"])
def test_a_form_with_files_carries_operations(path: str) -> None:
    for text in (json.dumps({"query": MUTATION}), json.dumps([{"query": "{ a }"}, {"query": MUTATION}])):
        content = read_content(multipart(text), "multipart/form-data; boundary=b", None)
        assert "graphql_mutation" in [one.kind for one in calls_in(content, path, {})]
    with pytest.raises(Refused):
        calls_in(read_content(multipart("{"), "multipart/form-data; boundary=b", None), path, {})


def test_a_document_in_the_url_is_seen_beside_a_body_of_another_kind() -> None:
    assert [one.kind for one in calls({"a": 1}, "/gql", {"query": (MUTATION,)})] == ["graphql_mutation"]
    assert [one.kind for one in calls(None, "/gql", {"query": (MUTATION,)})] == ["graphql_mutation"]
    for text in ("{curly} words", '{app="shop"} |= "error"', "plain words", "query words"):
        assert calls(None, "/search", {"query": (text,)}) == []
        assert calls({"query": text}, "/search") == []


def test_what_only_looks_like_a_call_is_a_request_like_others_too() -> None:
    def is_alone(document: object, path: str = "/notes") -> bool:
        return is_nothing_else(read_content(json.dumps(document).encode(), "application/json", None), path)

    assert is_alone({"query": "{ a }"})
    assert is_alone({"query": "{ a }", "amount": 1}, "/graphql")
    assert not is_alone({"query": "{ a }", "amount": 1})
    assert not is_alone([{"query": "{ a }"}, {"amount": 1}])
    assert not is_nothing_else(read_content(b"query=x", "application/x-www-form-urlencoded", None), "/notes")
