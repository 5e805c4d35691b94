"""A whole answer that the lane shows is the one that the session would have shown, byte by byte; of any other it says nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.ports import Target
from adapters.errors import PeerProtocolError
from adapters.web import facts
from adapters.web.json_masks import PathMask
from adapters.web.json_whole import in_core
from adapters.web.responses import AnswerReader
from adapters.web.scrub import Scrubber
from adapters.web.session.manners import Plan
from adapters.web.session.replies import Reply
from engine._native import EntryForm, Unwritten, WebLane
from engine.masking.paths import parse_path
from engine.masking.transforms import Method

FORM = EntryForm(b"", b"", "http", None, hides=False)
MASKS = (
    PathMask(parse_path("$..card"), Method.REDACT),
    PathMask(parse_path("$..mail"), Method.PARTIAL, {"keep_last": 2}),
)
SECRETS = facts.secrets_of(Target("shop", 80, "ana", "secret-of-the-gateway", tls=False))
WAYS = {
    "plain": (None, []),
    "masked": (MASKS, []),
    "signed in": (None, SECRETS),
    "masked and signed in": (MASKS, SECRETS),
}
LINES = [
    *("Content-Type: application/json", "content-type:application/json; charset=utf-8", "Content-Type: application/problem+json"),
    *("Content-Type: text/plain", "Content-Type: application/json;v=1", "Content-Type: application/x-ndjson", "Content-Type: a/b/json"),
    *("Server: x", "X-Long:  a  b \t", "X-Empty:", "ETag: a", "Set-Cookie: a=b", "Www-Authenticate: Basic", "Alt-Svc: h3", "Sallyport-X: y"),
    *("Connection: keep-alive", "Connection: close", "Connection: x", "Connection: ,Keep-Alive", "Keep-Alive: timeout=5, max=3"),
    *("Keep-Alive: max=1,timeout=2", "Keep-Alive: timeout=1", "Keep-Alive: timeout=99999", "Upgrade: h2c", "Trailer: x", "TE: x"),
    *("Cache-Control: no-store, public, Max-Age=1", "Cache-Control: max-age=12345678901, no-cache", "Expires: 0", "Pragma: x", "Content-Range: x"),
    *("Content-Encoding: gzip", "Content-Encoding: identity", "X-Accel-Redirect: /x", "X-Seen: secret-of-the-gateway!", "X: \u00e9"),
    *(" folded: x", "No colon", "Spa ce: x", "X\x00: y", ": x", "X: a\x01"),
]  # fmt: skip
BODIES = [
    *(b'{"card": "4111", "mail": "a@b", "n": 1.50}', b'[{"card": [1]}, null]', b"", b"ab", b'{"a": 1, "a": 2}', b'"\\ud800"', b"{"),
    *(b"behind secret-of-the-gateway secret-of-", b"[" + b"1," * 20_000 + b"1]"),
]  # fmt: skip
STATUSES = ["200 OK", "200 ", "200", "201 secret-of-the-gateway", "404 Not Found", "418 Teapot", "206 Part", "204 No", "304 Same", "103 Early", "500 x\x01", "099 x", "600 x"]  # fmt: skip


def framed(status: str, lines: list[str], body: bytes, framing: str, version: str) -> bytes:
    length, coded = f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"
    more = {
        "length": [length],
        "chunked": [coded],
        "two chunks": ["transfer-encoding: Chunked"],
        "both": [length, coded],
        "twice": [length, length],
        "none": [],
        "short": [f"Content-Length: {len(body) + 1}"],
        "long": [f"Content-Length: {max(len(body) - 1, 0)}"],
        "zeros": [f"Content-Length: 0{len(body)}"],
        "trailers": [coded],
    }[framing]
    if framing in ("chunked", "both", "trailers"):
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n"
        body += b"X: y\r\n\r\n" if framing == "trailers" else b"\r\n"
    elif framing == "two chunks":
        pieces = [piece for piece in (body[:1], body[1:]) if piece]
        body = b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return "\r\n".join((f"HTTP/{version} {status}", *lines, *more, "", "")).encode("latin-1") + body


answers = st.builds(
    framed,
    st.sampled_from(STATUSES[:1] * 12 + STATUSES),
    st.lists(st.sampled_from(LINES[:2] * 6 + LINES[:-6] * 2 + LINES), max_size=4).map(
        lambda lines: [*LINES[:1], *lines] if len(lines) % 2 else lines
    ),
    st.sampled_from(BODIES[:2] * 5 + BODIES),
    st.sampled_from(
        ["length"] * 8 + ["chunked", "two chunks"] * 3 + ["both", "twice", "none", "short", "long", "zeros", "trailers"]
    ),
    st.sampled_from(["1.1"] * 9 + ["1.0"]),
)


def by_lane(way: str, data: bytes) -> tuple[bytes, float, bytes] | None:
    """What the lane shows, how long it would keep the connection, and what it tells of the outcome."""
    masks, secrets = WAYS[way]
    lane, log = WebLane(), Unwritten(1, 9)
    core = None if masks is None else in_core(masks)
    lane.learn(b"GET", b"text", b"up", FORM, "again", "own", core, list(Scrubber(secrets).secrets), bool(secrets))
    lane.open(0.0)
    assert lane.ask(b"GET", 1.0) == b"up"
    assert lane.line(log, "d-1", 1) is not None
    log.wrote()
    shown = lane.reply(data, 2.0)
    if shown is None:
        assert lane.is_under_way
        return None
    assert lane.outcome(log, 1)
    return shown, lane.lasts, log.noted()


def by_session(way: str, data: bytes) -> tuple[bytes, float, int, str | None] | None:
    """The same of the session's own words; None where the answer is refused, or not whole."""
    masks, secrets = WAYS[way]
    reply = Reply("d-1", plan=Plan(masks), secrets=secrets, is_old=False, closes=False)
    reader = AnswerReader("GET")
    try:
        shown = b"".join(reply.feed(part) for part in reader.feed(data))
    except PeerProtocolError:
        return None
    return (shown, reader.lasts, reply.bytes, reply.error) if reply.is_done else None


def agree(way: str, data: bytes) -> bool:
    found = by_lane(way, data)
    if found is None:
        return False
    shown, lasts, told = found
    said = by_session(way, data)
    assert said is not None
    assert (shown, lasts) == said[:2]
    error = b"" if said[3] is None else b',"error":"%b"' % said[3].encode()
    assert told.endswith(b'"rows":0,"bytes":%d,"duration":1%b}\n' % (said[2], error))
    assert lasts > 0
    return True


@pytest.mark.parametrize("way", WAYS)
def test_what_the_lane_shows_is_what_the_session_shows(way: str) -> None:
    shown = []

    @settings(max_examples=800, deadline=None)
    @given(answers)
    def each(data: bytes) -> None:
        shown.append(agree(way, data))

    each()
    assert sum(shown) > 20


@pytest.mark.parametrize("way", WAYS)
def test_of_an_answer_with_something_wrong_in_one_place_it_shows_the_same_or_nothing(way: str) -> None:
    chosen = random.Random(58)
    plain = framed(
        "200 OK",
        [LINES[0], "Connection: keep-alive", "Keep-Alive: timeout=5", "Server: x"],
        BODIES[0],
        "length" if way == "signed in" else "two chunks",
        "1.1",
    )
    wrong = [
        b"\r",
        b"\n",
        b"\r\n",
        b" ",
        b"\x00",
        b"\xff",
        b":",
        b"0",
        b"9",
        b"a",
        b",",
        b'"',
        b"\\",
        b";",
        b"\r\n\r\n",
        b"/",
        b"+",
    ]
    shown = 0
    for _ in range(4000):
        at = chosen.randrange(len(plain))
        shown += agree(way, plain[:at] + chosen.choice(wrong) + plain[at + chosen.randrange(2) :])
    assert shown > 300
