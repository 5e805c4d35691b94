"""OPA's data API: a question to `data.sallyport`, answered as OPA answers. No policies or data can be put in here.

`data.sallyport.allow` is one word; `data.sallyport.decision` the whole decision. Every other path is undefined, which OPA says
by leaving `result` out. `input` is what `sallyport decide --jsonl` takes. Pure but for the desk.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.evaluator.decision_json import decision_json
from engine.request import Json
from engine.suite.stated import Stated
from gateway.faces.asking import Caller, CallRefused, Desk, Reply, is_plainly_allowed, read_object

ROOT = "sallyport"
_PARTS = ("allow", "decision")
_INPUT = ("principal", "resource", "session", "context", "command", "catalog", "openapi")
_CODES = {400: "invalid_parameter", 401: "unauthorized", 403: "unauthorized", 404: "resource_not_found"}


def query(path: Sequence[str], raw: bytes, caller: Caller, desk: Desk) -> Reply:
    """`POST /v1/data/<path>`. Raises CallRefused."""
    wanted = tuple(path)
    if not wanted or wanted[0] != ROOT or len(wanted) > 2 or (len(wanted) == 2 and wanted[1] not in _PARTS):
        return Reply(200, {})
    document = read_object(raw)
    stated = document.get("input")
    if not isinstance(stated, dict):
        raise CallRefused(400, "INPUT_INVALID", "`input` is missing or no object")
    unknown = sorted(key for key in stated if key not in _INPUT)
    if unknown:
        raise CallRefused(400, "INPUT_INVALID", f"`input` has no field `{unknown[0][:60]}`; it has {', '.join(_INPUT)}")
    answer = desk.ask(
        Stated(**{key: stated.get(key) for key in ("principal", "resource", "command", *_INPUT[2:4], *_INPUT[5:])}),
        caller,
    )
    decision: dict[str, Json] = {
        **decision_json(answer.decision),
        "decision_id": answer.decision_id,
        "ticket": answer.ticket,
        "link": answer.link,
    }
    whole: dict[str, Json] = {"allow": is_plainly_allowed(answer), "decision": decision}
    result: Json = whole if len(wanted) == 1 else whole[wanted[1]]
    return Reply(200, {"result": result, "decision_id": answer.decision_id})


def refusal(error: CallRefused) -> Reply:
    """An error in OPA's words."""
    return Reply(error.status, {"code": _CODES.get(error.status, "internal_error"), "message": str(error)})
