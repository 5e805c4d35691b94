"""What stands literally in the heads of Rego rules, checked before anything runs: its shape, and masks that conflict.

The shapes are those of `engine/rego/contract.py`. What is computed is checked when it is (EVAL_ERROR). Called by
`stages.py`; the `.gate` language has its own checks (`engine/dsl/outcomes.py`, `contradictions.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from engine.rego.contract import ContractBroken, RuleKind, check_result
from engine.source import Diagnostic, Severity, Span

# WHY late: who checks policies waits for no types of requests.
if TYPE_CHECKING:
    from engine.request import Json

_WRITTEN: Final[Mapping[RuleKind, str]] = {
    RuleKind.ALLOW: '{"code": ..., "reason": ...}',
    RuleKind.DENY: '{"code": ..., "reason": ...}',
    RuleKind.HOLD: '{"code": ..., "approvers": {"groups": [...]}, "expires": "15m"}',
    RuleKind.MASK: '{"code": ..., "columns": [...], "method": ...}',
    RuleKind.LIMIT: '{"code": ..., "type": ..., "value": ...}',
}
_STAND_INS: Final[Mapping[str, Json]] = {
    "code": "CODE",
    "approvers": {"groups": ["group"]},
    "expires": "15m",
    "may_withdraw": True,
    "remember": "30m",
    "escalate": [],
    "method": "null",
    "columns": ["a.b.c"],
    "paths": ["a"],
    "streams": ["stdout"],
    "values": ["pii.email"],
    "within": ["a.b.c"],
    "permits": ["equality"],
    "params": {},
    "type": "some limit",
    "value": True,
}
"""What a computed field might come to: any other field that is wrong is wrong whatever it comes to."""


class Head(msgspec.Struct, frozen=True):
    """As the core tells it (`Program.describe`)."""

    line: int
    column: int
    end_line: int
    end_column: int
    computed: tuple[str, ...]
    value: Any = None
    fields: dict[str, Any] | None = None

    @property
    def span(self) -> Span:
        return Span(self.line, self.column, self.end_line, self.end_column)


class HeadOf(msgspec.Struct, frozen=True):
    """A rule with the head it has."""

    package: str
    kind: RuleKind
    file: str
    head: Head


def check_heads(heads: Sequence[HeadOf]) -> Iterator[Diagnostic]:
    """Results of a wrong shape, which are denied when they come (EVAL_ERROR), and masks that may ask for different things."""
    for one in heads:
        message = _broken(one)
        if message is not None:
            help_ = f"the result of `{one.kind}` is written {_WRITTEN[one.kind]}"
            yield Diagnostic("RESULT_SHAPE", message, one.file, one.head.span, Severity.WARNING, help_)
    yield from _conflicts(one for one in heads if one.kind is RuleKind.MASK and _broken(one) is None)


def _broken(one: HeadOf) -> str | None:
    head = one.head
    if head.fields is None:
        return f"the result of `{one.kind}` must be an object with at least a `code`"
    computed = {name: _STAND_INS.get(name, "text") for name in head.computed}
    # WHY none: what a method's parameters may be depends on the method.
    fields = {name: value for name, value in head.fields.items() if name != "params" or "method" not in computed}
    if "params" in computed or "method" in computed:
        fields = {name: value for name, value in fields.items() if name not in ("params", "method")}
        computed |= {"method": "null"} if one.kind is RuleKind.MASK else {}
    if one.kind is RuleKind.LIMIT and "value" in computed:
        computed |= {"type": "some limit"}
        fields = {name: value for name, value in fields.items() if name != "type"}
    try:
        check_result(one.kind, {**computed, **fields})
    except ContractBroken as error:
        return f"the result of this rule has not the shape of `{one.kind}`: {error}"
    return None


def _conflicts(masks: Iterable[HeadOf]) -> Iterator[Diagnostic]:
    """Masks of one package that name the same field, with the same method and other parameters."""
    known = list[HeadOf]()
    for second in masks:
        fields = second.head.fields or {}
        for first in known:
            before = first.head.fields or {}
            if first.package != second.package or before.get("method") != fields.get("method"):
                continue
            shared = _shared(before, fields)
            if shared is None or before.get("params", {}) == fields.get("params", {}):
                continue
            message = f"masks `{before.get('code')}` and `{fields.get('code')}` ask for different things of `{shared}`"
            help_ = "where both match, the command is denied (MASK_CONFLICT): let one of them not apply"
            yield Diagnostic("MASK_CONFLICT", message, second.file, second.head.span, Severity.WARNING, help_)
        if "method" in fields and not {"params", "columns", "values", "paths"} & set(second.head.computed):
            known.append(second)


def _shared(one: Mapping[str, Json], other: Mapping[str, Json]) -> str | None:
    for key in ("columns", "paths", "values"):
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, list) and isinstance(theirs, list):
            for name in mine:
                if name in theirs:
                    return str(name)
    return None
