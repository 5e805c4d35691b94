"""A kubectl line to the requests it makes: `kubectl_line(argv)` for everybody who meets one, shells included.

One function for each command of kubectl, found by its name. What it reads from a file or the server is not seen and
marked; a command nobody knows is a plugin, a program of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.command.documents.refusal import Refused
from engine.command.kubernetes import kubectl_objects as objects
from engine.command.kubernetes import kubectl_running as running
from engine.command.kubernetes.inside import ShellReader
from engine.command.kubernetes.kinds import EFFECTS
from engine.command.kubernetes.kubectl_files import local_files, reached
from engine.command.kubernetes.kubectl_options import read_words
from engine.command.kubernetes.kubectl_scene import Scene
from engine.command.kubernetes.line import Line
from engine.command.kubernetes.tree import Kubernetes
from engine.command.tree import Access, Effect, Operation, Target

PROGRAMS = frozenset({"kubectl", "oc", "kubecolor", "kubectl.exe"})

_OTHER_CLUSTER = (
    *("kubeconfig", "kuberc", "context", "cluster", "user", "server", "proxy-url"),
    *("token", "client-key", "client-certificate", "username", "password"),
)
_SECRETS = ("token", "password", "docker-password")
_IMPERSONATE = ("as", "as-group", "as-uid", "as-user-extra")


def is_kubectl(program: str) -> bool:
    """Whether a program is kubectl by its name, or `oc`, which takes the same commands."""
    return program.replace("\\", "/").rpartition("/")[2].lower() in PROGRAMS


def kubectl_line(argv: Sequence[str | None], shell: ShellReader | None = None) -> Line:
    """The operations of a kubectl argv, its program first; a word is None where it is no literal.

    Reached via `top`; a caller that met the line elsewhere puts its own steps before. Never raises.
    """
    line = Line()
    try:
        scene = Scene(read_words(argv[1:]), line, shell, is_oc=(argv[0] or "").endswith("oc"))
        _run(scene)
    except Refused as refusal:
        line.problem(refusal.code, refusal.message)
    if not line.operations:
        line.operations.append(Operation("unknown", EFFECTS["unknown"], ("top",)))
        if line.is_complete:
            line.problem("missing_value", "the line names no object")
    return line


def _run(scene: Scene) -> None:
    words, line = scene.words, scene.line
    for name in words.unknown:
        line.problem("unknown_option", f"the option `{name}` is none that kubectl is known to have")
    if any(words.options.get(name) for name in _OTHER_CLUSTER):
        line.features.add("other_cluster")
    if any(words.value(name) for name in _SECRETS):
        line.features.add("secret_literal")
    if words.has("insecure-skip-tls-verify"):
        line.features.add("insecure_tls")
    _impersonation(scene)
    if words.verb is None and not words.is_verb_dynamic:
        scene.client("client_info", "help")
        return
    if words.verb is None:
        line.unseen("dynamic_argument")
        scene.client("unknown", "?")
        return
    command = _OC.get(words.verb) if scene.is_oc else None
    command = command or _COMMANDS.get(words.verb)
    if command is None:
        scene.client("plugin", words.verb)
        line.problem("plugin", f"`{words.verb[:60]}` is no command of kubectl: a plugin would run")
        return
    if words.has("help") and not objects.is_made_by_plugin(words):
        # WHY behind the plugins: kubectl hands `--help` on to one.
        scene.client("client_info", words.verb)
        return
    command(scene)
    local_files(scene)
    if any(word is None for word in words.positional):
        # WHY: a word that is computed may be an option (`--all`), quoted or not.
        line.unseen("dynamic_argument")
    is_dynamic = any(value is None for values in words.options.values() for value in values)
    if is_dynamic and any(one.effect is not Effect.READ for one in line.operations):
        # Which namespace, selector or file a change is about nobody sees then.
        line.unseen("dynamic_argument")
    places = tuple(reached(scene))
    if places and line.operations:
        line.operations[0] = replace(line.operations[0], targets=(*line.operations[0].targets, *places))


def _impersonation(scene: Scene) -> None:
    said = [(name, value) for name in _IMPERSONATE for value in scene.words.values(name)]
    if said:
        scene.line.features.add("impersonation")
        targets = tuple(
            Target("role", f"{name}:{value if value is not None else '?'}", Access.GRANT) for name, value in said
        )
        scene.line.operations.append(Operation("impersonate", EFFECTS["impersonate"], ("top", "impersonate"), targets))


def _info(scene: Scene) -> None:
    scene.client("server_info", scene.words.verb or "")


def _cluster_info(scene: Scene) -> None:
    if scene.words.positional[:1] == ["dump"]:
        scene.add(Kubernetes("list", "", resource="pods", all_namespaces=True, is_all=True))
        scene.add(Kubernetes("get", "", resource="pods", subresource="log", all_namespaces=True, is_all=True))
    else:
        _info(scene)


def _client(scene: Scene) -> None:
    scene.client("client_info", scene.words.verb or "")


def _config(scene: Scene) -> None:
    first = scene.words.positional[0] if scene.words.positional else "view"
    reads = first is not None and (first in ("view", "current-context") or first.startswith("get-"))
    scene.client("client_info" if reads else "client_config", f"config {first or '?'}")
    if not reads and not (first == "set-context" and scene.words.has("current")):
        # WHY: every later line goes where the configuration says. Another namespace alone is the same cluster.
        scene.line.features.add("other_cluster")
    if first == "view" and scene.words.has("raw"):
        scene.line.features.add("secret_literal")


def _kustomize(scene: Scene) -> None:
    scene.line.unseen("kustomize")
    names = [name or "?" for name in scene.words.positional] or ["."]
    targets = tuple(Target("file", name, Access.READ) for name in names)
    scene.line.operations.append(Operation("client_file", EFFECTS["client_file"], ("top",), targets))


def _alpha(scene: Scene) -> None:
    scene.client("plugin", "alpha")
    scene.line.problem("plugin", "what is under `alpha` is not known")


def _oc_config(scene: Scene) -> None:
    scene.client("client_config", scene.words.verb or "")
    if scene.words.verb == "login":
        scene.line.features.add("other_cluster")


def _oc_adm(scene: Scene) -> None:
    """`oc adm drain` and its kin are the commands of the same name; `oc adm policy` changes access."""
    verb = scene.words.positional.pop(0) if scene.words.positional else None
    scene.words.verb = verb
    if verb == "policy":
        scene.add(Kubernetes("create", "rbac.authorization.k8s.io", resource="clusterrolebindings"), "change_access")
        return
    command = (
        _COMMANDS.get(verb or "") if verb in ("drain", "cordon", "uncordon", "top", "certificate", "taint") else None
    )
    if command is None:
        scene.client("plugin", f"adm {verb or '?'}")
        scene.line.problem("plugin", "this command of `oc adm` is not known")
        return
    command(scene)


_Command = Callable[[Scene], None]
_OC: dict[str, _Command] = {
    "login": _oc_config,
    "logout": _oc_config,
    "project": _oc_config,
    "whoami": objects.whoami,
    "rsh": running.execute,
    "adm": _oc_adm,
    "delete": objects.delete,
}
_COMMANDS: dict[str, _Command] = {
    **dict.fromkeys(("api-resources", "api-versions", "version", "explain"), _info),
    **dict.fromkeys(("completion", "options", "plugin", "help"), _client),
    **dict.fromkeys(("label", "annotate", "edit", "taint"), objects.change),
    "alpha": _alpha,
    "apply": objects.apply,
    "attach": running.attach,
    "auth": objects.auth,
    "autoscale": objects.autoscale,
    "certificate": objects.certificate,
    "cluster-info": _cluster_info,
    "config": _config,
    "cordon": objects.cordon,
    "uncordon": objects.cordon,
    "cp": running.copy,
    "create": objects.create,
    "debug": running.debug,
    "delete": objects.delete,
    "describe": objects.get,
    "diff": objects.diff,
    "drain": objects.drain,
    "events": objects.events,
    "exec": running.execute,
    "expose": objects.expose,
    "get": objects.get,
    "kustomize": _kustomize,
    "logs": running.logs,
    "patch": objects.patch,
    "port-forward": running.port_forward,
    "proxy": running.proxy,
    "replace": objects.replace_objects,
    "rollout": objects.rollout,
    "run": running.run,
    "scale": objects.scale,
    "set": objects.set_fields,
    "top": objects.top,
    "wait": objects.get,
}
