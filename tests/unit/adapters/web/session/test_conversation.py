"""Dialogues: what the session does about each thing that can happen."""

from __future__ import annotations

import json

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.buffer import HIGH_WATER
from adapters.core.events import Side
from adapters.core.ports import Answer, Cause, Target
from adapters.web.session.settings import CALL_SECONDS, MAX_JUDGED_BODY, Settings
from engine.decision import Decision, MaskItem, Obligation, Verdict
from tests.strategies.http_sessions import ALLOW, DENY, HOLD, OK, SECRET, House, request

JSON = "content-type: application/json"
LONG = b"x" * (MAX_JUDGED_BODY + 10)


def test_an_allowed_request_goes_on_once_and_its_answer_comes_back() -> None:
    house = House().client(request("GET /a?b=1", "x-own: y"))
    assert house.asked == [
        b"GET /a?b=1 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nx-own: y\r\naccept-encoding: identity\r\n\r\n"
    ]
    assert house.up == [
        house.asked[0][:-2] + f"authorization: Bearer {SECRET}\r\nconnection: keep-alive\r\n\r\n".encode()
    ]
    assert (
        house.down
        == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncache-control: private\r\nsallyport-decision: d-1\r\n\r\nok"
    )
    assert house.records == [None]
    assert house.closed is None
    assert not house.is_open


def test_each_request_has_a_connection_to_the_target_of_its_own() -> None:
    house = House().client(
        request("GET /a") + request("POST /b", JSON, body=b"{}") + request("GET /c", "connection: close")
    )
    assert [sent.split(b" ")[1] for sent in house.up] == [b"/a", b"/b", b"/c"]
    assert house.statuses == [200, 200, 200]
    assert house.admitted == [("ana", "shop", True)]
    assert house.closed == "done"


def test_another_token_on_the_connection_is_another_login() -> None:
    house = House().client(request("GET /a") + request("GET /b", token="bob") + request("GET /c", token="eve"))
    assert house.admitted == [("ana", "shop", True), ("bob", "shop", True), ("", "shop", False)]
    assert house.statuses == [200, 200, 401]
    assert house.closed == "no"


def test_another_token_of_the_same_person_is_another_login_because_it_may_be_for_another_job() -> None:
    tokens = ("ana/build-1", "ana/build-1", "ana/build-2", "ana", "ana/build-2")
    house = House().client(b"".join(request("GET /a", token=token) for token in tokens))
    assert [getattr(proof, "job", None) for proof in house.proofs] == ["build-1", "build-2", None, "build-2"]
    assert house.statuses == [200] * 5


def test_a_denied_request_does_not_go_on_and_the_connection_does() -> None:
    house = House(judge=lambda text: DENY if b"/no" in text else ALLOW)
    house.client(request("POST /no", JSON, body=b"{}") + request("GET /yes"))
    assert house.statuses == [403, 200]
    assert len(house.up) == 1


def test_a_held_request_goes_on_when_it_is_granted() -> None:
    house = House(judge=lambda text: HOLD).client(request("POST /a", JSON, body=b"{}"))
    assert (house.up, house.down, house.closed) == ([], b"", None)
    house.decide(ALLOW)
    assert house.statuses == [200]
    assert house.up[0].endswith(b"\r\n\r\n{}")


def test_a_held_request_that_is_refused_is_a_403() -> None:
    assert House(judge=lambda text: HOLD).client(request()).decide(DENY).statuses == [403]


def test_who_leaves_while_held_ends_it() -> None:
    house = House(judge=lambda text: HOLD).client(request()).saw(saw.EndReceived(Side.CLIENT))
    assert house.closed == "the client left"
    assert house.up == []


def test_who_does_not_wait_comes_again() -> None:
    house = House(judge=lambda text: HOLD).client(request("GET /a", "prefer: respond-async"))
    assert house.statuses == [202]
    assert house.closed is None
    assert [type(one) for one in house.other if not isinstance(one, do.WakeAt)] == [do.Leave]


def test_too_much_behind_a_held_request_ends_it() -> None:
    house = House(judge=lambda text: HOLD).client(request() + b"x" * (HIGH_WATER // 2))
    assert house.closed is None
    house.client(b"x" * HIGH_WATER)
    assert house.closed is not None
    assert house.up == []


def test_a_client_far_ahead_is_not_read_until_its_turn_comes() -> None:
    house = House(answers=False).client(request()).client(b"x" * (HIGH_WATER + 1))
    assert do.Pause(Side.CLIENT) in house.other
    house.upstream(OK)
    assert do.Resume(Side.CLIENT) in house.other


def test_a_long_body_is_judged_unread_and_streams_after_the_grant() -> None:
    for size in (5000, len(LONG)):
        house = House(answers=False).client(request("PUT /a", body=LONG), size)
        assert b"sallyport-unread-body: %d" % len(LONG) in house.asked[0]
        assert house.up[0].endswith(LONG)
        assert f"content-length: {len(LONG)}\r\n".encode() in house.up[0]
        assert house.upstream(OK).statuses == [200]
        assert house.closed is None


def test_a_long_chunked_body_streams_in_chunks() -> None:
    wire = b"%x\r\n%b\r\n" % (len(LONG), LONG)
    house = House(answers=False).client(request("PUT /a", "transfer-encoding: chunked") + wire, 70_000)
    assert b"sallyport-unread-body: unknown" in house.asked[0]
    house.client(b"3\r\nabc\r\n0\r\n\r\n")
    head, _, body = house.up[0].partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head
    assert body.endswith(b"3\r\nabc\r\n0\r\n\r\n")
    assert house.upstream(OK).statuses == [200]


def test_a_short_chunked_body_goes_on_with_its_length() -> None:
    house = House().client(request("PUT /a", JSON, "transfer-encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n", 3)
    assert b"content-length: 2\r\n" in house.up[0]
    assert b"transfer-encoding" not in house.up[0]
    assert house.up[0].endswith(b"\r\n\r\n{}")


def test_nobody_approves_a_body_that_was_not_read() -> None:
    house = House(judge=lambda text: HOLD).client(request("PUT /a", body=LONG))
    assert house.statuses == [413]
    assert house.up == []
    assert any(isinstance(one, do.Withdraw) for one in house.other)
    assert house.saw(saw.EndReceived(Side.CLIENT)).closed is not None


def test_an_early_answer_to_an_upload_ends_the_connection() -> None:
    house = House(answers=False).client(request("PUT /a", f"content-length: {len(LONG)}") + LONG[:100])
    house.upstream(OK)
    assert house.statuses == [200]
    assert b"\r\nconnection: close\r\n" in house.down, "who is not told goes on sending, and never reads the answer"
    assert not house.is_open
    house.client(b"x" * 1000)
    assert len(house.up) == 1
    assert house.saw(saw.EndReceived(Side.CLIENT)).closed is not None


def test_a_broken_chunk_after_the_grant_cuts_the_upload() -> None:
    wire = b"%x\r\n%b\r\n" % (len(LONG), LONG)
    house = House(answers=False).client(request("PUT /a", "transfer-encoding: chunked") + wire)
    house.client(b"zz\r\n")
    assert house.closed is not None
    assert house.statuses == [400]
    assert b"0\r\n\r\n" not in house.up[0]
    assert house.records == ["400"]


@pytest.mark.parametrize(
    "data",
    [
        request("POST /a", "content-length: 5", "transfer-encoding: chunked") + b"0\r\n\r\n",
        request("POST /a", "content-length: 5", "content-length: 6") + b"hello",
        request("GET /a", "content-length: 5") + b"hello",
        request("GET /a", "upgrade: websocket", "connection: upgrade"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        request("GET /a", "transfer-encoding: chunked") + b"0\r\n\r\n",
        request("POST /a", "transfer-encoding: xchunked"),
    ],
)
def test_what_can_be_read_in_two_ways_ends_the_connection_with_a_word(data: bytes) -> None:
    house = House().client(data + request("GET /smuggled"))
    assert house.up == []
    assert len(house.statuses) == 1
    assert 400 <= house.statuses[0] < 600
    assert house.closed is not None


def test_what_somebody_who_signed_in_sends_in_two_ways_is_told_to_the_audit() -> None:
    house = House().client(request("GET /a")).client(b"GET / HTTP/1.1\nHost: a\n\n")
    assert house.asked[1] == b"GET / HTTP/1.1\nHost: a\n\n"
    assert house.statuses == [200, 400]
    house = House().client(request("GET /a/../b"))
    assert house.asked == [b"GET /a/../b HTTP/1.1\r\nhost: shop\r\n\r\n"]
    assert house.statuses == [400]
    assert house.up == []


def test_a_broken_chunk_before_the_grant_is_told_to_the_audit() -> None:
    house = House().client(request("PUT /a", JSON, "transfer-encoding: chunked") + b"2;x=y\r\n{}\r\n0\r\n\r\n")
    assert (house.statuses, house.up) == ([400], [])
    assert house.asked[0].startswith(b"PUT /a HTTP/1.1\r\n")


def test_a_policy_that_allows_what_was_not_read_changes_nothing() -> None:
    house = House(judge=lambda text: ALLOW).client(request("GET //a"))
    assert (house.statuses, house.up, house.records) == ([400], [], ["400"])
    house = House(judge=lambda text: HOLD).client(request("GET //a"))
    assert (house.statuses, house.up) == ([400], [])


def test_no_token_is_a_failed_login() -> None:
    house = House().client(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert house.admitted == [("", "shop", False)]
    assert house.statuses == [401]
    assert house.asked == []


def test_without_a_resource_of_its_own_the_listener_takes_the_host() -> None:
    house = House(settings=Settings()).client(
        b"GET / HTTP/1.1\r\nHost: Bills:8443\r\nAuthorization: Bearer ana\r\n\r\n"
    )
    assert house.admitted == [("ana", "bills", True)]


def test_an_obligation_that_cannot_be_met_denies() -> None:
    granted = Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("rows", 5, "a/B"),)), "d-1")
    house = House(judge=lambda text: granted).client(request())
    assert (house.statuses, house.up, house.records) == ([403], [], ["403"])
    told = Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("notify", ["#a"], "a/B"),)), "d-1")
    assert House(judge=lambda text: told).client(request()).statuses == [200]


def masked(path: str = "$.a") -> Answer:
    return Answer(Decision(Verdict.MASK, None, mask_plan=(MaskItem(None, (), "redact", path=path),)), "d-1")


def test_a_masked_answer_is_masked_and_what_cannot_be_is_refused() -> None:
    house = House(judge=lambda text: masked(), answers=False).client(request())
    house.upstream(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":"b"}')
    assert house.down.endswith(b'10\r\n{"a":"[redacted]"\r\n1\r\n}\r\n0\r\n\r\n') or b'"[redacted]"' in house.down
    house = House(judge=lambda text: masked(), answers=False).client(request())
    house.upstream(b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n{"a":"b"}')
    assert house.statuses == [502]
    assert house.records == ["MASK_UNPROVEN"]
    assert House(judge=lambda text: masked("$a")).client(request()).statuses == [403]


@pytest.mark.parametrize(
    "wire",
    [b"HTTP/1.1 101 X\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
)
def test_a_target_that_makes_no_sense_is_a_502_or_a_cut(wire: bytes) -> None:
    house = House(answers=False).client(request()).upstream(wire)
    assert house.statuses in ([502], [200])
    assert house.records[-1] == "bad_answer"
    assert not house.is_open


def test_a_target_that_cannot_be_reached_or_leaves_is_a_502() -> None:
    house = House(answers=False).client(request())
    house.saw(saw.EndReceived(Side.UPSTREAM))
    assert house.statuses == [502]
    assert house.closed is None, "the next request may fare better"
    house.answers = True
    assert house.client(request()).statuses == [502, 200]


def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    house = (
        House(answers=False)
        .client(request())
        .upstream(b"HTTP/1.0 200 OK\r\n\r\nabc")
        .saw(saw.EndReceived(Side.UPSTREAM))
    )
    assert house.down.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert house.records == [None]


def test_who_leaves_while_it_runs_is_recorded() -> None:
    house = House(answers=False).client(request()).saw(saw.EndReceived(Side.CLIENT))
    assert house.records == ["CLIENT_LEFT"]
    assert not house.is_open


def test_time_passes() -> None:
    for data, statuses in ((b"", []), (b"GET / HT", [408]), (request("PUT /a", "content-length: 5"), [408])):
        house = House().client(data) if data else House()
        house.now = 1000.0
        assert house.saw(saw.TimePassed()).statuses == statuses
        assert house.closed == "too slow"
    slow = House(answers=False).client(request())
    slow.now = 1000.0
    slow.saw(saw.TimePassed())
    assert slow.statuses == [504]
    assert slow.records == ["TARGET_SLOW"]
    held = House(judge=lambda text: HOLD).client(request())
    held.now = 10_000.0
    assert held.saw(saw.TimePassed()).closed is None, "a ticket has an end of its own"


def test_a_stop_lets_what_runs_finish() -> None:
    assert House().saw(saw.StopRequested("bye")).closed == "bye"
    running = House(answers=False).client(request()).saw(saw.StopRequested("bye"))
    assert running.closed is None
    assert running.upstream(OK).closed == "done"
    held = House(judge=lambda text: HOLD).client(request()).saw(saw.StopRequested("bye"))
    assert held.statuses == [503]
    assert held.closed is not None


def test_tls_comes_first_on_both_sides() -> None:
    house = House(settings=Settings(resource="shop", tls=True), target=Target("a", 443, "", SECRET)).client(request())
    assert house.statuses == [200]


def test_continue_is_said_before_a_body_that_is_wanted() -> None:
    house = House().client(request("POST /a", JSON, "content-length: 2", "expect: 100-continue"))
    assert house.down == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert house.client(b"{}").statuses == [100, 200]
    unread = House(answers=False).client(request("PUT /a", f"content-length: {len(LONG)}", "expect: 100-continue"))
    assert unread.statuses == [100], "granted before the body was sent"
    denied = House(judge=lambda text: DENY).client(
        request("PUT /a", f"content-length: {len(LONG)}", "expect: 100-continue")
    )
    assert denied.statuses == [403]


def test_head_has_no_body_of_ours_either() -> None:
    house = House(judge=lambda text: DENY).client(request("HEAD /a"))
    assert house.down.endswith(b"\r\n\r\n")
    assert house.closed is None


def test_what_a_client_reads_names_the_decision() -> None:
    body = House(judge=lambda text: DENY).client(request()).down.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["decision"] == "d-1"


def test_a_client_that_goes_on_sending_can_read_why_not() -> None:
    house = House(judge=lambda text: DENY).client(request("PUT /a", body=LONG), 50_000)
    assert house.statuses == [403]
    assert house.closed is None, "the rest is thrown away for a moment"
    house.client(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert len(house.asked) == 1
    house.now = 3.0
    assert house.saw(saw.TimePassed()).closed is not None
    flood = House(judge=lambda text: DENY).client(request("PUT /a", f"content-length: {1 << 40}"))
    assert flood.client(b"x" * (2 << 20), 65536).closed is not None
    nobody = House().client(request("PUT /a", body=LONG, token="eve"), 50_000)
    assert (nobody.statuses, nobody.closed) == ([401], None)
    assert nobody.saw(saw.EndReceived(Side.CLIENT)).closed is not None


def test_a_request_without_a_host_is_refused() -> None:
    assert House().client(b"GET / HTTP/1.1\r\nAuthorization: Bearer ana\r\n\r\n").statuses == [400]
    assert House().client(b"GET / HTTP/1.0\r\nAuthorization: Bearer ana\r\n\r\n").statuses == [200]


def test_a_connection_between_two_requests_waits_for_its_client() -> None:
    house = House().client(request())
    assert house.session.is_waiting
    assert house.saw(saw.StopRequested("idle", Cause.IDLE)).closed == "idle"
    body = House().client(request("PUT /a", "content-length: 5"))
    assert body.session.is_waiting
    assert body.saw(saw.StopRequested("idle", Cause.IDLE)).closed == "idle"


def test_what_runs_or_is_held_is_not_idle() -> None:
    for house in (House(answers=False).client(request()), House(judge=lambda text: HOLD).client(request())):
        assert not house.session.is_waiting
        assert house.saw(saw.StopRequested("idle", Cause.IDLE)).closed is None
        assert house.statuses == []


def test_a_kill_ends_what_runs_and_takes_back_what_is_held() -> None:
    running = House(answers=False).client(request()).saw(saw.StopRequested("killed", Cause.KILLED))
    assert (running.statuses, running.records) == ([503], ["SESSION_ENDED"])
    assert running.closed is not None
    assert not running.is_open
    begun = House(answers=False).client(request()).upstream(OK[:-1]).saw(saw.StopRequested("killed", Cause.KILLED))
    assert (begun.statuses, begun.records, begun.closed) == ([200], ["SESSION_ENDED"], "killed")
    held = House(judge=lambda text: HOLD).client(request()).saw(saw.StopRequested("killed", Cause.KILLED))
    assert held.statuses == [503]
    assert b"SESSION_ENDED" in held.down
    assert any(isinstance(one, do.Withdraw) for one in held.other)
    assert not any(isinstance(one, do.Leave) for one in held.other)


def test_at_the_end_of_its_lifetime_a_connection_finishes_what_runs() -> None:
    running = House(answers=False).client(request()).saw(saw.StopRequested("old", Cause.LIFETIME))
    assert running.closed is None
    assert running.upstream(OK).closed == "done"
    held = House(judge=lambda text: HOLD).client(request()).saw(saw.StopRequested("old", Cause.LIFETIME))
    assert b"SESSION_ENDED" in held.down


def test_what_reads_and_has_no_body_shares_a_connection() -> None:
    house = House().client(request("GET /a") + request("GET /b") + request("HEAD /c") + request("GET /d"))
    assert house.statuses == [200] * 4
    assert house.reused == 2, "behind an answer to HEAD a connection is not kept"


@pytest.mark.parametrize(
    "sent",
    [
        request("POST /a", JSON, body=b"{}"),
        request("PUT /a", JSON, body=b"{}"),
        request("DELETE /a"),
        request("OPTIONS /a"),
        request("POST /a", "content-length: 0"),
    ],
)
def test_whatever_else_has_a_connection_of_its_own_and_leaves_none(sent: bytes) -> None:
    house = House().client(request("GET /a") + sent + request("GET /b"))
    assert house.statuses == [200] * 3
    assert b"connection: close" in house.up[1]
    assert house.reused == 1, "the one that waited before"
    assert len(house.kept) == 1


def test_connections_are_shared_by_all_who_come_with_the_gateways_credential_and_by_one_person_else() -> None:
    bare = Target("127.0.0.1", 8080, "", tls=False)
    for target, reused in ((House().target, 1), (bare, 0)):
        house = House(target=target).client(request("GET /a") + request("GET /b", token="bob"))
        assert (house.statuses, house.reused) == ([200, 200], reused)


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"Content", b"Connection: close\r\nContent"),
        OK + b"x",
        OK.replace(b"1.1", b"1.0"),
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_an_answer_that_leaves_a_doubt_ends_its_connection(answer: bytes) -> None:
    house = House(answers=False).client(request("GET /a")).upstream(answer)
    assert len(house.statuses) == 1
    assert house.kept == []
    assert not house.is_open


def reused(answer: bytes = OK) -> House:
    """A request that went up on a connection that served another one."""
    house = House(answers=False).client(request("GET /a")).upstream(answer).client(request("GET /b"))
    assert house.reused == 1
    return house


def test_what_reads_goes_up_again_where_a_kept_connection_ended_before_a_byte() -> None:
    house = reused().saw(saw.EndReceived(Side.UPSTREAM))
    assert [sent.split(b" ")[1] for sent in house.up] == [b"/a", b"/b", b"/b"]
    assert house.reused == 1, "on one of its own"
    assert house.upstream(OK).statuses == [200, 200]
    assert len(house.kept) == 1


def test_it_goes_up_again_once_and_not_behind_a_byte() -> None:
    house = reused().saw(saw.EndReceived(Side.UPSTREAM)).saw(saw.EndReceived(Side.UPSTREAM))
    assert house.statuses == [200, 502]
    house = reused().upstream(b"H").saw(saw.EndReceived(Side.UPSTREAM))
    assert house.statuses == [200, 502]
    house = House(answers=False).client(request("GET /a")).saw(saw.EndReceived(Side.UPSTREAM))
    assert house.statuses == [502], "a connection of its own has no such excuse"
    assert len(house.up) == 1


SHARED = Target("shop.example", 80, "", SECRET, tls=False, http2="always")


def test_what_the_target_did_nothing_of_goes_up_again_under_the_same_grant() -> None:
    house = House(target=SHARED, answers=False).client(request("POST /a", body=b"abc"))
    house.saw(saw.UpstreamUnserved())
    assert [sent[-3:] for sent in house.up] == [b"abc", b"abc"]
    assert house.upstream(OK).statuses == [200]
    assert len(house.asked) == len(house.records) == 1
    house = House(target=SHARED, answers=False).client(request("POST /a", body=b"abc"))
    for _ in range(3):
        house.saw(saw.UpstreamUnserved())
    assert (len(house.up), house.statuses, house.records) == (3, [502], ["bad_answer"])


def test_what_may_have_run_does_not_go_up_again() -> None:
    for event in (saw.EndReceived(Side.UPSTREAM), saw.UpstreamUnserved()):
        house = House(target=SHARED, answers=False).client(request("POST /a", body=b"abc"))
        house.upstream(b"H" if isinstance(event, saw.UpstreamUnserved) else b"").saw(event)
        assert (len(house.up), house.statuses, house.records) == (1, [502], ["bad_answer"])
    house = House(target=SHARED, answers=False).client(request("POST /upload", body=LONG))
    house.saw(saw.UpstreamUnserved())
    assert (len(house.up), house.statuses) == (1, [502])


def test_a_masked_answer_is_asked_for_whole_and_without_conditions() -> None:
    masked = Answer(Decision(Verdict.MASK, None, mask_plan=(MaskItem(None, (), "redact", path="$..card"),)), "d-1")
    house = House(judge=lambda text: masked)
    house.client(request("GET /a", 'if-none-match: "x"', "range: bytes=1-2", "x-own: y"))
    assert b"if-none-match" in house.asked[0]
    assert b"x-own" in house.up[0]
    assert b"if-none-match" not in house.up[0]
    assert b"range" not in house.up[0]
    house = House(judge=lambda text: masked).client(request("PUT /a", JSON, 'if-match: "x"', body=b"{}"))
    assert (house.statuses, house.up) == ([403], [])
    house = House(judge=lambda text: masked).client(request("PUT /a", JSON, "if-match: *", body=b"{}"))
    assert len(house.up) == 1


CALL = request("POST /a", "content-type: application/grpc", "transfer-encoding: chunked")


def test_a_call_that_goes_on_with_nothing_is_judged_unread_and_flows_both_ways() -> None:
    house = House(answers=False).client(CALL).client(b"3\r\nabc\r\n")
    assert house.asked == []
    house.now += CALL_SECONDS / 2
    house.client(b"3\r\ndef\r\n").saw(saw.TimePassed())
    assert house.asked == [], "it went on"
    house.now += CALL_SECONDS
    house.saw(saw.TimePassed())
    assert b"sallyport-unread-body: unknown" in house.asked[0]
    assert house.up[0].endswith(b"\r\n\r\n6\r\nabcdef\r\n")
    house.upstream(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n").client(b"1\r\ng\r\n")
    house.upstream(b"1\r\ny\r\n").client(b"0\r\n\r\n")
    assert house.up[0].endswith(b"1\r\ng\r\n0\r\n\r\n")
    assert house.upstream(b"0\r\n\r\n").statuses == [200]
    assert house.records == [None]


def test_a_call_that_is_whole_at_once_is_read() -> None:
    house = House().client(CALL + b"3\r\nabc\r\n0\r\n\r\n")
    assert house.asked[0].endswith(b"content-length: 3\r\n\r\nabc")


def test_nobody_approves_a_call_that_was_not_read() -> None:
    house = House(judge=lambda text: HOLD).client(CALL)
    house.now += CALL_SECONDS
    house.saw(saw.TimePassed())
    assert house.up == []
    assert any(isinstance(one, do.Withdraw) for one in house.other)


def test_a_long_body_that_ends_in_the_piece_that_made_it_too_long_is_ended_for_the_target_too() -> None:
    wire = request("PUT /a", "transfer-encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(LONG), LONG)
    house = House(answers=False).client(wire + request("GET /b"))
    assert house.up[0].endswith(b"\r\n0\r\n\r\n")
    house.upstream(OK)
    assert len(house.asked) == 2, "the next request is there"


TWO = Target("127.0.0.1", 8080, "", SECRET, tls=False, http2="always")
ENDED = request("POST /a", "transfer-encoding: chunked") + b"2\r\nab\r\n0\r\nx-sum: 1\r\nvia: me\r\n\r\n"


def test_fields_behind_a_body_are_judged_and_go_on_to_a_target_of_http_2() -> None:
    house = House(target=TWO).client(ENDED, 3)
    assert house.asked[0].endswith(b"\r\n\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n")
    assert house.up[0].endswith(b"\r\n\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n")
    assert house.statuses == [200]


def test_fields_behind_a_body_are_refused_for_other_targets_and_told_to_the_audit() -> None:
    house = House().client(ENDED)
    assert (house.statuses, house.up) == ([400], [])
    assert b"TRAILER" in house.down
    assert len(house.asked) == 1, "with what was shown of its head"


@pytest.mark.parametrize("field", [b"content-length: 5", b"authorization: Bearer x", b"x_y: z", b"sallyport-x: y"])
def test_fields_that_change_what_was_read_are_refused_before_the_grant_and_after_it(field: bytes) -> None:
    wire = request("POST /a", "transfer-encoding: chunked")
    house = House(target=TWO).client(wire + b"2\r\nab\r\n0\r\n" + field + b"\r\n\r\n")
    assert (house.statuses, house.up) == ([400], [])
    long = House(target=TWO, answers=False).client(wire + b"%x\r\n%b\r\n" % (len(LONG), LONG))
    long.client(b"0\r\n" + field + b"\r\n\r\n")
    assert long.statuses == [400]
    assert not long.up[0].endswith(b"\r\n\r\n"), "the target never has the end"
    assert long.records == ["400"]


def test_fields_behind_a_body_that_was_not_read_go_on_behind_it() -> None:
    wire = request("POST /a", "transfer-encoding: chunked") + b"%x\r\n%b\r\n" % (len(LONG), LONG)
    house = House(target=TWO, answers=False).client(wire).client(b"0\r\nx-sum: 1\r\nvia: me\r\n\r\n")
    assert house.up[0].endswith(b"0\r\nx-sum: 1\r\n\r\n")
