"""Dialogues: a guarded shell in a pod. What is typed is asked about, a denied line reaches nobody, everything shown is recorded first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Answer, Cause
from adapters.kubernetes import spdy
from adapters.kubernetes.guarded import MAX_EARLY
from adapters.web.websocket import frames as websockets
from engine.command.parse import parse_command
from engine.decision import Decision, MaskItem, Obligation, Verdict
from tests.strategies.kubernetes_frames import SpdyClient, web_frame
from tests.strategies.kubernetes_pods import SHELL, PodHouse, argv_in, said
from tests.strategies.kubernetes_sessions import IDLE_SECONDS, SPDY, denying, granting, holding, request


def judging(text: bytes) -> Answer:
    """By marks in the line."""
    if b"deny" in text:
        return denying(text)
    return holding(text) if b"please-hold" in text else granting(text)


def opened(judge: object = judging, **more: object) -> PodHouse:
    return PodHouse(judge=judge, **more).begun()  # type: ignore[arg-type]  # as PodHouse has them


def test_the_shell_is_a_question_of_its_own_and_each_line_an_exec() -> None:
    house = opened()
    assert b"\r\nsallyport-shell: guarded\r\n" in house.asked[0]
    assert b"sallyport-shell" not in house.up[0], "the API server is told nothing of ours"
    assert house.down.startswith(b"HTTP/1.1 101 ")
    assert b"each command is judged" in house.down
    assert house.line("cd /usr/share && pwd") == "/usr/share\n"
    assert house.line("x='a b'; export Y=\"it's\"; false") == ""
    assert house.line("echo $? $x; pwd >&2") in ("1 a b\n/usr/share\n", "/usr/share\n1 a b\n")
    assert (
        house.texts[2]
        == "cd -- '/usr/share' || exit 1\nexport OLDPWD='/'\nexport Y='it'\\''s'\nx='a b'\n(exit 1)\necho $? $x; pwd >&2"
    )
    assert argv_in(house.asked[3])[:2] == ["/bin/bash", "-c"]
    assert [argv[-1] for argv in house.ran] == [":", *house.texts], "what ran is what was asked about"
    assert all(b"impersonate-user: ana\r\n" in head for head in house.up)
    assert house.session.is_waiting


def test_a_denied_line_is_told_runs_nothing_and_the_shell_lives_on() -> None:
    house = opened()
    assert "denied: not here" in house.line("echo deny")
    assert len(house.ran) == 1
    assert house.line("echo $?") == "126\n"
    assert "no jobs" in house.line("sleep 1 &")
    assert "whole screen" in house.line("less /etc/passwd")
    assert "too long" in house.line(f"echo {'x' * 20_000}")
    assert len(house.ran) == 2
    assert len(house.asked) == 3, "what is not here is not asked about"


@pytest.mark.parametrize("granted", [True, False])
def test_a_held_line_waits_and_goes_on(granted: bool) -> None:
    house = opened()
    house.type("echo please-hold\r")
    assert b"held: ticket t-1" in house.recorded
    assert len(house.ran) == 1
    house.type("typed ahead\r").decide(granting if granted else denying)
    assert (b"approved: ticket t-1\r\nplease-hold\r\n" in house.recorded) is granted
    assert (b"typed ahead\n" in websocket_input(house)) is granted
    assert house.session.is_waiting


def websocket_input(house: PodHouse) -> bytes:
    return house.typed


def test_ctrl_c_takes_a_held_line_back_and_leaves_one_that_runs() -> None:
    house = opened()
    house.type("echo please-hold\r").type("\x03")
    assert [type(one) for one in house.other if isinstance(one, do.Withdraw)] == [do.Withdraw]
    assert house.line("echo $?") == "130\n"
    house.freezes = True
    house.type("sleep 0\r").type("\x03")
    assert b"may still run in the container" in house.recorded
    assert not house.is_open
    house.freezes = False
    house.frozen.clear()
    assert house.line("echo $?") == "130\n"
    assert house.records == [None, "LEFT", None]


def test_input_and_its_end_go_to_what_runs() -> None:
    house = opened(freezes=True)
    house.thaw()
    house.type("cat\r")
    head, rest = house.frozen.pop().split(b"\r\n\r\n", 1)
    house.upstream(head + b"\r\n\r\n").type("one\r").type("\x04")
    assert house.typed == b"\x82\x85\0\0\0\0\0one\n" + b"\x82\x82\0\0\0\0\xff\0"
    house.upstream(rest)
    assert house.session.is_waiting


def test_over_v4_nothing_says_that_input_ends() -> None:
    house = opened(freezes=True, protocol="v4.channel.k8s.io")
    house.thaw()
    house.type("cat\r")
    house.thaw()
    assert house.typed == b""


def test_exit_gives_its_status_and_ends() -> None:
    house = opened()
    house.type("exit 4\r")
    assert house.status["details"] == {"causes": [{"reason": "ExitCode", "message": "4"}]}
    assert house.records == [None]
    assert house.down.endswith(websockets.goodbye())
    house.client(web_frame(websockets.CLOSE, b"\x03\xe8"))
    assert house.closed == "the client left"
    house = opened().type("true\r\x04")
    assert house.status["status"] == "Success"
    house.now = 10.0
    house.saw(saw.TimePassed())
    assert house.closed == "told"


@pytest.mark.parametrize("size", [1, None])
def test_a_denied_shell_is_told_on_the_error_stream(size: int | None) -> None:
    house = PodHouse(judge=denying).begun()
    assert house.status["message"] == "not here [p/NO]; decision d-1"
    assert (house.up, house.recorded) == ([], b"")
    house.type("touch canary\r", size)
    assert house.up == []


def test_a_held_shell_is_told_waits_and_opens() -> None:
    house = PodHouse(judge=lambda text: holding(text) if b"sallyport-shell" in text else granting(text)).begun()
    assert b"waiting for an approval, ticket t-1" in house.down
    assert (house.up, house.recorded) == ([], b"")
    house.type("echo ahead\r").decide(granting)
    assert b"\r\nahead\r\n" in house.recorded
    house = PodHouse(judge=holding).begun().type("\x03")
    assert house.status["details"] == {"causes": [{"reason": "ExitCode", "message": "130"}]}
    assert any(isinstance(one, do.Withdraw) for one in house.other)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 404 x\r\nContent-Length: 23\r\n\r\n" + b'{"message": "no pod"}  ', "no pod"),
        (b"HTTP/1.1 403 x\r\n\r\n" + b'{"message": "no right"}', "no right"),
        (b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", "something else"),
        (b"x" * 70_000, "too long a head"),
        (b"nonsense\r\n\r\n", "begin like one"),
    ],
)
def test_what_the_api_server_says_instead_ends_it_with_a_reason(answer: bytes, words: str) -> None:
    house = opened(freezes=True)
    house.upstream(answer)
    house.saw(saw.EndReceived(Side.UPSTREAM))
    assert words in str(house.status["message"])
    assert "cannot be guarded: /bin/bash" in str(house.status["message"])
    assert house.records == ["NO_SHELL"]


def in_sh(**more: object) -> PodHouse:
    house = PodHouse(judge=judging, has_bash=False, **more)  # type: ignore[arg-type]  # as PodHouse has them
    return house.begun(SHELL.replace("command=bash", "command=sh"))


def test_a_container_with_sh_alone_has_a_guarded_shell_of_it() -> None:
    house = in_sh()
    assert [argv[0] for argv in house.ran] == ["/bin/bash", "/bin/sh"]
    assert b"there is no bash here" in house.down
    assert house.line("cd /usr/share && pwd") == "/usr/share\n"
    assert house.line("x='a b'; export Y=\"it's\"; false") == ""
    assert house.line("echo $? $x $Y; pwd >&2") in ("1 a b it's\n/usr/share\n", "/usr/share\n1 a b it's\n")
    assert "export Y='it'\\''s'\nx='a b'\n(exit 1)" in house.texts[2]
    assert argv_in(house.asked[3])[:2] == ["/bin/sh", "-c"]
    assert [argv[-1] for argv in house.ran[1:]] == [":", *house.texts], "what ran is what was asked about"
    assert "denied: not here" in house.line("echo deny")
    assert house.line("exit 4") == ""
    assert house.status["details"] == {"causes": [{"reason": "ExitCode", "message": "4"}]}


def test_there_a_line_that_sh_may_read_otherwise_is_not_even_asked_about() -> None:
    house = in_sh()
    for line in ("echo hi &>/tmp/x rm foo", "cat <(ls)", "sh -c ls", "echo ls | sh", "x+=y", "source f"):
        assert "refused: " in house.line(line), line
    assert (len(house.asked), len(house.ran)) == (1, 2)
    assert house.session.is_waiting


def test_who_asked_for_bash_or_for_a_pod_that_is_not_there_is_given_no_sh() -> None:
    house = PodHouse(judge=judging, has_bash=False).begun()
    assert "cannot be guarded: /bin/bash" in str(house.status["message"])
    house = in_sh(freezes=True)
    house.frozen.clear()
    house.upstream(b"HTTP/1.1 404 x\r\nContent-Length: 21\r\n\r\n" + b'{"message": "no pod"}')
    assert "no pod" in str(house.status["message"])
    assert len(house.up) == 1


def test_a_container_without_bash_has_no_shell() -> None:
    house = opened(freezes=True)
    house.upstream(house.switched(house.up[0]) + said(b"hello", b"", 3))
    assert "give it the command" in str(house.status["message"])
    house = PodHouse(judge=judging, freezes=True).begun(SHELL.replace("=bash", "=/usr/local/bin/bash"))
    assert argv_in(house.up[0])[0] == "/usr/local/bin/bash"


def test_a_line_that_loses_its_target_is_told_and_the_shell_lives_on() -> None:
    house = opened()
    house.freezes = True
    house.type("echo a\r")
    house.frozen.clear()
    house.saw(saw.EndReceived(Side.UPSTREAM))
    assert b"the target: the connection was lost" in house.recorded
    house.type("echo b\r").saw(saw.UpstreamFailed("it cannot be reached"))
    assert b"the target: it cannot be reached" in house.recorded
    house.type("echo c\r")
    house.now += 31.0
    house.saw(saw.TimePassed())
    assert b"does not answer in time" in house.recorded
    house.freezes = False
    assert house.line("echo $?") == "255\n"
    assert house.records == ["TARGET_LOST", "TARGET_UNREACHABLE", "TARGET_SLOW", None]


def test_an_unread_line_does_not_run_though_a_policy_grants_it() -> None:
    for line in ("bash", "cat | sh", "env -S 'sh'", 'eval "$(cat x)"', "python3", "$x"):
        house = opened()
        assert "refused" in house.line(line), line
        assert len(house.ran) == 1, line


def test_masks_of_the_shell_and_of_lines_hide_what_is_written() -> None:
    def masked(text: bytes) -> Answer:
        plan = (MaskItem(None, ("pii.email",), "redact", {}, ()),)
        decision = Decision(Verdict.MASK, None, mask_plan=plan) if b"guarded" in text else Decision(Verdict.ALLOW, None)
        return Answer(decision, "d-1", command=parse_command("kubernetes", text))

    house = opened(masked)
    assert house.line("echo ann@example.org >&2; echo [bob@example.org]") in (
        "[redacted]\n[[redacted]]\n",
        "[[redacted]]\n[redacted]\n",
    )
    assert "no text" in house.line("printf '\\377\\376\\0'")
    assert house.records == [None, "NOT_TEXT"]


def test_what_cannot_be_met_grants_nothing() -> None:
    def wanting(one: Decision) -> object:
        return lambda text: Answer(one, "d-1", command=parse_command("kubernetes", text))

    record = Decision(Verdict.ALLOW, None, obligations=(Obligation("record", True, "r"),))
    rows = Decision(Verdict.ALLOW, None, obligations=(Obligation("rows", 5, "r"),))
    path = Decision(Verdict.MASK, None, mask_plan=(MaskItem(None, (), "redact", {}, (), "$.a"),))
    assert opened(wanting(record)).session.is_waiting
    for one in (rows, path):
        house = opened(wanting(one))
        assert (house.status["code"], house.up) == (403, [])
    house = opened(lambda text: granting(text) if b"guarded" in text else wanting(rows)(text))  # type: ignore[operator]
    assert "the policy demands `rows`" in house.line("ls")
    assert house.records == ["OBLIGATION_UNKNOWN"]


def test_what_cannot_be_recorded_is_not_shown_and_ends_it() -> None:
    house = opened().saw(saw.RecordingFailed())
    assert b"this has to be recorded" in house.down
    assert b"this has to be recorded" not in house.recorded
    assert house.records == ["RECORDER_FAILED"]
    before = house.recorded
    house.type("echo a\r").saw(saw.RecordingFailed())  # type: ignore[attr-defined]
    assert house.recorded == before


def test_decisions_and_sizes_stand_in_the_recording() -> None:
    house = opened()
    house.client(web_frame(websockets.BINARY, b'\x04{"Width":101,"Height":30}'))
    house.type("echo deny\r")
    kept = [one for one in house.other if isinstance(one, do.StartRecording | do.RecordSize | do.RecordFact)]
    assert [type(one) for one in kept] == [do.StartRecording, do.RecordFact, do.RecordSize, do.RecordFact]
    assert kept[2] == do.RecordSize(101, 30)
    house.type("exit\r")
    assert do.EndRecording(None) in house.other


def test_who_types_nothing_for_long_is_sent_away_and_who_waits_is_not() -> None:
    house = opened()
    house.now = IDLE_SECONDS + 1
    house.client(web_frame(websockets.PING, b"p")).saw(saw.TimePassed())
    assert b"nothing was typed" in house.recorded
    assert house.records == ["IDLE"]
    house = opened()
    house.freezes = True
    house.type("echo a\r").upstream(house.switched(house.up[-1]))
    house.now = 10 * IDLE_SECONDS
    house.saw(saw.TimePassed())
    assert not house.session.is_waiting, "what runs may take its time"


@pytest.mark.parametrize("cause", [Cause.DRAIN, Cause.KILLED])
def test_it_ends_when_it_has_to(cause: Cause) -> None:
    house = opened()
    house.saw(saw.StopRequested("the gateway stops", cause))
    assert b"ended: the gateway stops" in house.recorded
    house = opened()
    house.freezes = True
    house.type("echo please-hold\r").saw(saw.StopRequested("the gateway stops", cause))
    assert any(isinstance(one, do.Withdraw if cause.is_urgent else do.Leave) for one in house.other)
    house = opened()
    house.freezes = True
    house.type("echo a\r").saw(saw.StopRequested("the gateway stops", cause))
    assert (b"ended: the gateway stops" in house.recorded) is cause.is_urgent, "what runs is waited for"
    if not cause.is_urgent:
        house.thaw()
        assert house.recorded.endswith(b"a\r\nsallyport: ended: the gateway stops\r\n")


def test_the_client_may_go_at_any_time() -> None:
    for text in ("", "echo please-hold\r", "echo a\r"):
        house = opened()
        house.freezes = True
        house.type(text) if text else None
        house.saw(saw.EndReceived(Side.CLIENT))
        assert house.closed == "the client left"
        assert house.records[-1] == "CLIENT_GONE"
        assert not house.is_open


def test_too_much_ahead_of_the_answer_ends_it() -> None:
    wire = request(f"GET {SHELL}", *("connection: Upgrade", "upgrade: websocket"))
    assert wire
    house = PodHouse(judge=judging)
    house.client(request(f"GET {SHELL}", *SPDY).replace(b"GET", b"POST", 1))
    client = SpdyClient()
    house.client(client.opened(1, "error") + client.opened(3, "stdin") + client.opened(5, "stdout"), 9)
    house.client(spdy.data_frame(3, b"echo deny\recho ok\r", is_last=False) + spdy.data_frame(3, b"", is_last=True))
    client.hear(house.down.partition(b"\r\n\r\n")[2])
    assert b"denied: not here" in client.got[5]
    assert b"\r\nok\r\n" in client.got[5]
    assert b'"status":"Success"' in client.got[1]
    assert MAX_EARLY > 0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.sampled_from(
            ["echo deny", "echo ok", "x=deny", "$(deny)", "\x1b[A", "\x15", "a\\", "<<deny", "'", "\x03", "\t"]
        ),
        max_size=8,
    ),
    st.integers(1, 9),
)
def test_only_what_was_granted_goes_up_however_it_comes(keys: list[str], size: int) -> None:
    house = opened()
    house.type("\r".join(keys) + "\r", size)
    granted = [text for text in house.texts if b"deny" not in text.encode()]
    assert [argv[-1] for argv in house.ran[1:]] == [
        text for text in granted if text in [argv[-1] for argv in house.ran]
    ]
    assert not any("deny" in argv[-1] for argv in house.ran)
    assert {argv[-1] for argv in house.ran[1:]} <= set(house.texts)


def test_lines_that_wait_show_no_more_than_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.kubernetes.guarded.MAX_SHOWN", 100_000)
    house = opened()
    house.type("cat <<end\r" + "x" * 10_000)
    before = len(house.down)
    house.type("\r" * 1_000)
    assert len(house.down) - before < 250_000
    house.type("\x03")
    assert house.line("echo $?") == "130\n"
