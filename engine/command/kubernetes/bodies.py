"""The body of a request to the API server: decoded, or refused; then its facts.

JSON and YAML are read strictly (duplicate keys, anchors, depth). Protobuf and CBOR are not read: the command is not
complete. Patches of every type give the facts of what they would put into the object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value, members
from engine.command.documents.yaml_text import read_yaml
from engine.command.kubernetes.pods import pod_facts
from engine.command.kubernetes.rbac import is_partial, is_role, rbac_facts
from engine.command.kubernetes.tree import PodFacts, RbacFacts

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json", "application/strategic-merge-patch+json"})
APPLY_PATCH = "application/apply-patch+yaml"
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", APPLY_PATCH})
JSON_PATCH = "application/json-patch+json"
MAX_ITEMS = 1000

_PATCHES = frozenset(
    {JSON_PATCH, APPLY_PATCH, "application/merge-patch+json", "application/strategic-merge-patch+json"}
)
_OF_A_LIST = frozenset({"apiVersion", "kind", "metadata", "items"})
"""What a list of objects has. Anything beside that belongs to an object of a kind that merely ends in `List`."""

_INDEX = re.compile(r"-|[+-]?[0-9]+")
"""A place in a list as the server reads it in the path of a JSON Patch: negative ones count from the end."""
_TOKENS = ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token")
_DIRECTIVES = ("$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList")


@dataclass(frozen=True, slots=True)
class Body:
    """The facts of one object in a body. `features` are those of the command."""

    kind: str | None = None
    api_version: str | None = None
    name: str | None = None
    namespace: str | None = None
    replicas: int | None = None
    pods: PodFacts | None = None
    rbac: RbacFacts | None = None
    is_forced: bool = False
    is_dry_run: bool = False
    makes_token: bool = False
    """A secret that the cluster fills with a token, or takes one from."""
    features: frozenset[str] = field(default_factory=frozenset)


def read_body(raw: bytes, content_type: str | None, *, is_access: bool = False, is_whole: bool = True) -> list[Body]:
    """The objects of a body, one by one for a list where it is whole objects that are sent. Raises Refused for what is not read.

    `is_access`: the request is about roles or bindings, so that a fragment is one of those. `is_whole`: the verb sends objects, and
    neither a patch nor options.
    """
    media = (content_type or "application/json").split(";")[0].strip().lower()
    if media in YAML_TYPES:
        documents = read_yaml(raw)
    elif media in JSON_TYPES:
        documents = [read_json(raw)]
    elif media == JSON_PATCH:
        documents = [_patched(read_json(raw))]
    else:
        raise Refused("unread_body", f"a body of type `{media[:80]}` is not read; send JSON")
    if media in _PATCHES or not is_whole:
        return [body_facts(document, is_access=is_access) for document in documents]
    return [body_facts(one, is_access=is_access) for document in documents for one in items(document)]


def read_manifest(raw: bytes, *, is_access: bool = False, is_whole: bool = True) -> list[Body]:
    """The objects of a text as kubectl takes it: YAML, of which JSON is a part. Raises Refused."""
    is_json = raw.lstrip()[:1] in (b"{", b"[")
    documents = [read_json(raw)] if is_json else read_yaml(raw)
    parts = [one for document in documents for one in (items(document) if is_whole else [document])]
    return [body_facts(one, is_access=is_access) for one in parts]


def items(document: Value) -> list[Value]:
    """The objects in a document: the items of a List kind, with the document too where it has more; else the document itself."""
    if not isinstance(document, dict) or not str(document.get("kind", "")).endswith("List"):
        return [document]
    inside = document.get("items")
    if not isinstance(inside, list) or not inside or len(inside) > MAX_ITEMS:
        return [document]
    # WHY: a custom resource may be of a kind such as AllowList, and what it does stands beside its `items`.
    return inside if document.keys() <= _OF_A_LIST else [document, *inside]


def body_facts(document: Value, *, is_access: bool = False) -> Body:
    """The facts of one object or fragment. `is_access`: it is one of a role or binding, whether its kind says so or not."""
    if not isinstance(document, dict):
        raise Refused("unread_body", "the body is no object")
    metadata = document.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    is_access = is_access or is_role(document)
    return Body(
        kind=_text(document.get("kind")),
        api_version=_text(document.get("apiVersion")),
        name=_text(names.get("name")) or _text(names.get("generateName")),
        namespace=_text(names.get("namespace")),
        replicas=_replicas(document),
        pods=pod_facts(document),
        rbac=rbac_facts(document, is_access=is_access),
        is_forced=_is_forced(document),
        is_dry_run=document.get("dryRun") == ["All"],
        makes_token=document.get("type") in _TOKENS,
        features=frozenset(_features(document) | ({"partial_rule"} if is_access and is_partial(document) else set())),
    )


def _features(document: Value) -> set[str]:
    return {"patch_directive" for key, _, _ in members(document) if key.startswith(_DIRECTIVES)}


def _replicas(document: dict[str, Value]) -> int | None:
    spec = document.get("spec")
    value = spec.get("replicas") if isinstance(spec, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_forced(document: dict[str, Value]) -> bool:
    """Whether the options of a deletion, its own or an eviction's, leave no time."""
    inside = document.get("deleteOptions")
    grace = document.get("gracePeriodSeconds", inside.get("gracePeriodSeconds") if isinstance(inside, dict) else None)
    return grace == 0 and not isinstance(grace, bool)


def _text(value: Value) -> str | None:
    return value[:500] if isinstance(value, str) and value else None


def _patched(patch: Value) -> Value:
    """What a JSON Patch would put in place, as an object of the same form."""
    if not isinstance(patch, list) or len(patch) > MAX_ITEMS:
        raise Refused("json_patch", "the body is no list of changes")
    made: dict[str, Value] = {}
    for number, change in enumerate(patch):
        if not isinstance(change, dict):
            raise Refused("json_patch", "a change of the patch is no object")
        operation, path = change.get("op"), change.get("path")
        if not isinstance(path, str) or operation not in ("add", "replace", "remove", "test"):
            raise Refused("json_patch", "the patch copies or moves values, or has a change nobody knows")
        parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
        if operation == "remove" and parts[:1] == ["rules"] and len(parts) > 2:
            # WHY: a rule of a role without its names or one of its groups is another rule.
            made[f"change {number}"] = {"rules": [{parts[2]: None}]}
        if operation in ("add", "replace"):
            value = _placed(parts, change)
            if isinstance(value, dict):
                # Fragments stand beside each other: two changes of one place must not hide each other.
                made.update(value if number == 0 and len(patch) == 1 else {f"change {number}": value})
    return made


def _placed(parts: Sequence[str], change: dict[str, Value]) -> Value:
    value: Value = change.get("value")
    if len(parts) > 64:
        raise Refused("json_patch", "a path of the patch is too deep")
    for part in reversed(parts):
        value = [value] if _INDEX.fullmatch(part) else {part: value}
    return value
