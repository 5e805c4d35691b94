"""Requests as operations: the facts of one request to its kind, effect and target. Used for API requests and kubectl."""

from __future__ import annotations

from dataclasses import replace

from engine.command.kubernetes.kinds import ACCESS, EFFECTS, kind_of
from engine.command.kubernetes.tree import Kubernetes
from engine.command.tree import Access, Operation, Target

_ANSWERED = frozenset({"patch", "apply", "delete", "deletecollection"})
"""Changes whose answer shows the object as it stood or stands, with more of it than was sent."""


def operation_of(facts: Kubernetes, via: tuple[str, ...], span: tuple[int, int], kind: str | None = None) -> Operation:
    """The operation of a request; the kind is that of verb and resource unless it is given."""
    if kind is None:
        kind = (
            "unknown" if facts.resource is None else kind_of(facts.verb, facts.group, facts.resource, facts.subresource)
        )
    effect = EFFECTS[kind]
    name = target_name(facts)
    targets = () if name is None else (Target(_type(facts), name, ACCESS[effect], schema=facts.namespace),)
    return Operation(kind, effect, via, targets, span, kubernetes=facts)


def answered(operation: Operation) -> Operation:
    """A change of secrets with what its answer gives: the secret is read as well, which a target with access `read` says."""
    facts = operation.kubernetes
    if facts is None or facts.resource != "secrets" or operation.kind not in _ANSWERED:
        return operation
    return replace(
        operation, targets=(*operation.targets, *(replace(one, access=Access.READ) for one in operation.targets))
    )


def target_name(facts: Kubernetes) -> str | None:
    """`namespace/resource.group/name`, with `*` for every namespace or object and without a namespace for a cluster's."""
    if facts.resource is None:
        return facts.path
    resource = f"{facts.resource}.{facts.group}" if facts.group else facts.resource
    if facts.subresource is not None:
        resource = f"{resource}/{facts.subresource}"
    namespace = "*/" if facts.all_namespaces else f"{facts.namespace}/" if facts.namespace is not None else ""
    return f"{namespace}{resource}/{facts.name or '*'}"


def _type(facts: Kubernetes) -> str:
    if facts.resource is None:
        return "path"
    return "pod" if facts.resource == "pods" and facts.group in ("", None) else "object"
