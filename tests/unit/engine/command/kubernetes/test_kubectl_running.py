"""Commands that run something, reach into a container or start one."""

from __future__ import annotations

import pytest

from engine.command.kubernetes.tree import Kubernetes
from engine.command.tree import Command
from tests.web_requests import codes, kinds, kubectl


def first(command: Command) -> Kubernetes:
    facts = command.operations[0].kubernetes
    assert facts is not None
    return facts


def test_exec_has_pod_container_streams_and_argv() -> None:
    command = kubectl("kubectl -n a exec -it web -c c -- ls -l '/x y'")
    facts = first(command)
    assert (facts.namespace, facts.name, facts.container, facts.argv, facts.stdin, facts.tty) == (
        *("a", "web", "c", ("ls", "-l", "/x y"), True, True),
    )
    assert kinds(command) == ["exec", "inspect"]
    assert command.complete


@pytest.mark.parametrize(
    ("line", "resource", "name"),
    [("kubectl exec deploy/web -- ls", "deployments", "web"), ("kubectl exec svc/web -- ls", "services", "web"), ("kubectl exec web ls", "pods", "web")],
)  # fmt: skip
def test_exec_reaches_pods_through_what_has_them(line: str, resource: str, name: str) -> None:
    facts = first(kubectl(line))
    assert (facts.resource, facts.name, facts.argv) == (resource, name, ("ls",))


@pytest.mark.parametrize(
    ("line", "feature"),
    [
        ("kubectl exec -it web -- bash", "shell_text"),
        ("kubectl exec web -- sh -c 'eval \"$X\"'", "dynamic_command"),
        ("kubectl exec web -- ls $X", "dynamic_argument"),
        ("kubectl exec $POD -- ls", "dynamic_argument"),
        ("kubectl exec -f x.yaml -- ls", "unseen_body"),
        ("kubectl attach -it web", "shell_text"),
        ("kubectl debug -it web --image=i", "shell_text"),
        ("kubectl debug web --custom=x.yaml --image=i", "unseen_body"),
    ],
)
def test_what_cannot_be_seen_leaves_the_line_incomplete(line: str, feature: str) -> None:
    command = kubectl(line)
    assert feature in command.features
    assert not command.complete


def test_copying_is_an_exec_of_tar_with_files_on_both_sides() -> None:
    command = kubectl("kubectl cp ./x a/web:/tmp/x -c c")
    facts = first(command)
    assert (facts.namespace, facts.name, facts.argv, facts.stdin) == (
        "a",
        "web",
        ("tar", "-xmf", "-", "-C", "/tmp/x"),
        True,
    )
    assert [(one.name, one.access) for one in command.operations[0].targets[1:]] == [
        ("web:/tmp/x", "write"),
        ("./x", "read"),
    ]
    command = kubectl("kubectl cp web:/etc/passwd .")
    assert first(command).argv == ("tar", "cf", "-", "/etc/passwd")
    assert [(one.name, one.access) for one in command.operations[0].targets[1:]] == [
        ("web:/etc/passwd", "read"),
        (".", "write"),
    ]
    assert codes(kubectl("kubectl cp x")) == ["missing_value"]


def test_running_makes_a_pod_with_its_facts() -> None:
    overrides = '{"spec": {"hostPID": true, "containers": [{"image": "b"}]}}'
    command = kubectl(f"kubectl run x --image=a --privileged --overrides='{overrides}' --env=DB_PASSWORD=x -- sleep 1")
    facts = first(command)
    assert facts.pods is not None
    assert (facts.pods.privileged, facts.pods.host_pid, facts.pods.images) == (True, True, ("a", "b"))
    assert facts.pods.commands == (("sleep", "1"),)
    assert "secret_literal" in command.features
    assert kinds(kubectl("kubectl run -it x --image=a -- sh")) == ["create", "attach", "program"]
    assert codes(kubectl("kubectl run x --image=a --overrides='{'")) == ["json_syntax"]
    assert not kubectl("kubectl run x --image=a --overrides=$O").complete


def test_debugging_a_pod_puts_a_container_into_it() -> None:
    command = kubectl("kubectl debug web --image=busybox --profile=sysadmin")
    facts = first(command)
    assert facts.pods is not None
    assert (kinds(command), facts.pods.privileged) == (["ephemeral_container"], True)


def test_debugging_a_node_is_the_node() -> None:
    facts = first(kubectl("kubectl debug node/n1 --image=busybox -- chroot /host"))
    assert facts.pods is not None
    assert (facts.pods.host_pid, facts.pods.host_network, facts.pods.host_paths, facts.pods.node_names) == (
        True,
        True,
        ("/",),
        ("n1",),
    )


def test_debugging_a_copy_makes_a_pod() -> None:
    assert kinds(kubectl("kubectl debug web --copy-to=x --image=i")) == ["create"]
    assert kinds(kubectl("kubectl debug web --copy-to=x --image=i --attach -- ls")) == ["create", "attach", "inspect"]


def test_logs_are_read() -> None:
    assert kinds(kubectl("kubectl logs -f web")) == ["logs"]
    facts = first(kubectl("kubectl logs -l app=x"))
    assert (facts.subresource, facts.selector) == ("log", "app=x")


def test_ports_are_targets() -> None:
    command = kubectl("kubectl port-forward svc/db 5432:5432 :80")
    assert [(one.type, one.name) for one in command.operations[0].targets] == [
        ("object", "services/portforward/db"),
        ("port", "5432"),
        ("port", "80"),
    ]
    assert kinds(kubectl("kubectl proxy --port=1")) == ["api_proxy"]


def test_attach_without_input_only_watches() -> None:
    command = kubectl("kubectl attach web")
    assert (kinds(command), command.complete) == (["attach"], True)


@pytest.mark.parametrize(
    ("options", "added"),
    [
        *(
            ("--profile=netadmin", ("NET_ADMIN", "NET_RAW")),
            ("--profile=general", ("SYS_PTRACE",)),
            ("", ("SYS_PTRACE",)),
        ),
        *(("--profile=restricted", ()), ("--profile=baseline", ()), ("--profile=legacy", ())),
    ],
)
def test_profiles_of_debug_add_capabilities(options: str, added: tuple[str, ...]) -> None:
    for more in ("", "--copy-to=x"):
        facts = kubectl(f"kubectl debug web --image=i {options} {more}").operations[0].kubernetes
        assert facts is not None
        assert facts.pods is not None
        assert facts.pods.capabilities == added
