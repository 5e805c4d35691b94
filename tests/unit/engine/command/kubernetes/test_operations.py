"""Requests as operations."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.operations import answered, operation_of, target_name
from engine.command.kubernetes.tree import Kubernetes
from engine.command.tree import Access, Effect


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (Kubernetes("get", "", resource="pods", namespace="a", name="b"), "a/pods/b"),
        (Kubernetes("list", "apps", resource="deployments", all_namespaces=True), "*/deployments.apps/*"),
        (Kubernetes("get", "", resource="nodes", subresource="proxy", name="n"), "nodes/proxy/n"),
        (Kubernetes("get", path="/healthz"), "/healthz"),
        (Kubernetes("get"), None),
    ],
)
def test_a_target_is_named_in_one_way(facts: Kubernetes, name: str | None) -> None:
    assert target_name(facts) == name


def test_an_operation_has_kind_effect_access_and_facts() -> None:
    facts = Kubernetes("delete", "", resource="pods", namespace="a", name="b")
    operation = operation_of(facts, ("top",), (0, 5))
    assert (operation.kind, operation.effect, operation.kubernetes) == ("delete", Effect.DELETE, facts)
    assert [(one.type, one.name, one.access, one.schema) for one in operation.targets] == [
        ("pod", "a/pods/b", Access.DELETE, "a")
    ]
    assert operation_of(Kubernetes("get"), ("top",), (0, 0)).kind == "unknown"
    assert operation_of(Kubernetes("get", path="/x"), ("top",), (0, 0), "server_info").targets[0].type == "path"


@pytest.mark.parametrize("kind", ["patch", "apply", "delete", "deletecollection"])
def test_a_change_of_secrets_whose_answer_shows_them_reads_them(kind: str) -> None:
    facts = Kubernetes(kind, "", resource="secrets", namespace="a", name="b")
    operation = answered(operation_of(facts, ("top",), (0, 0), kind))
    assert [(one.name, one.access) for one in operation.targets][1:] == [("a/secrets/b", Access.READ)]


@pytest.mark.parametrize(("kind", "resource"), [("create", "secrets"), ("update", "secrets"), ("patch", "configmaps")])
def test_other_changes_read_nothing(kind: str, resource: str) -> None:
    operation = operation_of(Kubernetes(kind, "", resource=resource, name="b"), ("top",), (0, 0), kind)
    assert answered(operation) == operation
