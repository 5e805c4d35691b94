"""Names of resources."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.resources import ALL, BY_NAME, resource_named, resource_of_kind


@pytest.mark.parametrize(
    ("name", "plural", "group"),
    [
        ("po", "pods", ""), ("Pod", "pods", ""), ("pods", "pods", ""), ("deploy", "deployments", "apps"), ("deployments.apps", "deployments", "apps"),
        ("deployments.v1.apps", "deployments", "apps"), ("sts", "statefulsets", "apps"), ("ns", "namespaces", ""), ("svc", "services", ""),
        ("clusterrolebinding", "clusterrolebindings", "rbac.authorization.k8s.io"), ("csr", "certificatesigningrequests", "certificates.k8s.io"),
        ("crd", "customresourcedefinitions", "apiextensions.k8s.io"), ("cephclusters.ceph.rook.io", "cephclusters", "ceph.rook.io"),
        ("widget", "widget", None), ("pods.metrics.k8s.io", "pods", "metrics.k8s.io"), ("pods.v1.", "pods", ""),
    ],
)  # fmt: skip
def test_every_name_kubectl_takes_is_one_resource(name: str, plural: str, group: str | None) -> None:
    found = resource_named(name)
    assert (found.plural, found.group) == (plural, group)


def test_the_category_all_is_made_of_known_resources() -> None:
    assert set(ALL) <= set(BY_NAME)


def test_a_kind_has_its_resource() -> None:
    assert resource_of_kind("Deployment", "apps/v1").plural == "deployments"
    assert resource_of_kind("Pod", "v1").group == ""
    assert resource_of_kind("Ingress", "extensions/v1beta1").plural == "ingresses"
    assert resource_of_kind("Pod", "other.io/v1").group == "other.io"
    assert resource_of_kind("Widget", "other.io/v1").plural == "widget"
