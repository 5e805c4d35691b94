"""From a decision's masks to what rewrites an answer of the API server, whichever of its forms an object comes in.

A policy names paths into an object (`$.data.*`). They are looked for in the object itself, in the items of a list, in the
objects of a watch and in the rows of a table. What a mask hides is hidden in the copy that `kubectl apply` leaves in an
annotation as well: the whole copy goes. Values of a Secret are Base64: they are masked as what they say.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.core.ports import Answer
from adapters.web.json_masks import PathMask
from adapters.web.session.manners import Plan
from adapters.web.session.masking import masks_of, plan_of_messages
from engine.command.kubernetes.request_info import Info
from engine.command.kubernetes.resources import BY_NAME
from engine.masking.paths import Path, Step
from engine.masking.transforms import Method

_WRAPPED: tuple[Path, ...] = (
    (),
    (Step("items"),),
    (Step("object"),),
    (Step("rows"), Step("object")),
    (Step("object"), Step("rows"), Step("object")),
)
_COPY: Path = (Step("metadata"), Step("annotations"), Step("kubectl.kubernetes.io/last-applied-configuration"))
_CELLS: Path = (Step("rows"), Step("cells"))


def plan_of(info: Info, answer: Answer, *, is_watch: bool) -> Plan | str:
    """How the answer is rewritten, or why this plan of masks cannot be carried out."""
    if (info.resource, info.subresource) == ("pods", "log"):
        return _plan_of_text(answer)
    masks = masks_of(answer)
    if isinstance(masks, str):
        return masks
    if masks is None:
        return Plan(None, is_watch)
    is_secret = (info.group, info.resource) == ("", "secrets")
    made = [_everywhere(replace(mask, is_base64=is_secret and _is_of_data(mask.path))) for mask in masks]
    hidden = [PathMask((*way, *_COPY), Method.REDACT) for way in _WRAPPED]
    if _known(info) is False:
        # WHY: the columns of a kind nobody knows are its author's choice, and may show what is masked.
        hidden += [PathMask((*way, *_CELLS), Method.REDACT) for way in ((), (Step("object"),))]
    return Plan((*(one for many in made for one in many), *hidden), is_watch)


def _plan_of_text(answer: Answer) -> Plan | str:
    """What a container wrote to its log: a text, in which values are hidden."""
    plan = plan_of_messages(answer, "logs are masked by `values` only")
    if isinstance(plan, str) or plan.masks is None:
        return plan
    return "logs are masked by `values` only" if plan.masks else Plan(None, values=plan.values, is_text=True)


def _everywhere(mask: PathMask) -> list[PathMask]:
    return [replace(mask, path=(*way, *mask.path)) for way in _WRAPPED]


def _is_of_data(path: Path) -> bool:
    return path[0].name == "data" and not path[0].is_deep


def _known(info: Info) -> bool:
    known = BY_NAME.get(info.resource or "")
    return known is not None and known.group == info.group
