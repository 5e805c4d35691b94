"""Dialogues: exec and its like, before, instead of and behind the switch."""

from __future__ import annotations

import json

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import NOBODY_WAITS, Answer, Cause
from adapters.kubernetes import spdy
from adapters.kubernetes.talks import MAX_KEPT
from adapters.web.websocket import frames as websockets
from engine.command.parse import parse_command
from engine.decision import Decision, MaskItem, Obligation, Verdict
from engine.masking.patterns import types
from tests.strategies.kubernetes_frames import KEY, SpdyClient, web_frame
from tests.strategies.kubernetes_sessions import (
    EXEC,
    IDLE_SECONDS,
    SPDY,
    WEB_SOCKET,
    House,
    denying,
    granting,
    holding,
    request,
)

SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
    + websockets.accept_of(KEY).encode()
    + b"\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)
TO_SPDY = b"HTTP/1.1 101 x\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"
SUCCEEDED = websockets.frame(websockets.BINARY, b"\x03" + b'{"status":"Success"}')
FORWARD = "/api/v1/namespaces/t/pods/web/portforward"
TUNNEL = (*WEB_SOCKET[:-1], "sec-websocket-protocol: SPDY/3.1+portforward.k8s.io")
MISSING = b'{"message": "no such pod"}'
GONE = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(MISSING) + MISSING
)


def wanting(path: str = EXEC, *headers: str) -> bytes:
    return request(f"GET {path}", *(headers or WEB_SOCKET))


def test_a_granted_exec_is_switched_by_the_target_and_carried_as_it_comes() -> None:
    house = House(answers=None).client(wanting())
    assert house.asked == [f"GET {EXEC} HTTP/1.1\r\nhost: 127.0.0.1:6443\r\naccept-encoding: identity\r\n\r\n".encode()]
    assert house.down == b"", "nobody is switched before the target is"
    assert b"impersonate-user: ana\r\n" in house.up[0]
    assert b"connection: Upgrade\r\nupgrade: websocket\r\n" in house.up[0]
    typed = web_frame(websockets.BINARY, b"\x00ls\n")
    house.client(typed[:4]).upstream(SWITCHED[:30]).upstream(SWITCHED[30:] + b"\x82\x01\x01")
    house.client(typed[4:])
    assert house.up[0].endswith(typed)
    head, _, rest = house.down.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert rest == b"\x82\x01\x01"
    house.upstream(SUCCEEDED).saw(saw.EndReceived(Side.UPSTREAM))
    assert (house.records, house.closed, house.is_open) == ([None], "done", False)
    assert house.down.endswith(b"\x82\x01\x01" + SUCCEEDED), "nothing is added to what the target says"


def test_a_denied_exec_is_told_on_its_error_stream_and_nothing_is_connected() -> None:
    house = House(judge=denying).client(wanting())
    head, _, rest = house.down.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert rest.endswith(websockets.goodbye())
    said = json.loads(rest[rest.index(b"{") : rest.rindex(b"}") + 1])
    assert (said["code"], said["message"]) == (403, "not here [p/NO]; decision d-1")
    assert (house.up, house.closed) == ([], None)
    house.client(web_frame(websockets.CLOSE, b"\x03\xe8"))
    assert house.closed == "the client left"


def test_who_does_not_leave_after_a_denial_is_sent_away() -> None:
    house = House(judge=denying).client(wanting())
    house.now = 10.0
    house.saw(saw.TimePassed())
    assert house.closed == "told"


def test_over_spdy_a_denial_reaches_each_stream() -> None:
    house, client = House(judge=denying).client(request(f"POST {EXEC}", *SPDY)), SpdyClient()
    house.client(client.opened(1, "error") + client.opened(3, "stdout"), 7)
    client.hear(house.down.partition(b"\r\n\r\n")[2])
    assert json.loads(client.got[1])["code"] == 403
    assert client.ended == {1, 3}
    assert house.up == []


@pytest.mark.parametrize("size", [1, None])
def test_a_held_exec_is_switched_waits_and_runs_what_was_typed_ahead(size: int | None) -> None:
    house = House(judge=holding, answers=None).client(wanting())
    assert house.down.startswith(b"HTTP/1.1 101 ")
    assert b"waiting for an approval, ticket t-1" in house.down
    typed = web_frame(websockets.BINARY, b"\x00ls\n")
    house.client(web_frame(websockets.PING, b"p") + typed, size)
    assert house.down.endswith(websockets.frame(websockets.PONG, b"p"))
    assert house.up == []
    house.decide(granting)
    assert typed not in house.up[0], "nothing before the target switched"
    before = len(house.down)
    house.upstream(SWITCHED + b"\x82\x01\x01")
    assert house.up[0].endswith(typed)
    assert house.down[before:] == b"\x82\x01\x01", "the client is switched once"


def test_a_held_exec_over_spdy_is_answered_once() -> None:
    house, client = House(judge=holding, answers=None).client(request(f"POST {EXEC}", *SPDY)), SpdyClient()
    opened = client.opened(1, "error") + client.opened(3, "stderr")
    house.client(opened)
    house.decide(granting)
    reply = spdy.control(spdy.SYN_REPLY, b"\x00\x00\x00\x01" + spdy.HeaderWriter().write({}))
    out = spdy.data_frame(3, b"out", is_last=True)
    house.upstream(TO_SPDY + reply + out)
    client.hear(house.down.partition(b"\r\n\r\n")[2])
    assert client.replied == [1, 3]
    assert client.got[3].endswith(b"ticket t-1\nout")
    assert house.up[0].endswith(opened)


def test_a_refused_hold_is_told_and_one_whose_client_left_is_withdrawn_by_the_relay() -> None:
    house = House(judge=holding).client(wanting())
    house.decide(denying)
    assert b"not here [p/NO]" in house.down
    house = House(judge=holding).client(wanting()).client(web_frame(websockets.CLOSE, b""))
    assert (house.closed, house.up) == ("the client left", [])


def test_too_much_typed_ahead_withdraws_the_question() -> None:
    house = House(judge=holding).client(wanting())
    for _ in range(MAX_KEPT // 60_000 + 1):
        house.client(web_frame(websockets.BINARY, b"x" * 60_000))
    assert any(isinstance(one, do.Withdraw) for one in house.other)
    assert b"too much" in house.down


def test_what_the_target_says_instead_of_a_switch_goes_to_the_client() -> None:
    house = House(answers=GONE).client(wanting())
    assert house.statuses == [404]
    assert (house.records, house.closed) == (["404"], "the target refused")
    house = House(judge=holding, answers=GONE).client(wanting()).decide(granting)
    assert house.statuses == [101]
    assert b"the API server: no such pod" in house.down
    assert house.records == ["404"]


@pytest.mark.parametrize(
    "answer", [SWITCHED.replace(b"v5", b"v4"), SWITCHED.replace(b"Accept: ", b"Accept: x"), TO_SPDY, b"x" * 70_000]
)
def test_a_target_that_switches_otherwise_is_not_carried(answer: bytes) -> None:
    house = House(answers=answer).client(wanting())
    assert house.records == ["BAD_ANSWER"] or house.records == ["bad_answer"]
    assert b"\r\n\r\n" in house.down
    assert not house.is_open


def test_a_target_that_cannot_be_reached_or_is_slow_is_told() -> None:
    house = House(answers=None).client(wanting())
    house.now = 100.0
    house.saw(saw.TimePassed())
    assert house.records == ["TARGET_SLOW"]
    assert b"does not answer in time" in house.down
    house = House(answers=None).client(wanting()).saw(saw.EndReceived(Side.UPSTREAM))
    assert house.records == ["TARGET_UNREACHABLE"]


def test_masks_and_obligations_on_what_a_container_says_stop_it() -> None:
    for decision in (
        Decision(Verdict.MASK, None, mask_plan=(MaskItem(None, (), "redact", {}, (), "$.a"),)),
        Decision(Verdict.ALLOW, None, obligations=(Obligation("rows", 5, "r"),)),
    ):
        house = House(judge=lambda text, one=decision: Answer(one, "d-1", command=parse_command("kubernetes", text)))  # type: ignore[misc]  # bound
        house.client(wanting())
        assert (house.records, house.up) == (["403"], [])


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/t/pods/web/exec?command=zsh&stdin=true&tty=true&stdout=true",
        "/api/v1/namespaces/t/pods/web/exec?command=/bin/bash&command=-i&stdin=true",
        "/api/v1/namespaces/t/pods/web/attach?stdin=true&stdout=true",
    ],
)
def test_a_shell_that_reads_what_is_typed_is_refused_though_a_policy_grants_it(path: str) -> None:
    house = House().client(wanting(path))
    assert b"give it the command" in house.down
    assert house.up == []


def test_forwarded_ports_are_refused_in_place_of_the_switch() -> None:
    house = House(judge=denying).client(wanting(FORWARD, *TUNNEL))
    assert (house.statuses, house.closed is not None, house.up) == ([403], True, [])


def test_held_ports_wait_without_a_word() -> None:
    house = House(judge=holding, answers=None).client(wanting(FORWARD, *TUNNEL))
    assert house.down == b""
    house.decide(granting)
    house.upstream(SWITCHED.replace(b"v5.channel", b"SPDY/3.1+portforward"))
    assert house.statuses == [101]


def test_a_drain_ends_what_waits_and_leaves_its_ticket_open() -> None:
    house = House(judge=holding).client(wanting()).saw(saw.StopRequested("over"))
    assert any(isinstance(one, do.Leave) for one in house.other)
    assert b'"message": "over"' in house.down
    house = House(answers=None).client(wanting()).upstream(SWITCHED).saw(saw.StopRequested("over"))
    assert house.closed is None, "what runs may finish"


def test_bytes_before_the_switch_are_bounded() -> None:
    house = House(answers=None).client(wanting())
    house.client(b"x" * (MAX_KEPT + 1))
    assert house.records == ["TOO_MUCH_BEHIND"]
    assert not house.is_open


def test_a_kill_ends_what_is_carried_and_takes_back_what_waits() -> None:
    house = House(answers=None).client(wanting()).upstream(SWITCHED).saw(saw.StopRequested("killed", Cause.KILLED))
    assert (house.records, house.is_open) == (["SESSION_ENDED"], False)
    assert house.down.endswith(websockets.goodbye()), "who is carried is told why"
    assert b'"message": "killed"' in house.down
    reaching = House(answers=None).client(wanting()).saw(saw.StopRequested("killed", Cause.KILLED))
    assert b'"message": "killed"' in reaching.down
    held = House(judge=holding).client(wanting()).saw(saw.StopRequested("killed", Cause.KILLED))
    assert any(isinstance(one, do.Withdraw) for one in held.other)
    assert b'"message": "killed"' in held.down


@pytest.mark.parametrize("query", ["", "ports=80"], ids=["exec", "ports"])
def test_a_kill_while_it_is_asked_about_is_told_in_the_words_of_the_denial(query: str) -> None:
    asked = wanting(FORWARD, *TUNNEL) if query else wanting()
    house = House(judge=None).client(asked).saw(saw.StopRequested("killed", Cause.KILLED))
    assert (house.closed, house.down) == (None, b"")
    house.decide(lambda text: NOBODY_WAITS)
    assert b"the session ended before this was decided" in house.down
    assert house.records == []


def masking(text: bytes) -> Answer:
    plan = (MaskItem(None, ("pii.email",), "redact"),)
    command = parse_command("kubernetes", text)
    return Answer(Decision(Verdict.MASK, None, mask_plan=plan), "d-1", command=command)


def out(data: bytes, channel: int = 1) -> bytes:
    return websockets.frame(websockets.BINARY, bytes((channel,)) + data)


def test_what_a_container_says_is_shown_masked_and_what_is_typed_goes_on_as_it_comes() -> None:
    house = House(judge=masking, answers=None).client(wanting()).upstream(SWITCHED + out(b"mail ann@exam"))
    house.upstream(out(b"ple.org\n") + out(b'{"status":"Success"}', 3) + websockets.goodbye())
    shown = house.down.partition(b"\r\n\r\n")[2]
    assert b"ann" not in shown
    assert shown.startswith(out(b"mail "))
    assert b"[redacted]" in shown
    typed = web_frame(websockets.BINARY, b"\x00ann@example.org\n")
    house.client(typed)
    assert house.up[0].endswith(typed)
    house.saw(saw.EndReceived(Side.UPSTREAM))
    assert house.records == [None]


def test_what_is_kept_back_is_shown_once_nothing_comes_for_a_moment() -> None:
    def judge(text: bytes) -> Answer:
        plan = (MaskItem(None, tuple(types()), "redact"),)
        return Answer(Decision(Verdict.MASK, None, mask_plan=plan), "d-1", command=parse_command("kubernetes", text))

    def shown(house: House) -> bytes:
        frames = websockets.FrameReader(is_client=False).feed(house.down.partition(b"\r\n\r\n")[2])
        return b"".join(frame.payload[1:] for frame in frames)

    text = b"2026-11-28 12345678 files\n$ "
    house = House(judge=judge, answers=None).client(wanting()).upstream(SWITCHED + out(text))
    assert shown(house) != text
    house.now = 0.2
    house.saw(saw.TimePassed())
    assert shown(house) == text
    house.now = 1000.0
    house.saw(saw.TimePassed())
    assert house.closed is None
    house.upstream(out(b" bob") + websockets.goodbye()).saw(saw.EndReceived(Side.UPSTREAM))
    assert shown(house) == text + b" bob\xe8"


def test_what_is_no_text_is_not_shown_and_the_client_reads_why() -> None:
    house = House(judge=masking, answers=None).client(wanting()).upstream(SWITCHED + out(b"\x1f\x8b\x08\xff\xfe"))
    rest = house.down.partition(b"\r\n\r\n")[2]
    assert b"\x1f\x8b" not in rest
    assert b"no text" in rest
    assert rest.endswith(websockets.goodbye())
    assert (house.records, house.is_open) == (["MASK_UNPROVEN"], False)


def test_over_spdy_it_is_masked_too_whether_it_was_held_or_not() -> None:
    for judge in (masking, holding):
        house, client = House(judge=judge, answers=None).client(request(f"POST {EXEC}", *SPDY)), SpdyClient()
        opened = client.opened(1, "error") + client.opened(3, "stdout")
        if judge is holding:
            house.client(opened + client.opened(5, "stderr")[:9])
            house.decide(masking).upstream(TO_SPDY)
        else:
            house.upstream(TO_SPDY).client(opened)
        house.upstream(spdy.data_frame(3, b"mail ann@example.org\n", is_last=True))
        client.hear(house.down.partition(b"\r\n\r\n")[2])
        assert client.got[3].endswith(b"mail [redacted]\n"), judge
        assert 3 in client.ended


def test_ports_are_not_masked_so_a_mask_on_them_is_a_denial() -> None:
    house = House(judge=masking, answers=None).client(wanting(FORWARD, *TUNNEL))
    assert house.up == []
    assert house.records == ["403"]


RAW = "/api/v1/namespaces/t/pods/web/exec?command=env&command=SALLYPORT_SHELL=raw&command=sh&stdin=true&stdout=true&tty=true"


def recorded(text: bytes) -> Answer:
    decision = Decision(Verdict.ALLOW, None, obligations=(Obligation("record", True, "r"),))
    return Answer(decision, "d-1", command=parse_command("kubernetes", text))


def test_a_terminal_of_the_containers_own_wants_a_grant_that_records() -> None:
    house = House().client(wanting(RAW))
    assert b"sallyport-shell: raw\r\n" in house.asked[0]
    assert b"a policy has to allow it with `record`" in house.down
    assert (house.up, house.records) == ([], ["403"])
    assert House(judge=recorded).client(wanting()).records == ["403"], "of other execs nothing is recorded"


@pytest.mark.parametrize("transport", ["websocket", "spdy"])
def test_a_terminal_of_the_containers_own_is_recorded_before_it_is_shown(transport: str) -> None:
    client = SpdyClient()
    if transport == "spdy":
        opened = b"".join(
            client.opened(at, name) for at, name in ((1, "error"), (3, "stdin"), (5, "stdout"), (7, "resize"))
        )
        house = House(judge=recorded, answers=None).client(request(f"POST {RAW}", *SPDY))
        house.upstream(TO_SPDY).client(opened + spdy.data_frame(7, b'{"Width":90,"Height":20}', is_last=False), 11)
        house.upstream(spdy.data_frame(5, b"$ ", is_last=False) + spdy.data_frame(5, b"", is_last=True))
    else:
        house = House(judge=recorded, answers=None).client(wanting(RAW)).upstream(SWITCHED)
        house.client(web_frame(websockets.BINARY, b'\x04{"Width":90,"Height":20}'), 5)
        house.upstream(websockets.frame(websockets.BINARY, b"\1$ "))
    assert b"sallyport-shell" not in house.up[0]
    assert house.recorded == b"sallyport: this terminal is recorded; what is typed here is judged by nobody\r\n$ "
    assert house.recorded in house.down
    kept = [type(one) for one in house.other if isinstance(one, do.StartRecording | do.RecordSize | do.RecordFact)]
    assert kept == [do.StartRecording, do.RecordFact, do.RecordSize]
    ended = spdy.data_frame(1, b"{}", is_last=True) if transport == "spdy" else SUCCEEDED
    house.upstream(ended).saw(saw.EndReceived(Side.UPSTREAM))
    assert do.EndRecording(None) in house.other
    assert house.records == [None]


ATTACH = "/api/v1/namespaces/t/pods/web/attach?stdin=true&stdout=true&tty=true"


def test_a_terminal_that_is_attached_to_wants_a_grant_that_records_too() -> None:
    house = House().client(wanting(ATTACH))
    assert b"sallyport-shell: raw\r\n" in house.asked[0]
    assert (house.up, house.records) == ([], ["403"])
    command = parse_command("kubernetes", house.asked[0]).command
    assert ([one.kind for one in command.operations], command.complete) == (["raw_shell"], False)
    house = House(judge=recorded, answers=None).client(wanting(ATTACH)).upstream(SWITCHED)
    house.upstream(websockets.frame(websockets.BINARY, b"\1$ "))
    assert house.recorded.endswith(b"judged by nobody\r\n$ ")
    assert b"sallyport-shell" not in house.up[0]
    for query in ("stdin=true&stdout=true", "stdin=true&tty=true"):
        other = House(judge=recorded).client(wanting(ATTACH.partition("?")[0] + "?" + query))
        assert (other.up, other.records) == ([], ["403"]), "input without a terminal is nobody's"


@pytest.mark.parametrize("path", [RAW, ATTACH])
def test_a_terminal_where_nobody_types_for_long_ends_and_pings_are_no_typing(path: str) -> None:
    house = House(judge=recorded, answers=None).client(wanting(path)).upstream(SWITCHED)
    house.now = IDLE_SECONDS - 10
    house.client(web_frame(websockets.BINARY, b"\0l"))
    house.now = IDLE_SECONDS + 10
    house.saw(saw.TimePassed())
    assert house.closed is None
    for _ in range(3):
        house.now += IDLE_SECONDS / 4
        house.client(web_frame(websockets.PING, b"p")).upstream(websockets.frame(websockets.BINARY, b"\1x"))
        house.saw(saw.TimePassed())
        assert house.records == []
    house.now += IDLE_SECONDS / 4
    house.saw(saw.TimePassed())
    assert b"nothing was typed for 1800 s" in house.down
    assert house.records == ["IDLE"]
    assert not house.is_open
    house.now += 10
    house.saw(saw.TimePassed())
    assert do.EndRecording(None) in house.other


def test_another_program_on_a_terminal_ends_so_too_and_a_stream_does_not() -> None:
    vim = "/api/v1/namespaces/t/pods/web/exec?command=vim&stdin=true&stdout=true&tty=true"
    for path, records in ((vim, ["IDLE"]), (vim.replace("tty=true", "tty=false"), [])):
        house = House(answers=None).client(wanting(path)).upstream(SWITCHED)
        house.now = IDLE_SECONDS + 1
        house.saw(saw.TimePassed())
        assert house.records == records
        assert house.is_open is not bool(records)


def test_a_terminal_that_cannot_be_recorded_ends() -> None:
    house = House(judge=recorded, answers=None).client(wanting(RAW)).upstream(SWITCHED).saw(saw.RecordingFailed())
    assert b"this has to be recorded" in house.down
    assert not house.is_open
    assert house.records == ["RECORDER_FAILED"]


def test_a_terminal_that_waited_is_recorded_with_what_was_typed_ahead() -> None:
    house = House(judge=holding, answers=None).client(wanting(RAW))
    house.client(web_frame(websockets.BINARY, b'\x04{"Width":90,"Height":20}')).decide(recorded).upstream(SWITCHED)
    assert do.RecordSize(90, 20) in house.other
    house.upstream(websockets.frame(websockets.BINARY, b"\1a") + websockets.goodbye())
    assert house.recorded.endswith(b"nobody\r\na")


# --- last words


def spdy_house(*names: str) -> tuple[House, SpdyClient]:
    """A command that runs over SPDY, whose client opened these streams."""
    client = SpdyClient()
    house = House(answers=None).client(request(f"POST {EXEC}", *SPDY)).upstream(TO_SPDY)
    return house.client(b"".join(client.opened(2 * at + 1, name) for at, name in enumerate(names))), client


@pytest.mark.parametrize("answered", [0, 1, 2])
def test_over_spdy_who_is_ended_hears_why_whatever_was_answered_by_then(answered: int) -> None:
    house, client = spdy_house("error", "stdin", "stdout")
    packed = spdy.HeaderWriter()
    for number in (1, 3)[:answered]:
        house.upstream(spdy.control(spdy.SYN_REPLY, number.to_bytes(4, "big") + packed.write({})))
    house.upstream(spdy.data_frame(5, b"out", is_last=False)[:6])
    house.saw(saw.StopRequested("an operator ended this", Cause.KILLED))
    late = client.opened(7, "stderr")
    house.client(late[:9]).client(late[9:])
    client.hear(house.down.partition(b"\r\n\r\n")[2])
    assert client.replied == [1, 3, 5, 7], "nobody waits for an answer to a stream"
    assert json.loads(client.got[1])["message"] == "an operator ended this"
    assert client.ended == {1, 5, 7}
    assert (house.records, house.is_open) == (["SESSION_ENDED"], False)
    assert not any(data.endswith(late) for data in house.up), "nothing goes up behind the end"
    house.saw(saw.EndReceived(Side.CLIENT))
    assert house.closed == "the client left"


@pytest.mark.parametrize("over_spdy", [False, True])
def test_a_target_that_ends_without_a_result_is_told_and_recorded(over_spdy: bool) -> None:
    if over_spdy:
        house, client = spdy_house("error", "stdout")
    else:
        house, client = (
            House(answers=None).client(wanting()).upstream(SWITCHED + b"\x82\x04\x01out\x82\x7e"),
            SpdyClient(),
        )
    house.saw(saw.EndReceived(Side.UPSTREAM))
    assert house.records == ["TARGET_LOST"]
    assert b"the API server ended the connection, and said no result" in house.down
    if over_spdy:
        client.hear(house.down.partition(b"\r\n\r\n")[2])
        assert json.loads(client.got[1])["code"] == 502
    else:
        assert b"\x82\x7e\x82" not in house.down, "half a frame is not shown"


def test_who_was_told_the_result_is_told_no_other() -> None:
    house = House(answers=None).client(wanting()).upstream(SWITCHED + SUCCEEDED)
    house.saw(saw.StopRequested("killed", Cause.KILLED))
    assert house.closed == "killed"
    assert house.down.endswith(SUCCEEDED)


def test_what_a_client_goes_on_typing_behind_the_last_words_ends_nothing() -> None:
    typed = web_frame(websockets.BINARY, b"\x00" + b"x" * 100)
    house = House(answers=None).client(wanting()).upstream(SWITCHED).client(typed[:50])
    house.saw(saw.StopRequested("killed", Cause.KILLED))
    for _ in range(MAX_KEPT // 50):
        house.client(typed[50:] + typed[:50])
    assert house.closed is None, "the words may still be on their way"
    house.saw(saw.EndReceived(Side.CLIENT))
    assert house.closed == "the client left"
