"""The command tree through messages and back; the message has a place for every field of the tree."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import pytest

from engine.command import tree
from engine.command.parse import parse_command
from engine.command.tree import Access, Command, Effect, Operation, Output, Problem, Sql, Target
from gateway.rpc.codec.commands import read_command, write_command
from gateway.rpc.limits import MAX_OPERATIONS, MAX_TEXT
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

FULL = Command(
    protocol="postgres",
    text="UPDATE öffentlich SET a = 1",
    digest="0f" * 32,
    operations=(
        Operation(
            kind="update",
            effect=Effect.WRITE,
            via=("top", "cte"),
            targets=(
                Target("table", "public.orders", Access.WRITE, "public", "orders", None, True),
                Target("column", "public.orders.a", Access.SET, "public", "orders", "a"),
            ),
            span=(0, 28),
            has_where=False,
            has_limit=None,
            statement=2,
        ),
    ),
    features=("secret_literal",),
    complete=True,
    problems=(Problem("P1", "odd", 3), Problem("P2", "odder", None)),
    sql=Sql(
        reads=("public.orders.a",),
        writes=("public.orders.a",),
        relations=("public.orders",),
        filters=("public.orders.id", "public.orders.mail"),
        equalities=("public.orders.mail",),
        passed=("public.orders.note",),
        outputs=(
            Output("a", ("public.orders.a",), False, None, True, None),
            Output(None, (), True, "count", False, ()),
            Output("b", (), True, None, True, ("op:||", "cast:int4")),
        ),
        outputs_proven=True,
        has_where=True,
        has_limit=True,
        joins=3,
        statements=2,
        is_multi=True,
        constants_matter=False,
    ),
)


def through(command: Command) -> Command:
    message = pb.Command()
    write_command(message, command)
    return read_command(pb.Command.FromString(message.SerializeToString()))


@pytest.mark.parametrize(
    "command",
    [
        FULL,
        replace(FULL, sql=None, problems=(), complete=False),
        replace(FULL, sql=Sql()),
        replace(FULL, sql=Sql(outputs=())),
        parse_command("kubernetes", "kubectl exec -it web-0 -n prod -- sh -c 'id'").command,
        parse_command("shell", "sudo LANG=C ls $HOME > /tmp/x 2>&1").command,
        parse_command("python", "import os\nos.system('rm -rf /srv')").command,
        parse_command("http", "POST /a?b=1&b=2 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").command,
        parse_command(
            "mcp", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":[1,true]}}}'
        ).command,
    ],
    ids=["full", "no sql", "empty sql", "no outputs", "kubernetes", "shell", "python", "http", "mcp"],
)
def test_a_tree_comes_back_as_it_was(command: Command) -> None:
    assert through(command) == command


@pytest.mark.parametrize("effect", Effect)
def test_every_effect_has_its_number(effect: Effect) -> None:
    operation = replace(FULL.operations[0], effect=effect)
    assert through(replace(FULL, operations=(operation,))).operations[0].effect is effect


@pytest.mark.parametrize("access", Access)
def test_every_access_has_its_number(access: Access) -> None:
    operation = replace(FULL.operations[0], targets=(Target("table", "t", access),))
    assert through(replace(FULL, operations=(operation,))).operations[0].targets[0].access is access


@pytest.mark.parametrize(
    ("kind", "message", "renamed"),
    [
        (tree.Command, pb.Command, {}),
        (tree.Operation, pb.Operation, {"span": {"span_start", "span_end"}}),
        (tree.Target, pb.Target, {}),
        (tree.Problem, pb.Problem, {}),
        (tree.Sql, pb.Sql, {}),
        (tree.Output, pb.Output, {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_message_has_the_fields_of_the_tree(kind: type, message: type, renamed: dict[str, set[str]]) -> None:
    """A new field of the tree goes into decision.proto and codec/commands.py too: `make protos`."""
    wanted: set[str] = set()
    for each in dataclasses.fields(kind):
        wanted |= renamed.get(each.name, {each.name})
    assert set(message.DESCRIPTOR.fields_by_name) == wanted  # type: ignore[attr-defined]  # every message has it


def message_of(command: Command) -> pb.Command:
    message = pb.Command()
    write_command(message, command)
    return message


def refused(message: pb.Command) -> CallRefused:
    with pytest.raises(CallRefused) as caught:
        read_command(message)
    return caught.value


def test_a_tree_without_operations_is_refused() -> None:
    message = message_of(FULL)
    del message.operations[:]
    assert "at least one" in str(refused(message))


def test_an_unknown_effect_or_access_is_refused() -> None:
    message = message_of(FULL)
    message.operations[0].effect = 99  # type: ignore[assignment]  # what a hostile caller sends
    assert "effect" in str(refused(message))
    message = message_of(FULL)
    message.operations[0].targets[0].access = pb.Target.UNSPECIFIED
    assert "access" in str(refused(message))


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (5, 4)])
def test_a_span_that_is_none_is_refused(start: int, end: int) -> None:
    message = message_of(FULL)
    message.operations[0].span_start, message.operations[0].span_end = start, end
    assert "span" in str(refused(message))


def test_a_kind_a_name_or_a_protocol_must_be_there() -> None:
    message = message_of(FULL)
    message.operations[0].kind = ""
    assert "kind" in str(refused(message))
    message = message_of(FULL)
    message.operations[0].targets[0].name = ""
    assert "name" in str(refused(message))
    message = message_of(FULL)
    message.protocol = ""
    assert "protocol" in str(refused(message))


def test_negative_counts_are_refused() -> None:
    message = message_of(FULL)
    message.sql.joins = -1
    assert "negative" in str(refused(message))


def test_too_many_operations_and_too_much_text_are_refused() -> None:
    message = message_of(FULL)
    for _ in range(MAX_OPERATIONS):
        message.operations.add(kind="select")
    assert refused(message).code == "TOO_LARGE"
    message = message_of(FULL)
    message.text = "ä" * (MAX_TEXT // 2 + 1)
    assert refused(message).code == "TOO_LARGE"


@pytest.mark.parametrize("digest", ["AB" * 32, "ab" * 31, "zz" * 32])
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    message = message_of(FULL)
    message.digest = digest
    assert "digest" in str(refused(message))


def test_without_a_digest_the_whole_tree_is_digested() -> None:
    message = message_of(replace(FULL, digest=""))
    other = message_of(replace(FULL, digest="", complete=False))
    assert len(read_command(message).digest) == 64
    assert read_command(message).digest == read_command(message).digest != read_command(other).digest
