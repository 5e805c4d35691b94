"""Commands of kubectl that run something in a container, reach into it, or start one."""

from __future__ import annotations

from engine.command.documents.values import Value
from engine.command.kubernetes.inside import inside_container
from engine.command.kubernetes.kubectl_scene import Scene, merged
from engine.command.kubernetes.pods import pod_facts
from engine.command.kubernetes.resources import Resource, resource_named
from engine.command.kubernetes.tree import Kubernetes, PodFacts
from engine.command.tree import Access, Operation, Target

_PODS = resource_named("pods")
_PROFILES = {"general": ("SYS_PTRACE",), "netadmin": ("NET_ADMIN", "NET_RAW")}
"""Capabilities that a profile of `debug` adds, where it adds some; `general` is the usual one."""


def _pod(scene: Scene, word: str | None) -> tuple[Resource, str | None]:
    """POD, or TYPE/NAME of something that has pods."""
    if word is not None and "/" in word:
        kind, _, name = word.partition("/")
        return scene.resource(kind), name or None
    return _PODS, scene.name(word)


def _facts(scene: Scene, verb: str, subresource: str, word: str | None) -> Kubernetes:
    resource, name = _pod(scene, word)
    return Kubernetes(
        verb,
        resource.group,
        resource=resource.plural,
        subresource=subresource,
        name=name,
        container=scene.words.value("container"),
        stdin=scene.words.has("stdin"),
        tty=scene.words.has("tty"),
    )


def execute(scene: Scene) -> None:
    """`exec POD -- COMMAND`; also `oc rsh`, and the form without dashes that older clients took."""
    words = scene.words
    given = list(words.positional)
    pod = None if words.values("filename") else (given.pop(0) if given else None)
    argv = [*given, *(words.after_dashes or [])]
    if words.verb == "rsh" and not argv:
        argv = ["/bin/sh"]
    facts = _facts(scene, "create", "exec", pod)
    from_file = bool(words.values("filename"))
    if from_file:
        scene.line.unseen("unseen_body")
    scene.add(_with_argv(facts, argv), "exec")
    inside(scene, argv, stdin=facts.stdin)


def _with_argv(facts: Kubernetes, argv: list[str | None]) -> Kubernetes:
    return Kubernetes(
        facts.verb,
        facts.group,
        resource=facts.resource,
        subresource=facts.subresource,
        name=facts.name,
        container=facts.container,
        argv=tuple(argv),
        stdin=facts.stdin,
        tty=facts.tty,
    )


def inside(scene: Scene, argv: list[str | None], *, stdin: bool) -> None:
    """What a container is told to run, as operations of the line."""
    found = inside_container(argv, ("top", "exec"), scene.shell, stdin=stdin)
    scene.line.operations.extend(found.operations)
    scene.line.features |= found.features
    scene.line.is_complete &= found.is_complete
    if not argv:
        scene.line.problem("missing_command", "exec has no command")


def attach(scene: Scene) -> None:
    facts = _facts(scene, "create", "attach", scene.words.positional[0] if scene.words.positional else None)
    scene.add(facts, "attach")
    if facts.stdin:
        scene.line.unseen("shell_text")


def logs(scene: Scene) -> None:
    """`logs`: of a pod, of pods by selector, of what has pods."""
    word = scene.words.positional[0] if scene.words.positional else None
    if word is None and scene.words.options.get("selector"):
        facts = Kubernetes("get", "", resource="pods", subresource="log", selector=scene.words.value("selector"))
    else:
        facts = _facts(scene, "get", "log", word)
    scene.add(facts, "logs")


def port_forward(scene: Scene) -> None:
    word = scene.words.positional[0] if scene.words.positional else None
    facts = _facts(scene, "create", "portforward", word)
    ports = tuple(port or "?" for port in scene.words.positional[1:])
    operation = scene.add(facts, "port_forward")
    scene.line.features.add("opaque_connection")
    remote = tuple(Target("port", port.rpartition(":")[2], Access.EXECUTE) for port in ports)
    scene.line.operations[-1] = Operation(
        operation.kind, operation.effect, operation.via, (*operation.targets, *remote), kubernetes=operation.kubernetes
    )


def proxy(scene: Scene) -> None:
    scene.line.features.add("opaque_connection")
    scene.client("api_proxy", "proxy")


def copy(scene: Scene) -> None:
    """`cp SOURCE TARGET`: runs tar in the container, so it is an exec, with the files on both sides."""
    places = scene.words.positional[:2]
    if len(places) < 2:
        scene.line.problem("missing_value", "cp needs a source and a target")
        places = [*places, None, None][:2]
    source, target = places
    remote = target if target is not None and ":" in target else source
    head, _, path = (remote or "").partition(":")
    namespace, _, pod = head.rpartition("/")
    is_upload = remote is target
    facts = Kubernetes(
        "create",
        "",
        resource="pods",
        subresource="exec",
        name=scene.name(pod or None),
        namespace=namespace or None,
        container=scene.words.value("container"),
        argv=("tar", "-xmf", "-", "-C", path) if is_upload else ("tar", "cf", "-", path),
        stdin=is_upload,
    )
    operation = scene.add(facts, "exec")
    local = (source if is_upload else target) or "?"
    files = (
        Target("file", f"{pod or '?'}:{path}", Access.WRITE if is_upload else Access.READ),
        Target("file", local, Access.READ if is_upload else Access.WRITE),
    )
    scene.line.operations[-1] = Operation(
        operation.kind, operation.effect, operation.via, (*operation.targets, *files), kubernetes=operation.kubernetes
    )


def run(scene: Scene) -> None:
    """`run NAME --image=I -- ARGS`: makes a pod, and joins it with -i or -t."""
    words = scene.words
    argv: list[Value] = [word for word in [*words.positional[1:], *(words.after_dashes or [])] if word is not None]
    container: dict[str, Value] = {"image": words.value("image")}
    if argv:
        container["command" if words.has("command") else "args"] = argv
    if words.has("privileged"):
        container["securityContext"] = {"privileged": True}
    said = pod_facts({"containers": [container], "serviceAccountName": words.value("serviceaccount") or ""})
    more = scene.overrides(words.value("overrides"), is_given="overrides" in words.options)
    name = scene.name(words.positional[0]) if words.positional else None
    if words.values("env"):
        scene.line.features |= {"secret_literal"} if any(_is_secret(one) for one in words.values("env")) else set()
    scene.add(Kubernetes("create", "", resource="pods", name=name, body_kind="Pod", pods=merged(said, more)))
    if words.has("stdin") or words.has("tty") or words.has("attach"):
        scene.add(Kubernetes("create", "", resource="pods", subresource="attach", name=name,
                             stdin=words.has("stdin"), tty=words.has("tty")), "attach")  # fmt: skip
    if argv:
        inside(scene, [*words.positional[1:], *(words.after_dashes or [])], stdin=words.has("stdin"))


def _is_secret(pair: str | None) -> bool:
    name = (pair or "").partition("=")[0].upper()
    return any(word in name for word in ("PASSWORD", "TOKEN", "SECRET", "API_KEY"))


def debug(scene: Scene) -> None:
    """`debug POD`: a container in a running pod; `debug node/N`: a pod in the node's own namespaces; `--copy-to`: a pod."""
    words = scene.words
    resource, name = _pod(scene, words.positional[0] if words.positional else None)
    argv = [*words.positional[1:], *(words.after_dashes or [])]
    image = words.value("image")
    profile = (words.value("profile") or "general") if words.values("image") else ""
    given: list[Value] = [*_PROFILES.get(profile, ())]
    security: Value = {"privileged": profile == "sysadmin", "capabilities": {"add": given}}
    facts = pod_facts({"image": image, "securityContext": security})
    if "custom" in words.options:
        scene.line.unseen("unseen_body")
    if resource.plural == "nodes":
        node = PodFacts(host_network=True, host_pid=True, host_ipc=True, host_paths=("/",), node_names=(name or "?",))
        scene.add(Kubernetes("create", "", resource="pods", body_kind="Pod", pods=merged(facts, node)))
    elif words.value("copy-to") is not None:
        scene.add(Kubernetes("create", "", resource="pods", name=words.value("copy-to"), body_kind="Pod", pods=facts))
    else:
        scene.add(Kubernetes("patch", "", resource="pods", subresource="ephemeralcontainers", name=name,
                             container=words.value("container"), pods=facts), "ephemeral_container")  # fmt: skip
    if words.has("stdin") or words.has("tty") or words.has("attach"):
        attach_facts = Kubernetes(
            "create", "", resource="pods", subresource="attach", stdin=words.has("stdin"), tty=words.has("tty")
        )
        scene.add(attach_facts, "attach")
    if argv:
        inside(scene, argv, stdin=words.has("stdin"))
    elif words.has("stdin"):
        scene.line.unseen("shell_text")
