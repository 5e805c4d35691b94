"""The answer: one verdict with its reasons. A denial is a value of this type, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.request import Json


class Verdict(StrEnum):
    DENY = "deny"
    HOLD = "hold"
    MASK = "mask"
    ALLOW = "allow"


class DenyKind(StrEnum):
    """Why a deny is one. `RULE` is a policy's own; all others are the engine failing closed."""

    RULE = "RULE"
    NO_MATCH = "NO_MATCH"
    EVAL_ERROR = "EVAL_ERROR"
    MASK_CONFLICT = "MASK_CONFLICT"
    MASK_UNPROVEN = "MASK_UNPROVEN"
    TIMEOUT = "TIMEOUT"
    INPUT_INVALID = "INPUT_INVALID"
    STALE_POLICY = "STALE_POLICY"
    OBLIGATION_UNKNOWN = "OBLIGATION_UNKNOWN"
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    APPROVAL_REFUSED = "APPROVAL_REFUSED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a rule stands: file below the policy folder, 1-based line."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that had a say. `rule` is package without `policies.` + `/` + code; `reason` is for the user, `detail` for the admin."""

    rule: str
    kind: str
    code: str
    reason: str = ""
    detail: str = ""
    hint: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class MaskItem:
    """How one output is rewritten.

    `output` is the 0-based position in the result, None where there is a `path`, or for values anywhere: `origins` are
    then the types of the scanner that are looked for. `values`: of the output only what is of these types; `method` one of
    `drop null redact hash tokenize partial`; `params` name keys by id, never key material.
    """

    output: int | None
    origins: tuple[str, ...]
    method: str
    params: Mapping[str, Json] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    path: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something the adapter must do besides: `rows`, `read_only`, `statement_timeout`, `lock_timeout`, `notify`, `record`, `rewrite_secret`.

    What a `value` looks like is said in `engine/rego/contract.py`.
    """

    type: str
    value: Json
    rule: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Who must approve. `approvers` are all demands (each must be met); `expires` is seconds.

    A demand may say under `escalate` who is told when nobody decided `after` seconds, and whether they `may_approve` then.
    `remember` is for how many seconds approvers may let what has the same shape pass; 0: each is approved by itself.
    """

    approvers: tuple[Mapping[str, Json], ...]
    expires: int
    rules: tuple[str, ...]
    may_withdraw: bool = True
    remember: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. The default is a deny. `cacheable` says that the same inputs (time apart) always get the same answer."""

    verdict: Verdict = Verdict.DENY
    deny_kind: DenyKind | None = DenyKind.NO_MATCH
    reasons: tuple[Reason, ...] = ()
    mask_plan: tuple[MaskItem, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    hold: Hold | None = None
    revision: str = ""
    cacheable: bool = False
    masks_in_force: bool = False
    """A mask matched, whether or not it concerns an output. WHY: a command that writes is told whole rows in errors."""

    @property
    def is_granted(self) -> bool:
        """Whether the command may run now."""
        return self.verdict in (Verdict.ALLOW, Verdict.MASK)
