"""A cluster: a real API server with one node, where `tools/kube/build.sh` of the project's tools was run before. Started, filled, stopped."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from engine.decision import Verdict
from gateway.demo.cluster import free_port
from gateway.demo.parts.part import Absent, Act, Found, Ground, Part
from gateway.demo.sample import sample_rows
from gateway.demo.scenes import DEVELOPER, GROUPS, READER, Scene

NAME = "A Kubernetes cluster"
START_SECONDS = 180.0
SPACE = "shop"


@dataclass(frozen=True, slots=True)
class Tools:
    """The scripts that start and stop a cluster, and the kubectl that was built with it."""

    scripts: Path
    kubectl: Path


def find_tools(checkout: Path, environment: Mapping[str, str]) -> Tools | str:
    """Where they are, or why there are none."""
    named = environment.get("SALLYPORT_TOOLS")
    scripts = (Path(named) if named else checkout.parent / "shared" / "tools") / "kube"
    if not (scripts / "start.sh").is_file():
        return "no tools for clusters found (SALLYPORT_TOOLS names their folder)"
    home = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/")) / ".cache")
    cache = Path(environment.get("SALLYPORT_TOOLS_CACHE") or Path(home) / "sallyport-tools") / "kube"
    if not (cache / ".built").is_file():
        return f"it is not built; `{scripts / 'build.sh'}` does, in a quarter of an hour"
    return Tools(scripts, cache / "kubectl")


def pods(stack: ExitStack, ground: Ground) -> Found:
    """Start it, where it was built."""
    tools = find_tools(ground.checkout, ground.environment)
    if isinstance(tools, str):
        return Absent(NAME, tools)
    run = ground.folder / "cluster"
    stack.callback(_script, tools.scripts / "stop.sh", run)
    started = _script(tools.scripts / "start.sh", run, *(str(free_port()) for _ in range(3)))
    if started is not None:
        return Absent(NAME, f"it does not start: {started}")
    why = _filled(tools, run)
    if why is not None:
        return Absent(NAME, f"it does not come up: {why}")
    address, listening = (run / "address").read_text().strip().removeprefix("https://"), free_port()
    for who, token in ground.tokens.items():
        (ground.folder / f"{who}.kubeconfig").write_text(json.dumps(_kubeconfig(ground.authority, listening, token)))
    return Part(NAME, _configuration(ground, run, address, listening), {}, _acts(tools, ground.folder, run))


def _script(script: Path, *words: Path | str) -> str | None:
    """Run a script of the tools; its last words, if it fails."""
    try:
        done = subprocess.run(
            [str(script), *map(str, words)], capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "it takes too long"
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it says nothing"])[-1]


def _admin(tools: Tools, run: Path, *words: str, data: object = None) -> subprocess.CompletedProcess[str]:
    """kubectl with every right, past the gateway."""
    return subprocess.run(
        [str(tools.kubectl), "--kubeconfig", str(run / "admin.kubeconfig"), "-n", SPACE, *words],
        input=None if data is None else json.dumps(data),
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _filled(tools: Tools, run: Path) -> str | None:
    """Make a namespace with a pod and a secret, and the rights of the gateway and of people; why that cannot be done."""
    for words in (("create", "namespace", SPACE), ("create", "serviceaccount", "default")):
        made = _admin(tools, run, *words)
        if made.returncode != 0:
            return made.stderr.strip()
    made = _admin(tools, run, "apply", "-f", "-", data={"apiVersion": "v1", "kind": "List", "items": _objects()})
    if made.returncode != 0:
        return made.stderr.strip()
    deadline = time.monotonic() + START_SECONDS
    while "Running" not in _admin(tools, run, "get", "pod", "web").stdout:
        if time.monotonic() > deadline:
            return "the pod does not run"
        time.sleep(0.2)
    return None


def _objects() -> list[dict[str, object]]:
    rbac = "rbac.authorization.k8s.io"

    def bound(name: str, role: str, subjects: list[tuple[str, str]]) -> dict[str, object]:
        return {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": rbac, "kind": kind, "name": who} for kind, who in subjects],
        }

    rule = {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}
    groups = sorted({group for who in (READER, DEVELOPER) for group in GROUPS[who]})
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "impersonator"}, "rules": [rule]},
        bound("gateway", "impersonator", [("User", "sallyport-gateway")]),
        bound("people", "cluster-admin", [("Group", group) for group in groups]),
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {"nodeName": "node1", "containers": [{"name": "main", "image": "none"}]},
        },
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cards"}, "data": {"first": _number()}},
    ]


def _number() -> str:
    """The first card number, as a secret has it."""
    return base64.b64encode(str(sample_rows()[2].rows[0][2]).encode()).decode()


def _kubeconfig(authority: Path, port: int, token: Path) -> dict[str, object]:
    data = base64.b64encode(authority.read_bytes()).decode()
    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": data}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pods", "cluster": server}],
        "users": [{"name": "me", "user": {"tokenFile": str(token)}}],
        "contexts": [{"name": "pods", "context": {"cluster": "pods", "user": "me", "namespace": SPACE}}],
        "current-context": "pods",
    }


def _configuration(ground: Ground, run: Path, address: str, listening: int) -> str:
    return f"""
[[resource]]
name = "pods"
protocol = "kubernetes"
address = "{address}"
credential = "file:{run}/gateway.key"
certificate = "{run}/gateway.crt"
labels = {{ environment = "demo" }}

[resource.tls]
ca_file = "{run}/ca.crt"

[[listener]]
protocol = "kubernetes"
bind = "127.0.0.1:{listening}"
resource = "pods"

[listener.tls]
certificate = "{ground.authority}"
key = "{ground.key}"
"""


def _acts(tools: Tools, folder: Path, run: Path) -> tuple[Act, ...]:
    def line(who: str, *words: str) -> tuple[str, ...]:
        return (str(tools.kubectl), "--kubeconfig", str(folder / f"{who}.kubeconfig"), *words)

    def is_gone() -> bool:
        return _admin(tools, run, "get", "pod", "web").returncode != 0 or _is_ending(tools, run)

    hidden = base64.b64encode(b"[redacted]").decode()
    return (
        Act(Scene(Verdict.ALLOW, READER, "", "the pod", 0, (r"^web ",), argv=line(READER, "get", "pods"))),
        Act(
            Scene(
                *(Verdict.MASK, READER, "", "a secret without its value", 0, (rf"^  first: {hidden}$",)),
                forbidden=(_number(),),
                argv=line(READER, "get", "secret", "cards", "-o", "yaml"),
            )
        ),
        Act(
            Scene(
                *(Verdict.DENY, READER, "", "an error that names the rule; the pod still there", 1),
                stderr=(r"nothing is deleted here", r"DELETES"),
                argv=line(READER, "delete", "pod", "web", "--wait=false"),
            ),
            is_gone,
        ),
        Act(
            Scene(
                *(Verdict.HOLD, DEVELOPER, "", "a ticket; the file is made once it is approved", 0),
                stderr=(r"waiting for an approval",),
                argv=line(DEVELOPER, "exec", "web", "--", "touch", "note.txt"),
            ),
            lambda: any(run.rglob("note.txt")),
        ),
    )


def _is_ending(tools: Tools, run: Path) -> bool:
    said = _admin(tools, run, "get", "pod", "web", "-o", "jsonpath={.metadata.deletionTimestamp}").stdout
    return said not in ("", os.linesep)
