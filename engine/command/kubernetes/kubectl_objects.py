"""Commands of kubectl that read, make, change and delete objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.kubernetes.bodies import JSON_PATCH, Body, read_body, read_manifest
from engine.command.kubernetes.kubectl_options import Words
from engine.command.kubernetes.kubectl_running import inside
from engine.command.kubernetes.kubectl_scene import Scene
from engine.command.kubernetes.pods import pod_facts
from engine.command.kubernetes.rbac import STRONG_VERBS
from engine.command.kubernetes.resources import Resource, resource_named
from engine.command.kubernetes.tree import Kubernetes, PodFacts, RbacFacts
from engine.command.tree import Access, Target

_RBAC = "rbac.authorization.k8s.io"
_CREATE = {
    "cm": "configmaps",
    "clusterrole": "clusterroles",
    "clusterrolebinding": "clusterrolebindings",
    "quota": "resourcequotas",
    "resourcequota": "resourcequotas",
}
_NODES = resource_named("nodes")
_MADE = frozenset(
    {
        *(
            "clusterrole",
            "clusterrolebinding",
            "configmap",
            "cm",
            "cronjob",
            "cj",
            "deployment",
            "deploy",
            "ingress",
            "ing",
        ),
        *(
            "job",
            "namespace",
            "ns",
            "poddisruptionbudget",
            "pdb",
            "priorityclass",
            "pc",
            "quota",
            "resourcequota",
            "role",
        ),
        *("rolebinding", "secret", "service", "svc", "serviceaccount", "sa", "token"),
    }
)
"""What `create` makes by name. Any other word is a plugin of it: `kubectl-create-WORD`."""
_FROM_FILES = ("from-file", "from-env-file", "cert", "key")


def get(scene: Scene) -> None:
    """`get`, `describe`, `wait`: objects are read."""
    words = scene.words
    if scene.raw("GET"):
        return
    verb = "watch" if words.has("watch") or words.has("watch-only") or words.verb == "wait" else "get"
    is_from_file = scene.files("get")
    objects = scene.objects()
    scene.each(verb, objects, Kubernetes(verb, subresource=words.value("subresource")))
    if not objects and not is_from_file:
        scene.client("client_info", words.verb or "")


def events(scene: Scene) -> None:
    scene.add(Kubernetes("list", "", resource="events", is_all=True))


def top(scene: Scene) -> None:
    first = scene.words.positional[0] if scene.words.positional else "pods"
    for resource in scene.resources(first):
        scene.add(Kubernetes("list", "metrics.k8s.io", resource=resource.plural))


def whoami(scene: Scene) -> None:
    scene.add(Kubernetes("create", "authentication.k8s.io", resource="selfsubjectreviews"), "review")


def auth(scene: Scene) -> None:
    """`auth can-i`, `whoami`, `reconcile`."""
    if scene.words.positional[:1] == ["reconcile"]:
        scene.files("update", kind="change_access")
        return
    resource = "selfsubjectaccessreviews" if scene.words.positional[:1] == ["can-i"] else "selfsubjectreviews"
    scene.add(Kubernetes("create", "authorization.k8s.io", resource=resource), "review")


def delete(scene: Scene) -> None:
    """`delete`: by name, selector, file, or all of a kind."""
    words = scene.words
    if scene.raw("DELETE"):
        return
    is_forced = words.has("force") or words.has("now") or words.value("grace-period") in ("0", "1")
    base = Kubernetes("delete", force=is_forced)
    is_from_file = scene.files("delete", base)
    objects = scene.objects()
    if words.has("all"):
        # Names beside --all are refused by kubectl; all of the kind is what is judged.
        objects = [(resource, None) for resource in dict.fromkeys(resource for resource, _ in objects)]
    scene.each("delete", objects, base)
    if not objects and not is_from_file:
        scene.client("client_info", "delete")


def change(scene: Scene) -> None:
    """`label`, `annotate`, `edit`, `taint`: objects are patched; words with `=` or a `-` at the end are the change."""
    words = scene.words
    if words.has("list") and words.verb != "edit":
        scene.each("get", scene.objects())
        return
    names = [word for word in words.positional if word is None or not _is_change(word)]
    is_from_file = scene.files("patch")
    objects = scene.objects(names)
    if words.verb == "edit":
        scene.line.unseen("unseen_body")
    if words.has("all"):
        objects = [(resource, None) for resource, _ in objects]
    scene.each("patch", objects)
    if not objects and not is_from_file:
        scene.line.problem("missing_value", "no object is named")


def _is_change(word: str) -> bool:
    return "=" in word or word.endswith("-")


def apply(scene: Scene) -> None:
    """`apply -f`, and `apply view-last-applied` with its kin."""
    first = scene.words.positional[0] if scene.words.positional else None
    if first == "view-last-applied":
        scene.each("get", scene.objects(scene.words.positional[1:]))
        scene.files("get")
        return
    if first in ("edit-last-applied", "set-last-applied"):
        scene.each("patch", scene.objects(scene.words.positional[1:]))
        scene.line.unseen("unseen_body")
        scene.files("patch")
        return
    if not scene.files("apply", Kubernetes("apply", is_all=scene.words.has("prune")), "apply"):
        scene.line.problem("missing_value", "apply needs a file")
    if scene.words.has("prune"):
        scene.add(
            Kubernetes("deletecollection", resource="?", selector=scene.words.value("selector")), "deletecollection"
        )


def diff(scene: Scene) -> None:
    if scene.files("apply", Kubernetes("apply", dry_run=True), "get"):
        scene.line.features.add("dry_run")


def replace_objects(scene: Scene) -> None:
    """`replace`; with --force the objects are deleted first."""
    if scene.raw("PUT"):
        return
    if not scene.files("update"):
        scene.line.problem("missing_value", "replace needs a file")
    if scene.words.has("force"):
        scene.files("delete", Kubernetes("delete", force=True))


def create(scene: Scene) -> None:
    """`create -f`, or one of the things that create makes by name."""
    words = scene.words
    if scene.raw("POST"):
        return
    kind = words.positional[0] if words.positional else None
    if kind is None:
        if not scene.files("create"):
            scene.line.problem("missing_value", "create needs a file or a kind")
        return
    if is_made_by_plugin(words):
        scene.line.problem("plugin", f"`create {kind[:60]}` is no command of kubectl: a plugin would run")
    names = words.positional[1:]
    if kind in ("secret", "service", "svc") and names:
        names = names[1:]
    name = scene.name(names[0]) if names else None
    if kind == "token":
        scene.add(Kubernetes("create", "", resource="serviceaccounts", subresource="token", name=name), "create_token")
        return
    resource = resource_named(_CREATE.get(kind, kind))
    facts = Kubernetes("create", resource.group, resource=resource.plural, name=name, body_kind=resource.kind)
    if resource.group == _RBAC:
        facts = replace(facts, rbac=_rbac(scene, resource))
    argv = words.after_dashes or []
    if words.values("image"):
        command: list[Value] = [word for word in argv if word is not None]
        containers: list[Value] = [{"image": image, "command": [*command]} for image in words.values("image")]
        facts = replace(facts, pods=pod_facts({"containers": containers}))
    if kind == "secret" and (words.values("from-literal") or words.values("docker-password")):
        scene.line.features.add("secret_literal")
    operation = scene.add(facts)
    files = tuple(_files(words))
    if files:
        # WHY unseen: what stands in the files becomes part of the object, and is read by whoever may read that.
        scene.line.unseen("unseen_body")
        scene.line.operations[-1] = replace(operation, targets=(*operation.targets, *files))
    if argv and kind != "token":
        inside(scene, [*argv], stdin=False)


def is_made_by_plugin(words: Words) -> bool:
    """Whether a line asks `create` for something that only a plugin makes."""
    first = words.positional[0] if words.positional else None
    return words.verb == "create" and first is not None and first not in _MADE


def _files(words: Words) -> Iterator[Target]:
    """The files whose contents become values of the object: `PATH`, or `KEY=PATH`."""
    for option in _FROM_FILES:
        for value in words.values(option):
            path = "?" if value is None else value.rpartition("=")[2] if option == "from-file" else value
            yield Target("file", path[:1000], Access.READ)


def _rbac(scene: Scene, resource: Resource) -> RbacFacts:
    """The facts of a role or binding made by options."""

    def listed(name: str) -> list[str]:
        return [part for value in scene.words.values(name) if value is not None for part in value.split(",")]

    verbs, resources, urls = listed("verb"), listed("resource"), listed("non-resource-url")
    wildcards = {
        word
        for word, values in (("verbs", verbs), ("resources", resources), ("urls", urls))
        if any("*" in value for value in values)
    }
    roles = [f"ClusterRole/{name}" for name in listed("clusterrole")] + [f"Role/{name}" for name in listed("role")]
    subjects = [f"{kind}:{name}" for kind, option in (("User", "user"), ("Group", "group"), ("ServiceAccount", "serviceaccount")) for name in listed(option)]  # fmt: skip
    if resource.plural.endswith("bindings") and not roles:
        scene.line.unseen("dynamic_argument")
    return RbacFacts(
        verbs=tuple(sorted(set(verbs))),
        resources=tuple(sorted(set(resources))),
        wildcards=tuple(sorted(wildcards)),
        strong_verbs=tuple(sorted(set(verbs) & STRONG_VERBS)),
        role=roles[0] if roles else None,
        subjects=tuple(sorted(set(subjects))),
    )


def patch(scene: Scene) -> None:
    """`patch TYPE NAME -p TEXT`: the facts of the text."""
    words = scene.words
    objects = scene.objects()
    base = Kubernetes("patch", subresource=words.value("subresource"))
    text = words.value("patch")
    is_access = any(resource.group == _RBAC for resource, _ in objects)
    if text is None:
        scene.line.unseen("unseen_body" if "patch-file" in words.options else "dynamic_argument")
    else:
        try:
            bodies = _patch_bodies(text.encode("utf-8", "replace"), words, is_access=is_access)
        except Refused as refusal:
            scene.line.problem(refusal.code, refusal.message)
            bodies = []
        if len(bodies) > 1:
            scene.line.problem("unread_body", "the patch is more than one document")
        for body in bodies[:1]:
            base = replace(base, pods=body.pods, rbac=body.rbac, replicas=body.replicas)
            scene.line.features |= body.features
            scene.line.is_complete &= "partial_rule" not in body.features
    scene.each("patch", objects, base)
    if not objects and not scene.files("patch", base):
        scene.line.problem("missing_value", "patch needs an object")


def _patch_bodies(raw: bytes, words: Words, *, is_access: bool) -> list[Body]:
    """What a patch puts in place, by its type. Raises Refused."""
    if "type" in words.options and (words.value("type") or "").lower() not in ("strategic", "merge"):
        # A JSON patch may be written as YAML, which nobody reads here; so is one whose type is no literal.
        return read_body(raw, JSON_PATCH, is_access=is_access)
    return read_manifest(raw, is_access=is_access, is_whole=False)


def scale(scene: Scene) -> None:
    words = scene.words
    count = words.value("replicas")
    replicas = int(count) if count is not None and count.isdecimal() and len(count) < 9 else None
    objects = scene.objects()
    base = Kubernetes("patch", subresource="scale", replicas=replicas)
    if replicas is None:
        scene.line.unseen("dynamic_argument")
    if words.has("all"):
        objects = [(resource, None) for resource, _ in objects]
    scene.each("patch", objects, base, "scale")
    if not objects and not scene.files("patch", base, "scale"):
        scene.line.problem("missing_value", "scale needs an object")


def autoscale(scene: Scene) -> None:
    scene.add(Kubernetes("create", "autoscaling", resource="horizontalpodautoscalers"))


def expose(scene: Scene) -> None:
    scene.add(Kubernetes("create", "", resource="services", name=scene.words.value("name")))


def rollout(scene: Scene) -> None:
    """`rollout status|history` read; `restart`, `undo`, `pause`, `resume` change."""
    first = scene.words.positional[0] if scene.words.positional else None
    verb = "get" if first in ("status", "history") else "patch"
    objects = scene.objects(scene.words.positional[1:])
    scene.each(verb, objects)
    if not objects and not scene.files(verb):
        scene.client("client_info", "rollout")


def set_fields(scene: Scene) -> None:
    """`set image|env|resources|selector|serviceaccount|subject`: pod templates, or a binding's subjects, change."""
    words = scene.words
    what = words.positional[0] if words.positional else None
    names = [word for word in words.positional[1:] if word is None or not _is_change(word)]
    if what == "env" and words.has("list"):
        scene.each("get", scene.objects(names))
        _sources(scene)
        return
    base = Kubernetes("patch", pods=_imported(words)) if what == "env" else Kubernetes("patch")
    if what == "image":
        images = [word.partition("=")[2] for word in words.positional[1:] if word is not None and "=" in word]
        base = replace(base, pods=pod_facts({"containers": [{"image": image} for image in images]}))
    if what in ("serviceaccount", "sa"):
        account = names.pop() if len(names) > 1 else None
        base = replace(base, pods=pod_facts({"serviceAccountName": account or "?"}))
    if what == "env" and any(
        "PASSWORD" in (word or "").upper() or "TOKEN" in (word or "").upper() for word in words.positional
    ):
        scene.line.features.add("secret_literal")
    objects = scene.objects(names)
    scene.each("patch", objects, base)
    if not objects and not scene.files("patch", base):
        scene.line.problem("missing_value", "set needs an object")


def _sources(scene: Scene) -> None:
    """What `set env --list` reads beside the objects: with `--resolve` every secret and map that their variables come from."""
    source = scene.words.value("from")
    if source is not None:
        scene.each("get", scene.objects([source]))
    if scene.words.has("resolve"):
        scene.each("get", [(resource_named("secrets"), None), (resource_named("configmaps"), None)])


def _imported(words: Words) -> PodFacts | None:
    """The secrets that `set env --from=secret/NAME` puts into variables."""
    named = [(value or "secret/?").partition("/") for value in words.values("from")]
    sources: list[Value] = [{"secretRef": {"name": name}} for kind, _, name in named if kind in ("secret", "secrets")]
    return pod_facts({"envFrom": sources})


def certificate(scene: Scene) -> None:
    for name in scene.words.positional[1:] or [None]:
        scene.add(Kubernetes("update", "certificates.k8s.io", resource="certificatesigningrequests",
                             subresource="approval", name=name), "approve_certificate")  # fmt: skip


def cordon(scene: Scene) -> None:
    scene.each("patch", [(_NODES, name) for name in scene.words.positional] or [(_NODES, None)], kind="cordon")


def drain(scene: Scene) -> None:
    """`drain`: the node takes no pods, and those on it are evicted, or deleted where eviction is switched off."""
    cordon(scene)
    is_forced = (
        scene.words.has("force") or scene.words.has("disable-eviction") or scene.words.value("grace-period") == "0"
    )
    facts = Kubernetes(
        "create", "", resource="pods", subresource="eviction", all_namespaces=True, is_all=True, force=is_forced
    )
    scene.add(facts, "evict")
