"""AuthZEN 1.0: access evaluations, one or several, and the page that tells where they are asked for.

`subject.id` is a principal's name, `resource.type` a protocol and `resource.id` a resource's name; the command is
`action.properties.text` (of another protocol than the resource's with `action.properties.protocol`). What names no command is
no yes. Pure but for the desk.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.core.ports import Answer
from engine.request import Json
from engine.suite.stated import Stated
from gateway.faces.asking import MAX_BATCH, Caller, CallRefused, Desk, Reply, is_plainly_allowed, read_object

EVALUATION = "/access/v1/evaluation"
EVALUATIONS = "/access/v1/evaluations"
CONFIGURATION = "/.well-known/authzen-configuration"
_SHARED = ("subject", "action", "resource", "context")
_KINDS = ("user", "agent", "service")
_STOPS_AT: Mapping[str, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}


def configuration(base: str) -> Reply:
    """Where evaluations are asked for; `base` is this service's own address."""
    return Reply(
        200,
        {
            "policy_decision_point": base,
            "access_evaluation_endpoint": base + EVALUATION,
            "access_evaluations_endpoint": base + EVALUATIONS,
        },
    )


def evaluate(raw: bytes, caller: Caller, desk: Desk) -> Reply:
    """One evaluation. Raises CallRefused."""
    return Reply(200, _said(desk.ask(_stated(read_object(raw)), caller)))


def evaluate_all(raw: bytes, caller: Caller, desk: Desk) -> Reply:
    """Several that share what stands beside them; one that is no question is a no of its own. Raises CallRefused."""
    document = read_object(raw)
    items = document.get("evaluations")
    if items is None or items == []:
        return evaluate(raw, caller, desk)
    if not isinstance(items, list) or len(items) > MAX_BATCH:
        raise CallRefused(400, "INPUT_INVALID", f"`evaluations` is no list of at most {MAX_BATCH}")
    stops_at = _semantic(document.get("options"))
    shared = {key: document[key] for key in _SHARED if key in document}
    results: list[Json] = []
    for item in items:
        said = _one({**shared, **item} if isinstance(item, dict) else None, caller, desk)
        results.append(said)
        if stops_at is not None and said["decision"] is stops_at:
            break
    return Reply(200, {"evaluations": results})


def _one(document: dict[str, Json] | None, caller: Caller, desk: Desk) -> dict[str, Json]:
    try:
        if document is None:
            raise CallRefused(400, "INPUT_INVALID", "an evaluation is no object")
        return _said(desk.ask(_stated(document), caller))
    except CallRefused as error:
        desk.refused(caller, EVALUATIONS, error)
        return {"decision": False, "context": {"error": {"status": error.status, "message": str(error)}}}


def _semantic(options: Json) -> bool | None:
    name = "execute_all"
    if options is not None:
        if not isinstance(options, dict):
            raise CallRefused(400, "INPUT_INVALID", "`options` is no object")
        name = str(options.get("evaluations_semantic", name))
    if name not in _STOPS_AT:
        raise CallRefused(400, "INPUT_INVALID", f"`{name[:60]}` is no evaluations_semantic")
    return _STOPS_AT[name]


def _stated(document: Mapping[str, Json]) -> Stated:
    subject, action, resource = (_object(document, key) for key in ("subject", "action", "resource"))
    kind = _text(subject, "subject", "type")
    known = _properties(subject, "subject", ("groups", "attributes"))
    asked = _properties(action, "action", ("protocol", "text"))
    place = _properties(resource, "resource", ("labels", "database", "role"))
    protocol = _text(resource, "resource", "type")
    _text(action, "action", "name")
    if not isinstance(asked.get("text"), str):
        raise CallRefused(400, "INPUT_INVALID", "`action.properties.text` is missing: it is the command that would run")
    return Stated(
        principal={"name": _text(subject, "subject", "id"), "kind": kind if kind in _KINDS else "user", **known},
        resource={"name": _text(resource, "resource", "id"), "protocol": protocol, **place},
        command={"protocol": asked.get("protocol", protocol), "text": asked["text"]},
        context=document.get("context"),
    )


def _object(document: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise CallRefused(400, "INPUT_INVALID", f"`{key}` is missing or no object")
    return value


def _text(fields: Mapping[str, Json], where: str, key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise CallRefused(400, "INPUT_INVALID", f"`{where}.{key}` is missing or no text")
    return value


def _properties(fields: Mapping[str, Json], where: str, known: tuple[str, ...]) -> dict[str, Json]:
    value = fields.get("properties", {})
    if not isinstance(value, dict):
        raise CallRefused(400, "INPUT_INVALID", f"`{where}.properties` is no object")
    # WHY the rest is left: AuthZEN lets callers say more than a service knows, and nothing here believes it.
    return {key: value[key] for key in known if key in value}


def _said(answer: Answer) -> dict[str, Json]:
    decision = answer.decision
    reasons: list[Json] = [{"code": one.code, "rule": one.rule, "reason": one.reason} for one in decision.reasons]
    context: dict[str, Json] = {"id": answer.decision_id, "verdict": decision.verdict.value, "reasons": reasons}
    if answer.ticket is not None:
        context["ticket"] = answer.ticket
    return {"decision": is_plainly_allowed(answer), "context": context}


def refusal(error: CallRefused) -> Reply:
    """An error of the whole call."""
    return Reply(error.status, {"error": {"status": error.status, "code": error.code, "message": str(error)}})
