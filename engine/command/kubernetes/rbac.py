"""What roles and bindings in a document give: verbs, resources, wildcards, to whom."""

from __future__ import annotations

from engine.command.documents.values import Value, members, texts
from engine.command.kubernetes.tree import RbacFacts

STRONG_VERBS = frozenset({"escalate", "bind", "impersonate", "approve", "sign"})
MAX_LISTED = 128

_KINDS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


def is_rbac(document: Value) -> bool:
    """Whether a document is, or contains as an item of a list, a role or a binding."""
    return any(key == "kind" and isinstance(value, str) and value in _KINDS for key, value, _ in members(document))


def rbac_facts(document: Value) -> RbacFacts | None:
    """The facts of every role and binding in a document, fragments of patches included; None when it has none."""
    verbs: list[str] = []
    resources: list[str] = []
    subjects: list[str] = []
    wildcards: set[str] = set()
    role: str | None = None
    for key, value, around in members(document):
        match key:
            case "verbs" if "resources" in around or "nonResourceURLs" in around or "apiGroups" in around:
                verbs.extend(texts(value))
                wildcards |= {"verbs"} if "*" in texts(value) else set()
            case "resources" if "verbs" in around or "apiGroups" in around:
                resources.extend(texts(value))
                wildcards |= {"resources"} if any("*" in name for name in texts(value)) else set()
            case "apiGroups" if "*" in texts(value):
                wildcards.add("groups")
            case "nonResourceURLs" if any("*" in name for name in texts(value)):
                wildcards.add("urls")
            case "roleRef" if isinstance(value, dict):
                role = "/".join(texts([value.get("kind"), value.get("name")])) or role
            case "subjects" if isinstance(value, list):
                subjects.extend(_subject(one) for one in value if isinstance(one, dict))
    if not (verbs or resources or subjects or wildcards or role):
        return None
    return RbacFacts(
        verbs=tuple(sorted(set(verbs)))[:MAX_LISTED],
        resources=tuple(sorted(set(resources)))[:MAX_LISTED],
        wildcards=tuple(sorted(wildcards)),
        strong_verbs=tuple(sorted(set(verbs) & STRONG_VERBS)),
        role=role,
        subjects=tuple(sorted(set(subjects)))[:MAX_LISTED],
    )


def _subject(subject: dict[str, Value]) -> str:
    namespace = "".join(f"{text}/" for text in texts(subject.get("namespace")))
    return f"{''.join(texts(subject.get('kind')))}:{namespace}{''.join(texts(subject.get('name')))}"
