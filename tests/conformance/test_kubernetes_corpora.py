"""Kubernetes commands against cases from outside: kubectl lines by verb, manifests by what they would do, documented accidents.

What is computed stands in `tests/conformance/agreement/kubernetes.py`, whose tables are `docs/measured/agreement.md`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import Program, Verdict
from engine.command.kubernetes.kinds import KIND_NAMES
from engine.command.parse import parse_command
from engine.command.shell.kinds import KIND_NAMES as SHELL_KINDS
from tests.conformance.agreement import kubernetes
from tests.conformance.agreement.kubernetes import HOSTILE, METHODS
from tests.conformance.corpus import decide, items, program
from tests.web_requests import raw_request


@pytest.fixture(scope="module")
def cluster() -> Program:
    return program("kubernetes")


def test_kubectl_lines_do_what_their_verb_says(corpora: Path) -> None:
    found = kubernetes.kubectl_lines(corpora)
    assert found.unexplained == []
    # Prose, templates and commands cut off are the rest.
    assert found.agree > 0.93 * found.cases


def test_kubectl_lines_ask_the_same_in_a_shell(corpora: Path) -> None:
    found = kubernetes.in_a_shell(corpora)
    assert found.unexplained == []
    assert found.agree > 0.99 * found.cases


def test_kinds_of_kubectl_lines_are_published(corpora: Path) -> None:
    for item in items(corpora, "k8s-kubectl"):
        command = parse_command("kubernetes", item["command"]).command
        assert {operation.kind for operation in command.operations} <= KIND_NAMES | SHELL_KINDS | {"unknown"}


def test_no_kubectl_line_that_changes_something_is_called_reading(corpora: Path) -> None:
    called_read = kubernetes.called_reading(corpora)
    # The first is a wait for a deletion; the others ask for help or set nothing.
    assert len(called_read) <= 3, called_read


def test_every_risk_that_a_manifest_is_marked_with_is_seen(corpora: Path) -> None:
    found = kubernetes.manifests(corpora)
    assert found.unexplained == []
    assert found.agree > 100


def test_manifests_that_take_the_node_are_refused_and_ordinary_ones_are_not(corpora: Path) -> None:
    found = kubernetes.manifest_verdicts(corpora)
    assert found.passed == []
    assert found.unexplained == []
    assert found.must_refuse > 60
    assert found.explained.total() <= 0.05 * found.cases


def test_documented_accidents_are_stopped_and_their_twins_are_not(corpora: Path, cluster: Program) -> None:
    for item in items(corpora, "agent-incidents"):
        if item["protocol"] == "k8s":
            verdict = decide(cluster, "kubernetes", item["command"].encode(), "prod").verdict
            assert verdict.value in {item["expect"], *item["also_acceptable"]}, item["command"]


def test_hostile_paths_from_lists_are_refused_below_a_path_of_the_api_server(corpora: Path) -> None:
    found = kubernetes.traversals(corpora)
    assert found.passed == []
    assert found.unexplained == []
    assert found.must_refuse > 1500


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("method", METHODS)
def test_requests_that_are_not_canonical_are_refused(cluster: Program, path: str, method: str) -> None:
    raw = raw_request(method, path)
    assert kubernetes.is_refused(raw)
    assert decide(cluster, "kubernetes", raw, "staging").verdict is Verdict.DENY
