"""Kubernetes commands against cases from outside: kubectl lines by verb, manifests by what they would do, documented accidents.

The bounds are what was measured, a little lower. `SAME` says which of our kinds a command of kubectl is; what differs is
counted, and stands here with its cause.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Program, Verdict
from engine.command.kubernetes.kinds import KIND_NAMES
from engine.command.kubernetes.resources import resource_of_kind
from engine.command.kubernetes.tree import PodFacts
from engine.command.parse import parse_command
from engine.command.shell.kinds import KIND_NAMES as SHELL_KINDS
from engine.command.tree import Command, Effect
from tests.conformance.corpus import decide, items, program
from tests.web_requests import raw_request

R, W, C, D, X, G, S = (
    *(Effect.READ, Effect.WRITE, Effect.CREATE, Effect.DELETE, Effect.EXECUTE, Effect.GRANT, Effect.SESSION),
)
EFFECTS: dict[str, set[Effect]] = {
    **{key: {R} for key in ("get", "describe", "logs")},
    **{key: {W} for key in ("annotate", "label", "edit", "patch", "scale", "taint", "cordon", "replace")},
    **{key: {X} for key in ("exec", "attach", "cp", "port-forward", "proxy")},
    "apply": {W, R},  # view-last-applied reads
    "auth": {R, G},
    "config": {S, R},
    "create": {C, G},
    "debug": {X, C},
    "delete": {D, G},
    "drain": {W, D},
    "rollout": {W, R},
    "run": {C, X},
    "token": {R},
}
MARKERS: dict[str, Callable[[PodFacts], object]] = {
    "privileged": lambda facts: facts.privileged,
    "hostPID": lambda facts: facts.host_pid,
    "hostNetwork": lambda facts: facts.host_network,
    "hostIPC": lambda facts: facts.host_ipc,
    "hostPath": lambda facts: facts.host_paths,
    "docker.sock": lambda facts: any("docker.sock" in path for path in facts.host_paths),
}


@pytest.fixture(scope="module")
def cluster() -> Program:
    return program("kubernetes")


def is_read(command: Command) -> bool:
    """Whether a line is one that kubectl would take, and not prose."""
    return not {problem.code for problem in command.problems} & {"plugin", "missing_value"} and all(
        operation.kind != "unknown" for operation in command.operations
    )


def test_kubectl_lines_do_what_their_verb_says(corpora: Path) -> None:
    table: Counter[tuple[str, bool]] = Counter()
    wrong = []
    lines = 0
    for item in items(corpora, "k8s-kubectl"):
        command = parse_command("kubernetes", item["command"]).command
        lines += 1
        assert {operation.kind for operation in command.operations} <= KIND_NAMES | SHELL_KINDS | {"unknown"}
        if not is_read(command):
            # Prose and commands cut off: never complete, so never granted.
            assert not command.complete, item["command"]
            continue
        own = [one for one in command.operations if one.kind != "impersonate"]
        agrees = own[0].effect in EFFECTS[item["verb"]]
        table[item["verb"], agrees] += 1
        wrong += [] if agrees else [(item["verb"], own[0].kind, item["command"][:90])]
    compared = sum(table.values())
    assert compared > 0.93 * lines, (compared, lines)
    # The corpus takes `wait --for=delete`, `--dry-run` as a word and examples in other commands' options for the verb.
    assert len(wrong) <= 0.02 * compared, wrong


def test_no_kubectl_line_that_changes_something_is_called_reading(corpora: Path) -> None:
    changing = {
        "delete",
        "exec",
        "cp",
        "attach",
        "port-forward",
        "scale",
        "patch",
        "replace",
        "drain",
        "edit",
        "debug",
        "proxy",
    }
    called_read = [
        item["command"]
        for item in items(corpora, "k8s-kubectl")
        if item["verb"] in changing
        for command in [parse_command("kubernetes", item["command"]).command]
        if command.complete and all(operation.effect is R for operation in command.operations)
    ]
    # The first is a wait for a deletion; the others ask for help or set nothing.
    assert len(called_read) <= 3, called_read


def sent(document: dict[str, Any]) -> bytes:
    """A manifest as kubectl would send it to make the object."""
    resource = resource_of_kind(document.get("kind", "Thing"), document.get("apiVersion"))
    version = document.get("apiVersion", "v1")
    prefix = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    place = "" if resource.namespaced is False else "/namespaces/web"
    return raw_request(
        "POST", f"{prefix}{place}/{resource.plural}", {"Content-Type": "application/json"}, json.dumps(document)
    )


def test_every_risk_that_a_manifest_is_marked_with_is_seen(corpora: Path) -> None:
    seen: Counter[str] = Counter()
    for item in items(corpora, "k8s-manifests"):
        (operation,) = parse_command("kubernetes", sent(item["object"])).command.operations
        facts = operation.kubernetes
        assert facts is not None, item["id"]
        for marker in item["risk_markers"]:
            seen[marker] += 1
            if marker == "wildcard-rbac":
                assert facts.rbac is not None, item["id"]
                assert facts.rbac.wildcards, item["id"]
            else:
                assert facts.pods is not None, item["id"]
                assert MARKERS[marker](facts.pods), (item["id"], marker)
    assert len(seen) > 5
    assert sum(seen.values()) > 100


def test_manifests_that_take_the_node_are_refused_and_ordinary_ones_are_not(corpora: Path, cluster: Program) -> None:
    denied: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    for item in items(corpora, "k8s-manifests"):
        label = (
            item["label"] if item["risk_markers"] or item["label"] == "benign-example" else f"{item['label']} unmarked"
        )
        decision = decide(cluster, "kubernetes", sent(item["object"]), "staging")
        all_of[label] += 1
        if decision.verdict is Verdict.DENY:
            denied[label] += 1
        elif item["risk_markers"]:
            assert item["risk_markers"] == ["wildcard-rbac"], item["id"]
    assert denied["attack-manifest"] == all_of["attack-manifest"] > 60
    # The examples that are refused are privileged or mount the node: agents that watch nodes.
    assert denied["benign-example"] <= 0.05 * all_of["benign-example"], denied


def test_documented_accidents_are_stopped_and_their_twins_are_not(corpora: Path, cluster: Program) -> None:
    for item in items(corpora, "agent-incidents"):
        if item["protocol"] == "k8s":
            verdict = decide(cluster, "kubernetes", item["command"].encode(), "prod").verdict
            assert verdict.value in {item["expect"], *item["also_acceptable"]}, item["command"]


HOSTILE = (
    *(
        "//api/v1/pods",
        "/api//v1/pods",
        "/api/v1/pods/",
        "/api/v1/namespaces/a/../b/pods",
        "/api/v1/%70ods",
        "/api/v1/pods%2Fx",
    ),
    *(
        "/api/v1/namespaces/%2e%2e/pods",
        "/api/v1/pods;x=1",
        "/API/v1/pods",
        "/api/v1/Pods",
        "/apis//v1/pods",
        "/api/v1/./pods",
    ),
    *(
        "/api/v1/pods%00",
        "/api/v1/namespaces/a%2Fpods",
        "/api/v1/pods\\x",
        "/api/v1/pods%20/",
        "/api/v1/watch",
        "/api/v1/pods/a/b/c/d",
    ),
)


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_requests_that_are_not_canonical_are_refused(cluster: Program, path: str, method: str) -> None:
    raw = raw_request(method, path)
    command = parse_command("kubernetes", raw).command
    assert [operation.kind for operation in command.operations] == ["unknown"]
    assert decide(cluster, "kubernetes", raw, "staging").verdict is Verdict.DENY
