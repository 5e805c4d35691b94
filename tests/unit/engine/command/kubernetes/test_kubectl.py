"""kubectl lines as a whole."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.kinds import KIND_NAMES
from engine.command.kubernetes.kubectl import is_kubectl, kubectl_line
from tests.web_requests import codes, kinds, kubectl


@pytest.mark.parametrize(
    "program", ["kubectl", "/usr/bin/kubectl", "oc", "kubecolor", "KUBECTL.exe", "C:\\bin\\kubectl.exe"]
)
def test_kubectl_is_known_by_its_name(program: str) -> None:
    assert is_kubectl(program)
    assert not is_kubectl(f"{program}-x")


@pytest.mark.parametrize(
    ("line", "kind", "effect"),
    [
        ("kubectl", "client_info", "read"), ("kubectl --help", "client_info", "read"), ("kubectl delete --help", "client_info", "read"),
        ("kubectl version", "server_info", "read"), ("kubectl api-resources", "server_info", "read"), ("kubectl cluster-info", "server_info", "read"),
        ("kubectl explain pods", "server_info", "read"), ("kubectl completion bash", "client_info", "read"), ("kubectl plugin list", "client_info", "read"),
        ("kubectl config view", "client_info", "read"), ("kubectl config get-contexts", "client_info", "read"), ("kubectl config use-context x", "client_config", "session"),
        ("kubectl kustomize ./x", "client_file", "read"), ("kubectl alpha x", "plugin", "execute"), ("kubectl neat x", "plugin", "execute"),
        ("oc login -u x", "client_config", "session"), ("oc project x", "client_config", "session"), ("oc whoami", "review", "read"),
        ("oc adm policy add-cluster-role-to-user cluster-admin x", "change_access", "grant"), ("oc adm cordon n", "cordon", "write"),
        ("oc adm must-gather", "plugin", "execute"), ("oc rsh web", "exec", "execute"), ("oc get pods", "list", "read"), ("oc delete project x", "delete", "delete"),
    ],
)  # fmt: skip
def test_commands_have_their_kind(line: str, kind: str, effect: str) -> None:
    command = kubectl(line)
    assert [(one.kind, one.effect) for one in command.operations][:1] == [(kind, effect)]
    assert set(kinds(command)) <= KIND_NAMES


def test_a_plugin_is_a_problem() -> None:
    assert codes(kubectl("kubectl krew install x")) == ["plugin"]
    assert codes(kubectl("kubectl adm x")) == ["plugin"]


def test_an_unknown_option_is_a_problem() -> None:
    command = kubectl("kubectl get pods --zap")
    assert (kinds(command), codes(command), command.complete) == (["list"], ["unknown_option"], False)


def test_a_dynamic_command_is_unknown() -> None:
    command = kubectl("kubectl $VERB pods")
    assert (kinds(command), command.complete, command.features) == (["unknown"], False, ("dynamic_argument",))


def test_acting_as_somebody_else_is_an_operation() -> None:
    command = kubectl("kubectl get pods --as=root --as-group system:masters")
    assert kinds(command) == ["impersonate", "list"]
    assert [target.name for target in command.operations[0].targets] == ["as:root", "as-group:system:masters"]
    assert kinds(kubectl("kubectl get pods --as $X")) == ["impersonate", "list"]


@pytest.mark.parametrize(
    ("line", "feature"),
    [
        ("kubectl get pods --context=prod", "other_cluster"),
        ("kubectl get pods --kubeconfig x", "other_cluster"),
        ("kubectl get pods -s https://x", "other_cluster"),
        ("kubectl get pods --username=u", "other_cluster"),
        ("kubectl config use-context prod", "other_cluster"),
        ("kubectl config set clusters.a.server https://x", "other_cluster"),
        ("kubectl config set-context --current --cluster=b", "other_cluster"),
        ("oc login x", "other_cluster"),
        ("kubectl get pods --token=abc", "secret_literal"),
        ("kubectl get pods --insecure-skip-tls-verify", "insecure_tls"),
        ("kubectl get widgets", "unknown_resource"),
        ("kubectl kustomize x", "kustomize"),
        ("kubectl config view --raw", "secret_literal"),
        ("kubectl proxy", "opaque_connection"),
        ("kubectl get po $X", "dynamic_argument"),
    ],
)
def test_features_of_a_line(line: str, feature: str) -> None:
    assert feature in kubectl(line).features


def test_dumping_the_cluster_reads_all_of_it() -> None:
    command = kubectl("kubectl cluster-info dump")
    assert kinds(command) == ["list", "logs"]


def test_the_function_for_other_parsers_takes_an_argv() -> None:
    line = kubectl_line(["/usr/bin/kubectl", "delete", "pod", None])
    assert [one.kind for one in line.operations] == ["deletecollection"]
    assert not line.is_complete
    assert [one.kind for one in kubectl_line(["kubectl", "get", "-n"]).operations] == ["unknown"]
    assert [one.kind for one in kubectl_line([None]).operations] == ["client_info"]


@pytest.mark.parametrize(
    "line", ["kubectl config set-context --current --namespace=a", "kubectl config get-contexts", "oc project a"]
)
def test_a_namespace_of_the_same_cluster_is_no_other_one(line: str) -> None:
    assert "other_cluster" not in kubectl(line).features


@pytest.mark.parametrize(
    "line", ["kubectl neat delete-everything --help", "kubectl neat -h", "kubectl create neat --help"]
)
def test_a_plugin_that_is_asked_for_help_runs(line: str) -> None:
    command = kubectl(line)
    assert codes(command) == ["plugin"]
    assert not command.complete


@pytest.mark.parametrize(
    "line", ["kubectl get --help", "kubectl create deploy --help", "kubectl --help", "kubectl create --help"]
)
def test_help_of_kubectl_itself_is_shown(line: str) -> None:
    assert kinds(kubectl(line)) == ["client_info"]


@pytest.mark.parametrize("line", ["kubectl -n $NS delete po a", "kubectl delete po -l $L", "kubectl run x --image=$I"])
def test_a_change_of_what_nobody_can_name_is_not_complete(line: str) -> None:
    assert "dynamic_argument" in kubectl(line).features
    assert kubectl("kubectl -n $NS get po").complete
