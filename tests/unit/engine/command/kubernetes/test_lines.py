"""kubectl in command lines: its requests are seen beside the line, with the facts that they have by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.command.kubernetes.lines import MAX_REQUESTS, MAX_WORDS, STEP, with_requests
from engine.command.kubernetes.tree import Kubernetes
from engine.command.parse import parse_command
from engine.command.shell.parse import parse_shell
from engine.command.tree import Command, ParsedCommand


def tree(text: str, protocol: str = "shell") -> Command:
    return parse_command(protocol, text).command


def requests(text: str, protocol: str = "shell") -> list[Kubernetes]:
    return [one.kubernetes for one in tree(text, protocol).operations if one.kubernetes is not None]


@pytest.mark.parametrize(
    "line",
    [
        "kubectl delete ns prod",
        "kubectl -n prod delete deploy web api --force",
        "kubectl get pods,secrets -A -o yaml",
        "kubectl apply -f web.yaml",
        "kubectl --as root delete pod a",
        "kubectl scale deploy web --replicas=0",
        "kubectl run x --image=i --privileged -- sleep 1",
        "kubectl exec -n a web -c c -- ls /",
        "kubectl cp a/web:/etc/passwd p",
        "kubectl drain n1",
        "kubectl create clusterrolebinding x --clusterrole=cluster-admin --user=bo",
        "oc -n a delete project b",
        "kubectl.exe delete ns prod",
        "./kubectl delete ns prod",
        "/x/KUBECTL.exe -n a delete pod b",
        "/bin/../bin/oc delete project b",
    ],
)
def test_a_line_asks_the_same_in_a_shell_as_by_itself(line: str) -> None:
    alone = requests(line, "kubernetes")
    assert alone
    assert requests(line) == alone
    assert tree(line).complete == tree(line, "kubernetes").complete


@pytest.mark.parametrize(
    "text",
    [
        "sudo kubectl delete ns prod",
        "cd /tmp && /usr/local/bin/kubectl delete namespace/prod; ls",
        "for n in 1 2; do kubectl delete ns prod; done",
        "bash -c 'kubectl delete ns prod'",
        "kubectl exec web -- kubectl delete ns prod",
        "ssh host kubectl delete ns prod",
        "/x/env /x/kubectl delete ns prod",
        "~/bin/kubectl delete ns prod",
        "KUBECONFIG=x timeout 5 kubectl --context c delete ns prod > log",
        "echo $(kubectl delete ns prod)",
        "python3 -c 'import os; os.system(\"kubectl delete ns prod\")'",
    ],
)
def test_a_namespace_that_is_deleted_is_found_wherever_kubectl_stands(text: str) -> None:
    assert ("delete", "namespaces", "prod") in [(one.verb, one.resource, one.name) for one in requests(text)]


def test_a_file_called_like_kubectl_asks_once_however_its_line_is_read() -> None:
    for protocol in ("shell", "kubernetes"):
        found = [
            (one.verb, one.resource)
            for one in requests("./kubectl get pods; /x/kubectl delete ns prod | cat", protocol)
        ]
        assert found == [("list", "pods"), ("delete", "namespaces")]


def test_it_is_found_in_a_program_of_python_too() -> None:
    found = requests("import subprocess\nsubprocess.run(['kubectl', 'delete', 'ns', 'prod'])", "python")
    assert [(one.verb, one.resource, one.name) for one in found] == [("delete", "namespaces", "prod")]


def test_what_a_container_runs_may_be_kubectl() -> None:
    for text in (
        "kubectl exec web -- kubectl delete ns prod",
        "kubectl exec web -- sh -c 'ls; kubectl delete ns prod'",
        "POST /api/v1/namespaces/a/pods/web/exec?command=kubectl&command=delete&command=ns&command=prod HTTP/1.1\r\nHost: k\r\n\r\n",
    ):
        command = tree(text, "kubernetes")
        first, *_, last = command.operations
        assert (first.kind, last.kind) == ("exec", "delete")
        assert STEP in last.via
        assert last.kubernetes is not None
        assert (last.kubernetes.resource, last.kubernetes.name) == ("namespaces", "prod")
        # The request itself is the exec.
        assert command.kubernetes is not None
        assert command.kubernetes.subresource == "exec"
        assert command.complete


def test_requests_stand_behind_the_line_that_makes_them() -> None:
    command = tree("sudo kubectl delete pod a; ls")
    assert [one.kind for one in command.operations] == ["cluster", "delete", "inspect"]
    line, request, _ = command.operations
    assert request.via == ("top", "wrapper:sudo", "wrapper:kubectl")
    assert request.span == line.span
    assert line.shell is not None
    assert "destructive_verb" in line.shell.signs
    assert [one.statement for one in command.operations] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("kubectl get pods $X", "dynamic_argument"),
        ("kubectl get $KIND", "dynamic_argument"),
        ("kubectl delete -f all.yaml", "unseen_body"),
        ("echo a | xargs kubectl delete pod", "dynamic_argument"),
        ("kubectl $X delete ns prod", "dynamic_argument"),
    ],
)
def test_what_kubectl_would_not_let_anybody_see_makes_the_text_incomplete(text: str, feature: str) -> None:
    command = tree(text)
    assert not command.complete
    assert feature in command.features


def test_a_plugin_is_a_problem() -> None:
    command = tree("ls; kubectl frobnicate x")
    assert [problem.code for problem in command.problems] == ["plugin"]
    assert not command.complete


def test_what_a_container_runs_is_listed_once() -> None:
    command = tree("kubectl exec web -- rm -rf /x")
    assert [one.kind for one in command.operations] == ["cluster", "exec", "delete_file"]
    assert command.complete


def test_a_program_that_only_kubectl_finds_makes_the_text_incomplete() -> None:
    # The shell's reader finds it in truth; here it is taken away.
    whole = parse_shell("kubectl exec web -- rm -rf /x")
    first = whole.command.operations[0]
    without = ParsedCommand.of(replace(whole.command, operations=(first,)))
    assert with_requests(whole).command.complete
    assert not with_requests(without).command.complete


def test_only_so_many_requests_are_listed() -> None:
    names = " ".join(f"p{number}" for number in range(200))
    command = tree("; ".join([f"kubectl delete pod {names}"] * 4))
    assert sum(one.kubernetes is not None for one in command.operations) == 400 <= MAX_REQUESTS
    assert [problem.code for problem in command.problems] == ["too_many_objects"]
    assert not command.complete


def test_a_line_of_more_words_than_the_shells_reader_shows_is_not_complete() -> None:
    for count in (600, MAX_WORDS):
        command = tree(f"kubectl delete {'pod/a ' * count} ns/prod")
        assert not command.complete
        assert command.problems[-1].code == "too_many_objects"
    # The bound is the reader's own.
    shell = tree(f"kubectl delete {'pod/a ' * 600}").operations[0].shell
    assert shell is not None
    assert len(shell.argv) == MAX_WORDS


def test_texts_without_kubectl_are_the_shells() -> None:
    for text in ("ls", "echo cluster", "echo kubectl delete ns prod", "helm ls", "man kubectl"):
        assert parse_command("shell", text).encoded == parse_shell(text).encoded


def test_a_program_of_python_beside_it_is_still_seen() -> None:
    assert tree("kubectl get pods; python3 -I -c 'print(1)'").complete
