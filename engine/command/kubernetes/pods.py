"""What the pods of an object may do. Every pod specification counts, wherever it stands: a template in a Deployment, a
CronJob or a kind nobody knows, an init or ephemeral container, a probe, a hook, a fragment in a patch.

So facts are found by the name and form of a field, not by its place; a field that only describes (a schema in a custom
resource definition) has another form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.command.documents.values import Value, is_true, members, texts
from engine.command.kubernetes.tree import PodFacts

MAX_LISTED = 64
"""Entries of one list of facts; more are not listed, and `full` says so."""
MAX_TEXT = 2000

_HOSTS = {"hostNetwork": "network", "hostPID": "pid", "hostIPC": "ipc"}
_ACCOUNTS = ("serviceAccountName", "serviceAccount")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_HOSTNAME = "kubernetes.io/hostname"
_BINDING = frozenset({"apiVersion", "kind", "metadata", "target"})
"""What a binding has, which puts a pod onto a node; its kind may be left out."""
_SELINUX_TYPES = ("", None, "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SAFE_SYSCTLS = ("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
                 "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start")  # fmt: skip


@dataclass(slots=True)
class _Found:
    flags: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


def pod_facts(document: Value) -> PodFacts | None:
    """The facts of every pod specification in a document; None when it has nothing of one."""
    found = _Found()
    for key, value, around in members(document):
        _look(found, key, value, around)
    if isinstance(document, dict) and document.keys() <= _BINDING:
        target = document.get("target")
        found.nodes.extend(texts(target.get("name")) if isinstance(target, dict) else ())
    facts = PodFacts(
        privileged="privileged" in found.flags,
        host_network="network" in found.flags,
        host_pid="pid" in found.flags,
        host_ipc="ipc" in found.flags,
        host_paths=_listed(found.paths),
        host_ports=tuple(sorted(set(found.ports)))[:MAX_LISTED],
        capabilities=_listed(found.capabilities),
        escalation="escalation" in found.flags,
        unconfined="unconfined" in found.flags,
        run_as_root="root" in found.flags,
        images=_listed(found.images),
        commands=tuple(dict.fromkeys(found.commands))[:MAX_LISTED],
        service_accounts=_listed(found.accounts),
        node_names=_listed(found.nodes),
        secrets=_listed(found.secrets),
    )
    return None if facts == PodFacts() else facts


def _look(found: _Found, key: str, value: Value, around: dict[str, Value]) -> None:
    match key:
        case "securityContext" | "windowsOptions" | "spec" | "containers":
            return
        case "privileged" | "hostProcess" if _is_scalar(value) and is_true(value):
            found.flags.add("privileged" if key == "privileged" else "unconfined")
        case "hostNetwork" | "hostPID" | "hostIPC" if _is_scalar(value) and is_true(value):
            found.flags.add(_HOSTS[key])
        case "hostPath" if isinstance(value, dict):
            found.paths.extend(texts(value.get("path")))
        case "hostPort" if isinstance(value, int) and not isinstance(value, bool) and value:
            found.ports.append(value)
        case "capabilities" if isinstance(value, dict):
            found.capabilities.extend(name.upper().removeprefix("CAP_") for name in texts(value.get("add")))
        case "allowPrivilegeEscalation" if _is_scalar(value) and is_true(value):
            found.flags.add("escalation")
        case "runAsUser" | "runAsGroup" if value == 0 and not isinstance(value, bool):
            found.flags.add("root")
        case "runAsUserName" if isinstance(value, str) and "administrator" in value.lower():
            found.flags.add("root")
        case "runAsNonRoot" if _is_scalar(value) and value is not None and not is_true(value):
            found.flags.add("root")
        case _:
            _look_further(found, key, value, around)


def _look_further(found: _Found, key: str, value: Value, around: dict[str, Value]) -> None:
    match key:
        case "seLinuxOptions" if isinstance(value, dict):
            if value.get("type", "") not in _SELINUX_TYPES or value.get("user") or value.get("role"):
                found.flags.add("unconfined")
        case "procMount" if value == "Unmasked":
            found.flags.add("unconfined")
        case "seccompProfile" | "appArmorProfile" if isinstance(value, dict) and value.get("type") == "Unconfined":
            found.flags.add("unconfined")
        case "sysctls" if isinstance(value, list):
            if any(isinstance(one, dict) and one.get("name") not in _SAFE_SYSCTLS for one in value):
                found.flags.add("unconfined")
        case "image":
            # A volume of an image says it by `reference`.
            found.images.extend(texts(value.get("reference") if isinstance(value, dict) else value))
        case "command" | "args" if isinstance(value, list):
            # One argv of both; it is met twice and listed once.
            argv = texts(around.get("command")) + texts(around.get("args"))
            if argv:
                found.commands.append(tuple(word[:MAX_TEXT] for word in argv[:MAX_LISTED]))
        case "serviceAccountName" | "serviceAccount" if isinstance(value, str) and value:
            found.accounts.append(value)
        case "nodeName" if isinstance(value, str) and value:
            found.nodes.append(value)
        case "nodeSelector" if isinstance(value, dict):
            found.nodes.extend(texts(value.get(_HOSTNAME)))
        case "values" if around.get("key") in ("metadata.name", _HOSTNAME) and around.get("operator") == "In":
            found.nodes.extend(texts(value))
        case "nodeSelectorTerms" if isinstance(value, list):
            found.nodes.extend(name for term in value for name in _fragments(term))
        case "preference" if isinstance(value, dict):
            found.nodes.extend(_fragments(value))
        case "local" if isinstance(value, dict):
            found.paths.extend(texts(value.get("path")))
        case "secretKeyRef" | "secretRef" if isinstance(value, dict):
            found.secrets.extend(texts(value.get("name")))
        case "secret" if isinstance(value, dict):
            found.secrets.extend(texts(value.get("secretName")) or texts(value.get("name")))
        case _ if key.startswith(_APPARMOR) and value == "unconfined":
            found.flags.add("unconfined")


def _fragments(term: Value) -> Iterator[str]:
    """Nodes of a term of node affinity of which a patch changes only a part: `?` where the part names none."""
    for name in ("matchExpressions", "matchFields"):
        wanted = term.get(name) if isinstance(term, dict) else None
        for one in wanted if isinstance(wanted, list) else []:
            if not isinstance(one, dict) or {"key", "operator"} <= one.keys() or not one:
                continue
            if one.get("key", _HOSTNAME) in ("metadata.name", _HOSTNAME) and one.get("operator", "In") == "In":
                yield from texts(one.get("values")) or ("?",)


def _is_scalar(value: Value) -> bool:
    return not isinstance(value, dict | list)


def _listed(items: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item[:MAX_TEXT] for item in items))[:MAX_LISTED]


def argv_of(facts: PodFacts) -> Iterator[tuple[str, ...]]:
    """Every argv that the pods of a body run when they start, are probed or end."""
    yield from facts.commands
