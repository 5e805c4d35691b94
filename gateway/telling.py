"""What the audit is told of a decision and of a ticket's step. Pure; secrets in texts are hidden here. Called by the gate."""

from __future__ import annotations

import hashlib
import math
from typing import assert_never

import msgspec

from adapters.core.ports import Outcome, Question
from engine import _native
from engine.command.http.shown import hide_credentials
from engine.command.tree import ParsedCommand
from engine.decision import Decision, DenyKind
from engine.evaluator.cache import Judgement
from engine.masking.patterns import hide_secrets
from gateway.approvals.estimate import summary
from gateway.approvals.states import (
    Approved,
    Escalated,
    Estimated,
    Expired,
    Refused,
    Step,
    Superseded,
    Ticket,
    Used,
    Withdrawn,
    parameters_digest,
)
from gateway.asked import Asked
from gateway.audit.catalogs import NOT_KEPT, Reference
from gateway.audit.entry import Entry, Kind, Uses
from gateway.audit.redact import redact_sql

_WEB = frozenset({"http", "kubernetes", "mcp"})
"""Protocols whose texts are requests with header lines, or may be where nobody could read more than those."""
SECRET = "secret_literal"  # noqa: S105  # the name of a feature, no secret
MAX_TREE = 256 << 10
"""Bytes of a ready-made tree that an entry holds; a larger one cannot be decided again."""
_UNREAD = frozenset({"too_long", "nul_byte", "not_utf8", "too_deep", "parser_failed", "syntax_error"})
"""Problems that mean: no grammar read this text, so nobody knows whether it holds a secret."""


class _Problem(msgspec.Struct):
    code: str


class _Gist(msgspec.Struct):
    """The few fields of a tree that an entry needs; the rest is skipped, not decoded."""

    protocol: str
    digest: str
    features: tuple[str, ...] = ()
    problems: tuple[_Problem, ...] = ()


class _Told(msgspec.Struct):
    protocol: str
    text: str


_GIST = msgspec.msgpack.Decoder(_Gist)
_TOLD = msgspec.msgpack.Decoder(_Told)


def decision_entry(
    asked: Asked,
    decision: Decision,
    judged: Judgement,
    decision_id: str,
    now: int,
    ticket: Ticket | None,
    catalog: Reference = NOT_KEPT,
    *,
    hides: bool = True,
) -> Entry:
    """The entry of a decision. `judged` has the tree; None: it could not even be parsed, or nobody tried.

    `hides`: what looks like a secret in the text is hidden, besides the literals that the parser knows for secrets.

    `ticket` is there for a hold and for what was decided with its grant; `catalog` is where what names meant is kept.
    """
    principal, session, question = asked.principal, asked.session, asked.question
    gist = None if judged.command is None else _GIST.decode(judged.command.encoded)
    text, is_redacted = _text(question, gist, hides=hides)
    # WHY nothing of an input that was refused for its shape: the log could not hold it either.
    is_sound = decision.deny_kind is not DenyKind.INPUT_INVALID
    resource = asked.resource
    approval = ticket if ticket is not None and ticket.granted_at is not None else None
    return Entry(
        kind=Kind.DECISION,
        time=now,
        decision_id=decision_id,
        caller=asked.caller,
        is_dry=asked.is_dry,
        principal=principal.name,
        principal_kind=principal.kind,
        groups=tuple(principal.groups),
        session=session.id,
        job=session.job,
        application=session.application,
        client_address=session.client_address,
        resource=asked.resource.name,
        protocol=gist.protocol if gist is not None else _protocol(question),
        digest=_digest(question, gist, judged.exact),
        parameters=parameters_digest(asked.parameters),
        text=text,
        redacted=is_redacted,
        verdict=decision.verdict.value,
        deny_kind=None if decision.deny_kind is None else decision.deny_kind.value,
        rules=tuple([(reason.rule or reason.code, reason.kind) for reason in decision.reasons]),
        obligations=tuple([(obligation.type, obligation.value) for obligation in decision.obligations]),
        masked=len(decision.mask_plan),
        revision=decision.revision,
        ticket=None if ticket is None else ticket.id,
        approvers=() if ticket is None else tuple(vote.approver for vote in ticket.votes if vote.granted),
        attributes=dict(principal.attributes) if is_sound else {},
        state=dict(session.state) if is_sound else {},
        database=resource.database,
        role=resource.role,
        labels=dict(resource.labels) if is_sound else {},
        resource_protocol=resource.protocol,
        context=dict(asked.context) if is_sound else {},
        had_catalog=isinstance(question, Question) and question.catalog is not None,
        catalog=catalog.digest,
        names=catalog.session,
        is_tree=not isinstance(question, Question),
        tree=b"" if is_redacted else _tree(question, gist),
        granted=() if approval is None else approval.rules,
        granted_at=None if approval is None else approval.granted_at,
        overruled=decision is not judged.decision or not decision.revision,
        masks=tuple([(item.output, item.method) for item in decision.mask_plan]),
        uses=_uses(asked) if decision.is_granted and asked.is_to_run else None,
    )


def _uses(asked: Asked) -> Uses | None:
    touched = asked.touched
    if touched is None:
        return None
    objects = tuple([f"{one:016x}" for one in touched.objects])
    return Uses(objects, touched.unnamed, len(asked.unseen) + touched.more)


def _tree(question: Question | ParsedCommand, gist: _Gist | None) -> bytes:
    """A ready-made tree, where the log may hold it. A text makes its own again."""
    if isinstance(question, Question) or gist is None or SECRET in gist.features:
        return b""
    return question.encoded if len(question.encoded) <= MAX_TREE else b""


def outcome_entry(decision_id: str, outcome: Outcome, now: int, principal: str, job: str | None) -> Entry:
    """The entry of what became of a granted command, with whose it was. Without that `gateway.forms` is faster."""
    return Entry(
        kind=Kind.OUTCOME,
        time=now,
        decision_id=decision_id,
        principal=principal,
        job=job,
        rows=outcome.rows,
        bytes=outcome.bytes,
        duration=outcome.duration if math.isfinite(outcome.duration) else None,
        error=outcome.error,
        masked=outcome.masked,
        sent_again=outcome.sent_again,
    )


LOST = "lost"
"""The step of an entry that takes another back: that step never happened."""


def step_entry(after: Ticket, event: Step, now: int) -> Entry:
    """The entry of a ticket's step; `after` is the ticket as it will be."""
    step, person, note = _step(event)
    remember = event.remember if isinstance(event, Approved) else 0
    number = after.escalated if isinstance(event, Escalated) else None
    if number is not None:
        told = after.escalations[number - 1]
        note = f"nobody decided in {told.after} s: {told.people} told{', who may approve' if told.may_approve else ''}"
    return Entry(
        kind=Kind.APPROVAL,
        time=now,
        ticket=after.id,
        step=step,
        person=person,
        note=note,
        duration=float(remember) if remember else None,
        rows=number,
        principal=after.principal,
        session=after.session,
        job=after.job,
        resource=after.resource,
        digest=after.digest,
        revision=after.binding.revision,
        verdict=after.state.value,
    )


def _step(event: Step) -> tuple[str, str, str]:
    match event:
        case Approved(person, comment):
            return "approved", person.name, comment
        case Refused(person, comment):
            return "refused", person.name, comment
        case Withdrawn(reason):
            return "withdrawn", "", reason
        case Superseded(reason):
            return "superseded", "", reason
        case Expired():
            return "expired", "", ""
        case Used():
            return "used", "", ""
        case Estimated(estimate):
            return "estimated", "", summary(estimate)
        case Escalated():
            return "escalated", "", ""
        case _:
            assert_never(event)


def _protocol(question: Question | ParsedCommand) -> str:
    return question.protocol if isinstance(question, Question) else _TOLD.decode(question.encoded).protocol


def _digest(question: Question | ParsedCommand, gist: _Gist | None, is_exact: bool) -> str:
    """The command's digest; of one decided by its shape alone it is made here, as parsers make it."""
    if gist is None:
        return ""
    if is_exact or not isinstance(question, Question):
        return gist.digest
    return hashlib.sha256(question.protocol.encode() + b"\0" + question.text).hexdigest()


def shows_text(judged: Judgement) -> bool:
    """Whether the entry of what was judged holds the text unchanged, whatever its literals are."""
    if judged.command is None:
        return False
    gist = _GIST.decode(judged.command.encoded)
    return gist.protocol not in _WEB and _is_plain(gist)


def _is_read(gist: _Gist) -> bool:
    return not (gist.problems and any(problem.code in _UNREAD for problem in gist.problems))


def _is_plain(gist: _Gist) -> bool:
    return _is_read(gist) and SECRET not in gist.features


def has_secret(question: Question | ParsedCommand) -> bool:
    """Whether the command's text, or its tree as somebody made it, holds what looks like a secret.

    Not the credentials of a request: it needs them, and they are never kept.
    """
    if not isinstance(question, Question):
        return _native.hide_secrets(question.encoded) is not None
    text = question.text
    if question.protocol in _WEB:
        text = hide_credentials(text.decode("utf-8", "backslashreplace")).encode()
    return _native.hide_secrets(text) is not None


def shown_text(question: Question, command: ParsedCommand | None, *, hides: bool) -> tuple[str, bool]:
    """The text of a question as an entry would have it, for who else keeps it, and whether something in it was hidden. `command` is the
    tree that was judged."""
    return _text(question, None if command is None else _GIST.decode(command.encoded), hides=hides)


def _text(question: Question | ParsedCommand, gist: _Gist | None, *, hides: bool) -> tuple[str, bool]:
    """The command as the log keeps it, and whether something in it was hidden."""
    if isinstance(question, Question):
        text, protocol = question.text.decode("utf-8", "backslashreplace"), question.protocol
    else:
        told = _TOLD.decode(question.encoded)
        text, protocol = told.text, told.protocol
    if protocol in _WEB:
        # WHY always: every request may carry a credential, and what proves somebody is nobody's to read.
        hidden = hide_secrets(hide_credentials(text))
        return hidden, hidden != text
    hidden = text
    if gist is None or not _is_plain(gist):
        hidden = redact_sql(text, is_understood=gist is not None and _is_read(gist))
    if hides:
        hidden = hide_secrets(hidden)
    return hidden, hidden != text
