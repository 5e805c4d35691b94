"""What a rule answers when it matches: its clauses as the object that `engine/rego/contract.py` describes.

Called by `resolver.py`. Not here: the conditions of a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, assert_never

from engine.dsl import tree as t
from engine.dsl.literals import MILLISECONDS
from engine.dsl.mistake import Mistake, unknown
from engine.dsl.tree import LiteralKind
from engine.masking.transforms import CHECKS, PARAMS, Method
from engine.rego.contract import (
    MAX_EXPIRY_SECONDS,
    MAX_REMEMBER_SECONDS,
    ContractBroken,
    LimitType,
    RuleKind,
    check_result,
)
from engine.request import Json
from engine.source import Diagnostic

_FLAGS: Final = frozenset({LimitType.READ_ONLY, LimitType.REWRITE_SECRET})
_TIMEOUTS: Final = frozenset({LimitType.STATEMENT_TIMEOUT, LimitType.LOCK_TIMEOUT})
_COLUMN_PARTS = 3

_Part: TypeAlias = "t.Clause | t.Fields | t.Method | t.Limit"


def outcome(rule: t.Rule, source: str, problems: list[Diagnostic]) -> dict[str, Json]:
    """The object a rule answers. What is wrong with it goes to `problems`."""
    result: dict[str, Json] = {"code": rule.name.text.upper()}
    if rule.title is not None:
        result["reason"] = str(rule.title.value)
    before = len(problems)
    for part in _parts(rule):
        try:
            result |= _read(rule, part)
        except Mistake as mistake:
            problems.append(Diagnostic(mistake.code, str(mistake), source, mistake.span, help=mistake.hint))
    if rule.kind is RuleKind.HOLD and not any(isinstance(clause, t.Approvers) for clause in rule.clauses):
        message = f"hold `{rule.name.text}` does not say who approves"
        hint = 'write `approvers group "..."`'
        problems.append(Diagnostic("NO_APPROVERS", message, source, rule.name.span, help=hint))
    if len(problems) == before:
        _check(rule, result, source, problems)
    return result


def _parts(rule: t.Rule) -> Iterator[_Part]:
    yield from rule.clauses
    yield from rule.fields
    if rule.method is not None:
        yield rule.method
    if rule.limit is not None:
        yield rule.limit


def _read(rule: t.Rule, part: _Part) -> Mapping[str, Json]:
    match part:
        case t.When():
            return {}
        case t.Remark():
            _once(rule, part)
            return {part.note.value: str(part.text.value)}
        case t.Approvers():
            return _approvers(rule, part)
        case t.Expires():
            return _expires(rule, part)
        case t.Withdraw():
            _only_in(RuleKind.HOLD, rule, part, "requester may withdraw")
            _once(rule, part)
            return {"may_withdraw": part.allowed}
        case t.PermitsEquality():
            _only_in(RuleKind.MASK, rule, part, "permits equality")
            _once(rule, part)
            return {"permits": ["equality"]}
        case t.Remember():
            return _remember(rule, part)
        case t.Escalate():
            return _escalate(rule, part)
        case t.Fields():
            return _fields(rule, part)
        case t.Method():
            return _method(part)
        case t.Limit():
            return _limit(part)
        case _:
            assert_never(part)


def _approvers(rule: t.Rule, what: t.Approvers) -> Mapping[str, Json]:
    _only_in(RuleKind.HOLD, rule, what, "approvers")
    _once(rule, what)
    groups = sorted({str(one.name.value) for one in what.approvers if one.is_group})
    users = sorted({str(one.name.value) for one in what.approvers if not one.is_group})
    found: dict[str, Json] = {}
    if groups:
        found["groups"] = list(groups)
    if users:
        found["users"] = list(users)
    if what.quorum is not None:
        quorum = what.quorum.value
        if not isinstance(quorum, int) or not 1 <= quorum <= 100:
            raise Mistake("QUORUM", "a quorum is a number of people from 1 to 100", what.quorum.span)
        if not groups and quorum > len(users):
            message = f"a quorum of {quorum} cannot come together out of {len(users)}"
            raise Mistake("QUORUM", message, what.quorum.span, "name more users, or a group")
        found["quorum"] = quorum
    return {"approvers": found}


def _expires(rule: t.Rule, what: t.Expires) -> Mapping[str, Json]:
    _only_in(RuleKind.HOLD, rule, what, "expires")
    _once(rule, what)
    after = int(what.after.value)
    if not 1000 <= after <= MAX_EXPIRY_SECONDS * 1000:
        raise Mistake("DURATION", "a hold waits from a second to 30 days", what.after.span)
    return {"expires": _duration(after)}


def _remember(rule: t.Rule, what: t.Remember) -> Mapping[str, Json]:
    _only_in(RuleKind.HOLD, rule, what, "remember")
    _once(rule, what)
    longest = int(what.longest.value)
    if not 1000 <= longest <= MAX_REMEMBER_SECONDS * 1000:
        raise Mistake("DURATION", "an approval is remembered from a second to 8 hours", what.longest.span)
    return {"remember": _duration(longest)}


def _escalate(rule: t.Rule, what: t.Escalate) -> Mapping[str, Json]:
    """All steps of the rule, told with the last of them."""
    _only_in(RuleKind.HOLD, rule, what, "escalate")
    return {"escalate": [_step(one) for one in rule.clauses if isinstance(one, t.Escalate)]}


def _step(what: t.Escalate) -> Json:
    found: dict[str, Json] = {"after": _duration(int(what.after.value))}
    for name, is_group in (("groups", True), ("users", False)):
        told = sorted({str(one.name.value) for one in what.to if one.is_group is is_group})
        if told:
            found[name] = list[Json](told)
    return found | {"may_approve": True} if what.may_approve else found


def _fields(rule: t.Rule, what: t.Fields) -> Mapping[str, Json]:
    for one in what.names:
        parts = str(one.value).split(".")
        if what.where in (t.Where.COLUMNS, t.Where.WITHIN) and (len(parts) > _COLUMN_PARTS or "" in parts):
            hint = 'such as "schema.table.column", with `*` where any will do'
            raise Mistake("COLUMN", f"{one.text} is no column", one.span, hint)
        if one.value == "":
            raise Mistake("COLUMN", "an empty text names nothing", one.span)
    others = {group.where for group in rule.fields}
    if t.Where.WITHIN in others and others != {t.Where.WITHIN, t.Where.VALUES}:
        hint = "masks of other fields are rules of their own"
        raise Mistake(
            "COLUMN", "`within` says in which columns `values` are looked for, and nothing else", what.span, hint
        )
    same = [str(one.value) for group in rule.fields if group.where is what.where for one in group.names]
    return {what.where.value: list(dict.fromkeys(same))}


def _method(what: t.Method) -> Mapping[str, Json]:
    word = what.name.text
    if word not in {*Method}:
        raise unknown("UNKNOWN_METHOD", "method of masking", word, what.name.span, Method)
    method = Method(word)
    params: dict[str, Json] = {}
    for parameter in what.parameters:
        if parameter.name not in PARAMS[method]:
            takes = ", ".join(f"`{name.replace('_', ' ')}`" for name in sorted(PARAMS[method])) or "nothing"
            message = f"`{method}` has no `{parameter.name.replace('_', ' ')}`"
            raise Mistake("PARAMETER", message, parameter.span, f"it takes {takes}")
        if parameter.name in params:
            raise Mistake("DUPLICATE", f"`{parameter.name.replace('_', ' ')}` is said twice", parameter.span)
        value = parameter.value.value
        if parameter.name == "check" and value not in CHECKS:
            raise unknown("PARAMETER", "check digit", str(value), parameter.value.span, CHECKS)
        if parameter.name.startswith("keep") and (not isinstance(value, int) or not 0 <= value <= 4096):
            raise Mistake("PARAMETER", "this is a number of characters from 0 to 4096", parameter.value.span)
        params[parameter.name] = value
    if "key" in PARAMS[method] and not params.get("key"):
        hint = f'write `with {method} key "ID"`, the id of a key in the configuration'
        raise Mistake("PARAMETER", f"`{method}` needs a key", what.name.span, hint)
    return {"method": method.value, "params": params} if params else {"method": method.value}


def _limit(what: t.Limit) -> Mapping[str, Json]:
    word, value = what.name.text, what.value
    if word not in {*LimitType}:
        raise unknown("UNKNOWN_LIMIT", "limit", word, what.name.span, LimitType)
    limit = LimitType(word)
    span = what.name.span if value is None else value.span
    stated: Json
    if limit in _FLAGS:
        if value is not None:
            raise Mistake("LIMIT", f"`{limit}` stands alone", span, "delete what comes after it")
        stated = True
    elif limit is LimitType.RECORD:
        if value is not None and value.kind is not LiteralKind.TEXT:
            raise Mistake("LIMIT", "`record` stands alone or says more in a text", span, 'such as `record "results"`')
        words = [] if value is None else [word.strip() for word in str(value.value).split(",")]
        stated = True if value is None else words[0] if len(words) == 1 else [*dict.fromkeys(words)]
    elif limit in _TIMEOUTS:
        if value is None or value.kind is not LiteralKind.DURATION or not value.value:
            raise Mistake("LIMIT", f"`{limit}` needs a duration", span, "such as `30s`")
        stated = _duration(int(value.value))
    elif limit is LimitType.ROWS:
        if value is None or not isinstance(value.value, int) or value.kind is not LiteralKind.NUMBER or value.value < 0:
            raise Mistake("LIMIT", "`rows` needs a number of rows", span, "such as `rows 10000`")
        stated = value.value
    else:
        if value is None or value.kind is not LiteralKind.TEXT or not value.value:
            raise Mistake("LIMIT", f"`{limit}` needs a text: whom to tell", span)
        stated = str(value.value)
    return {"type": limit.value, "value": stated}


def _duration(milliseconds: int) -> str:
    """As the contract reads it: the largest unit that needs no fraction."""
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if milliseconds % MILLISECONDS[unit] == 0)
    return f"{milliseconds // MILLISECONDS[unit]}{unit}"


def _only_in(kind: RuleKind, rule: t.Rule, what: t.Node, word: str) -> None:
    if rule.kind is not kind:
        message = f"`{word}` does not belong to {'an' if rule.kind is RuleKind.ALLOW else 'a'} {rule.kind} rule"
        raise Mistake("MISPLACED", message, what.span, f"only a {kind} rule has it")


def _once(rule: t.Rule, what: t.Clause) -> None:
    """Raises Mistake for a clause that says what an earlier one of the rule says."""
    for other in rule.clauses:
        if other is what:
            return
        note = isinstance(other, t.Remark) and isinstance(what, t.Remark) and other.note is not what.note
        if type(other) is type(what) and not note:
            message = f"this is said already on line {other.span.line}"
            raise Mistake("DUPLICATE", message, what.span, "delete one of the two")


def _check(rule: t.Rule, result: dict[str, Json], source: str, problems: list[Diagnostic]) -> None:
    """Whatever else the contract of results asks, in its words."""
    try:
        check_result(rule.kind, result)
    except ContractBroken as broken:
        problems.append(Diagnostic("CONTRACT", str(broken), source, rule.name.span))
