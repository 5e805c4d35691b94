"""What is asked about a request, and what of it goes on."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.ports import Target
from adapters.errors import LocalProtocolError
from adapters.web import facts
from engine.command.documents.refusal import Refused
from engine.command.http.parse import parse_http
from engine.command.http.path import parse_query
from engine.command.http.target import read_target
from engine.command.http.wire import WireRequest, read_head, read_request

SECRET = "s" * 20
BARE = Target("api.example.org", 443, "")
WITH = Target("127.0.0.1", 8080, "", SECRET, tls=False)


def head(*lines: str, line: str = "GET /a HTTP/1.1") -> WireRequest:
    return read_head("\r\n".join((line, "host: shop", *lines)).encode("latin-1"))


def gone_on(request: WireRequest, target: Target = WITH) -> list[tuple[str, str]]:
    return list(facts.forward(request, read_target(request), target).headers)


def test_a_token_comes_as_a_bearers_or_as_a_password() -> None:
    assert facts.token_of(head("authorization: Bearer abc.d-e_f~+/=")) == "abc.d-e_f~+/="
    assert facts.token_of(head("authorization: bearer  abc")) == "abc"
    assert facts.token_of(head(f"authorization: Basic {base64.b64encode(b'ana:a:b').decode()}")) == "a:b"
    for value in (
        "abc",
        "Bearer",
        "Bearer a b",
        "Digest abc",
        "Basic !!!",
        "Basic YW5h",
        "Basic YW5hOg==",
        "Bearer " + "x" * 20_000,
    ):
        assert facts.token_of(head(f"authorization: {value}")) is None, value
    assert facts.token_of(head()) is None
    assert (
        facts.token_of(head("authorization: Bearer a", "proxy-authorization: Bearer b"), "proxy-authorization") == "b"
    )
    assert facts.token_of(head("authorization: Bearer a"), "") is None


@pytest.mark.parametrize(
    ("lines", "line", "code"),
    [
        (("upgrade: websocket", "connection: upgrade"), "GET / HTTP/1.1", "upgrade_refused"),
        (("upgrade: h2c",), "GET / HTTP/1.1", "upgrade_refused"),
        (("connection: x-api-key",), "GET / HTTP/1.1", "connection_header"),
        (("connection: close, authorization",), "GET / HTTP/1.1", "connection_header"),
        (("te: gzip",), "GET / HTTP/1.1", "te"),
        (("x_forwarded_for: 1",), "GET / HTTP/1.1", "underscore_header"),
        (("sallyport-unread-body: 1",), "GET / HTTP/1.1", "reserved_header"),
        (("x-original-url: /admin",), "GET / HTTP/1.1", "rewriting_header"),
        (("x-rewrite-url: /admin",), "GET / HTTP/1.1", "rewriting_header"),
        ((), "TRACE / HTTP/1.1", "method_refused"),
        ((), "CONNECT a:1 HTTP/1.1", "method_refused"),
    ],
)
def test_what_is_asked_of_this_hop_and_not_done_is_refused(lines: tuple[str, ...], line: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        facts.check_hop(head(*lines, line=line))
    assert caught.value.code in (code, "lookalike_header")


def test_a_plain_request_asks_nothing_of_this_hop() -> None:
    facts.check_hop(head("connection: keep-alive, te", "te: trailers", "accept: a", "accept: b"))


def test_what_is_for_this_hop_or_for_a_proxy_to_say_does_not_go_on() -> None:
    lines = (
        *("authorization: Bearer x", "cookie: a=b", "proxy-authorization: x", "connection: close", "keep-alive: 5"),
        *("te: trailers", "x-forwarded-for: 1.2.3.4", "x-forwarded-host: evil", "forwarded: for=x", "x-real-ip: 1"),
        *(
            "accept-encoding: gzip",
            "expect: 100-continue",
            "via: x",
            "prefer: respond-async",
            "x-own: yes",
            "accept: a",
        ),
    )
    assert gone_on(head(*lines)) == [("x-own", "yes"), ("accept", "a"), ("accept-encoding", "identity")]
    assert ("cookie", "a=b") in gone_on(head("cookie: a=b"), BARE), (
        "without a credential of ours a cookie is the client's"
    )
    keyed = Target("127.0.0.1", 1, "", SECRET, tls=False, header="X-Api-Key")
    assert ("x-api-key", "mine") not in gone_on(head("x-api-key: mine"), keyed)


def test_the_host_is_the_targets() -> None:
    for target, host in (
        (BARE, "api.example.org"),
        (WITH, "127.0.0.1:8080"),
        (Target("::1", 443, ""), "[::1]"),
        (Target("a", 80, "", tls=False), "a"),
        (Target("a", 80, ""), "a:80"),
    ):
        assert facts.forward(head(), read_target(head()), target).host == host


@given(st.lists(st.tuples(st.text("ab%;+& é/?#=", max_size=4), st.text("cd%;+é=\"'<", max_size=4)), max_size=4))
def test_a_query_means_the_same_when_it_goes_on(pairs: list[tuple[str, str]]) -> None:
    from urllib.parse import quote_plus

    raw = "&".join(f"{quote_plus(name, safe=';')}={quote_plus(value, safe=';=')}" for name, value in pairs)
    request = head(line=f"GET /a?{raw} HTTP/1.1")
    target = facts.forward(request, read_target(request), WITH).target
    _, _, query = target.partition("?")
    assert parse_query(query) == parse_query(raw)
    assert ";" not in query
    again = head(line=f"GET {target} HTTP/1.1")
    assert facts.forward(again, read_target(again), WITH).target == target


def test_a_parameter_without_a_value_stays_one() -> None:
    request = head(line="GET /a?acl&b=&c HTTP/1.1")
    assert facts.forward(request, read_target(request), WITH).target == "/a?acl&b=&c"


@pytest.mark.parametrize("body", [b"", b'{"a": 1}'])
def test_what_is_judged_is_what_is_sent(body: bytes) -> None:
    request = head("content-type: application/json", "authorization: Bearer x", "x-b: c", line="POST /a?b=c;d HTTP/1.1")
    forward = facts.forward(request, read_target(request), WITH)
    judged = facts.text_judged(forward, body, len(body), is_unread=False)
    sent = facts.bytes_sent(forward, body, len(body), facts.credential(WITH), is_unread=False)
    lines = [line for line in sent.split(b"\r\n") if not line.startswith((b"authorization: ", b"connection: "))]
    assert b"\r\n".join(lines) == judged
    assert SECRET.encode() not in judged
    assert SECRET.encode() in sent
    tree = parse_http(judged).command
    assert tree.complete
    assert tree.http is not None
    assert tree.http.query == {"b": ("c;d",)}
    assert read_request(sent).body == body


def test_of_an_unread_body_only_that_it_is_there_is_judged() -> None:
    request = head("content-type: application/json", line="PUT /a HTTP/1.1")
    forward = facts.forward(request, read_target(request), WITH)
    for length, framed in ((5, b"content-length: 5"), (None, b"transfer-encoding: chunked")):
        tree = parse_http(facts.text_judged(forward, b"", length, is_unread=True)).command
        assert not tree.complete
        assert "unread_body" in tree.features
        assert [one.kind for one in tree.operations] == ["put"]
        assert framed in facts.bytes_sent(forward, b"", length, facts.credential(WITH), is_unread=True)


def test_a_credential_goes_in_the_header_it_belongs_in() -> None:
    assert facts.credential(BARE) == []
    assert facts.secrets_of(BARE) == []
    assert facts.credential(WITH) == [("authorization", f"Bearer {SECRET}")]
    basic = base64.b64encode(f"app:{SECRET}".encode()).decode()
    as_user = Target("a", 1, "app", SECRET)
    assert facts.credential(as_user) == [("authorization", f"Basic {basic}")]
    assert basic.encode() in facts.secrets_of(as_user)
    assert SECRET.encode() in facts.secrets_of(as_user)
    assert facts.credential(Target("a", 1, "", SECRET, header="X-Api-Key")) == [("x-api-key", SECRET)]
    for bad in ("a\r\nb: c", "", "a\x00"):
        with pytest.raises(LocalProtocolError):
            facts.credential(Target("a", 1, "", bad))


def test_a_head_that_is_told_of_has_no_token_in_it() -> None:
    shown = facts.shown_head(head("authorization: Bearer x", "x-b: c", line="GET //a HTTP/1.1"))
    assert shown == b"GET //a HTTP/1.1\r\nhost: shop\r\nx-b: c\r\n\r\n"


def test_who_wants_to_stay_and_who_wants_not_to_wait() -> None:
    assert facts.is_last(head("connection: close"))
    assert not facts.is_last(head())
    assert facts.is_last(head(line="GET /a HTTP/1.0"))
    assert not facts.is_last(head("connection: keep-alive", line="GET /a HTTP/1.0"))
    assert facts.wants_no_wait(head("prefer: wait=5, Respond-Async"))
    assert not facts.wants_no_wait(head("prefer: return=minimal"))


def test_what_asks_about_a_part_or_a_tag_is_left_out_of_reading_requests_alone() -> None:
    lines = ('if-none-match: "a"', "range: bytes=1-2", "if-range: b", "a-im: c", "x-own: d")
    for method, kept in (
        ("GET", ["x-own"]),
        ("HEAD", ["x-own"]),
        ("PUT", ["if-none-match", "range", "if-range", "a-im", "x-own"]),
    ):
        request = head(*lines, line=f"{method} /a HTTP/1.1")
        made = facts.unconditional(facts.forward(request, read_target(request), WITH))
        assert [name for name, _ in made.headers if name != "accept-encoding"] == kept


@pytest.mark.parametrize(
    ("method", "line", "guesses"),
    [
        ("PUT", 'if-match: "a"', True),
        ("PUT", 'if-none-match: W/"a"', True),
        ("DELETE", 'if-match: "a"', True),
        ("PUT", "if-match: *", False),
        ("GET", 'if-none-match: "a"', False),
        ("PUT", "x-own: 1", False),
    ],
)
def test_a_change_that_names_a_tag_guesses_what_is_there(method: str, line: str, guesses: bool) -> None:
    request = head(line, line=f"{method} /a HTTP/1.1")
    assert facts.guesses_content(facts.forward(request, read_target(request), WITH)) is guesses


def test_a_request_says_whether_another_one_comes_behind_it() -> None:
    request = head()
    made = facts.forward(request, read_target(request), WITH)
    for is_last, said in ((True, b"close"), (False, b"keep-alive")):
        sent = facts.bytes_sent(made, b"", 0, [], is_unread=False, is_last=is_last)
        assert sent.endswith(b"connection: " + said + b"\r\n\r\n")


def test_fields_behind_a_body_go_on_by_the_rules_of_headers() -> None:
    lines = [b"X-Sum: 1", b"x-forwarded-for: 1.2.3.4", b"via: me", b"x-api-key: mine", b"forwarded: for=x"]
    assert list(facts.behind(lines, WITH)) == [("x-sum", "1"), ("x-api-key", "mine")]
    keyed = Target("127.0.0.1", 1, "", SECRET, header="X-Api-Key")
    assert list(facts.behind(lines, keyed)) == [("x-sum", "1")]
    assert facts.behind([], WITH) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"sallyport-decision: d-1", "reserved_header"),
        (b"x_sum: 1", "underscore_header"),
        (b"x-original-url: /admin", "rewriting_header"),
        (b"authorization: Bearer a", "trailer"),
        (b"cookie: a=b", "trailer"),
        (b"content-length: 5", "trailer"),
        (b"content--length: 5", "trailer"),
        (b"host: b", "trailer"),
        (b"te: trailers", "trailer"),
        (b"x: a\x00", "header_line"),
    ],
)
def test_fields_that_have_their_place_before_the_body_are_refused_behind_it(line: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        facts.behind([b"a: b", line], BARE)
    assert caught.value.code == code


def test_fields_behind_a_body_are_in_the_text_that_is_judged_and_in_what_is_sent() -> None:
    request = facts.forward(head(line="POST /a HTTP/1.1"), read_target(head()), BARE)
    behind = [("x-sum", "1")]
    text = facts.text_judged(request, b"abc", None, is_unread=False, behind=behind)
    sent = facts.bytes_sent(request, b"abc", None, [], is_unread=False, behind=behind)
    for one in (text, sent):
        assert one.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n")
        assert read_request(one).trailers == (("x-sum", "1"),)
    found = parse_http(text).command.http
    assert found is not None
    assert "x-sum" in found.headers, "policies see that it is there"
