"""What roles and bindings give."""

from __future__ import annotations

from engine.command.kubernetes.rbac import is_partial, is_role, rbac_facts
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


def test_only_its_own_kind_makes_an_object_a_role() -> None:
    assert is_role({"kind": "RoleBinding"})
    for other in ({"kind": "Pod"}, {"metadata": {"labels": {"kind": "Role"}}}, {"kind": ["Role"]}):
        assert not is_role(other)


def test_under_roles_words_mean_the_same_without_what_stands_around_them() -> None:
    fragment = {"rules": [{"verbs": ["*"]}, {"resources": ["secrets"]}]}
    assert rbac_facts(fragment) is None
    facts = rbac_facts(fragment, is_access=True)
    assert facts is not None
    assert (facts.verbs, facts.resources, facts.wildcards) == (("*",), ("secrets",), ("verbs",))


def test_a_part_of_a_rule_is_told_from_a_whole_one() -> None:
    whole = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    assert not is_partial({"rules": [whole, {"nonResourceURLs": ["/x"], "verbs": ["get"]}]})
    assert not is_partial({"spec": {"rules": [{"host": "h"}]}})
    assert is_partial({"rules": [whole, {"verbs": ["get"]}]})
    assert is_partial({"change 1": {"rules": [{"resourceNames": None}]}})
