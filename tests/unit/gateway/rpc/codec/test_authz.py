"""What Envoy tells of a request becomes the request; what could be read in two ways becomes none."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.parse import parse_command
from gateway.rpc.codec.authz import MAX_HEADERS, RESOURCE, Said, read_check, write_check
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.envoy.v3 import external_auth_pb2 as pb

HEADERS = {
    ":method": "POST",
    ":path": "/orders?a=1",
    ":authority": "shop.test",
    ":scheme": "http",
    "authorization": "Bearer abc",
    "content-type": "application/json",
    "content-length": "2",
    "user-agent": "curl",
    "x-request-id": "r",
    "x-forwarded-proto": "http",
    "x-envoy-auth-partial-body": "false",
}


def request(body: str = "{}", **headers: str | None) -> pb.CheckRequest:
    made = pb.CheckRequest()
    http = made.attributes.request.http
    http.method, http.path, http.host, http.protocol, http.body = "POST", "/orders?a=1", "shop.test", "HTTP/1.1", body
    for name, value in (HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        if value is not None:
            http.headers[name] = value
    made.attributes.source.address.socket_address.address = "10.0.0.9"
    made.attributes.context_extensions[RESOURCE] = "shop"
    return made


def test_the_text_is_the_request_without_what_envoy_adds_and_without_the_token() -> None:
    found = read_check(request().SerializeToString())
    assert found.text == (
        b"POST /orders?a=1 HTTP/1.1\r\nhost: shop.test\r\ncontent-type: application/json\r\nuser-agent: curl\r\n"
        b"content-length: 2\r\n\r\n{}"
    )
    assert (found.token, found.resource, found.client_address, found.application) == ("abc", "shop", "10.0.0.9", "curl")
    assert parse_command("http", found.text).command.complete


def test_raw_headers_and_raw_bodies_are_read_too() -> None:
    made = request("")
    http = made.attributes.request.http
    http.raw_body = b"{}"
    headers = dict(http.headers)
    http.ClearField("headers")
    for name, value in headers.items():
        http.header_map.headers.add(key=name, raw_value=value.encode())
    plain = read_check(request().SerializeToString()).text
    assert sorted(read_check(made.SerializeToString()).text.split(b"\r\n")) == sorted(plain.split(b"\r\n"))


@pytest.mark.parametrize(
    "made",
    [
        request(x_envoy_auth_partial_body="true"),
        request(content_length="3"),
        request("", content_length="2"),
        request("", content_length=None, transfer_encoding="chunked"),
        request(content_length=None, x_envoy_auth_partial_body=None),
    ],
    ids=range(5),
)
def test_a_body_that_envoy_did_not_send_whole_is_one_that_nobody_read(made: pb.CheckRequest) -> None:
    command = parse_command("http", read_check(made.SerializeToString()).text).command
    assert not command.complete
    assert "unread_body" in command.features


def test_over_http_2_a_body_needs_no_word_of_it() -> None:
    made = request("", content_length=None, x_envoy_auth_partial_body=None)
    assert parse_command("http", read_check(made.SerializeToString()).text).command.complete
    made.attributes.request.http.protocol = "HTTP/2"
    assert not parse_command("http", read_check(made.SerializeToString()).text).command.complete


def changed(change: Callable[[pb.CheckRequest], object]) -> pb.CheckRequest:
    made = request()
    change(made)
    return made


def http(made: pb.CheckRequest) -> pb.AttributeContext.HttpRequest:
    return made.attributes.request.http


@pytest.mark.parametrize(
    "made",
    [
        pb.CheckRequest(),
        changed(lambda made: made.attributes.ClearField("request")),
        changed(lambda made: setattr(http(made), "method", "get")),
        changed(lambda made: setattr(http(made), "path", "orders")),
        changed(lambda made: setattr(http(made), "fragment", "x")),
        changed(lambda made: setattr(http(made), "path", "/other")),
        changed(lambda made: setattr(http(made), "host", "other")),
        changed(lambda made: setattr(http(made), "raw_body", b"{}")),
        changed(lambda made: http(made).header_map.headers.add(key="a", value="b")),
        changed(lambda made: http(made).headers.update({"Host": "a"})),
        changed(lambda made: http(made).headers.update({"host": "other"})),
        changed(lambda made: http(made).headers.update({"a_b": "c"})),
        changed(lambda made: http(made).headers.update({"sallyport-unread-body": "1"})),
        changed(lambda made: http(made).headers.update({"a": "b\r\nc: d"})),
        changed(lambda made: http(made).headers.update({"a": "\u0100"})),
        changed(lambda made: http(made).headers.update({"content-length": "2, 2"})),
        changed(lambda made: http(made).headers.update({f"a{number}": "b" for number in range(MAX_HEADERS)})),
    ],
    ids=range(17),
)
def test_what_two_readers_could_read_differently_is_no_question(made: pb.CheckRequest) -> None:
    with pytest.raises(CallRefused):
        read_check(made.SerializeToString())


@given(st.binary(max_size=200))
def test_garbage_is_one_documented_refusal(data: bytes) -> None:
    with pytest.raises(CallRefused):
        read_check(data)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=60), st.binary(max_size=60))
def test_whatever_a_client_writes_in_a_header_or_body_the_text_is_one_request(
    name: str, value: str, path: str, body: bytes
) -> None:
    made = request("", content_length=str(len(body)))
    http(made).raw_body = body
    http(made).path = http(made).headers[":path"] = f"/{path}"
    http(made).headers[name] = value
    try:
        found = read_check(made.SerializeToString())
    except CallRefused:
        return
    head = found.text.partition(b"\r\n\r\n")[0]
    assert found.resource == "shop"
    assert head.count(b"\r\nhost: ") == 1
    assert len(parse_command("http", found.text).command.operations) >= 1


def test_a_yes_takes_the_token_out_and_the_place_of_a_forged_header() -> None:
    said = pb.CheckResponse.FromString(write_check(Said(200, "d-1", hides_token=True)))
    assert said.HasField("status")
    assert said.status.code == 0
    assert [(one.header.key, one.header.value, one.append_action) for one in said.ok_response.headers] == [
        ("sallyport-decision", "d-1", 2)
    ]
    assert list(said.ok_response.headers_to_remove) == ["authorization"]


@pytest.mark.parametrize(("status", "code"), [(403, 7), (401, 16), (503, 7)])
def test_a_no_is_a_no_with_its_reason(status: int, code: int) -> None:
    said = pb.CheckResponse.FromString(write_check(Said(status, "d-1", {"code": "X", "detail": "no"})))
    assert said.status.code == code
    assert said.denied_response.status.code == status
    assert json.loads(said.denied_response.body) == {"status": status, "code": "X", "detail": "no"}
    assert ("www-authenticate" in str(said)) == (status == 401)
