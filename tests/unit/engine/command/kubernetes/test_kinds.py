"""The kind of a request."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.kinds import ACCESS, EFFECTS, KIND_NAMES, kind_of
from engine.command.tree import Effect

RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("verb", "group", "resource", "subresource", "kind"),
    [
        ("get", "", "pods", None, "get"),
        ("get", "", "pods", "log", "logs"),
        ("list", "", "secrets", None, "list"),
        ("get", "", "pods", "exec", "exec"),
        ("create", "", "pods", "exec", "exec"),
        ("", "", "pods", "attach", "attach"),
        ("get", "", "pods", "portforward", "port_forward"),
        ("get", "", "nodes", "proxy", "proxy"),
        ("proxy", "", "services", None, "proxy"),
        ("patch", "", "pods", "ephemeralcontainers", "ephemeral_container"),
        ("create", "", "pods", "eviction", "evict"),
        ("update", "", "namespaces", "finalize", "finalize"),
        ("create", "", "serviceaccounts", "token", "create_token"),
        ("update", "certificates.k8s.io", "certificatesigningrequests", "approval", "approve_certificate"),
        ("patch", "apps", "deployments", "scale", "scale"),
        ("delete", RBAC, "roles", None, "change_access"),
        ("create", RBAC, "clusterrolebindings", None, "change_access"),
        ("create", None, "clusterroles", None, "change_access"),
        ("get", RBAC, "roles", None, "get"),
        ("create", "authorization.k8s.io", "selfsubjectaccessreviews", None, "review"),
        ("create", "example.com", "bookreviews", None, "create"),
        ("deletecollection", "", "pods", None, "deletecollection"),
        ("", "", "pods", None, "unknown"),
        ("use", "", "pods", None, "unknown"),
    ],
)
def test_verb_and_resource_make_the_kind(
    verb: str, group: str | None, resource: str, subresource: str | None, kind: str
) -> None:
    assert kind_of(verb, group, resource, subresource) == kind
    assert kind in KIND_NAMES


def test_what_runs_or_grants_never_reads() -> None:
    assert {name for name, effect in EFFECTS.items() if effect is Effect.READ} == {
        *("get", "list", "watch", "logs", "review", "server_info", "client_info", "client_file")
    }
    assert set(ACCESS) == set(Effect)
