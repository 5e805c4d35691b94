"""What roles and bindings in a document give: verbs, resources, wildcards, to whom."""

from __future__ import annotations

from engine.command.documents.values import Value, members, texts
from engine.command.kubernetes.tree import RbacFacts

STRONG_VERBS = frozenset({"escalate", "bind", "impersonate", "approve", "sign"})
MAX_LISTED = 128

_KINDS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
_OF_A_RULE = frozenset({"verbs", "resources", "apiGroups", "resourceNames", "nonResourceURLs"})


def is_role(document: dict[str, Value]) -> bool:
    """Whether an object says that it is a role or a binding. What stands further inside (an owner, a label) says nothing of it."""
    kind = document.get("kind")
    return isinstance(kind, str) and kind in _KINDS


def is_partial(document: Value) -> bool:
    """Whether a fragment of a role changes part of a rule, whose other parts nobody sees here."""
    rules = (
        rule for key, value, _ in members(document) if key == "rules" and isinstance(value, list) for rule in value
    )
    return any(isinstance(rule, dict) and bool(rule.keys() & _OF_A_RULE) and not _is_rule(rule) for rule in rules)


def _is_rule(rule: dict[str, Value]) -> bool:
    return "verbs" in rule and ("resources" in rule or "nonResourceURLs" in rule)


def rbac_facts(document: Value, *, is_access: bool = False) -> RbacFacts | None:
    """The facts of every role and binding in a document, fragments of patches included; None when it has none.

    `is_access`: the document is of a role or binding, so that a word means the same without what usually stands around it.
    """
    verbs: list[str] = []
    resources: list[str] = []
    subjects: list[str] = []
    wildcards: set[str] = set()
    role: str | None = None
    for key, value, around in members(document):
        match key:
            case "verbs" if is_access or "resources" in around or "nonResourceURLs" in around or "apiGroups" in around:
                verbs.extend(texts(value))
                wildcards |= {"verbs"} if "*" in texts(value) else set()
            case "resources" if is_access or "verbs" in around or "apiGroups" in around:
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
