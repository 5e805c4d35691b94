"""The scanner over any text: places are in range, pieces do not matter, what is masked is gone, time is in proportion."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.texts import ADVERSARIAL, SEARCHED, adversarial, searched
from engine import _native
from engine.masking import patterns

PARTS = [
    *(
        "AKI" + "A" + "Q3EGR7XZT5WLM2NB",
        "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "xo" + "xb-1234567890-abcdefABCDEF123456",
    ),
    *("password=", "token: ", "secret", "hunter2!", "api_key = '", "'", '"', "://", "u:p4ss@", "@", ".", ":", "=", " "),
    *(
        "ann@example.org",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "536-90-4399",
        "ssn ",
        "+41 44 668 18 00",
        "203.0.113.9",
    ),
    *(
        "é",
        "東",
        "\n",
        "x",
        "00",
        "A",
        "-",
        "_",
        "eyJ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "A" * 70,
    ),
]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=25).map("".join)
SPANS = msgspec.msgpack.Decoder(list[tuple[int, int, int]])


def spans(text: bytes) -> list[tuple[int, int, int]]:
    return SPANS.decode(_native.scan_spans(text))


@settings(max_examples=300)
@given(TEXTS)
def test_findings_are_in_range_in_order_and_apart(text: str) -> None:
    at = 0
    for one in patterns.scan(text).findings:
        assert at <= one.start < one.end <= len(text)
        at = one.end


@settings(max_examples=300)
@given(TEXTS)
def test_the_masked_text_is_the_text_with_the_findings_replaced(text: str) -> None:
    scanned = patterns.scan(text)
    made, at = "", 0
    for one in scanned.findings:
        made += text[at : one.start] + f"[{one.type}]"
        at = one.end
    assert scanned.masked == made + text[at:]


@settings(max_examples=150)
@given(TEXTS, st.binary(max_size=8), st.lists(st.integers(0, 400), max_size=6))
def test_pieces_do_not_matter(text: str, tail: bytes, cuts: list[int]) -> None:
    whole = text.encode("utf-8", "surrogatepass") + tail
    stream, got, at = _native.ScanStream(), [], 0
    for cut in sorted({min(cut, len(whole)) for cut in cuts}):
        got += SPANS.decode(stream.push(whole[at:cut]))
        at = cut
    got += SPANS.decode(stream.push(whole[at:]))
    got += SPANS.decode(stream.finish())
    assert got == spans(whole)


@settings(max_examples=6)
@given(st.lists(st.sampled_from(PARTS), min_size=20, max_size=60), st.integers(1, 40_000), st.integers(1, 3))
def test_pieces_do_not_matter_in_texts_longer_than_what_is_kept(parts: list[str], cut: int, times: int) -> None:
    whole = ("".join(parts) + " filler " * 40).encode() * (150 * times)
    stream, got = _native.ScanStream(), []
    for at in range(0, len(whole), cut + 5_000):
        got += SPANS.decode(stream.push(whole[at : at + cut + 5_000]))
    got += SPANS.decode(stream.finish())
    assert got == spans(whole)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["word", "value", "and", "the", "row"]), max_size=6), st.sampled_from(PARTS[:3]))
def test_a_masked_secret_is_not_found_again(words: list[str], secret: str) -> None:
    masked = patterns.scan(" ".join([*words, secret, *words])).masked
    assert secret not in masked
    assert patterns.scan(masked).findings == ()


@pytest.mark.parametrize(
    ("text_of", "kind"), [*((adversarial, kind) for kind in ADVERSARIAL), *((searched, kind) for kind in SEARCHED)]
)
def test_time_is_in_proportion_to_the_text_whatever_it_is(text_of: Callable[[str, int], bytes], kind: str) -> None:
    def seconds(size: int) -> float:
        text, best = text_of(kind, size), 1e9
        for _ in range(3):
            before = time.process_time()
            _native.scan_spans(text)
            best = min(best, time.process_time() - before)
        return best

    short, long = seconds(50_000), seconds(400_000)
    assert long <= 8 * 3 * short + 0.05
