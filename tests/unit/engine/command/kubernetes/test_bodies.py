"""Bodies of requests to the API server."""

from __future__ import annotations

import json

import pytest

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.bodies import JSON_PATCH, MAX_ITEMS, body_facts, items, read_body, read_manifest

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


def test_roles_have_no_pods_and_names_may_be_generated() -> None:
    assert body_facts({"kind": "Role", "image": "x"}).pods is None
    assert body_facts({"kind": {"kind": []}, "image": "x"}).pods is not None
    assert body_facts({"metadata": {"generateName": "job-"}}).name == "job-"


def test_a_manifest_is_json_or_yaml() -> None:
    assert [body.kind for body in read_manifest(b' {"kind": "A"}')] == ["A"]
    assert [body.kind for body in read_manifest(b"kind: A")] == ["A"]
    with pytest.raises(Refused):
        read_manifest(b'{"a": 1, "a": 2}')
