"""What is asked about a request to the API server."""

from __future__ import annotations

import pytest

from adapters.core.ports import Answer, Target
from adapters.errors import LocalProtocolError
from adapters.kubernetes import facts
from adapters.kubernetes.talks import SpdyTalk, WebSocketTalk
from adapters.web.requests import Forward
from adapters.web.session.manners import Caller
from engine.command.documents.refusal import Refused
from engine.command.http.target import read_target
from engine.command.http.wire import WireRequest, read_head
from engine.command.parse import parse_command
from engine.decision import Decision, Verdict
from tests.strategies.kubernetes_sessions import EXEC, SPDY, WEB_SOCKET

TARGET = Target("10.0.0.1", 6443, "", "t" * 20)


def head(line: str, *lines: str) -> WireRequest:
    return read_head("\r\n".join((f"{line} HTTP/1.1", "host: prod", *lines)).encode())


def forwarded(line: str, *lines: str) -> list[tuple[str, str]]:
    request = head(line, *lines)
    return list(facts.forward(request, read_target(request), TARGET).headers)


def test_only_headers_that_are_known_go_on() -> None:
    lines = (
        "x-api: 1",
        "kubectl-session: s",
        "authorization: Bearer x",
        "audit-id: 1",
        "user-agent: kubectl",
        "cookie: a=b",
    )
    assert forwarded("GET /api/v1/pods", *lines) == [
        *(
            ("kubectl-session", "s"),
            ("user-agent", "kubectl"),
            ("accept-encoding", "identity"),
            ("accept", "application/json"),
        ),
    ]


def test_which_transport_a_client_speaks() -> None:
    for lines, kind, method in ((WEB_SOCKET, WebSocketTalk, "GET"), (SPDY, SpdyTalk, "POST")):
        request = head(f"{method} {EXEC}", *lines)
        facts.check(request)
        assert isinstance(facts.talk_of(request, facts.forward(request, read_target(request), TARGET)), kind)
    plain = head("GET /api/v1/pods")
    facts.check(plain)
    assert facts.transport_of(plain) is None


@pytest.mark.parametrize(
    "lines",
    [
        ("connection: Upgrade",),
        ("connection: Upgrade", "upgrade: h3"),
        ("connection: Upgrade", "upgrade: websocket, SPDY/3.1"),
        ("connection: Upgrade", "upgrade: websocket", "content-length: 5"),
        ("connection: Upgrade", "upgrade: websocket", "transfer-encoding: chunked"),
        ("connection: impersonate-user",),
    ],
)
def test_other_upgrades_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        facts.check(head(f"POST {EXEC}", *lines))


def test_whom_the_gateway_speaks_for() -> None:
    assert facts.sent_beside(TARGET, Caller("ana", ("a", "b"))) == [
        ("authorization", f"Bearer {'t' * 20}"),
        *(("impersonate-user", "ana"), ("impersonate-group", "a"), ("impersonate-group", "b")),
    ]
    for bad in (Caller(""), Caller("system:admin"), Caller("a", ("system:masters",)), Caller("a\r\nx: y"), Caller("é")):
        with pytest.raises(LocalProtocolError):
            facts.sent_beside(TARGET, bad)


def test_what_may_be_silent() -> None:
    for line, is_endless in (
        ("GET /api/v1/pods", False),
        ("GET /api/v1/pods?watch=true", True),
        ("GET /api/v1/watch/pods", True),
        ("GET /api/v1/namespaces/t/pods/a/log?follow=1", True),
        ("GET /api/v1/namespaces/t/pods/a/log?follow=false", False),
    ):
        request = head(line)
        assert facts.is_endless(facts.forward(request, read_target(request), TARGET)) is is_endless


def tree(line: str, body: bytes = b"") -> Answer:
    text = f"{line} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    return Answer(Decision(Verdict.ALLOW, None), "d", command=parse_command("kubernetes", text))


def test_what_was_not_read_or_will_be_typed_is_unfit() -> None:
    pod = "/api/v1/namespaces/t/pods/a"
    assert facts.unfit_tree(tree("GET /api/v1/pods")) is None
    assert facts.unfit_tree(tree(f"GET {pod}/exec?command=ls&stdin=true")) is None
    assert facts.unfit_tree(tree(f"GET {pod}/exec?command=sh&command=-c&command=ls&stdin=true")) is None
    # What kubectl in a container would ask of some API server is a policy's matter.
    assert facts.unfit_tree(tree(f"GET {pod}/exec?command=kubectl&command=delete&stdin=true")) is None
    assert (
        facts.unfit_tree(tree(f"GET {pod}/exec?command=kubectl&command=exec&command=-i&command=b&command=sh")) is None
    )
    for line in (
        f"GET {pod}/exec?command=sh&stdin=true",
        f"GET {pod}/exec?command=busybox&command=sh&stdin=true",
        f"GET {pod}/attach?stdin=true",
        "GET /api/v1/pods?a=1&a=2",
        "BREW /api/v1/pods",
    ):
        assert facts.unfit_tree(tree(line)) is not None, line
    assert facts.unfit_tree(Answer(Decision(Verdict.ALLOW, None), "d")) is not None


def exec_wanting(*words: str, rest: str = "stdin=true&stdout=true&tty=true", verb: str = "exec") -> Forward:
    query = "&".join([*(f"command={word}" for word in words), rest])
    return Forward("POST", f"/api/v1/namespaces/t/pods/web/{verb}?{query}", "k:6443", (("user-agent", "a"),))


@pytest.mark.parametrize(
    ("words", "shell"),
    [
        (("sh",), facts.Shell.GUARDED),
        (("/usr/local/bin/bash", "-l"), facts.Shell.GUARDED),
        (("bash", "-i", "--norc"), facts.Shell.GUARDED),
        (("env", "SALLYPORT_SHELL=raw", "bash"), facts.Shell.RAW),
        (("env", "SALLYPORT_SHELL=raw"), None),
        (("env", "SALLYPORT_SHELL=raw", "vim"), None),
        (("bash", "-s"), None),
        (("bash", "-c", "ls"), None),
        (("bash", "--rcfile"), None),
        (("zsh",), None),
        ((), None),
    ],
)
def test_a_shell_is_asked_for_by_nothing_but_its_name(words: tuple[str, ...], shell: facts.Shell | None) -> None:
    assert facts.shell_asked(exec_wanting(*words)) is shell


@pytest.mark.parametrize(
    "rest", ["stdin=true&stdout=true", "tty=true&stdout=true", "stdin=true&tty=true", "tty=0&stdin=1"]
)
def test_a_shell_is_given_on_a_terminal_alone(rest: str) -> None:
    assert facts.shell_asked(exec_wanting("sh", rest=rest)) is None
    assert facts.shell_asked(exec_wanting(verb="attach", rest=rest)) is None


def test_a_terminal_that_is_attached_to_is_the_containers_own() -> None:
    assert facts.shell_asked(exec_wanting(verb="attach")) is facts.Shell.RAW


def test_where_somebody_types_on_a_terminal() -> None:
    assert [facts.is_typed(exec_wanting("vim", verb=verb)) for verb in ("exec", "attach", "log")] == [True, True, False]
    assert not facts.is_typed(exec_wanting("vim", rest="stdin=true"))


def test_lines_run_in_the_bash_that_was_named_or_the_usual_one_or_in_sh_where_there_is_none() -> None:
    assert facts.shells_of(exec_wanting("/usr/local/bin/bash"), "/bin/bash") == ("/usr/local/bin/bash", None)
    assert facts.shells_of(exec_wanting("bash"), "/bin/bash") == ("/bin/bash", None)
    assert facts.shells_of(exec_wanting("sh"), "/bin/bash") == ("/bin/bash", "/bin/sh")
    assert facts.shells_of(exec_wanting("/usr/bin/sh"), "/bin/bash") == ("/bin/bash", "/usr/bin/sh")


@pytest.mark.parametrize("folder", ["/x", "/tmp", ".", "x/bin", "/bin/../tmp", "/proc/self/cwd", ""])
def test_a_file_that_is_called_like_a_shell_runs_no_lines(folder: str) -> None:
    assert facts.shells_of(exec_wanting(f"{folder}/bash"), "/bin/bash") == ("/bin/bash", None)
    assert facts.shells_of(exec_wanting(f"{folder}/sh"), "/bin/bash") == ("/bin/bash", "/bin/sh")


def test_an_exec_of_ours_differs_in_its_words_and_streams_alone() -> None:
    made = facts.exec_of(
        exec_wanting("sh", rest="container=main&stdin=true&stdout=true&tty=true"), ("bash", "-c", "a;b&c #é")
    )
    assert made.target == (
        "/api/v1/namespaces/t/pods/web/exec?command=bash&command=-c&command=a%3Bb%26c%20%23%C3%A9"
        "&container=main&stderr=true&stdin=true&stdout=true"
    )
    assert (made.method, made.host, made.headers) == ("GET", "k:6443", (("user-agent", "a"),))


def test_what_stands_for_a_shell_no_client_can_send() -> None:
    asked = facts.asking_for(exec_wanting("sh"), facts.Shell.GUARDED)
    assert asked.headers[-1] == ("sallyport-shell", "guarded")
    with pytest.raises(Refused):
        facts.check(head(f"GET {EXEC}", "sallyport-shell: guarded"))
