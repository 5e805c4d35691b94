"""The facts of a request, as data."""

from __future__ import annotations

from engine.command.kubernetes.tree import Kubernetes, PodFacts, RbacFacts


def test_what_is_not_said_is_absent() -> None:
    facts = Kubernetes("get")
    assert (facts.resource, facts.namespace, facts.argv, facts.pods, facts.rbac) == (None, None, None, None, None)
    assert not PodFacts().privileged
    assert RbacFacts().role is None
