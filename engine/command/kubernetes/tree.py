"""What is particular to Kubernetes in a command tree. Data only; `engine/command/tree.py` holds it, policies read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the pods of a body may do, all its pod templates taken together, whatever kind carries them.

    `commands`: the argv of containers (command and args), probes and hooks. `secrets`: names of secrets that are mounted
    or read into variables. `run_as_root`: user 0, or non-root switched off. `unconfined`: seccomp, AppArmor or procMount
    switched off, an SELinux user, role or type that is no container's, host processes of Windows, unsafe sysctls. `node_names`: by
    name, by the label of its name, or by a binding.
    """

    privileged: bool = False
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    host_paths: tuple[str, ...] = ()
    host_ports: tuple[int, ...] = ()
    capabilities: tuple[str, ...] = ()
    escalation: bool = False
    unconfined: bool = False
    run_as_root: bool = False
    images: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    service_accounts: tuple[str, ...] = ()
    node_names: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RbacFacts:
    """What a role or binding of a body gives.

    `wildcards`: which of `verbs`, `resources`, `groups`, `urls` have a `*`. `strong_verbs`: escalate, bind, impersonate,
    approve, sign, and what runs code (`pods/exec` ...) stands in `resources`. `role` is what a binding refers to,
    `subjects` are `kind:name`.
    """

    verbs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    wildcards: tuple[str, ...] = ()
    strong_verbs: tuple[str, ...] = ()
    role: str | None = None
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """One request to the API server, named as its own request-info names it.

    `path` is the path of a request that is about no resource. `group` is empty for the core group and None where nobody can
    say. `argv` is None where nothing is run; its items are None where they are no literal. `is_all`: every object of the
    kind is meant, no name or selector narrows it down (one that only leaves objects out, or names their namespace, does not).
    `dry_run` only where the server would listen to that. `body_kind` is the kind of object in the body.
    """

    verb: str
    group: str | None = None
    version: str | None = None
    resource: str | None = None
    subresource: str | None = None
    namespace: str | None = None
    all_namespaces: bool = False
    name: str | None = None
    path: str | None = None
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    selector: str | None = None
    is_all: bool = False
    container: str | None = None
    argv: tuple[str | None, ...] | None = None
    stdin: bool = False
    tty: bool = False
    dry_run: bool = False
    force: bool = False
    replicas: int | None = None
    body_kind: str | None = None
    pods: PodFacts | None = None
    rbac: RbacFacts | None = None
