"""What roles and bindings give."""

from __future__ import annotations

from engine.command.kubernetes.rbac import is_rbac, rbac_facts
from engine.command.kubernetes.tree import RbacFacts


def test_a_role_with_wildcards_and_strong_verbs() -> None:
    role = {"kind": "ClusterRole", "rules": [{"apiGroups": ["*"], "resources": ["*", "pods/exec"], "verbs": ["*", "escalate"]}, {"nonResourceURLs": ["*"], "verbs": ["get"]}]}  # fmt: skip
    assert rbac_facts(role) == RbacFacts(
        verbs=("*", "escalate", "get"),
        resources=("*", "pods/exec"),
        wildcards=("groups", "resources", "urls", "verbs"),
        strong_verbs=("escalate",),
    )


def test_a_binding_names_its_role_and_subjects() -> None:
    binding = {
        "kind": "ClusterRoleBinding",
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [
            {"kind": "ServiceAccount", "namespace": "a", "name": "b"},
            {"kind": "Group", "name": "system:masters"},
            7,
        ],
    }
    assert rbac_facts(binding) == RbacFacts(
        role="ClusterRole/cluster-admin", subjects=("Group:system:masters", "ServiceAccount:a/b")
    )


def test_other_objects_have_none() -> None:
    assert rbac_facts({"kind": "Pod", "spec": {"resources": {"limits": {}}}}) is None
    assert rbac_facts({"verbs": ["get"]}) is None


def test_roles_are_known_in_lists_too() -> None:
    assert is_rbac({"kind": "List", "items": [{"kind": "RoleBinding"}]})
    assert not is_rbac({"kind": "Pod"})
