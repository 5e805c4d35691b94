"""Questions: what is read, what is refused, and what has the same digest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.tree import ParsedCommand
from engine.request import Principal, Resource, Session
from gateway.rpc.codec.questions import (
    Asked,
    Detail,
    Names,
    Raw,
    parsed,
    read_batch,
    read_parse,
    read_question,
    read_watch,
)
from gateway.rpc.limits import MAX_BATCH, MAX_GROUPS, MAX_LABELS, MAX_MESSAGE, MAX_NAME, MAX_PARAMETERS, MAX_TEXT
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb


def question() -> pb.DecideRequest:
    request = pb.DecideRequest(
        request_id="q-1",
        principal=pb.Principal(name="ana", kind=pb.Principal.AGENT, groups=["readers"]),
        session=pb.Session(id="s-1", job="build-42"),
        resource=pb.Resource(name="orders", protocol="postgres", labels={"environment": "prod"}),
        raw=pb.RawCommand(protocol="postgres", text=b"SELECT $1", parameters=[pb.Parameter(text="7"), pb.Parameter()]),
        min_revision="r1",
        detail=pb.DecideRequest.REASONS,
        dry_run=True,
    )
    request.context["hour"].integer = 11
    request.raw.catalog.search_path.append("public")
    request.raw.catalog.relations["public.orders"].names.extend(["id", "total"])
    return request


def refused(change: Callable[[pb.DecideRequest], object]) -> CallRefused:
    request = question()
    change(request)
    with pytest.raises(CallRefused) as caught:
        read_question(request.SerializeToString())
    return caught.value


def test_a_question_is_read_whole() -> None:
    asked = read_question(question().SerializeToString())
    assert asked.principal == Principal("ana", "agent", ("readers",))
    assert asked.session == Session("s-1", "build-42")
    assert asked.resource == Resource("orders", "postgres", labels={"environment": "prod"})
    assert asked.context == {"hour": 11}
    assert asked.what == Raw(
        "postgres", b"SELECT $1", ("7", None), Names(("public",), {"public.orders": ("id", "total")})
    )
    assert (asked.request_id, asked.min_revision, asked.detail, asked.dry_run) == ("q-1", "r1", Detail.REASONS, True)


def test_what_is_absent_is_absent() -> None:
    request = pb.DecideRequest(
        resource=pb.Resource(name="o", protocol="postgres"), raw=pb.RawCommand(protocol="postgres")
    )
    asked = read_question(request.SerializeToString())
    assert asked.principal is None
    assert asked.session is None
    assert isinstance(asked.what, Raw)
    assert asked.what.parameters is None
    assert asked.what.names is None
    assert asked.detail is Detail.NONE


def test_a_tenant_stands_in_the_context_and_only_once() -> None:
    request = question()
    request.tenant = "acme"
    assert read_question(request.SerializeToString()).context == {"hour": 11, "tenant": "acme"}
    request.context["tenant"].text = "other"
    with pytest.raises(CallRefused, match="twice"):
        read_question(request.SerializeToString())


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("resource", lambda q: q.ClearField("resource")),
        ("raw or command", lambda q: q.ClearField("raw")),
        ("resource.name", lambda q: q.resource.ClearField("name")),
        ("resource.protocol", lambda q: q.resource.ClearField("protocol")),
        ("principal.name", lambda q: q.principal.ClearField("name")),
        ("principal.groups", lambda q: q.principal.groups.append("")),
        ("raw.protocol", lambda q: q.raw.ClearField("protocol")),
        ("detail", lambda q: q.MergeFromString(b"\x40\x63")),
        ("principal.kind", lambda q: q.principal.MergeFromString(b"\x10\x63")),
        ("principal.name", lambda q: setattr(q.principal, "name", "ana\n")),
        ("principal.name", lambda q: setattr(q.principal, "name", "a\u200bna")),
        ("resource.name", lambda q: setattr(q.resource, "name", "or\x00ders")),
        ("request_id", lambda q: setattr(q, "request_id", "a\x1b[0m")),
        ("resource.labels", lambda q: q.resource.labels.update({"": "x"})),
        ("context", lambda q: q.context["x"].SetInParent()),
    ],
)
def test_what_is_missing_or_wrong_is_named(field: str, change: Callable[[pb.DecideRequest], object]) -> None:
    refusal = refused(change)
    assert refusal.code == "INPUT_INVALID"
    assert str(refusal).startswith(field)


@pytest.mark.parametrize(
    "change",
    [
        lambda q: setattr(q.raw, "text", b"x" * (MAX_TEXT + 1)),
        lambda q: setattr(q.principal, "name", "x" * (MAX_NAME + 1)),
        lambda q: setattr(q, "request_id", "x" * 129),
        lambda q: setattr(q.resource, "database", "x" * (MAX_NAME + 1)),
        lambda q: q.principal.groups.extend(["g"] * MAX_GROUPS),
        lambda q: q.resource.labels.update({str(n): "" for n in range(MAX_LABELS)}),
        lambda q: q.raw.parameters.extend([pb.Parameter()] * MAX_PARAMETERS),
    ],
)
def test_what_is_too_large_is_refused_as_that(change: Callable[[pb.DecideRequest], object]) -> None:
    assert refused(change).code == "TOO_LARGE"


def test_a_field_that_is_not_known_is_refused_wherever_it_stands() -> None:
    unknown = b"\xf8\x07\x01"  # field 127
    for change in (
        lambda q: q.MergeFromString(unknown),
        lambda q: q.principal.MergeFromString(unknown),
        lambda q: q.context["hour"].MergeFromString(unknown),
    ):
        assert refused(change).code == "FIELD_UNKNOWN"


def test_the_command_of_an_adapter_is_read_as_a_tree() -> None:
    request = question()
    request.command.protocol = "postgres"
    request.command.operations.add(kind="select", effect=pb.Operation.READ)
    asked = read_question(request.SerializeToString())
    assert isinstance(asked.what, ParsedCommand)
    assert asked.what.command.operations[0].kind == "select"


def test_the_digest_knows_no_order_of_maps_and_every_field() -> None:
    first, second = question(), question()
    second.ClearField("context")
    for name in ("z", "hour", "a"):
        second.context[name].integer = 11
    for name in ("a", "z"):
        first.context[name].integer = 11
    one, two = (read_question(each.SerializeToString(deterministic=True)) for each in (first, second))
    assert one.input_digest == two.input_digest
    second.context["a"].integer = 12
    assert read_question(second.SerializeToString()).input_digest != one.input_digest


@pytest.mark.parametrize(
    "change",
    [
        lambda q: setattr(q.raw, "text", b"SELECT 2"),
        lambda q: setattr(q.raw.parameters[0], "text", "8"),
        lambda q: setattr(q.principal, "name", "bo"),
        lambda q: setattr(q.session, "job", "other"),
        lambda q: q.resource.labels.update({"environment": "dev"}),
        lambda q: q.raw.catalog.search_path.append("x"),
    ],
)
def test_what_is_decided_has_its_own_digest(change: Callable[[pb.DecideRequest], object]) -> None:
    changed = question()
    change(changed)
    before, after = (read_question(each.SerializeToString()) for each in (question(), changed))
    assert before.input_digest != after.input_digest


@pytest.mark.parametrize(
    "change",
    [
        lambda q: setattr(q, "dry_run", False),
        lambda q: setattr(q, "detail", pb.DecideRequest.NONE),
        lambda q: setattr(q, "min_revision", "r2"),
    ],
)
def test_how_it_is_asked_is_another_question_about_the_same(change: Callable[[pb.DecideRequest], object]) -> None:
    changed = question()
    change(changed)
    before, after = (read_question(each.SerializeToString()) for each in (question(), changed))
    assert before.input_digest == after.input_digest
    assert before.question_digest != after.question_digest


def test_the_request_id_is_no_part_of_the_question() -> None:
    changed = question()
    changed.request_id = "q-2"
    before, after = (read_question(each.SerializeToString()) for each in (question(), changed))
    assert before.question_digest == after.question_digest


def batch(*items: pb.BatchItem) -> bytes:
    return pb.DecideBatchRequest(principal=pb.Principal(name="ana"), items=items).SerializeToString()


def test_a_batch_has_its_wrong_items_in_their_place() -> None:
    resource = pb.Resource(name="orders", protocol="postgres")
    right = pb.BatchItem(resource=resource, raw=pb.RawCommand(protocol="postgres", text=b"SELECT 1"))
    read = read_batch(batch(right, pb.BatchItem(resource=resource), pb.BatchItem(raw=right.raw), right))
    kinds = [type(item) for item in read.items]
    assert kinds == [Asked, CallRefused, CallRefused, Asked]
    assert "raw or command" in str(read.items[1])
    assert "resource" in str(read.items[2])


def test_a_batch_that_shares_nonsense_is_none() -> None:
    with pytest.raises(CallRefused, match="principal"):
        read_batch(pb.DecideBatchRequest(principal=pb.Principal(), items=[pb.BatchItem()]).SerializeToString())


def test_a_batch_has_items_but_not_too_many() -> None:
    with pytest.raises(CallRefused, match="empty"):
        read_batch(batch())
    with pytest.raises(CallRefused) as refused:
        read_batch(batch(*[pb.BatchItem()] * (MAX_BATCH + 1)))
    assert refused.value.code == "TOO_LARGE"


def test_a_batch_has_a_digest_of_all_its_items() -> None:
    resource = pb.Resource(name="orders", protocol="postgres")
    items = [
        pb.BatchItem(resource=resource, raw=pb.RawCommand(protocol="postgres", text=text)) for text in (b"a", b"b")
    ]
    assert read_batch(batch(*items)).question_digest != read_batch(batch(*reversed(items))).question_digest


def test_parse_needs_a_text_and_watch_nothing() -> None:
    raw = pb.RawCommand(protocol="postgres", text=b"SELECT 1")
    assert read_parse(pb.ParseRequest(raw=raw).SerializeToString()) == Raw("postgres", b"SELECT 1")
    with pytest.raises(CallRefused, match="raw"):
        read_parse(b"")
    read_watch(b"")
    with pytest.raises(CallRefused):
        read_watch(b"\xff")


def test_a_message_beyond_the_limit_is_not_even_read() -> None:
    with pytest.raises(CallRefused) as refused:
        parsed(pb.DecideRequest, b"\xff" * (MAX_MESSAGE + 1))
    assert refused.value.code == "TOO_LARGE"


@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused_and_nothing_else(data: bytes) -> None:
    for read in (read_question, read_batch, read_parse, read_watch):
        with contextlib.suppress(CallRefused):
            read(data)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_question_with_one_byte_changed_is_read_or_refused(at: int, byte: int) -> None:
    data = bytearray(question().SerializeToString())
    data[at % len(data)] = byte
    with contextlib.suppress(CallRefused):
        read_question(bytes(data))
