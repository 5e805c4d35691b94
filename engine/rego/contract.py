"""The shape of what a policy's rules answer: one type for each kind of rule, checked field by field.

`allow`, `deny`, `hold`, `mask` and `limit` are partial sets; each element must be an object of its kind's shape, with
no other field. The evaluator reads results with `read_result` (a wrong shape is a deny, EVAL_ERROR); the compiler
checks what stands literally in a rule's head with `check_result`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, assert_never

import msgspec

from engine.errors import EngineError, InputInvalid
from engine.masking.paths import parse_path
from engine.masking.transforms import CHECKS, PARAMS, Method, Param

# WHY late: who checks policies waits for no types of requests.
if TYPE_CHECKING:
    from engine.request import Json

MAX_TEXT = 4096
MAX_ITEMS = 1000
MAX_EXPIRY_SECONDS = 30 * 24 * 3600
MAX_REMEMBER_SECONDS = 8 * 3600
"""An approval that is remembered for longer than a working day would be a policy that nobody wrote."""
MAX_ESCALATIONS = 5

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,99}$")]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_ITEMS)]


class RuleKind(StrEnum):
    """The partial sets of a policy package that mean something."""

    DENY = "deny"
    HOLD = "hold"
    MASK = "mask"
    LIMIT = "limit"
    ALLOW = "allow"


class LimitType(StrEnum):
    """What a `limit` may restrict."""

    ROWS = "rows"
    READ_ONLY = "read_only"
    STATEMENT_TIMEOUT = "statement_timeout"
    LOCK_TIMEOUT = "lock_timeout"
    NOTIFY = "notify"
    RECORD = "record"
    REWRITE_SECRET = "rewrite_secret"  # noqa: S105  # the name of an obligation


class Recorded(StrEnum):
    """What `record` says besides that the text of a command, its decision and what became of it are kept."""

    PARAMETERS = "parameters"
    """The values bound to it, secrets hidden."""
    RESULTS = "results"
    """What its client gets, masked; the first of it."""
    BEST_EFFORT = "best_effort"
    """Nothing, but it takes something away: where the recorder fails the command goes on, once the audit knows of it."""


class ContractBroken(EngineError):
    """A rule answered something that has not the shape of its kind."""

    code = "CONTRACT_BROKEN"


class AllowResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Grants."""

    code: Code
    reason: Text = ""
    detail: Text = ""
    hint: Text = ""


class DenyResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Refuses; beats everything."""

    code: Code
    reason: Text = ""
    detail: Text = ""
    hint: Text = ""


class Approvers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may approve: members of the groups and the users named; `quorum` different people of them must."""

    groups: Names = ()
    users: Names = ()
    quorum: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told when nobody has decided `after` a duration; with `may_approve` they may decide too, for this hold's approvers."""

    after: Name
    groups: Names = ()
    users: Names = ()
    may_approve: bool = False


class HoldResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Grants once approved; beats allow. `expires` is a duration such as `15m`; `remember` is the longest for which approvers may
    let the job's next commands of the same shape pass; without it each is approved by itself."""

    code: Code
    approvers: Approvers
    reason: Text = ""
    detail: Text = ""
    hint: Text = ""
    expires: Name = "1h"
    may_withdraw: bool = True
    remember: Name | None = None
    escalate: Annotated[tuple[Escalation, ...], msgspec.Meta(max_length=MAX_ESCALATIONS)] = ()


class MaskResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rewrites results: columns by glob, JSON paths, streams, or values by the name of a pattern; `within`: in these columns.

    `permits`: conditions that may be made of masked columns all the same; `equality` is one with a constant.
    """

    code: Code
    method: Method
    reason: Text = ""
    detail: Text = ""
    hint: Text = ""
    columns: Names = ()
    paths: Names = ()
    streams: Names = ()
    values: Names = ()
    within: Names = ()
    permits: tuple[Literal["equality"], ...] = ()
    params: dict[str, Param] = {}


class LimitResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Restricts how a granted command runs. An unknown `type` passes here and is denied where results are combined."""

    code: Code
    type: Name
    value: object
    reason: Text = ""
    detail: Text = ""
    hint: Text = ""


RuleResult: TypeAlias = AllowResult | DenyResult | HoldResult | MaskResult | LimitResult

_TYPES: Final[Mapping[RuleKind, type[RuleResult]]] = {
    RuleKind.ALLOW: AllowResult,
    RuleKind.DENY: DenyResult,
    RuleKind.HOLD: HoldResult,
    RuleKind.MASK: MaskResult,
    RuleKind.LIMIT: LimitResult,
}
_DECODERS: Final = {kind: msgspec.msgpack.Decoder(shape) for kind, shape in _TYPES.items()}

_DURATION = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_COLUMN_PARTS = 3


def read_result(kind: RuleKind, encoded: bytes | msgspec.Raw) -> RuleResult:
    """Read one element of a rule's set, or raise ContractBroken."""
    try:
        result = _DECODERS[kind].decode(encoded)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContractBroken(_lower(str(error))) from None
    return _checked(result)


def check_result(kind: RuleKind, value: Json) -> RuleResult:
    """The same for a value that stands literally in a policy."""
    try:
        result = msgspec.convert(value, _TYPES[kind])
    except msgspec.ValidationError as error:
        raise ContractBroken(_lower(str(error))) from None
    return _checked(result)


def milliseconds(duration: str) -> int:
    """A duration such as `500ms`, `30s`, `15m`, `1h`, `7d`, in milliseconds."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ContractBroken(f"`{duration[:40]}` is not a duration such as `15m`")
    return int(found[1]) * _MILLISECONDS[found[2]]


def expiry_seconds(result: HoldResult) -> int:
    """How long a hold waits, in whole seconds."""
    return max(1, milliseconds(result.expires) // 1000)


def remember_seconds(result: HoldResult) -> int:
    """For how long an approval may be remembered, in whole seconds; 0: not at all."""
    return 0 if result.remember is None else milliseconds(result.remember) // 1000


def _checked(result: RuleResult) -> RuleResult:
    match result:
        case AllowResult() | DenyResult():
            pass
        case HoldResult():
            _check_hold(result)
        case MaskResult():
            _check_mask(result)
        case LimitResult():
            _check_limit(result)
        case _:
            assert_never(result)
    return result


def _check_hold(result: HoldResult) -> None:
    approvers = result.approvers
    if not approvers.groups and not approvers.users:
        raise ContractBroken("`approvers` names neither a group nor a user: nobody could approve")
    if not approvers.groups and approvers.quorum > len(set(approvers.users)):
        raise ContractBroken("`approvers.quorum` is larger than the number of users who may approve")
    if expiry_seconds(result) > MAX_EXPIRY_SECONDS:
        raise ContractBroken("`expires` is longer than 30 days")
    if result.remember is not None and not 1 <= remember_seconds(result) <= MAX_REMEMBER_SECONDS:
        raise ContractBroken("`remember` is not from a second to 8 hours")
    for step in result.escalate:
        if not step.groups and not step.users:
            raise ContractBroken("`escalate` names neither a group nor a user: nobody would be told")
        if not 1 <= milliseconds(step.after) // 1000 < expiry_seconds(result):
            raise ContractBroken("`escalate.after` is not from a second to before the hold expires")


def _check_mask(result: MaskResult) -> None:
    if not (result.columns or result.paths or result.streams or result.values):
        raise ContractBroken("a mask needs one of `columns`, `paths`, `streams`, `values`")
    if result.within and (not result.values or result.columns or result.paths or result.streams):
        raise ContractBroken(
            "`within` says in which columns `values` are looked for; a mask with it has no other field"
        )
    if result.permits and not (result.columns or result.within):
        raise ContractBroken(
            "`permits` is about conditions of SQL on masked columns: name them in `columns` or `within`"
        )
    for column in (*result.columns, *result.within):
        if column.count(".") >= _COLUMN_PARTS or "" in column.split("."):
            raise ContractBroken(
                f"`{column}` is not a column such as `schema.table.column`, with `*` where any will do"
            )
    for path in result.paths:
        _check_path(path)
    allowed = PARAMS[result.method]
    for name, value in result.params.items():
        if name not in allowed:
            raise ContractBroken(f"method `{result.method}` has no parameter `{name}`")
        if name in ("key", "tweak"):
            fits = isinstance(value, str) and 0 < len(value) <= MAX_TEXT and "\0" not in value
        elif name == "check":
            fits = value in CHECKS
        else:
            fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TEXT
        if not fits:
            raise ContractBroken(f"parameter `{name}` of method `{result.method}` has a wrong value")
    if "key" in allowed and "key" not in result.params:
        raise ContractBroken(f"method `{result.method}` needs the parameter `key`, the id of a configured key")
    if "check" in result.params and result.params.get("keep_last"):
        raise ContractBroken("`keep_last` keeps the check digit, which `check` computes anew: take one of the two")


def _check_path(path: str) -> None:
    try:
        parse_path(path)
    except InputInvalid as error:
        raise ContractBroken(str(error)) from None


def _check_limit(result: LimitResult) -> None:
    try:
        kind = LimitType(result.type)
    except ValueError:
        return
    limit_value(kind, result.value)


def limit_value(kind: LimitType, value: object) -> Json:
    """The value of a limit as adapters get it: rows a count, time-outs in milliseconds, `notify` a sorted list, `record` true
    or a sorted list of what it adds, else true."""
    match kind:
        case LimitType.ROWS:
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
                return value
        case LimitType.STATEMENT_TIMEOUT | LimitType.LOCK_TIMEOUT:
            if isinstance(value, str):
                return milliseconds(value)
        case LimitType.NOTIFY:
            names = [value] if isinstance(value, str) else value
            if isinstance(names, list) and names and all(isinstance(name, str) and name for name in names):
                return sorted({str(name) for name in names})  # type: ignore[return-value]  # list is invariant; these are texts
        case LimitType.RECORD if value is not True:
            words = [value] if isinstance(value, str) else value
            if (
                isinstance(words, list)
                and words
                and all(isinstance(word, str) and word in {*Recorded} for word in words)
            ):
                return sorted({str(word) for word in words})  # type: ignore[return-value]  # as above
        case LimitType.READ_ONLY | LimitType.RECORD | LimitType.REWRITE_SECRET:
            if value is True:
                return True
        case _:
            assert_never(kind)
    raise ContractBroken(f"limit `{kind}` has a wrong value")


def _lower(message: str) -> str:
    return (message[:1].lower() + message[1:])[:300]
