"""When the lane is open, what goes through it, and what the session knows once it has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Again, Answer, Cause
from adapters.web.session.conversation import Conversation
from adapters.web.session.settings import Settings
from engine._native import EntryForm, Unwritten
from engine.decision import Decision, MaskItem, Verdict
from tests.strategies.http_sessions import ALLOW, OK, TARGET, House, request

GET = request("GET /a")
FORM = EntryForm(b"", b"", "http", None, hides=False)


class Known:
    """An answer that may be given again; `decided_by` stands for all that decided it."""

    form = FORM
    for_shape = False

    def __init__(self, decided_by: object = None) -> None:
        self.decided_by = decided_by

    def is_like(self, other: Again) -> bool:
        return isinstance(other, Known) and self.decided_by is other.decided_by


AGAIN = msgspec.structs.replace(ALLOW, again=Known())
MASKED = msgspec.structs.replace(
    AGAIN, decision=Decision(Verdict.MASK, None, mask_plan=(MaskItem(None, (), "redact", path="$..card"),))
)


def opened(answer: Answer = AGAIN, *requests: bytes, **about: object) -> House:
    """A session that has carried requests, each granted as one that may be granted again."""
    house = House(judge=lambda text: answer, **about)  # type: ignore[arg-type]  # fields of a test
    for one in requests or (GET,):
        house.client(one)
    return house


def lane_of(house: House) -> object:
    short = house.session.short_way
    return None if short is None else short.lane


def through(house: House, data: bytes, number: int) -> bytes | None:
    """What goes up for a request through the lane, its line recorded."""
    short = house.session.short_way
    assert short is not None
    up = short.lane.ask(data, house.now)
    if up is not None:
        assert short.lane.lines.line(Unwritten(1, 9), f"d-{number}", 1) is not None
    return up


def test_what_was_granted_and_may_be_again_goes_up_as_it_did_and_its_answer_down() -> None:
    house = opened()
    short = house.session.short_way
    assert short is not None
    assert short.lane.kept_for == ("shop", "")
    assert through(house, GET, 7) == house.up[0]
    assert not house.session.is_waiting
    assert short.lane.again is not None
    shown = short.lane.reply(OK, 0.5)
    assert shown == house.down.replace(b"d-1", b"d-7")
    assert short.lane.lasts == 15.0
    assert house.session.is_waiting
    log = Unwritten(5, 9)
    assert short.lane.lines.outcome(log, 1)
    assert b'"decision_id":"d-7","rows":0,"bytes":2,"duration":0.5}' in log.noted()
    assert (short.ask(GET, 0.0), short.granted(AGAIN), short.reply(OK, 0.0)) == (None, None, None)


@pytest.mark.parametrize(
    "house",
    [
        lambda: opened(ALLOW),
        lambda: opened(AGAIN, request("HEAD /a")),
        lambda: opened(AGAIN, request("POST /a", "content-length: 0")),
        lambda: opened(AGAIN, request("GET /a", "connection: close")),
        lambda: opened(AGAIN, request("GET /a", "connection: keep-alive").replace(b"1.1", b"1.0", 1)),
        lambda: opened(AGAIN, GET + b"G"),
        lambda: opened(AGAIN, request("GET /a", token="ana/job")),
        lambda: opened(AGAIN, target=replace(TARGET, fresh=lambda: TARGET)),
        lambda: opened(msgspec.structs.replace(MASKED, decision=replace(MASKED.decision, mask_plan=(MaskItem(None, (), "tokenize", {"key": "k"}, path="$.a"),)), mask_keys={"k": b"key of some length"})),
    ],
    ids=["asked anew", "HEAD", "POST", "last", "1.0", "more behind", "signed token", "credential that ends", "tokens"],
)  # fmt: skip
def test_whatever_is_out_of_the_ordinary_opens_none(house: Callable[[], House]) -> None:
    assert house().session.short_way is None


def test_a_request_that_came_in_pieces_opens_none() -> None:
    assert House(judge=lambda text: AGAIN).client(GET, 9).session.short_way is None


def test_a_session_that_was_given_no_lane_has_none() -> None:
    def speak(settings: Settings) -> Conversation:
        found = House(settings=settings).session
        found._lane = None
        return found

    assert opened(speak=speak).session.short_way is None


def test_whatever_else_happens_the_lane_is_left_first() -> None:
    house = opened()
    house.now = 4.0
    house.saw(saw.TimePassed())
    assert house.session.short_way is None
    assert house.session._do.deadline == Settings().idle_seconds, "since the answer"
    house.client(GET)
    assert (house.statuses, lane_of(house) is None) == ([200, 200], False)


def test_what_is_under_way_is_the_sessions_once_it_has_left() -> None:
    house = opened(answers=False)
    house.upstream(OK)
    house.now = 3.0
    assert through(house, GET, 9) is not None
    house.now = 5.0
    house.is_open = True
    house.saw(saw.TimePassed())
    assert house.session._do.deadline == 3.0 + Settings().target_seconds
    assert not house.session.is_waiting
    house.upstream(OK)
    assert b"sallyport-decision: d-9\r\n" in house.down
    assert house.records == [None, None]
    assert house.kept == [("shop", ""), ("shop", "")]
    assert lane_of(house) is not None


def test_a_target_that_ended_meanwhile_gets_it_once_more_on_a_connection_of_its_own() -> None:
    house = opened(answers=False)
    house.upstream(OK)
    up = through(house, GET, 9)
    house.is_open = True
    house.saw(saw.EndReceived(Side.UPSTREAM))
    assert house.up[-1] == up
    house.upstream(OK)
    assert house.statuses == [200, 200]


def test_a_kill_ends_what_is_under_way_in_words() -> None:
    house = opened(answers=False)
    house.upstream(OK)
    through(house, GET, 9)
    house.is_open = True
    house.saw(saw.StopRequested("out", Cause.KILLED))
    assert house.statuses == [200, 503]
    assert house.records[-1] == "SESSION_ENDED"


def test_another_token_or_other_deciders_make_it_forget() -> None:
    house = opened()
    for _ in range(2):
        house.client(request("GET /b"))
    assert through(house, GET, 1) is not None
    house.saw(saw.TimePassed())
    decider = object()
    house.judge = lambda text: msgspec.structs.replace(AGAIN, again=Known(decider))
    house.upstream(OK).client(request("GET /b"))
    assert through(house, GET, 2) is None
    assert through(house, request("GET /b"), 3) is not None
    house.saw(saw.TimePassed())
    house.upstream(OK).client(request("GET /a", token="bob"))
    assert through(house, request("GET /b"), 4) is None


def test_masks_are_carried_out_and_what_cannot_be_is_left_to_the_session() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    document = b'{"card": "4111"}'
    house = opened(MASKED, answers=False)
    house.upstream(said % (len(document), document))
    assert house.down.endswith(b'{"card":"[redacted]"}')
    assert through(house, GET, 7) is not None
    short = house.session.short_way
    assert short is not None
    assert short.lane.reply(said % (2, b"{]"), 1.0) is None
    assert short.lane.reply(OK, 1.0) is None, "no JSON"
    shown = short.lane.reply(said % (len(document), document), 1.0)
    assert shown == house.down.replace(b"d-1", b"d-7")


def test_it_is_recorded_like_any_other_when_it_is_left() -> None:
    house = opened(answers=False)
    house.upstream(OK)
    through(house, GET, 9)
    house.is_open = True
    house.saw(saw.EndReceived(Side.CLIENT))
    assert house.records == [None, "CLIENT_LEFT"]
