"""Bodies of requests to the API server."""

from __future__ import annotations

import json

import pytest

from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.kubernetes.bodies import (
    APPLY_PATCH,
    JSON_PATCH,
    MAX_ITEMS,
    body_facts,
    items,
    read_body,
    read_manifest,
)

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": {"hostPID": True}}


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "media", [None, "application/json", "application/strategic-merge-patch+json", "APPLICATION/JSON; charset=utf-8"]
)
def test_json_is_read(media: str | None) -> None:
    (body,) = read_body(encoded(POD), media)
    assert (body.kind, body.api_version, body.name, body.namespace) == ("Pod", "v1", "p", "n")
    assert body.pods is not None
    assert body.pods.host_pid


def test_yaml_of_several_documents_is_read() -> None:
    bodies = read_body(b"kind: A\n---\nkind: B\nspec: {replicas: 0}\n", "application/yaml")
    assert [(body.kind, body.replicas) for body in bodies] == [("A", None), ("B", 0)]


def test_lists_are_taken_apart() -> None:
    assert [body.kind for body in read_body(encoded({"kind": "List", "items": [POD, POD]}), None)] == ["Pod", "Pod"]
    many = {"kind": "PodList", "items": [{}] * (MAX_ITEMS + 1)}
    assert items(many) == [many]


@pytest.mark.parametrize(
    "media", ["application/vnd.kubernetes.protobuf", "application/cbor", "text/plain", "application/octet-stream"]
)
def test_what_is_not_read_is_refused(media: str) -> None:
    with pytest.raises(Refused) as refused:
        read_body(b"k8s\0", media)
    assert refused.value.code == "unread_body"


@pytest.mark.parametrize(
    ("raw", "media", "code"),
    [
        (b'{"spec": {"privileged": false, "privileged": true}}', None, "json_duplicate_key"),
        (b"privileged: false\nprivileged: true\n", "application/yaml", "yaml_duplicate_key"),
        (b"[]", None, "unread_body"),
        (b"{}", JSON_PATCH, "json_patch"),
        (b"[7]", JSON_PATCH, "json_patch"),
        (b'[{"op": "copy", "from": "/a", "path": "/b"}]', JSON_PATCH, "json_patch"),
        (encoded([{"op": "add", "path": "/a" * 70, "value": 1}]), JSON_PATCH, "json_patch"),
    ],
)
def test_bodies_that_hide_something_are_refused(raw: bytes, media: str | None, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_body(raw, media)
    assert refused.value.code == code


def test_a_json_patch_gives_the_facts_of_what_it_puts_in_place() -> None:
    patch = [
        {"op": "test", "path": "/kind", "value": "Pod"},
        {"op": "add", "path": "/spec/containers/0/securityContext/privileged", "value": True},
        {"op": "replace", "path": "/spec/containers/0/securityContext/privileged", "value": False},
        {
            "op": "add",
            "path": "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1c",
            "value": "unconfined",
        },
        {"op": "remove", "path": "/x"},
    ]
    (body,) = read_body(encoded(patch), JSON_PATCH)
    assert body.pods is not None
    assert body.pods.privileged
    assert body.pods.unconfined
    (body,) = read_body(encoded([{"op": "replace", "path": "/spec/replicas", "value": 0}]), JSON_PATCH)
    assert body.replicas == 0


@pytest.mark.parametrize("place", ["-", "0", "00", "-1", "-0", "+0"])
def test_a_place_in_a_list_is_every_number_that_the_server_reads(place: str) -> None:
    change = {
        "op": "replace",
        "path": f"/spec/containers/{place}/securityContext/capabilities/add/{place}",
        "value": "SYS_ADMIN",
    }
    (body,) = read_body(encoded([change]), JSON_PATCH)
    assert body.pods is not None
    assert body.pods.capabilities == ("SYS_ADMIN",)


def test_directives_of_patches_are_a_feature() -> None:
    assert body_facts({"spec": {"containers": [{"$patch": "delete", "name": "a"}]}}).features == {"patch_directive"}


def test_options_of_deletions_are_read() -> None:
    assert body_facts({"kind": "DeleteOptions", "gracePeriodSeconds": 0, "dryRun": ["All"]}).is_forced
    assert body_facts({"kind": "Eviction", "deleteOptions": {"gracePeriodSeconds": 0}}).is_forced
    assert body_facts({"dryRun": ["All"]}).is_dry_run
    assert not body_facts({"gracePeriodSeconds": 30}).is_forced


@pytest.mark.parametrize(
    "beside",
    [
        {"kind": "Role"},
        {"kind": {"kind": []}},
        {"metadata": {"labels": {"kind": "Role"}}},
        {"metadata": {"annotations": {"kind": "ClusterRole"}}},
        {"metadata": {"ownerReferences": [{"kind": "RoleBinding"}]}},
    ],
)
def test_no_member_named_kind_hides_a_pod(beside: dict[str, Value]) -> None:
    facts = body_facts({**POD, **beside}).pods
    assert facts is not None
    assert facts.host_pid


def test_a_patch_that_says_it_is_a_list_hides_nothing() -> None:
    body = {"kind": "XList", "items": [], "spec": {"hostPID": True}}
    for media in ("application/merge-patch+json", "application/strategic-merge-patch+json", APPLY_PATCH):
        for items_of in ([], [{}]):
            (found,) = read_body(encoded({**body, "items": items_of}), media)
            assert found.pods is not None
            assert found.pods.host_pid
    assert read_manifest(encoded(body), is_whole=False)[0].pods is not None
    (options,) = read_body(encoded({"kind": "XList", "items": [{"dryRun": ["All"]}]}), None, is_whole=False)
    assert not options.is_dry_run


def test_an_object_of_a_kind_that_ends_in_list_keeps_what_stands_beside_its_items() -> None:
    found = read_body(encoded({"kind": "AllowList", "items": [{"a": 1}], "spec": {"hostPID": True}}), None)
    assert [body.pods is not None for body in found] == [True, False]
    assert [body.kind for body in read_body(encoded({"kind": "PodList", "metadata": {}, "items": []}), None)] == [
        "PodList"
    ]


def test_a_patch_of_part_of_a_rule_says_so() -> None:
    def features(*changes: object) -> frozenset[str]:
        (body,) = read_body(encoded(changes), JSON_PATCH, is_access=True)
        return body.features

    rule = {"resources": ["pods"], "verbs": ["get"]}
    assert features({"op": "add", "path": "/rules/0/verbs/-", "value": "get"}) == {"partial_rule"}
    assert features({"op": "remove", "path": "/rules/0/resourceNames/0"}) == {"partial_rule"}
    assert features({"op": "add", "path": "/rules/-", "value": rule}, {"op": "remove", "path": "/rules/0"}) == set()


def test_names_may_be_generated() -> None:
    assert body_facts({"metadata": {"generateName": "job-"}}).name == "job-"


def test_a_manifest_is_json_or_yaml() -> None:
    assert [body.kind for body in read_manifest(b' {"kind": "A"}')] == ["A"]
    assert [body.kind for body in read_manifest(b"kind: A")] == ["A"]
    with pytest.raises(Refused):
        read_manifest(b'{"a": 1, "a": 2}')
