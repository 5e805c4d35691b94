"""Answers on their way back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.web.bodies import Chunked
from adapters.web.json_masks import PathMask
from adapters.web.responses import AnswerReader
from adapters.web.session.manners import UNCHANGED, Plan
from adapters.web.session.replies import Reply
from adapters.web.session.settings import HOLD_BACK
from engine.masking.output import ValueMask
from engine.masking.paths import parse_path
from engine.masking.patterns import types
from engine.masking.transforms import Method

MASKS = (PathMask(parse_path("$..card"), Method.REDACT),)
SECRET = b"secret-of-the-gateway"


def answer(*lines: bytes, body: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body), b"", body))


def passed(wire: bytes, size: int = 1 << 20, method: str = "GET", **more: object) -> tuple[bytes, Reply]:
    options: dict[str, object] = {"plan": UNCHANGED, "secrets": (), "is_old": False, "closes": False, **more}
    reply, reader, out = Reply("d-1", **options), AnswerReader(method), b""  # type: ignore[arg-type]  # options of tests
    for at in range(0, len(wire), size):
        for part in reader.feed(wire[at : at + size]):
            out += reply.feed(part)
    if not reply.is_done:
        for part in reader.end():
            out += reply.feed(part)
    assert reply.is_done
    return out, reply


def body_of(out: bytes) -> bytes:
    head, _, body = out.partition(b"\r\n\r\n")
    return Chunked(is_strict=True).feed(body) if b"transfer-encoding: chunked" in head else body


def test_headers_for_this_hop_stay_here() -> None:
    out, _ = passed(
        answer(
            b"Connection: close, X-Hop",
            b"X-Hop: 1",
            b"Keep-Alive: 5",
            b"Alt-Svc: h3",
            b"WWW-Authenticate: Basic",
            b"X-Own: 1",
            b"Sallyport-Decision: d-9",
            b"Location: http://elsewhere/",
            b"Set-Cookie: a=b",
        )
    )
    assert out == (
        b"HTTP/1.1 200 OK\r\nx-own: 1\r\nlocation: http://elsewhere/\r\nset-cookie: a=b\r\ncontent-length: 0\r\ncache-control: private\r\nsallyport-decision: d-1\r\n\r\n"
    )


def test_the_targets_cookies_and_credential_stay_here() -> None:
    out, _ = passed(answer(b"Set-Cookie: a=b", b"X-Echo: " + SECRET, body=b"x" + SECRET + b"y"), secrets=(SECRET,))
    assert b"set-cookie" not in out
    assert SECRET not in out
    assert body_of(out) == b"x" + b"*" * len(SECRET) + b"y"


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["card", "b", SECRET.decode()]), st.sampled_from(["4111", SECRET.decode()])),
        max_size=5,
    ),
    st.integers(1, 40),
)
def test_masked_and_scrubbed_wherever_pieces_end(rows: list[dict[str, str]], size: int) -> None:
    wire = answer(b"Content-Type: application/json", body=json.dumps(rows).encode())
    out, reply = passed(wire, size, plan=Plan(MASKS), secrets=(SECRET,))
    assert SECRET not in out
    stars = "*" * len(SECRET)
    expected = [
        {
            k.replace(SECRET.decode(), stars): "[redacted]" if k == "card" else v.replace(SECRET.decode(), stars)
            for k, v in row.items()
        }
        for row in rows
    ]
    assert json.loads(body_of(out)) == expected
    assert reply.bytes == len(body_of(out))


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        ((b"Content-Type: text/plain",), b"4111", b"200 OK"),
        ((), b"4111", b"200 OK"),
        ((b"Content-Type: application/json", b"Content-Type: text/html"), b"{}", b"200 OK"),
        ((b"Content-Type: application/json; charset=utf-16",), b"{}", b"200 OK"),
        ((b"Content-Type: application/json", b"Content-Encoding: gzip"), b"{}", b"200 OK"),
        ((b"Content-Type: application/json",), b'{"card": "4111"', b"200 OK"),
        ((b"Content-Type: application/json",), b"<p>4111</p>", b"200 OK"),
        ((b"Content-Type: application/json", b"Content-Range: bytes 0-1/9"), b"{}", b"206 Partial Content"),
        ((b"Content-Type: text/html",), b"<p>4111</p>", b"500 Error"),
    ],
)
def test_what_cannot_be_masked_is_refused_before_its_first_byte(
    lines: tuple[bytes, ...], body: bytes, status: bytes
) -> None:
    reply = Reply("d-1", plan=Plan(MASKS), secrets=(), is_old=False, closes=False)
    out: list[bytes] = []
    with pytest.raises(PeerProtocolError):
        out.extend(map(reply.feed, AnswerReader("GET").feed(answer(*lines, body=body, status=status))))
    assert b"".join(out) == b""
    assert not reply.is_begun


def test_what_turns_out_late_goes_no_further() -> None:
    reply, reader = Reply("d-1", plan=Plan(MASKS), secrets=(), is_old=False, closes=False), AnswerReader("GET")
    body = b"[" + b'{"card":"4111"},' * HOLD_BACK
    wire = answer(b"Content-Type: application/json", body=body + b"}")
    parts = (part for at in range(0, len(wire), 9000) for part in reader.feed(wire[at : at + 9000]))
    out: list[bytes] = []
    with pytest.raises(PeerProtocolError):
        out.extend(map(reply.feed, parts))
    assert reply.is_begun
    assert b"4111" not in b"".join(out)
    assert not b"".join(out).endswith(b"0\r\n\r\n")


def test_an_answer_without_a_body_needs_no_mask() -> None:
    for wire, method in (
        (answer(b"Content-Type: text/html", b"ETag: x"), "GET"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Type: application/json\r\n\r\n", "HEAD"),
    ):
        out, _ = passed(wire, plan=Plan(MASKS), method=method)
        assert body_of(out) == b""
        assert b"etag" not in out
        assert b"content-length: 10" not in out, "it would tell how long the masked value is"


def test_encoded_answers_pass_only_where_nobody_has_to_look_into_them() -> None:
    wire = answer(b"Content-Encoding: br", body=b"xyz")
    assert body_of(passed(wire)[0]) == b"xyz"
    with pytest.raises(PeerProtocolError):
        passed(wire, secrets=(SECRET,))


def test_an_old_client_gets_a_body_that_ends_with_the_connection() -> None:
    out, reply = passed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", is_old=True)
    assert out.endswith(b"connection: close\r\n\r\nab")
    assert reply.closes


def test_head_is_told_the_length_of_a_get() -> None:
    out, _ = passed(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", method="HEAD")
    assert b"content-length: 10" in out


def test_who_asks_a_host_through_a_proxy_is_told_how_to_sign_in_there() -> None:
    out, _ = passed(answer(b"WWW-Authenticate: Basic realm=x", status=b"401 Unauthorized"), is_proxied=True)
    assert b"www-authenticate: Basic realm=x" in out


TEXTS = Plan(None, values=(ValueMask(frozenset({"pii.email"}), Method.REDACT),), is_text=True)
FIGURES = b"2026-11-28 12345678 files\n$ "
LOG = b"one ann@example.org two\n"


@given(st.integers(1, 60))
def test_values_in_a_text_are_hidden_wherever_pieces_end(size: int) -> None:
    out, reply = passed(answer(b"Content-Type: text/plain", b"ETag: x", body=LOG * 3), size, plan=TEXTS)
    assert body_of(out) == b"one [redacted] two\n" * 3
    assert b"etag" not in out
    assert b"cache-control: private, no-store\r\n" in out
    assert not reply.is_holding


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Type: text/html",),
        (b"Content-Type: text/plain; charset=utf-16",),
        (b"Content-Type: text/plain", b"Content-Encoding: gzip"),
    ],
)
def test_a_text_of_another_kind_is_not_masked_by_values(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(PeerProtocolError):
        passed(answer(*lines, body=LOG), plan=TEXTS)


def test_the_beginning_of_a_value_is_shown_once_nothing_comes() -> None:
    plan = Plan(None, values=(ValueMask(frozenset(types()), Method.REDACT),), is_text=True)
    reply, reader = Reply("d-1", plan=plan, secrets=(), is_old=False, closes=False), AnswerReader("GET")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    wire = head + b"%x\r\n%b\r\n" % (len(FIGURES), FIGURES)
    out = b"".join(reply.feed(part) for part in reader.feed(wire))
    assert reply.is_holding
    shown = Chunked(is_strict=True).feed((out + reply.quiet()).partition(b"\r\n\r\n")[2])
    assert shown == FIGURES
    assert not reply.is_holding
    assert Reply("d-1", plan=UNCHANGED, secrets=(), is_old=False, closes=False).quiet() == b""


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ((), b"private"),
        ((b"public, max-age=60, s-maxage=9",), b"private, max-age=60"),
        ((b"no-cache, private",), b"private, no-cache"),
        ((b'private="x", public', b"no-store"), b"private, no-store"),
    ],
)
def test_no_answer_is_for_anybody_else(said: tuple[bytes, ...], kept: bytes) -> None:
    lines = [b"Cache-Control: " + value for value in said]
    out, _ = passed(answer(*lines, b"X-Accel-Expires: 60", b"Surrogate-Control: max-age=60", b"X-Accel-Redirect: /x"))
    assert b"\r\ncache-control: " + kept + b"\r\n" in out
    assert b"x-accel" not in out
    assert b"surrogate" not in out
    assert (
        b"cache-control: private, no-store\r\n"
        in passed(answer(*lines, b"Content-Type: application/json", body=b"{}"), plan=Plan(MASKS))[0]
    )


@pytest.mark.parametrize("is_old", [False, True])
def test_a_masked_answer_that_is_whole_before_its_first_byte_says_its_length(is_old: bool) -> None:
    body = b'{"card":"4111","name":"' + b"n" * 100 + b'"}'
    wire = answer(b"Content-Type: application/json", body=body, status=b"200 4111")
    out, reply = passed(wire, 7, plan=Plan(MASKS), is_old=is_old)
    head, _, shown = out.partition(b"\r\n\r\n")
    assert json.loads(shown) == {"card": "[redacted]", "name": "n" * 100}
    assert f"content-length: {len(shown)}".encode() in head.split(b"\r\n")
    assert b"transfer-encoding" not in head
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    assert not reply.closes
    assert reply.bytes == len(shown)


def test_a_masked_answer_that_is_too_long_to_wait_for_comes_in_chunks() -> None:
    rows = [{"card": "4111", "name": "n" * 1000}] * (HOLD_BACK // 1000 + 10)
    out, _ = passed(answer(b"Content-Type: application/json", body=json.dumps(rows).encode()), 1000, plan=Plan(MASKS))
    assert b"transfer-encoding: chunked" in out.partition(b"\r\n\r\n")[0]
    assert len(json.loads(body_of(out))) == len(rows)


BEHIND = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: " + SECRET + b"\r\nSet-Cookie: a=b\r\n\r\n"  # fmt: skip


def test_what_stands_behind_a_body_goes_to_who_reads_it_unless_something_is_masked() -> None:
    out, _ = passed(BEHIND, secrets=[SECRET], reads_trailers=True)
    assert out.endswith(b"\r\n0\r\nx: " + b"*" * len(SECRET) + b"\r\n\r\n")
    for more in ({"secrets": [SECRET]}, {"reads_trailers": True, "plan": Plan(MASKS)}):
        out, _ = passed(BEHIND, **more)  # type: ignore[arg-type]  # options of tests
        assert SECRET not in out
        assert b"x: " not in out
        assert out.endswith((b"\r\n0\r\n\r\n", b"{}"))
    assert b"x: " not in passed(BEHIND, is_old=True, reads_trailers=True)[0]


@pytest.mark.parametrize(
    ("body", "word", "is_old", "is_said"),
    [
        (b"a\n", b"z\n", False, True),
        (b"a", b"z\n", False, False),
        (b"a\n", b"", False, False),
        (b"a\n", b"z\n", True, False),
    ],
)
def test_a_stream_of_lines_that_is_cut_ends_with_a_line_that_says_why(
    body: bytes, word: bytes, is_old: bool, is_said: bool
) -> None:
    told: list[tuple[str, str]] = []

    def last(code: str, message: str) -> bytes:
        told.append((code, message))
        return word

    reply = Reply("d-1", plan=UNCHANGED, secrets=(), is_old=is_old, closes=False, last_word=last)
    wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
    for part in AnswerReader("GET").feed(wire):
        reply.feed(part)
    assert reply.broken("CODE", "why") == (b"2\r\nz\n\r\n0\r\n\r\n" if is_said else b"")
    assert told == [("CODE", "why")]
