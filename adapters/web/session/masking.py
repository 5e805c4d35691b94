"""From a decision's mask plan to what rewrites the answer, or why that cannot be."""

from __future__ import annotations

from adapters.core.ports import Answer
from adapters.web.json_masks import PathMask
from engine.decision import MaskItem, Verdict
from engine.errors import InputInvalid
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
