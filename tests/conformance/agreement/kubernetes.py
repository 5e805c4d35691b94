"""Kubernetes: kubectl lines by their verb, manifests by their marked risks, paths that the API server would clean or decode."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from engine import Verdict
from engine.command.kubernetes.resources import resource_of_kind
from engine.command.kubernetes.tree import PodFacts
from engine.command.parse import parse_command
from engine.command.tree import Command, Effect
from tests.conformance.agreement.paths import climbs, escaped, given_as_path
from tests.conformance.agreement.tally import Tally
from tests.conformance.corpus import decide, items, program
from tests.web_requests import raw_request

R, W, C, D, X, G, S = (
    *(Effect.READ, Effect.WRITE, Effect.CREATE, Effect.DELETE, Effect.EXECUTE, Effect.GRANT, Effect.SESSION),
)
EFFECTS: Mapping[str, set[Effect]] = {
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
CHANGING = frozenset(
    {
        *("delete", "exec", "cp", "attach", "port-forward", "scale"),
        *("patch", "replace", "drain", "edit", "debug", "proxy"),
    }
)
MARKERS: Mapping[str, Callable[[PodFacts], object]] = {
    "privileged": lambda facts: facts.privileged,
    "hostPID": lambda facts: facts.host_pid,
    "hostNetwork": lambda facts: facts.host_network,
    "hostIPC": lambda facts: facts.host_ipc,
    "hostPath": lambda facts: facts.host_paths,
    "docker.sock": lambda facts: any("docker.sock" in path for path in facts.host_paths),
}
UNREAD = {
    "plugin": "prose, or a plugin, which would be a program of its own: never complete",
    "placeholder": "a template with a hole in it: never complete",
    "missing_value": "prose, or cut off before it names an object: never complete",
    "interactive_shell": "what is typed into the shell it opens is not in the line: never complete",
    "dynamic_command": "the shell computes what runs: never complete",
    "noncanonical_path": "a path with a hole in it, which no API server takes: never complete",
    "json_syntax": "JSON with dots for what was left out: never complete",
    "opaque_code": "the shell computes what runs: never complete",
    None: "a word that a shell would compute stands where the object does: never complete",
}
HOSTILE = (
    *("//api/v1/pods", "/api//v1/pods", "/api/v1/pods/", "/api/v1/namespaces/a/../b/pods", "/api/v1/%70ods"),
    *("/api/v1/pods%2Fx", "/api/v1/namespaces/%2e%2e/pods", "/api/v1/pods;x=1", "/API/v1/pods", "/api/v1/Pods"),
    *("/apis//v1/pods", "/api/v1/./pods", "/api/v1/pods%00", "/api/v1/namespaces/a%2Fpods", "/api/v1/pods\\x"),
    *("/api/v1/pods%20/", "/api/v1/watch", "/api/v1/pods/a/b/c/d"),
)
GO_KEEPS = "/$&+,:;=@*!'()"
"""Signs that the escaper of the API server's language leaves alone in a path."""
STRICTER = "refused all the same: a sign or an escape that no group, resource or name has"
METHODS = ("GET", "POST", "DELETE")


def is_read(command: Command) -> bool:
    """Whether a line is one that kubectl would take, and not prose."""
    return not {problem.code for problem in command.problems} & {"plugin", "missing_value"} and all(
        operation.kind != "unknown" for operation in command.operations
    )


def kubectl_lines(corpora: Path) -> Tally:
    """Does the first operation of a line have an effect that its verb has?"""
    tally = Tally("k8s-kubectl", "the effect of a kubectl line is that of its verb")
    for item in items(corpora, "k8s-kubectl"):
        command = parse_command("kubernetes", item["command"]).command
        if not is_read(command):
            codes = [problem.code for problem in command.problems if problem.code in UNREAD]
            tally.compare(False, None if command.complete else UNREAD[codes[0] if codes else None], item["command"])
            continue
        own = [one for one in command.operations if one.kind != "impersonate"]
        agrees = own[0].effect in EFFECTS[item["verb"]]
        tally.compare(agrees, why_other(item["verb"], item["command"], command), item["command"])
    return tally


def why_other(verb: str, text: str, command: Command) -> str | None:
    """Why the effect is not that of the verb the corpus names."""
    words = [word for word in text.split() if not word.startswith("-")]
    if words[1:2] != [verb]:
        return "the corpus takes a later word for the verb: a wait for a deletion, the kind of dry run, prose"
    if "--list" in text.split():
        return "an option makes it read (`--list`)"
    if any(one.kubernetes is None for one in command.operations) and not command.complete:
        return "another program of the line comes first: never complete"
    return None


def in_a_shell(corpora: Path) -> Tally:
    """Does a kubectl line make the same requests as a line of a shell as it makes by itself?"""
    tally = Tally("k8s-kubectl", "the requests of a kubectl line are the same in a shell")
    for item in items(corpora, "k8s-kubectl"):
        alone, line = (parse_command(protocol, item["command"]).command for protocol in ("kubernetes", "shell"))
        ours, its = (
            sorted(repr(one.kubernetes) for one in tree.operations if one.kubernetes) for tree in (line, alone)
        )
        braces = re.search(r"\{[\w-]+\}", item["command"]) is not None and not alone.complete
        cause = (
            "a word in braces is what it says to bash, and computed to the splitter of single lines: not complete there"
        )
        tally.compare(ours == its, cause if braces else None, item["command"])
    return tally


def called_reading(corpora: Path) -> list[str]:
    """Lines with a verb that changes something, complete, and nothing but read."""
    return [
        item["command"]
        for item in items(corpora, "k8s-kubectl")
        if item["verb"] in CHANGING
        for command in [parse_command("kubernetes", item["command"]).command]
        if command.complete and all(operation.effect is R for operation in command.operations)
    ]


def sent(document: dict[str, Any]) -> bytes:
    """A manifest as kubectl would send it to make the object."""
    resource = resource_of_kind(document.get("kind", "Thing"), document.get("apiVersion"))
    version = document.get("apiVersion", "v1")
    prefix = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    place = "" if resource.namespaced is False else "/namespaces/web"
    return raw_request(
        "POST", f"{prefix}{place}/{resource.plural}", {"Content-Type": "application/json"}, json.dumps(document)
    )


def manifests(corpora: Path) -> Tally:
    """Is every risk that a manifest is marked with among the facts of its body?"""
    tally = Tally("k8s-manifests", "each risk a manifest is marked with is among its facts")
    for item in items(corpora, "k8s-manifests"):
        (operation,) = parse_command("kubernetes", sent(item["object"])).command.operations
        facts = operation.kubernetes
        for marker in item["risk_markers"]:
            if facts is None:
                is_seen = False
            elif marker == "wildcard-rbac":
                is_seen = facts.rbac is not None and bool(facts.rbac.wildcards)
            else:
                is_seen = facts.pods is not None and bool(MARKERS[marker](facts.pods))
            tally.compare(is_seen, None, f"{item['id']} {marker}")
    return tally


def manifest_verdicts(corpora: Path) -> Tally:
    """Under `policies/examples/kubernetes`: manifests of attacks that take the node are denied, examples are not."""
    tally = Tally(
        "k8s-manifests", "under `policies/examples/kubernetes` attacks on the node are denied, examples are not"
    )
    cluster = program("kubernetes")
    for item in items(corpora, "k8s-manifests"):
        marked, label = item["risk_markers"], item["label"]
        is_denied = decide(cluster, "kubernetes", sent(item["object"]), "staging").verdict is Verdict.DENY
        if label == "attack-manifest" and marked:
            tally.demand(is_denied, item["id"])
        elif label == "benign-example":
            node = "it is privileged or mounts the node: an agent that watches nodes" if marked else None
            tally.compare(not is_denied, node, item["id"])
    return tally


def noncanonical() -> Tally:
    """Our own list: paths that a server could clean, decode or fold, with each method."""
    tally = Tally("(18 paths of ours)", "a path that is not canonical is refused, whatever the method")
    cluster = program("kubernetes")
    for path in HOSTILE:
        for method in METHODS:
            tally.demand(is_refused(raw_request(method, path)), path)
            verdict = decide(cluster, "kubernetes", raw_request(method, path), "staging").verdict
            tally.compare(verdict is Verdict.DENY, None, path)
    return tally


def is_refused(raw: bytes) -> bool:
    """Whether nothing in a request is known, which no rule of the library grants."""
    return [one.kind for one in parse_command("kubernetes", raw).command.operations] == ["unknown"]


def traversals(corpora: Path) -> Tally:
    """Lists of traversals and of path bypasses, below a path of the API server.

    Canonical, said without our reader: what decoding does not change and what cleaning does not change.
    """
    tally = Tally("http-paths-urls", "traversals and path bypasses below a path of the API server are refused")
    for path in _below(corpora):
        refused = is_refused(raw_request("GET", path))
        if is_canonical(path):
            code = parse_command("kubernetes", raw_request("GET", path)).command.problems[:1]
            tally.compare(not refused, STRICTER if code and code[0].code == "noncanonical_path" else None, path)
        else:
            tally.demand(refused, path)
    return tally


def is_canonical(path: str) -> bool:
    """Whether cleaning and decoding would leave a path as it is, and no server takes a sign in it for a separator."""
    plain = path.partition("?")[0]
    return posixpath.normpath(plain) == plain and quote(unquote(plain), safe=GO_KEEPS) == plain and not climbs(path)


def _below(corpora: Path) -> Iterator[str]:
    for label, given in given_as_path(corpora):
        if label.endswith("midpaths"):
            yield escaped(f"/api/v1/{given}pods")
        elif label.endswith("endpaths"):
            yield escaped(f"/api/v1/pods{given}")
        else:
            yield escaped("/api/v1/namespaces/web/pods/" + given.lstrip("/"))


def rows(corpora: Path) -> list[Tally]:
    return [
        kubectl_lines(corpora),
        in_a_shell(corpora),
        manifests(corpora),
        manifest_verdicts(corpora),
        traversals(corpora),
        noncanonical(),
    ]
