"""A guarded shell in a pod, by kubectl as it is on a real pty, over WebSocket and over SPDY, against a real API server and node."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.kubernetes import facts
from tests.interop.kubernetes.cluster import POD, Cluster
from tests.interop.typing import Typist, at_terminal

pytestmark = pytest.mark.parametrize("spdy", [False, True], ids=["websocket", "spdy"])

PROMPT = r"guarded:[^\r\n]*\$ "


@contextmanager
def shell(cluster: Cluster, *words: str, spdy: bool, size: tuple[int, int] = (24, 200)) -> Iterator[Typist]:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    words = words or ("sh",)
    with at_terminal(cluster.command("exec", "-it", "web", "--", *words), environment, size) as typist:
        typist.until("each command is judged")
        typist.until(PROMPT)
        yield typist


def run(typist: Typist, line: str) -> str:
    """What a line shows, until the next prompt, without the line."""
    typist.type(line + "\r")
    said = typist.until(r"\x1b\[\?2004l\r\n(?s:.*?)" + PROMPT)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.partition("\x1b[?2004l\r\n")[2]).replace("\r\n", "\n")
    return shown.rpartition("\n")[0] + "\n"


def asked(cluster: Cluster) -> list[tuple[str, str]]:
    """Verdict and text of each exec that was asked about."""
    return [(str(entry.verdict), entry.text) for entry in cluster.decisions() if "/exec?" in entry.text]


def test_folders_variables_and_statuses_go_on(cluster: Cluster, spdy: bool) -> None:
    with shell(cluster, "bash", "-l", spdy=spdy) as typist:
        assert run(typist, "cd /usr/share && pwd") == "/usr/share\n"
        assert run(typist, "pwd; false") == "/usr/share\n"
        assert run(typist, "echo $?") == "1\n"
        run(typist, "x='a b'; export Y=\"it's\"")
        assert run(typist, "echo \"$x\" $Y; sh -c 'echo [$x] [$Y]'") == "a b it's\n[] [it's]\n"
        assert run(typist, "echo out; echo err >&2") in ("out\nerr\n", "err\nout\n")
        typist.type("for i in 1 2; do\r")
        typist.until("> ")
        typist.type("echo n$i; done\r")
        typist.until("n1\r\nn2\r\n")
        typist.until(PROMPT)
        typist.type("exit 4\r")
        assert typist.end() == 4
    assert b"command terminated with exit code 4" in typist.seen


def test_a_denied_line_is_told_and_the_session_lives_on(cluster: Cluster, spdy: bool) -> None:
    before = len(asked(cluster))
    with shell(cluster, spdy=spdy) as typist:
        said = run(typist, "touch canary")
        assert "denied: nothing is touched in a container" in said
        assert "rule place/TOUCHES" in said
        assert run(typist, "echo $?") == "126\n"
        assert "there are no jobs here" in run(typist, "sleep 9 &")
        assert "needs the whole screen" in run(typist, "less /etc/passwd")
        typist.type("\x04")
        assert typist.end() == 126
    assert not list(cluster.folder.rglob("canary"))
    verdicts = [verdict for verdict, _ in asked(cluster)[before:]]
    assert verdicts == ["allow", "deny", "allow"], "the shell, and one entry for each line"
    assert not [one for one in cluster.requests() if "touch" in str(one["requestURI"])], (
        "nothing reached the API server"
    )


def test_a_held_line_waits_and_runs_once_it_is_approved(cluster: Cluster, spdy: bool) -> None:
    with shell(cluster, spdy=spdy) as typist:
        for granted in (True, False):
            typist.type("echo please-hold; exit 3\r")
            typist.until("held: ticket")
            (cluster.approve if granted else cluster.refuse)(cluster.ticket())
            said = typist.until(PROMPT)
            assert ("please-hold\r\n" in said.partition("approved: ticket")[2]) is granted, said
            assert ("the approval was refused" in said) is not granted, said
            assert run(typist, "echo $?") == ("3\n" if granted else "126\n")
        typist.type("echo please-hold\r")
        typist.until("held: ticket")
        typist.type("\x03")
        typist.until(PROMPT)
        assert run(typist, "echo $?") == "130\n"


def test_input_goes_to_what_runs_and_ctrl_c_leaves_it(cluster: Cluster, spdy: bool) -> None:
    with shell(cluster, spdy=spdy) as typist:
        typist.type("echo begun; head -n 2\r")
        typist.until("begun\r\n")
        typist.type("one\rtwo\r")
        typist.until("one\r\ntwo\r\none\r\ntwo\r\n")
        typist.until(PROMPT)
        typist.type("echo begun; sleep 600\r")
        typist.until("begun\r\n")
        typist.type("\x03")
        typist.until("may still run in the container")
        typist.until(PROMPT)
        assert run(typist, "echo $?") == "130\n"


@pytest.mark.long
def test_a_minute_of_nobody_typing_ends_nothing(cluster: Cluster, spdy: bool) -> None:
    """Nothing is connected to the API server meanwhile; client-go gives a connection up after 60 s without an answer to its pings."""
    with shell(cluster, spdy=spdy) as typist:
        assert run(typist, "x=awake") in ("", "\n")
        threading.Event().wait(65)
        assert run(typist, "echo $x") == "awake\n"


def test_values_are_masked_in_what_a_line_writes(cluster: Cluster, spdy: bool) -> None:
    with shell(cluster, spdy=spdy) as typist:
        assert run(typist, "echo ann@example.org; : mask-me") == "[redacted]\n"
        assert "no text" in run(typist, "head -c 300 /dev/urandom; : mask-me")
        assert run(typist, "echo ann@example.org") == "ann@example.org\n"


def test_a_terminal_of_the_containers_own_is_not_given_without_a_grant_that_records(
    cluster: Cluster, spdy: bool
) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    for words in (("env", "SALLYPORT_SHELL=raw", "sh"), ("zsh",), ("bash", "-s"), ("env", "sh")):
        with at_terminal(cluster.command("exec", "-it", "web", "--", *words), environment) as typist:
            assert typist.end() == 1
            assert b"error: " in typist.seen


def test_a_terminal_of_the_containers_own_is_recorded(cluster: Cluster, spdy: bool) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    words = ("exec", "-it", "web", "--", "env", "SALLYPORT_SHELL=raw", "bash", "--norc")
    with at_terminal(cluster.command(*words), environment, (31, 97)) as typist:
        typist.until("this terminal is recorded; what is typed here is judged by nobody")
        typist.type("stty size; echo r$((1+1))w; exit 5\n")
        typist.until("31 97\r\nr2w\r\n")
        assert typist.end() == 5
    raw = [entry for entry in cluster.decisions() if "sallyport-shell: raw" in entry.text]
    assert raw[-1].verdict == "allow"


def test_a_container_without_bash_is_told_so(cluster: Cluster, spdy: bool) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    with at_terminal(cluster.command("exec", "-it", "web", "--", "/usr/local/bin/bash"), environment) as typist:
        assert typist.end() == 1
        assert b"a shell in this container cannot be guarded: /usr/local/bin/bash" in typist.seen
        assert b"give it the command" in typist.seen


def test_what_the_api_server_refuses_is_told(cluster: Cluster, spdy: bool) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    command = [word if word != "web" else "nobody" for word in cluster.command("exec", "-it", "web", "--", "sh")]
    with at_terminal(command, environment) as typist:
        assert typist.end() == 1
        assert b"not found" in typist.seen


def test_sizes_reach_the_recording_and_all_of_it_is_recorded(cluster: Cluster, spdy: bool) -> None:
    with shell(cluster, spdy=spdy, size=(30, 101)) as typist:
        assert run(typist, "echo r$((1+1))c") == "r2c\n"
        typist.type("exit\r")
        assert typist.end() == 0
    gateway = cluster.gateway
    assert gateway is not None
    kept = cluster.wait_for(lambda: [entry for entry in cluster.entries() if entry.kind.value.startswith("recording")])
    assert kept


def test_a_container_with_sh_alone_has_the_lines_that_every_sh_reads_alike(
    cluster: Cluster, spdy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WHY the path of bash is another one: containers of this node are folders of this machine, which has one."""
    monkeypatch.setattr(facts, "shells_of", lambda request, usual: ("/nowhere/bash", "/bin/sh"))
    before = len(asked(cluster))
    with shell(cluster, spdy=spdy) as typist:
        assert b"there is no bash here" in typist.seen
        assert run(typist, "cd /usr/share && pwd") == "/usr/share\n"
        run(typist, "x='a b'; export Y=\"it's\"; false")
        assert run(typist, "echo $? $x $Y; pwd") == "1 a b it's\n/usr/share\n"
        assert "refused: " in run(typist, "echo hi &>/tmp/x rm foo")
        assert "denied: nothing is touched" in run(typist, "touch canary")
        typist.type("echo please-hold\r")
        typist.until("held: ticket")
        cluster.approve(cluster.ticket())
        typist.until("please-hold\r\n")
        typist.until(PROMPT)
        typist.type("exit 4\r")
        assert typist.end() == 4
    told = asked(cluster)[before:]
    assert [verdict for verdict, _ in told] == ["allow", "allow", "allow", "allow", "deny", "hold", "allow"]
    assert all("command=/bin/sh&command=-c" in text for _, text in told[1:]), told


def test_a_terminal_that_is_attached_to_wants_a_grant_that_records_and_is_recorded(
    cluster: Cluster, spdy: bool
) -> None:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    for name in ("attended", "attended-kept"):
        spec = {"nodeName": "node1", "containers": [{"name": "main", "image": "none", "stdin": True, "tty": True}]}
        pod = json.dumps({**POD, "metadata": {"name": name}, "spec": spec})
        cluster.admin("apply", "-f", "-", data=pod.encode())
        cluster.wait_for(lambda name=name: b"Running" in cluster.admin("get", "pod", name))  # type: ignore[misc]  # bound
    with at_terminal(cluster.command("attach", "-it", "attended"), environment) as typist:
        assert typist.end() == 1
        assert b"a policy has to allow it with `record`" in typist.seen
    with at_terminal(cluster.command("attach", "-it", "attended-kept"), environment) as typist:
        typist.until("this terminal is recorded; what is typed here is judged by nobody")
    raw = [entry for entry in cluster.decisions() if "/attach?" in entry.text and "sallyport-shell: raw" in entry.text]
    assert [entry.verdict for entry in raw[-2:]] == ["allow", "allow"]
