"""The cluster: where its tools are, what it is asked for, and what is said where there is none. A real one: tests/e2e/test_demo.py."""

from __future__ import annotations

import json
import tomllib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.decision import Verdict
from gateway.demo.parts.part import Absent, Ground, Part
from gateway.demo.parts.pods import Tools, find_tools, pods

KUBECTL = """\
#!/bin/sh
echo "$@" >>"$(dirname "$0")/asked"
case "$*" in
*"get pod web"*) echo "web Running" ;;
esac
"""
START = """\
#!/bin/sh
mkdir -p "$1"
echo "https://127.0.0.1:16443" >"$1/address"
"""


@pytest.fixture
def built(tmp_path: Path) -> dict[str, str]:
    scripts, cache = tmp_path / "tools" / "kube", tmp_path / "cache" / "kube"
    scripts.mkdir(parents=True)
    cache.mkdir(parents=True)
    for path, text in (
        (scripts / "start.sh", START),
        (scripts / "stop.sh", '#!/bin/sh\necho stopped >"$1/stopped"\n'),
        (scripts / "build.sh", ""),
        (cache / "kubectl", KUBECTL),
    ):
        path.write_text(text)
        path.chmod(0o755)
    (cache / ".built").write_text("")
    return {"SALLYPORT_TOOLS": str(tmp_path / "tools"), "SALLYPORT_TOOLS_CACHE": str(tmp_path / "cache")}


def test_tools_are_found_where_the_environment_says_or_beside_the_checkout(
    built: dict[str, str], tmp_path: Path
) -> None:
    found = find_tools(tmp_path, built)
    assert found == Tools(tmp_path / "tools" / "kube", tmp_path / "cache" / "kube" / "kubectl")
    assert "no tools" in str(find_tools(tmp_path / "elsewhere", {}))
    (tmp_path / "cache" / "kube" / ".built").unlink()
    assert "build.sh" in str(find_tools(tmp_path, built))


def test_it_is_filled_configured_and_stopped(built: dict[str, str], ground: Ground) -> None:
    with ExitStack() as stack:
        part = pods(stack, replace(ground, environment=built))
        assert isinstance(part, Part), part
        assert not (ground.folder / "cluster" / "stopped").exists()
    assert (ground.folder / "cluster" / "stopped").exists()
    read = tomllib.loads(part.configuration)
    assert read["resource"][0]["address"] == "127.0.0.1:16443"
    config = json.loads((ground.folder / "ana.kubeconfig").read_text())
    assert config["users"][0]["user"] == {"tokenFile": str(ground.tokens["ana"])}
    assert sorted(act.scene.verdict for act in part.acts) == sorted(Verdict)
    asked = (ground.folder.parent / ground.folder.name / "cache" / "kube" / "asked").read_text()
    assert "create namespace shop" in asked
    assert "apply -f -" in asked
    (held,) = [act for act in part.acts if act.scene.verdict is Verdict.HOLD]
    assert held.happened is not None
    assert not held.happened()
    (ground.folder / "cluster" / "note.txt").write_text("")
    assert held.happened()
    (denied,) = [act for act in part.acts if act.scene.verdict is Verdict.DENY]
    assert denied.happened is not None
    assert denied.happened(), "this kubectl says something where nothing is expected: a pod that is ending"


def test_what_does_not_come_up_is_named(built: dict[str, str], ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "cache" / "kube" / "kubectl").write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    with ExitStack() as stack:
        found = pods(stack, replace(ground, environment=built))
    assert found == Absent("A Kubernetes cluster", "it does not come up: no such thing")
    (tmp_path / "tools" / "kube" / "start.sh").write_text("#!/bin/sh\necho port taken >&2\nexit 1\n")
    with ExitStack() as stack:
        found = pods(stack, replace(ground, environment=built))
    assert found == Absent("A Kubernetes cluster", "it does not start: port taken")
