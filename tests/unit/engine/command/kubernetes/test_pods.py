"""Facts of pod specifications, wherever they stand."""

from __future__ import annotations

from typing import Any

import pytest

from engine.command.documents.values import Value
from engine.command.kubernetes.pods import MAX_LISTED, argv_of, pod_facts
from engine.command.kubernetes.tree import PodFacts


def nested(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    template = {"template": {"metadata": {}, "spec": spec}}
    match kind:
        case "Pod":
            return {"kind": kind, "spec": spec}
        case "CronJob":
            return {"kind": kind, "spec": {"jobTemplate": {"spec": template}}}
        case "PodTemplate":
            return {"kind": kind, **template}
        case "Workflow":
            return {
                "kind": kind,
                "spec": {"templates": [{"container": spec["containers"][0], "volumes": spec.get("volumes")}]},
            }
        case _:
            return {"kind": kind, "spec": template}


KINDS = [
    "Pod",
    "Deployment",
    "DaemonSet",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "PodTemplate",
]


@pytest.mark.parametrize("kind", [*KINDS, "Workflow"])
@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers"])
def test_a_privileged_container_is_seen_in_every_kind(kind: str, place: str) -> None:
    if kind == "Workflow" and place != "containers":
        return
    facts = pod_facts(nested(kind, {place: [{"securityContext": {"privileged": True}}]}))
    assert facts == PodFacts(privileged=True)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hostNetwork": True}, PodFacts(host_network=True)),
        ({"hostPID": True}, PodFacts(host_pid=True)),
        ({"hostIPC": "yes"}, PodFacts(host_ipc=True)),
        ({"volumes": [{"hostPath": {"path": "/"}}, {"hostPath": {"path": "/etc", "type": "Directory"}}]}, PodFacts(host_paths=("/", "/etc"))),
        ({"containers": [{"ports": [{"hostPort": 80}, {"hostPort": 0}]}]}, PodFacts(host_ports=(80,))),
        ({"containers": [{"securityContext": {"capabilities": {"add": ["cap_sys_admin", "NET_RAW"], "drop": ["ALL"]}}}]}, PodFacts(capabilities=("SYS_ADMIN", "NET_RAW"))),
        ({"securityContext": {"runAsUser": 0}}, PodFacts(run_as_root=True)),
        ({"securityContext": {"runAsNonRoot": False}}, PodFacts(run_as_root=True)),
        ({"securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "ContainerAdministrator"}}}, PodFacts(unconfined=True, run_as_root=True)),
        ({"containers": [{"securityContext": {"allowPrivilegeEscalation": True}}]}, PodFacts(escalation=True)),
        ({"containers": [{"securityContext": {"procMount": "Unmasked"}}]}, PodFacts(unconfined=True)),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, PodFacts(unconfined=True)),
        ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, PodFacts(unconfined=True)),
        ({"serviceAccountName": "admin", "nodeName": "n1"}, PodFacts(service_accounts=("admin",), node_names=("n1",))),
        ({"containers": [{"image": "a:1", "command": ["sh"], "args": ["-c", "x"]}]}, PodFacts(images=("a:1",), commands=(("sh", "-c", "x"),))),
        ({"containers": [{"lifecycle": {"postStart": {"exec": {"command": ["curl", "u"]}}}}]}, PodFacts(commands=(("curl", "u"),))),
        ({"containers": [{"livenessProbe": {"exec": {"command": ["id"]}}}]}, PodFacts(commands=(("id",),))),
        ({"containers": [{"envFrom": [{"secretRef": {"name": "s"}}], "env": [{"valueFrom": {"secretKeyRef": {"name": "t", "key": "k"}}}]}]}, PodFacts(secrets=("s", "t"))),
        ({"volumes": [{"secret": {"secretName": "s"}}, {"projected": {"sources": [{"secret": {"name": "t"}}]}}]}, PodFacts(secrets=("s", "t"))),
        ({"volumes": [{"image": {"reference": "r:1", "pullPolicy": "Always"}}]}, PodFacts(images=("r:1",))),
        ({"volumes": [{"image": {"reference": "r:1"}}]}, PodFacts(images=("r:1",))),
        ({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}, PodFacts(unconfined=True)),
        ({"containers": [{"securityContext": {"seLinuxOptions": {"user": "system_u"}}}]}, PodFacts(unconfined=True)),
        ({"nodeSelector": {"kubernetes.io/hostname": "n1", "disk": "ssd"}}, PodFacts(node_names=("n1",))),
        ({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}]}}}}, PodFacts(node_names=("n1", "n2"))),
        ({"local": {"path": "/"}}, PodFacts(host_paths=("/",))),
    ],
)  # fmt: skip
def test_what_a_pod_may_do(spec: dict[str, Any], expected: PodFacts) -> None:
    found = pod_facts({"kind": "Pod", "spec": spec})
    assert found is not None
    assert {
        name: set(value) if isinstance(value, tuple) else value
        for name, value in ((n, getattr(found, n)) for n in PodFacts.__dataclass_fields__)
    } == {
        name: set(value) if isinstance(value, tuple) else value
        for name, value in ((n, getattr(expected, n)) for n in PodFacts.__dataclass_fields__)
    }


@pytest.mark.parametrize(
    "target", [{"kind": "Node", "name": "n1"}, {"name": "n1"}, {"apiVersion": "v1", "kind": "", "name": "n1"}]
)
def test_a_binding_names_a_node(target: dict[str, Any]) -> None:
    assert pod_facts({"metadata": {"name": "p"}, "target": target}) == PodFacts(node_names=("n1",))
    assert pod_facts({"kind": "ExternalSecret", "metadata": {}, "spec": {"target": target}}) is None


def test_an_annotation_may_switch_confinement_off() -> None:
    document = {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}}}
    assert pod_facts(document) == PodFacts(unconfined=True)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "ConfigMap", "data": {"privileged": "no"}},
        {
            "properties": {
                "privileged": {"type": "boolean"},
                "hostPath": {"type": "object"},
                "image": {"type": "string"},
            }
        },
        {
            "spec": {
                "hostNetwork": False,
                "containers": [{"securityContext": {"privileged": None, "runAsUser": 1000, "runAsNonRoot": True}}],
            }
        },
        {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies"}]}},
        [],
        7,
    ],
)
def test_what_is_harmless_has_no_facts(document: Any) -> None:
    assert pod_facts(document) is None


def test_lists_of_facts_end() -> None:
    facts = pod_facts({"x": [{"image": str(number), "command": [str(number)]} for number in range(500)]})
    assert facts is not None
    assert len(facts.images) == len(list(argv_of(facts))) == MAX_LISTED


@pytest.mark.parametrize(
    ("wanted", "nodes"),
    [
        ({"values": ["cp1"]}, ("cp1",)),
        ({"key": "kubernetes.io/hostname"}, ("?",)),
        ({"operator": "In"}, ("?",)),
        ({"key": "disk"}, ()),
        ({"operator": "NotIn"}, ()),
        ({"key": "disk", "operator": "In", "values": ["ssd"]}, ()),
    ],
)
def test_a_patch_of_part_of_an_affinity_may_name_a_node(wanted: dict[str, Value], nodes: tuple[str, ...]) -> None:
    for term in ({"nodeSelectorTerms": [{"matchExpressions": [wanted]}]}, {"preference": {"matchFields": [wanted]}}):
        facts = pod_facts({"nodeAffinity": term})
        assert (facts.node_names if facts is not None else ()) == nodes
    assert pod_facts({"selector": {"matchExpressions": [{"values": ["web"]}]}}) is None
