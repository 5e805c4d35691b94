"""Request-info as the API server computes it; and what is refused because two readers could compute it differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.request_info import Info, is_info_path, is_set, request_info, split_path


def info(method: str, path: str, **query: str) -> Info:
    return request_info(method, path, {name: (value,) for name, value in query.items()})


# The table of k8s.io/apiserver's own test of request-info: method, path, verb, group, version, namespace, resource, subresource, name.
CASES = """
GET /api/v1/namespaces list - v1 - namespaces - -
GET /api/v1/namespaces/other get - v1 other namespaces - other
GET /api/v1/namespaces/other/pods list - v1 other pods - -
GET /api/v1/namespaces/other/pods/foo get - v1 other pods - foo
HEAD /api/v1/namespaces/other/pods/foo get - v1 other pods - foo
GET /api/v1/pods list - v1 - pods - -
HEAD /api/v1/pods list - v1 - pods - -
GET /api/v1/proxy/namespaces/other/pods/foo proxy - v1 other pods - foo
GET /api/v1/proxy/namespaces/other/pods/foo/subpath/not/a/subresource proxy - v1 other pods - foo
GET /api/v1/watch/pods watch - v1 - pods - -
GET /api/v1/watch/namespaces/other/pods watch - v1 other pods - -
GET /api/v1/namespaces/other/pods/foo/status get - v1 other pods status foo
GET /api/v1/namespaces/other/pods/foo/proxy/subpath/not/a/subresource get - v1 other pods proxy foo
PUT /api/v1/namespaces/other/finalize update - v1 other namespaces finalize other
PUT /api/v1/namespaces/other/status update - v1 other namespaces status other
PATCH /api/v1/namespaces/other/pods/foo patch - v1 other pods - foo
DELETE /api/v1/namespaces/other/pods/foo delete - v1 other pods - foo
POST /api/v1/namespaces/other/pods create - v1 other pods - -
DELETE /api/v1/nodes deletecollection - v1 - nodes - -
DELETE /api/v1/namespaces deletecollection - v1 - namespaces - -
DELETE /api/v1/namespaces/other/pods deletecollection - v1 other pods - -
DELETE /apis/extensions/v1/namespaces/other/pods deletecollection extensions v1 other pods - -
PUT /apis/extensions/v1beta3/namespaces/other/pods/foo update extensions v1beta3 other pods - foo
POST /apis/apps/v1/namespaces/d/deployments/x/scale create apps v1 d deployments scale x
GET /api/v1/nodes/n/proxy/exec/a/b/c get - v1 - nodes proxy n
OPTIONS /api/v1/pods  - v1 - pods - -
"""


@pytest.mark.parametrize("line", CASES.strip().splitlines())
def test_requests_about_resources(line: str) -> None:
    method, path, *said = line.split(" ")
    found = info(method, path)
    have = [found.verb, found.group, found.version, found.namespace, found.resource, found.subresource, found.name]
    assert [value or "-" if number else value for number, value in enumerate(have)] == said


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1", "/healthz", "/version", "/logs/x/y/z"],
)
def test_requests_about_no_resource(path: str) -> None:
    found = info("GET", path)
    assert (found.resource, found.verb, found.path) == (None, "get", path)


@pytest.mark.parametrize(
    "path",
    ["//api/v1/pods", "/api//v1/pods", "/api/v1//pods", "/api/v1/pods/", "/api/v1/pods//", "/apis//v1/x", "/api/v1/./pods", "/api/v1/a/../pods",
     "/api/v1/namespaces/a/../b/pods", "/api/v1/%2e%2e/pods", "/api/v1/namespaces/%2E/pods", "/api/v1/namespaces%2Fa/pods", "/api/v1/%70ods",
     "/api/v1/pods;x", "/api/v1/pods%3Bx", "/api/v1/pods%00", "/api/v1/pods%0A", "/api/v1/pods%25", "/api/v1/pods\\x", "/api/v1/pods%5Cx",
     "/API/v1/pods", "/Api/v1/pods", "/api/V1/pods", "/api/v1/Pods", "/api/v1/namespaces/a/PODS", "/apis/Apps/v1/x", "/api/v1/pods/a/EXEC",
     "/api/v1/pods/a/log/b", "/api/v1/pods%ff", "/api/v1/pods%c3", "/api/v1/p ods", "/api/v1/watch", "/api/v1/proxy", "api/v1/pods", "",
     "/api/1/pods", "/api/v1/pods%3a", "/api/v1/<pods>", "/" + "a/" * 300 + "b", "/apis/apps/latest/x"],
)  # fmt: skip
def test_paths_that_are_not_canonical_are_refused(path: str) -> None:
    with pytest.raises(Refused) as refused:
        info("GET", path)
    assert refused.value.code == "noncanonical_path"


def test_names_may_have_colons_and_escapes_that_they_need() -> None:
    assert info("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node").name == "system:node"
    assert info("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode").name == "system:node"
    assert info("GET", "/api/v1/namespaces/a/configmaps/%C3%A9").name == "é"


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("metadata.name=foo", "foo"),
        ("metadata.name==foo", "foo"),
        ("metadata.name!=foo", None),
        ("spec.nodeName=n,metadata.name=foo", "foo"),
        ("metadata.name=foo,", "foo"),
        ("metadata.name=foo,broken", None),
        ("metadata.name=a/b", None),
        ("metadata.name=..", None),
        ("metadata.name=", None),
        ("metadata.name=a%b", None),
        (r"metadata.name=a\,b", "a,b"),
        (r"metadata.name=a\=b", "a=b"),
        ("xmetadata.name=foo", None),
        ("", None),
    ],
)
def test_a_field_selector_may_name_the_object(selector: str, name: str | None) -> None:
    found = info("GET", "/api/v1/namespaces/a/secrets", fieldSelector=selector)
    assert (found.verb, found.name) == ("list", name)


def test_options_that_cannot_be_read_name_nothing() -> None:
    assert info("GET", "/api/v1/pods", fieldSelector="metadata.name=a", limit="x").name is None
    assert info("GET", "/api/v1/pods", fieldSelector="metadata.name=a", timeoutSeconds="9" * 30).name is None
    assert info("GET", "/api/v1/pods", fieldSelector="metadata.name=a", limit="5").name == "a"


def test_a_selector_names_nothing_for_a_deletion() -> None:
    found = info("DELETE", "/api/v1/namespaces/a/pods", fieldSelector="metadata.name=foo")
    assert (found.verb, found.name) == ("deletecollection", None)


@pytest.mark.parametrize(
    ("value", "verb"),
    [
        ("true", "watch"),
        ("1", "watch"),
        ("", "watch"),
        ("yes", "watch"),
        ("false", "list"),
        ("FALSE", "list"),
        ("0", "list"),
    ],
)
def test_watching_is_what_is_not_false(value: str, verb: str) -> None:
    assert info("GET", "/api/v1/pods", watch=value).verb == verb
    assert info("GET", "/api/v1/namespaces/a/pods/b", watch=value).verb == "get"


def test_a_parameter_is_set_by_its_first_value() -> None:
    assert not is_set(None)
    assert not is_set(())
    assert not is_set(("0", "true"))
    assert is_set(("x",))


segments = st.sampled_from(
    [
        "api",
        "apis",
        "v1",
        "apps",
        "namespaces",
        "a",
        "pods",
        "watch",
        "proxy",
        "status",
        "exec",
        "..",
        ".",
        "",
        "%2e",
        "A",
        "x;y",
    ]
)


@given(st.lists(segments, max_size=9), st.sampled_from(["GET", "POST", "DELETE", "X"]))
def test_what_is_judged_is_what_is_forwarded(parts: list[str], method: str) -> None:
    path = "/" + "/".join(parts)
    try:
        found = info(method, path)
    except Refused:
        return
    # The server trims slashes and splits; a path that got here gives it exactly our segments.
    assert found.path == path
    assert split_path(path) == [part for part in path.split("/") if part]


def test_paths_that_only_inform_are_known() -> None:
    assert all(map(is_info_path, ("/", "/version", "/readyz/etcd", "/openapi/v3/apis/apps/v1", "/apis/apps")))
    assert not any(map(is_info_path, ("/debug/pprof/heap", "/logs/x", "/metrics/../x", "/configz/x")))
