"""Dialogues: requests to the API server, from the first byte to the last."""

from __future__ import annotations

import json

import pytest

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer, Cause, Target
from adapters.kubernetes.session import MAX_BODY
from adapters.web.bodies import Chunked, chunk
from engine.command.parse import parse_command
from engine.decision import Decision, MaskItem, Verdict
from tests.strategies.kubernetes_sessions import EXEC, SECRET, House, denying, granting, holding, request

PODS = "GET /api/v1/namespaces/t/pods"


def masking(*paths: str) -> object:
    plan = tuple(MaskItem(None, (), "redact", {}, ("p/M",), path) for path in paths)

    def judge(text: bytes) -> Answer:
        return Answer(Decision(Verdict.MASK, None, mask_plan=plan), "d-1", command=parse_command("kubernetes", text))

    return judge


def test_a_granted_request_goes_on_as_who_asks_and_with_the_gateways_credential() -> None:
    house = House().client(request(PODS, "x-own: y", "accept: application/json", "cookie: a=b"))
    text = (
        b"GET /api/v1/namespaces/t/pods HTTP/1.1\r\nhost: 127.0.0.1:6443\r\naccept-encoding: identity\r\n"
        b"accept: application/json\r\n\r\n"
    )
    assert house.asked == [text]
    beside = f"authorization: Bearer {SECRET}\r\nimpersonate-user: ana\r\nimpersonate-group: developers\r\nconnection: keep-alive\r\n\r\n"
    assert house.up == [text[:-2] + beside.encode()]
    assert house.statuses == [200]
    assert house.records == [None]


def test_with_a_role_everybody_is_that_user_and_in_no_group() -> None:
    house = House(target=Target("127.0.0.1", 6443, "app", None, tls=False)).client(request(PODS))
    assert b"impersonate-user: app\r\nconnection" in house.up[0]
    assert b"impersonate-group" not in house.up[0]


def test_nobody_is_let_in_as_one_of_the_clusters_own() -> None:
    for groups in (("system:masters",), ("a\r\nb",), ("",), (" a",), ("é",)):
        house = House(groups=groups).client(request(PODS))
        assert b"HTTP/1.1 502" in house.down, groups
        assert not any(house.up)


@pytest.mark.parametrize(
    "header",
    [
        "Impersonate-User: root",
        "Impersonate-Group: system:masters",
        "Impersonate-Extra-Scopes: x",
        "X-Remote-User: root",
    ],
)
def test_who_somebody_is_they_do_not_say_themselves(header: str) -> None:
    house = House().client(request(PODS, header))
    assert house.statuses == [403]
    assert house.up == []
    assert len(house.asked) == 1, "it stands in the audit"
    assert house.closed is not None


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1//pods", "/api/v1/namespaces/t/../pods", "/api/v1/namespaces/t/pods/", "/API/v1/pods", "/api/v1/%70ods",
        "/api/v1/namespaces/t/pods%2fx", "/api/v1/pods;x=1", "/api/v1/namespaces/t/pods/a/log/b",
    ],
)  # fmt: skip
def test_a_path_that_two_servers_could_read_in_two_ways_goes_nowhere(path: str) -> None:
    house = House().client(request(f"GET {path}"))
    assert house.statuses == [400]
    assert house.up == []


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("GET /api/v1/pods?watch=1&watch=0", b""),
        ("POST /api/v1/namespaces/t/pods", b'{"a": 1, "a": 2}'),
        ("POST /api/v1/namespaces/t/pods", b"k8s\x00abc"),
        ("PURGE /api/v1/namespaces/t/pods", b""),
    ],
)
def test_what_nobody_read_does_not_go_on_even_where_a_policy_grants_it(line: str, body: bytes) -> None:
    house = House().client(request(line, body=body))
    assert house.statuses == [400]
    assert not any(house.up)


def test_without_a_tree_nothing_goes_on() -> None:
    house = House(judge=lambda text: Answer(Decision(Verdict.ALLOW, None), "d-1")).client(request(PODS))
    assert (house.statuses, house.up) == ([403], [])


def test_a_body_that_is_too_long_is_refused_and_recorded() -> None:
    house = House().client(request("POST /api/v1/namespaces/t/configmaps", body=b"x" * (MAX_BODY + 1)))
    assert house.statuses == [413]
    assert (house.up, len(house.asked)) == ([], 1)


def test_a_denied_request_is_told_why_and_the_connection_goes_on() -> None:
    house = House(judge=lambda text: denying(text) if b"secrets" in text else granting(text))
    house.client(request("GET /api/v1/secrets") + request(PODS))
    assert house.statuses == [403, 200]
    assert b"not here [p/NO]" in house.down
    assert len(house.up) == 1


def test_a_held_request_waits_and_says_so_when_it_comes_back() -> None:
    house = House(judge=holding).client(request(PODS))
    assert (house.down, house.up) == (b"", [])
    house.decide(granting)
    assert house.statuses == [200]
    assert b'warning: 299 - "this waited for an approval: ticket t-1"\r\n' in house.down


def test_a_certificate_proves_who_somebody_is_and_mends_no_wrong_token() -> None:
    house = House(certificate="bob").client(request(PODS, token=None))
    assert b"impersonate-user: bob\r\n" in house.up[0]
    assert House(certificate="bob").client(request(PODS, token="eve")).statuses == [401]
    assert House(certificate="bob").client(request(PODS, "authorization: odd", token=None)).statuses == [401]


def test_protobuf_is_not_asked_for() -> None:
    for given, sent in (
        ("application/vnd.kubernetes.protobuf,application/json", b"accept: application/json\r\n"),
        ("application/cbor", b"accept: application/json\r\n"),
        ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", b"accept: application/com.github.proto-openapi"),
        (
            "application/json;as=Table;v=v1;g=meta.k8s.io, */*",
            b"accept: application/json;as=Table;v=v1;g=meta.k8s.io, */*\r\n",
        ),
    ):
        assert sent in House().client(request(PODS, f"accept: {given}")).up[0]


def test_an_object_in_protobuf_is_judged_and_goes_on_in_json() -> None:
    name = b"\x0a\x03way"
    pod = b"\x0a" + bytes((len(name),)) + name + b"\x12\x02\x60\x01"
    raw = b"k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod\x12" + bytes((len(pod),)) + pod
    sent = request("POST /api/v1/namespaces/t/pods", body=raw).replace(
        b"application/json", b"application/vnd.kubernetes.protobuf"
    )
    house = House().client(sent)
    document = b'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "way"}, "spec": {"hostPID": true}}'
    assert house.asked[0].endswith(
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(document) + document
    )
    assert house.up[0].endswith(b"\r\n\r\n" + document)
    tree = parse_command("kubernetes", house.asked[0]).command
    assert tree.operations[0].kubernetes is not None
    assert tree.operations[0].kubernetes.pods is not None
    assert tree.operations[0].kubernetes.pods.host_pid
    house = House().client(sent.replace(b"\x60\x01", b"\xe8\x07"))
    assert (house.statuses, house.up, len(house.asked)) == ([400], [], 1)


def test_values_are_masked_in_whichever_form_an_object_comes() -> None:
    secret = {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0"}},
        "data": {"k": "c2VjcmV0"},
    }
    for line, document in (
        ("GET /api/v1/namespaces/t/secrets/a", secret),
        ("GET /api/v1/secrets", {"items": [secret, secret]}),
        ("GET /api/v1/secrets?watch=true", {"type": "ADDED", "object": secret}),
        ("GET /api/v1/secrets", {"kind": "Table", "rows": [{"cells": ["a"], "object": secret}]}),
        ("GET /api/v1/secrets?watch=1", {"type": "ADDED", "object": {"kind": "Table", "rows": [{"object": secret}]}}),
    ):
        body = json.dumps(document).encode() + b"\n"
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        house = House(judge=masking("$.data.*"), answers=answer).client(request(line))  # type: ignore[arg-type]  # a judge
        assert b"c2VjcmV0" not in house.down, line
        assert b'"data":{"k":' in house.down


def test_a_watch_may_be_silent_for_ever_and_another_answer_may_not() -> None:
    for line, is_late in ((f"{PODS}?watch=1", False), (f"{PODS}/a/log?follow=true", False), (PODS, True)):
        house = House(answers=None).client(request(line))
        house.now = 1e6
        house.saw(saw.TimePassed())
        assert (b"HTTP/1.1 504" in house.down) is is_late, line


def test_an_upgrade_is_for_exec_attach_and_forwarded_ports_alone() -> None:
    for line, headers in (
        (PODS, ("connection: Upgrade", "upgrade: websocket")),
        ("GET /api/v1/namespaces/t/pods/a/proxy/x", ("connection: Upgrade", "upgrade: websocket")),
        (f"GET {EXEC}", ("connection: Upgrade", "upgrade: h2c")),
        (f"GET {EXEC}", ("connection: Upgrade",)),
        (f"GET {EXEC}", ("connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13")),
    ):
        house = House().client(request(line, *headers))
        assert house.statuses == [400], line
        assert house.up == []


CHUNKS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'{"type":"ADDED","object":{}}\n'


def test_who_watches_is_told_why_a_watch_is_ended_behind_an_event_alone() -> None:
    for piece, is_told in ((b"", True), (EVENT, True), (EVENT[:9], False)):
        house = House(answers=None).client(request(f"{PODS}?watch=1")).upstream(CHUNKS + chunk(piece))
        before = len(house.down)
        house.saw(saw.StopRequested("an operator ended this", Cause.KILLED))
        body = Chunked(is_strict=True)
        said = body.feed(house.down[before:])
        assert body.is_done == is_told
        assert (b"an operator ended this" in said) == is_told
        assert not is_told or json.loads(said)["type"] == "ERROR"
        assert (house.records, house.is_open, house.closed is not None) == (["SESSION_ENDED"], False, True)


def test_an_end_of_the_api_server_looks_like_one_and_so_does_that_of_another_answer() -> None:
    for line, event in (
        (f"{PODS}?watch=1", saw.EndReceived(Side.UPSTREAM)),
        (PODS, saw.StopRequested("an operator ended this", Cause.KILLED)),
    ):
        house = House(answers=None).client(request(line)).upstream(CHUNKS + chunk(EVENT))
        before = len(house.down)
        house.saw(event)
        assert house.down[before:] == b""
