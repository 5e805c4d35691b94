"""Objects that words mean."""

from __future__ import annotations

import pytest

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.kubectl_options import read_words
from engine.command.kubernetes.kubectl_scene import MAX_OBJECTS, Scene, merged
from engine.command.kubernetes.line import Line
from engine.command.kubernetes.tree import PodFacts
from tests.web_requests import codes, kubectl


def scene(*argv: str | None) -> Scene:
    return Scene(read_words(["get", *argv]), Line())


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["po", "a", "b"], [("pods", "a"), ("pods", "b")]),
        (["po/a", "svc/b"], [("pods", "a"), ("services", "b")]),
        (["po,svc"], [("pods", None), ("services", None)]),
        (["po,svc", "a"], [("pods", "a"), ("services", "a")]),
        (["po", None], [("pods", None)]),
        ([None], [("?", None)]),
        (["po/a", None], [("pods", "a")]),
        ([], []),
    ],
)
def test_words_mean_objects(argv: list[str | None], found: list[tuple[str, str | None]]) -> None:
    assert [(resource.plural, name) for resource, name in scene(*argv).objects()] == found


def test_all_is_a_category() -> None:
    assert {resource.plural for resource, _ in scene("all").objects()} >= {"pods", "deployments", "jobs"}


def test_a_word_that_is_no_name_is_a_problem() -> None:
    assert codes(kubectl("kubectl get '%s'")) == ["resource_name"]


def test_too_many_objects_are_refused() -> None:
    with pytest.raises(Refused):
        scene(*["po/a"] * (MAX_OBJECTS + 1)).objects()


def test_namespaces_come_from_the_line() -> None:
    (operation,) = kubectl("kubectl -n a get po b").operations
    assert operation.kubernetes is not None
    assert (operation.kubernetes.namespace, operation.targets[0].name) == ("a", "a/pods/b")
    (operation,) = kubectl("kubectl get po -A").operations
    assert operation.kubernetes is not None
    assert (operation.kubernetes.namespace, operation.kubernetes.all_namespaces) == (None, True)
    (operation,) = kubectl("kubectl -n a get nodes").operations
    assert operation.kubernetes is not None
    assert operation.kubernetes.namespace is None


def test_files_are_targets_and_not_seen() -> None:
    command = kubectl("kubectl apply -f a.yaml -f https://x/y -f - -k base -f $F")
    assert [(one.type, one.name) for one in command.operations[0].targets] == [
        ("file", "a.yaml"), ("url", "https://x/y"), ("stdin", "-"), ("file", "?"), ("file", "base"),
    ]  # fmt: skip
    assert set(command.features) >= {"unseen_body", "kustomize"}
    assert not command.complete


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("kubectl get --raw /api/v1/namespaces/a/secrets", "list"),
        ("kubectl get --raw /healthz", "server_info"),
        ("kubectl get --raw /metrics", "server_info"),
        ("kubectl get --raw /debug/pprof/heap", "server_call"),
        ("kubectl get --raw /logs/kube-apiserver.log", "server_call"),
        ("kubectl delete --raw /api/v1/namespaces/a", "delete"),
        ("kubectl create --raw /api/v1/namespaces/a/pods -f x", "create"),
        ("kubectl replace --raw /x -f x", "server_call"),
        ("kubectl get --raw $P", "unknown"),
    ],
)
def test_raw_requests_are_requests(line: str, kind: str) -> None:
    assert kubectl(line).operations[0].kind == kind
    assert codes(kubectl("kubectl get --raw /api/v1/../x")) == ["noncanonical_path"]


def test_facts_of_several_sources_are_united() -> None:
    assert merged(None, None) is None
    one, other = PodFacts(privileged=True, images=("a",)), PodFacts(host_pid=True, images=("a", "b"), host_ports=(1,))
    assert merged(one, None, other) == PodFacts(privileged=True, host_pid=True, images=("a", "b"), host_ports=(1,))


def test_a_dry_run_is_a_fact() -> None:
    command = kubectl("kubectl delete po a --dry-run=server")
    assert command.features == ("dry_run",)
    assert command.kubernetes is not None
    assert command.kubernetes.dry_run
    assert kubectl("kubectl delete po a --dry-run=none").features == ()
