"""From a decision's mask plan to what rewrites the answer, or why that cannot be."""

from __future__ import annotations

from adapters.core.ports import GATES_OWN, Answer
from adapters.core.recorded import is_met
from adapters.web.json_masks import PathMask
from adapters.web.session.manners import Plan, Unfit
from engine.decision import MaskItem, Verdict
from engine.errors import InputInvalid
from engine.masking.output import ValueMask
from engine.masking.paths import parse_path
from engine.masking.transforms import PARAMS, Method, Param


def masks_of(answer: Answer) -> tuple[PathMask, ...] | str | None:
    """The masks of a mask verdict, None where nothing is masked, or (a text) why this plan cannot be carried out."""
    plan = answer.decision.mask_plan
    if answer.decision.verdict is not Verdict.MASK and not plan:
        return None
    made = []
    for item in plan:
        if item.path is None or item.output is not None:
            return "answers over HTTP are masked by `paths` only"
        found = path_mask(item, answer)
        if isinstance(found, str):
            return found
        made.append(found)
    return tuple(made) if made else "a mask verdict names no mask"


def plan_of_messages(answer: Answer, why: str) -> Plan | str:
    """How messages are rewritten, by path and by pattern, or why that cannot be done; `why`: nothing else is rewritten there."""
    plan = answer.decision.mask_plan
    if answer.decision.verdict is not Verdict.MASK and not plan:
        return Plan(None)
    paths: list[PathMask] = []
    values: list[ValueMask] = []
    for item in plan:
        if item.output is not None:
            return why
        if item.path is not None:
            by_path = path_mask(item, answer)
            if isinstance(by_path, str):
                return by_path
            paths.append(by_path)
            continue
        found = method_of(item, answer)
        if isinstance(found, str) or not item.origins:
            return found if isinstance(found, str) else "a mask says not which values it hides"
        values.append(ValueMask(frozenset(item.origins), *found))
    return Plan(tuple(paths), values=tuple(values)) if plan else "a mask verdict names no mask"


def unenforceable(answer: Answer) -> Unfit | None:
    """Why a grant does not go on whatever its masks are: it demands what no protocol over HTTP can do."""
    unmet = [one.type for one in answer.decision.obligations if one.type not in GATES_OWN and not is_met(one)]
    why = f"the policy demands `{unmet[0]}`, which cannot be enforced on a request" if unmet else ""
    return Unfit(403, "OBLIGATION_UNKNOWN", why) if unmet else None


def path_mask(item: MaskItem, answer: Answer) -> PathMask | str:
    """One mask by path, or why it cannot be carried out."""
    try:
        path = parse_path(item.path or "")
    except InputInvalid:
        return "a mask is of a kind that is not known here"
    found = method_of(item, answer)
    return found if isinstance(found, str) else PathMask(path, *found)


def method_of(item: MaskItem, answer: Answer) -> tuple[Method, dict[str, Param], bytes] | str:
    """What one mask does: method, parameters, key; or why that is not known here."""
    try:
        method = Method(item.method)
    except ValueError:
        return "a mask is of a kind that is not known here"
    params: dict[str, Param] = {name: value for name, value in item.params.items() if isinstance(value, int | str)}
    key = answer.mask_keys.get(str(params.get("key", "")), b"")
    if len(params) != len(item.params) or not params.keys() <= PARAMS[method] or ("key" in PARAMS[method] and not key):
        return "a mask has parameters that are not known here"
    return method, params, key
