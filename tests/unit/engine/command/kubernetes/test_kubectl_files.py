"""Files that kubectl reads or writes where it runs, and where else it goes."""

from __future__ import annotations

import pytest

from tests.web_requests import kinds, kubectl


def files(line: str) -> list[tuple[str, str, str]]:
    return [
        (one.kind, target.name, target.access)
        for one in kubectl(f"kubectl {line}").operations
        for target in one.targets
        if target.type == "file"
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("get po -o go-template-file=/etc/passwd", ("client_file", "/etc/passwd", "read")),
        ("get po -o jsonpath-file=a", ("client_file", "a", "read")),
        ("get po -o custom-columns-file=a", ("client_file", "a", "read")),
        ("get po -o templatefile --template=a", ("client_file", "a", "read")),
        ("patch deploy a --patch-file=x", ("client_file", "x", "read")),
        ("debug web --image=i --custom=x", ("client_file", "x", "read")),
        ("get po --profile=heap --profile-output=/etc/cron.d/x", ("client_write", "/etc/cron.d/x", "write")),
        ("get po --profile=heap", ("client_write", "profile.pprof", "write")),
        ("get po --cache-dir=/x", ("client_write", "/x", "write")),
        ("cluster-info dump --output-directory=/etc/cron.d", ("client_write", "/etc/cron.d", "write")),
        ("config view --raw", ("client_file", "~/.kube/config", "read")),
        ("config view --raw --kubeconfig=k", ("client_file", "k", "read")),
    ],
)
def test_files_beside_the_objects_are_operations(line: str, found: tuple[str, str, str]) -> None:
    assert found in files(line)
    assert "local_file" in kubectl(f"kubectl {line}").features


@pytest.mark.parametrize(
    "line",
    [
        *(
            "get po -o yaml",
            "get po -o jsonpath={.x}",
            "get po --profile=none",
            "debug web --image=i --profile=general",
        ),
        *("cluster-info dump", "cluster-info dump --output-directory=-", "config view"),
    ],
)
def test_other_lines_touch_no_file(line: str) -> None:
    assert files(line) == []
    assert "local_file" not in kubectl(f"kubectl {line}").features


def test_what_a_template_in_a_file_shows_is_not_seen() -> None:
    assert not kubectl("kubectl get po -o jsonpath-file=a").complete
    assert kinds(kubectl("kubectl get po -o jsonpath-file=a")) == ["list", "client_file"]


@pytest.mark.parametrize(
    ("option", "target"),
    [
        ("--server=https://h.example/x", ("host", "h.example", "execute")),
        ("-s u:p@h.example:6443", ("host", "h.example:6443", "execute")),
        ("--proxy-url=http://h.example:3128", ("host", "h.example:3128", "execute")),
        ("--kuberc=k", ("file", "k", "read")),
        ("--kubeconfig=k", ("file", "k", "read")),
    ],
)
def test_where_a_line_goes_is_a_target(option: str, target: tuple[str, str, str]) -> None:
    command = kubectl(f"kubectl {option} get pods")
    assert target in [(one.type, one.name, one.access) for one in command.operations[0].targets]
    assert "other_cluster" in command.features
