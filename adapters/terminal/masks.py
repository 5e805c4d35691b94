"""Which values a grant hides in what is shown, and whether that can be done to output. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.core.ports import Answer
from adapters.errors import LocalProtocolError
from engine.decision import MaskItem, Verdict
from engine.masking.output import OutputMasker, ValueMask
from engine.masking.transforms import PARAMS, Method, Param


def masks_of(answer: Answer) -> tuple[ValueMask, ...] | str:
    """What a grant hides, nothing where it is no mask verdict; or (a text) what it demands that cannot be done to output."""
    plan = answer.decision.mask_plan
    if answer.decision.verdict is not Verdict.MASK and not plan:
        return ()
    made = [_mask_of(item, answer) for item in plan]
    masks = tuple(one for one in made if one is not None)
    return masks if masks and len(masks) == len(made) else "that something else than values is masked"


def masks_granted(answer: Answer) -> tuple[ValueMask, ...]:
    """What a grant hides. INVARIANT: it was seen before (`session.unmet`) that all it demands can be done."""
    masks = masks_of(answer)
    if isinstance(masks, str):
        raise LocalProtocolError("a grant is used whose masks are not known", code="MASK_UNKNOWN")
    return masks


def as_masked(text: str, masks: Sequence[ValueMask]) -> str:
    """A text of the target's that stands beside what commands write (a folder in a prompt), as it may be shown."""
    if not masks:
        return text
    masker = OutputMasker(masks)
    return (masker.push(text.encode()).data + masker.finish().data).decode()


def _mask_of(item: MaskItem, answer: Answer) -> ValueMask | None:
    try:
        method = Method(item.method)
    except ValueError:
        return None
    params: dict[str, Param] = {name: value for name, value in item.params.items() if isinstance(value, int | str)}
    key = answer.mask_keys.get(str(params.get("key", "")), b"")
    is_known = len(params) == len(item.params) and params.keys() <= PARAMS[method]
    if item.output is not None or item.path is not None or not item.origins or not is_known:
        return None
    return None if "key" in PARAMS[method] and not key else ValueMask(frozenset(item.origins), method, params, key)
