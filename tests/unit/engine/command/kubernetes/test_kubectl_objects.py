"""Commands that read, make, change and delete objects."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.tree import Kubernetes
from engine.command.tree import Command
from tests.web_requests import codes, kinds, kubectl


def first(command: Command) -> Kubernetes:
    facts = command.operations[0].kubernetes
    assert facts is not None
    return facts


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("get po", ["list"]), ("get po a", ["get"]), ("get po -w", ["watch"]), ("get po,svc", ["list", "list"]), ("describe po a", ["get"]),
        ("wait --for=condition=Ready po/a", ["watch"]), ("events", ["list"]), ("top pods", ["list"]), ("top", ["list"]), ("get", ["client_info"]),
        ("get -f x", ["get"]), ("auth can-i create pods", ["review"]), ("auth whoami", ["review"]), ("auth reconcile -f x", ["change_access"]),
        ("delete po a b", ["delete", "delete"]), ("delete po --all", ["deletecollection"]), ("delete po -l a=b", ["deletecollection"]),
        ("delete -f x", ["delete"]), ("delete", ["client_info"]), ("label po a x=y", ["patch"]), ("annotate po a x-", ["patch"]),
        ("label po a --list", ["get"]), ("edit deploy a", ["patch"]), ("taint nodes n k=v:NoSchedule", ["patch"]), ("apply -f x", ["apply"]),
        ("apply view-last-applied po a", ["get"]), ("apply edit-last-applied po a", ["patch"]), ("apply -f x --prune -l a", ["apply", "deletecollection"]),
        ("diff -f x", ["get"]), ("replace -f x", ["update"]), ("replace --force -f x", ["update", "delete"]), ("create -f x", ["create"]),
        ("create ns x", ["create"]), ("create secret generic x --from-literal=a=b", ["create"]), ("create token sa", ["create_token"]),
        ("create clusterrolebinding x --clusterrole=cluster-admin --user=u", ["change_access"]), ("create role x --verb=get --resource=pods", ["change_access"]),
        ("create deploy x --image=i", ["create"]), ("create job x --image=i -- date", ["create", "inspect"]), ("create service clusterip x", ["create"]),
        ("patch po a -p {}", ["patch"]), ("scale deploy a --replicas=0", ["scale"]), ("scale --replicas=1 -f x", ["scale"]), ("autoscale deploy a --max=3", ["create"]),
        ("expose deploy a", ["create"]), ("rollout status deploy/a", ["get"]), ("rollout restart deploy a", ["patch"]), ("rollout", ["client_info"]),
        ("set image deploy/a c=i:1", ["patch"]), ("set env deploy/a --list", ["get"]), ("set serviceaccount deploy a sa", ["patch"]),
        ("certificate approve x", ["approve_certificate"]), ("cordon n", ["cordon"]), ("uncordon n", ["cordon"]), ("drain n", ["cordon", "evict"]),
    ],
)  # fmt: skip
def test_commands_are_requests(line: str, found: list[str]) -> None:
    assert kinds(kubectl(f"kubectl {line}")) == found


@pytest.mark.parametrize(
    "line", ["label", "apply", "replace", "create", "patch -p {}", "scale --replicas=1", "set image", "taint"]
)
def test_what_is_missing_is_a_problem(line: str) -> None:
    command = kubectl(f"kubectl {line}")
    assert codes(command) == ["missing_value"]
    assert not command.complete


def test_deleting_everything_is_seen() -> None:
    assert first(kubectl("kubectl delete po --all")).is_all
    assert first(kubectl("kubectl delete --all namespaces")).is_all
    assert first(kubectl("kubectl delete ns -n x a --all")).is_all
    assert not first(kubectl("kubectl delete po -l a=b")).is_all
    assert not first(kubectl("kubectl delete po -l $X")).is_all
    assert first(kubectl("kubectl delete po -l '!x'")).is_all
    assert first(kubectl("kubectl delete po --field-selector metadata.namespace=a")).is_all
    assert set(kinds(kubectl("kubectl delete all --all"))) == {"deletecollection"}


@pytest.mark.parametrize("option", ["--force", "--now", "--grace-period=0", "--grace-period 0"])
def test_force_is_seen(option: str) -> None:
    assert first(kubectl(f"kubectl delete po a {option}")).force
    assert not first(kubectl("kubectl delete po a")).force


def test_scaling_says_how_many() -> None:
    assert first(kubectl("kubectl scale deploy a --replicas=0")).replicas == 0
    assert not kubectl("kubectl scale deploy a --replicas=$N").complete
    assert first(kubectl("kubectl scale deploy --all --replicas=0")).is_all


def test_patches_give_facts() -> None:
    facts = first(kubectl("""kubectl patch deploy a -p '{"spec": {"template": {"spec": {"hostPID": true}}}}'"""))
    assert facts.pods is not None
    assert facts.pods.host_pid
    facts = first(
        kubectl(
            """kubectl patch deploy a --type=json -p '[{"op": "add", "path": "/spec/template/spec/hostIPC", "value": true}]'"""
        )
    )
    assert facts.pods is not None
    assert facts.pods.host_ipc
    assert first(kubectl("kubectl patch deploy a -p 'spec: {replicas: 0}'")).replicas == 0
    assert codes(kubectl("kubectl patch deploy a -p '{'")) == ["json_syntax"]
    assert codes(kubectl("kubectl patch deploy a --type=json -p '{}'")) == ["json_patch"]
    assert "unseen_body" in kubectl("kubectl patch deploy a --patch-file x").features
    assert not kubectl("kubectl patch deploy a -p $P").complete


def test_roles_and_bindings_made_by_options_have_facts() -> None:
    rbac = first(kubectl("kubectl create clusterrole x --verb=get,escalate --resource='*'")).rbac
    assert rbac is not None
    assert (rbac.verbs, rbac.wildcards, rbac.strong_verbs) == (("escalate", "get"), ("resources",), ("escalate",))
    rbac = first(
        kubectl("kubectl create clusterrolebinding x --clusterrole cluster-admin --serviceaccount=a:b --group=g")
    ).rbac
    assert rbac is not None
    assert (rbac.role, rbac.subjects) == ("ClusterRole/cluster-admin", ("Group:g", "ServiceAccount:a:b"))
    assert not kubectl("kubectl create rolebinding x --user=u").complete


def test_images_and_accounts_are_facts() -> None:
    pods = first(kubectl("kubectl set image deploy/a c=i:1 d=j")).pods
    assert pods is not None
    assert pods.images == ("i:1", "j")
    pods = first(kubectl("kubectl set serviceaccount deploy a root")).pods
    assert pods is not None
    assert pods.service_accounts == ("root",)
    pods = first(kubectl("kubectl create job x --image=i -- rm -rf /")).pods
    assert pods is not None
    assert pods.commands == (("rm", "-rf", "/"),)


@pytest.mark.parametrize("line", ["create secret generic x --from-literal=a=b", "set env deploy/a DB_PASSWORD=x"])
def test_secrets_in_the_line_are_a_feature(line: str) -> None:
    assert "secret_literal" in kubectl(f"kubectl {line}").features


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("create configmap a --from-file=/etc/ssl/private/own.key", "/etc/ssl/private/own.key"),
        ("create configmap a --from-file=k=x=/a", "/a"),
        ("create cm a --from-env-file=.env", ".env"),
        ("create secret generic a --from-file=k=/a", "/a"),
        ("create secret tls a --cert=/c --key=/k", "/k"),
    ],
)
def test_files_that_become_values_are_read_and_not_seen(line: str, path: str) -> None:
    command = kubectl(f"kubectl {line}")
    assert (path, "read") in [(one.name, one.access) for one in command.operations[0].targets if one.type == "file"]
    assert "unseen_body" in command.features
    assert not command.complete
    assert kubectl("kubectl create configmap a --from-literal=a=b").complete


def test_what_a_job_is_told_to_run_is_taken_apart() -> None:
    for kind in ("job x", "cronjob x --schedule='* * * * *'"):
        command = kubectl(f"kubectl create {kind} --image=i -- sh -c 'rm -rf /data'")
        assert "delete" in {one.effect for one in command.operations}
    assert not kubectl("kubectl create job x --image=i -- sh -c 'curl h|sh'").complete


@pytest.mark.parametrize(
    "line",
    [
        *("label secret s a=b -o yaml", "annotate secret s a=b -o jsonpath={.data}", "patch secret s -p {} -o json"),
        *(
            "edit secret s",
            "label secrets --all a=b --template='{{.data}}'",
            "label secret s a=b -v=9",
            "label secret/s a=b -oyaml",
        ),
        *("set env deploy/a --list --resolve", "set env deploy/a --list --from=secret/s"),
    ],
)
def test_a_change_that_shows_a_secret_reads_it(line: str) -> None:
    read = [one for one in kubectl(f"kubectl {line}").operations if one.effect == "read" and one.kubernetes is not None]
    assert "secrets" in [one.kubernetes.resource for one in read if one.kubernetes is not None]


@pytest.mark.parametrize(
    "line", ["label secret s a=b", "label secret s a=b -o name", "label cm s a=b -o yaml", "delete secret s -v=2"]
)
def test_a_change_that_shows_none_reads_none(line: str) -> None:
    assert [one.effect for one in kubectl(f"kubectl {line}").operations if one.effect == "read"] == []


def test_variables_from_a_secret_name_it() -> None:
    command = kubectl("kubectl set env deploy/a --from=secret/s")
    assert command.kubernetes is not None
    assert command.kubernetes.pods is not None
    assert command.kubernetes.pods.secrets == ("s",)


def test_a_patch_of_a_role_is_read_as_one() -> None:
    line = """kubectl patch role r --type=json -p '[{"op": "add", "path": "/rules/0/verbs/-", "value": "*"}]'"""
    command = kubectl(line)
    assert command.kubernetes is not None
    assert command.kubernetes.rbac is not None
    assert command.kubernetes.rbac.wildcards == ("verbs",)
    assert (command.complete, command.features) == (False, ("partial_rule",))
