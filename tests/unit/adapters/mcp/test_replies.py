"""A server's answer wherever its pieces end: what is shown is the same, and only what may be."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from adapters.core.effects import ShowPart
from adapters.core.ports import Answer
from engine.decision import Obligation, Verdict
from tests.strategies.mcp_sessions import (
    BY_PATH,
    BY_VALUE,
    CARD,
    call,
    house,
    in_events,
    in_json,
    judged,
    post,
    said,
    text_result,
)

LOG = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": f"saw {CARD}"}}
ANSWER = text_result(f"card {CARD}", structuredContent={"card": CARD, "n": 1})


@given(
    st.lists(st.integers(1, 40), max_size=40),
    st.booleans(),
    st.sampled_from([(BY_PATH,), (BY_VALUE,), (BY_PATH, BY_VALUE)]),
)
@settings(max_examples=60)
def test_masks_hold_wherever_pieces_end(sizes: list[int], is_stream: bool, masks: tuple) -> None:  # type: ignore[type-arg]  # of items
    raw = in_events(LOG, ANSWER) if is_stream else in_json(ANSWER)
    whole = house(judged(Verdict.MASK, *masks)).client(post(call())).upstream(raw)
    cut = house(judged(Verdict.MASK, *masks)).client(post(call()))
    at = 0
    for size in [*sizes, len(raw)]:
        if raw[at : at + size]:
            cut.upstream(raw[at : at + size])
        at += size
    assert CARD.encode() not in cut.down
    assert said(cut.down) == said(whole.down)
    assert cut.records == whole.records == [None]


@given(st.lists(st.integers(1, 40), max_size=40), st.booleans())
@settings(max_examples=40)
def test_what_is_recorded_is_what_is_shown(sizes: list[int], is_stream: bool) -> None:
    masked = judged(Verdict.MASK, BY_PATH, BY_VALUE)

    def judge(text: bytes) -> Answer:
        answer = masked(text)
        kept = replace(answer.decision, obligations=(Obligation("record", ["results"], "p/K"),))
        return structs.replace(answer, decision=kept)

    raw = in_events(LOG, ANSWER) if is_stream else in_json(ANSWER)
    here = house(judge).client(post(call()))
    at = 0
    for size in [*sizes, len(raw)]:
        if raw[at : at + size]:
            here.upstream(raw[at : at + size])
        at += size
    recorded = b"".join(one.part.data for one in here.other if isinstance(one, ShowPart))
    assert CARD.encode() not in recorded
    assert [json.loads(line) for line in recorded.splitlines()] == said(here.down)


MESSAGES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just(CARD)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["jsonrpc", "id", "method", "result", "error", "params", "content", "card"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.lists(MESSAGES, max_size=4), st.booleans())
@settings(max_examples=150)
def test_whatever_a_server_says_the_client_gets_one_answer_without_what_is_masked(
    found: list[object], is_stream: bool
) -> None:
    sound = [one | {"jsonrpc": "2.0"} if isinstance(one, dict) else one for one in found]
    raw = in_events(*sound) if is_stream else in_json(sound[0] if sound else None)
    here = house(judged(Verdict.MASK, BY_PATH, BY_VALUE)).client(post(call())).upstream(raw)
    answers = [one for one in said(here.down) if "method" not in one]
    assert len(answers) == 1
    assert answers[0]["id"] == 7
    assert len(here.records) == 1
    assert CARD not in json.dumps(said(here.down))


def test_garbage_is_an_error_and_never_another() -> None:
    for raw in (
        b"\x00" * 50 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 101 X\r\n\r\n",
    ):
        here = house().client(post(call())).upstream(raw)
        assert len(here.records) == 1
        assert here.records[0] is not None
