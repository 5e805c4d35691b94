"""Terminals of the target by the real ssh on a real pty: opened only where a policy says so, recorded, resized, interrupted."""

from __future__ import annotations

import json

import pytest

from tests.interop.ssh.place import Place
from tests.interop.typing import at_terminal

RAW = ["-o", "SetEnv=SALLYPORT_SHELL=raw"]


def raw(place: Place, *words: str, who: str = "bo") -> list[str]:
    return place.command(*words, options=["-t", *RAW], user=f"{who}+box", key=who)


@pytest.mark.usefixtures("terminals")
def test_a_raw_shell_is_a_terminal_that_is_recorded(place: Place) -> None:
    with at_terminal(raw(place), size=(33, 101)) as typist:
        typist.until("judged by nobody")
        typist.type("PS1='ready> '; stty size; test -t 0 && echo on a $TERM\r")
        typist.until("33 101")
        typist.until("on a xterm")
        typist.resize(40, 90)
        # The client may send what is typed before it tells of the new size: asked until it is there.
        typist.type("until stty size | grep '40 9[0]'; do :; done; cat; echo after\r")
        typist.until("40 90")
        typist.type("cat runs\r")
        # Once as it is typed, once by the program: it runs, so it is what Ctrl-C ends.
        typist.until("cat runs\r\ncat runs")
        typist.type("\x03")
        typist.until(r"\^C")
        typist.until("ready> ")
        typist.type("exit 7\r")
        assert typist.end() == 7
        shown = typist.seen
    found = place.recordings()[-1]
    assert (found.shape, found.principal) == ("terminal", "bo")
    head, *events = [json.loads(line) for line in place.recorded_lines(found.id).splitlines()]
    assert head["term"] == {"cols": 101, "rows": 33, "type": "xterm"}
    assert "".join(data for _, code, data in events if code == "o").encode() == shown.split(b"Connection to")[0]
    assert [data for _, code, data in events if code == "r"] == ["90x40"]
    assert events[-1][1:] == ["x", "7"]
    (entry,) = [one for one in place.decisions() if one.decision_id == found.decision_id]
    assert (entry.text, entry.verdict) == ("shell raw", "allow")


def test_a_raw_shell_is_nobody_s_who_is_not_named(place: Place) -> None:
    canary = place.folder / "raw-typed"
    with at_terminal(raw(place, who="ana")) as typist:
        typist.type(f"touch {canary}\r")
        typist.until("sallyport: denied")
        assert typist.end() == 126
    assert not canary.exists()


@pytest.mark.usefixtures("terminals")
def test_a_command_on_a_terminal_is_judged_and_recorded(place: Place) -> None:
    with at_terminal(raw(place, "test -t 1 && echo on a terminal; read x; echo got $x")) as typist:
        typist.until("on a terminal")
        typist.type("words\r")
        typist.until("got words")
        assert typist.end() == 0
    assert b"got words" in place.recorded_lines(place.recordings()[-1].id)
    with at_terminal(raw(place, "echo no #deny")) as typist:
        typist.until("the mark says no")
        assert typist.end() == 126


@pytest.mark.usefixtures("terminals")
def test_what_is_typed_while_a_command_on_a_terminal_is_held_reaches_it_key_by_key(place: Place) -> None:
    with at_terminal(raw(place, "read -n1 key; echo key=$key; read -r rest; echo rest=$rest #hold")) as typist:
        typist.until("approve with")
        typist.type("abc")
        place.decide_hold(granted=True)
        typist.until("key=a")
        typist.type("d\r")
        typist.until("rest=bcd")
        assert typist.end() == 0


def test_without_a_grant_the_command_has_no_terminal_and_lines_of_ours(place: Place) -> None:
    command = place.command("test -t 0 && echo given; read x; echo got $x", options=["-t"])
    with at_terminal(command) as typist:
        typist.until("runs without one")
        typist.type("wor\x7frds\r")
        typist.until("got words")
        assert typist.end() == 0
        assert b"given" not in typist.seen
