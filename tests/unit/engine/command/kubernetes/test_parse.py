"""Texts of protocol kubernetes."""

from __future__ import annotations

import hashlib

import pytest

from engine.command.kubernetes.parse import MAX_BYTES, MAX_LINE, parse_kubernetes
from engine.command.parse import parse_command
from engine.command.tree import Command, Effect, Operation, Problem
from tests.web_requests import codes, kinds, raw_request


def test_a_request_and_a_line_are_told_apart() -> None:
    assert kinds(parse_kubernetes(raw_request("GET", "/api/v1/pods")).command) == ["list"]
    assert kinds(parse_kubernetes("kubectl get pods").command) == ["list"]


@pytest.mark.parametrize(
    "text", ["", "ls", "kubectlx get", b"\xff", "get pods", "GET /api/v1/pods", "X=1 kubectl get pods"]
)
def test_other_texts_are_unknown(text: str | bytes) -> None:
    command = parse_kubernetes(text).command
    assert (kinds(command), command.complete, len(command.problems)) == (["unknown"], False, 1)


def test_what_needs_a_shell_goes_to_the_shells_parser() -> None:

    def shell(text: str) -> Command:
        return Command(
            "shell", text, "d", (Operation("run", Effect.EXECUTE, ("top",)),), ("f",), False, (Problem("p", "m"),)
        )

    command = parse_kubernetes("kubectl get po | rm", shell).command
    assert (command.protocol, kinds(command), command.features, codes(command), command.complete) == (
        "kubernetes",
        ["run"],
        ("f",),
        ["p"],
        False,
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("kubectl get po | rm", ["list", "program"]),
        ("kubectl exec <pod-name> -- ls # look", ["exec", "program"]),
        ("kubectl delete pod $(kubectl get po) && kubectl get po > f 2>&1", ["deletecollection", "list"]),
        ("kubectl logs 'a", ["logs"]),
        ("rm x; kubectl get po", ["unknown"]),
        ("kubectl proxy &", ["api_proxy"]),
    ],
)
def test_without_that_parser_a_line_is_outlined_and_never_complete(line: str, found: list[str]) -> None:
    command = parse_kubernetes(line).command
    assert (kinds(command), codes(command)[-1:], command.complete) == (found, ["shell_syntax"], False)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("kubectl get po | grep web", ["list", "inspect"]),
        ("kubectl delete ns prod && true", ["delete", "control"]),
        ("kubectl delete pod $(kubectl get po -o name)", ["deletecollection", "list"]),
        ("kubectl exec web -- cat /etc/shadow | base64", ["exec", *["inspect"] * 3]),
    ],
)
def test_kubectl_in_a_shells_line_is_what_it_asks_of_the_server(line: str, found: list[str]) -> None:
    command = parse_command("kubernetes", line).command
    assert kinds(command) == found
    assert command.complete is ("$(" not in line)


@pytest.mark.parametrize(
    "line",
    [
        "kubectl get po > /etc/cron.d/x",
        "kubectl get po 2>/dev/null >> f | cat",
        "kubectl get po | tee x > /etc/cron.d/x",
        "kubectl get po < /etc/shadow | cat",
        "KUBECONFIG=/tmp/x kubectl get po | cat",
        "export KUBECONFIG=/tmp/x; kubectl get po",
        "alias kubectl=rm; kubectl get po",
        "sudo kubectl get po | cat",
        "ssh host kubectl get po | cat",
    ],
)
def test_what_a_shell_does_around_a_line_is_never_granted_as_the_request_alone(line: str) -> None:
    command = parse_command("kubernetes", line).command
    assert not command.complete
    assert "shell_syntax" in codes(command)


def test_streams_joined_or_thrown_away_are_nothing_around_a_line() -> None:
    assert parse_command("kubernetes", "kubectl get po 2>&1 | grep web").command.complete
    assert parse_command("kubernetes", "kubectl get po 2> /dev/null").command.complete


def test_the_one_request_of_a_line_stands_on_the_command() -> None:
    command = parse_kubernetes("kubectl get po a").command
    assert (
        command.kubernetes is command.operations[0].kubernetes or command.kubernetes == command.operations[0].kubernetes
    )
    assert parse_kubernetes("kubectl get po,svc").command.kubernetes is None


def test_long_texts_are_refused() -> None:
    assert codes(parse_kubernetes(b"x" * (MAX_BYTES + 1)).command) == ["text_size"]
    assert codes(parse_kubernetes("kubectl get " + "x" * MAX_LINE).command) == ["text_size"]


def test_text_and_digest_are_those_sent() -> None:
    text = "kubectl get po é"
    command = parse_kubernetes(text).command
    assert command.text == text
    assert command.digest == hashlib.sha256(b"kubernetes\0" + text.encode()).hexdigest()
    raw = raw_request("GET", "/api/v1/pods", {"X": "\xe9"})
    assert parse_kubernetes(raw).command == parse_kubernetes(raw.decode("latin-1")).command
    assert kinds(parse_kubernetes("GET /\u2028 HTTP/1.1\r\n\r\n").command) == ["unknown"]
    assert kinds(parse_kubernetes("kubectl get \ud800").command) == ["unknown"]
