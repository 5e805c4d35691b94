"""From a decision that holds to the ticket it opens, and what a grant of it binds to. Pure. Called by the gate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from engine.command.tree import ParsedCommand
from engine.decision import Decision
from engine.masking.patterns import hide_secrets
from engine.request import Json, Principal, Resource, Session
from gateway.approvals.estimate import Estimate
from gateway.approvals.likeness import Likeness
from gateway.approvals.states import Binding, Shown, demands_of, parameters_digest
from gateway.approvals.store import NewTicket
from gateway.errors import ApprovalConflict

MAX_SHOWN_TEXT = 64 << 10
"""Characters of a command that approvers are shown. A longer one is not held but refused: nobody approves what they cannot read."""
MAX_SHOWN_PROMPT = 8_000
"""Characters of a prompt; more than a person reads before a click."""
MAX_SHOWN_OPERATIONS = 200

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


def binding_of(
    principal: Principal,
    session: Session,
    resource: Resource,
    command: ParsedCommand,
    parameters: Sequence[str | None] | None,
    revision: str,
    prompt: str | None = None,
) -> Binding:
    """What a grant of this command, now, here, for this job, would be good for. `prompt` is what set the job off."""
    tree = command.command
    # WHY the whole tree: names in it are resolved, so a changed search_path or a new view is another meaning.
    circumstances = (command.encoded, resource.database, resource.role, _role(session.state))
    return Binding(
        principal=principal.name,
        resource=resource.name,
        protocol=tree.protocol,
        digest=tree.digest,
        parameters=parameters_digest(parameters),
        meaning=hashlib.sha256(_ENCODER.encode(circumstances)).hexdigest(),
        revision=revision,
        job=session.job,
        prompt="" if prompt is None else hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def _role(state: Mapping[str, Json]) -> Json:
    return [state.get("role"), state.get("search_path")]


def ticket_for(
    binding: Binding,
    decision: Decision,
    command: ParsedCommand,
    session: Session,
    now: int,
    prompt: str | None = None,
    estimate: Estimate | None = None,
    lately: tuple[tuple[str, int], ...] = (),
    unusual: str = "",
    stated: tuple[str, ...] = (),
    likeness: Likeness | None = None,
) -> NewTicket:
    """The ticket that a decision's hold asks for. Raises ApprovalConflict for one that nobody could or should approve.

    `prompt` is what set the session's job off; `estimate` what is known so far of what the command would touch;
    `lately` and `unusual` are what the requester did, as far as it was decided with; `stated` names what is nobody's word but
    the requester's; `likeness` is what a remembered approval of it would cover.
    """
    hold, tree = decision.hold, command.command
    if hold is None:
        raise ApprovalConflict("the decision holds without saying who approves", code="DEMAND_INVALID")
    if hold.expires <= 0:
        raise ApprovalConflict("the hold has no time", code="DEMAND_INVALID")
    if len(tree.text) > MAX_SHOWN_TEXT:
        raise ApprovalConflict("the command is too long for anybody to approve", code="TOO_LONG_TO_APPROVE")
    operations = tuple(
        f"{operation.kind} ({operation.effect.value}): {', '.join(target.name for target in operation.targets[:20])}"
        for operation in tree.operations[:MAX_SHOWN_OPERATIONS]
    )
    why = "; ".join(reason.reason for reason in decision.reasons if reason.kind == "hold" and reason.reason)
    return NewTicket(
        binding=binding,
        demands=demands_of(hold.approvers),
        rules=hold.rules,
        expires_at=now + hold.expires * 1_000_000_000,
        shown=Shown(
            text=tree.text,
            operations=operations,
            session=session.id,
            job=session.job,
            application=session.application,
            client_address=session.client_address,
            prompt=None if prompt is None else hide_secrets(_shortened(prompt)),
            estimate=estimate,
            lately=lately,
            unusual=unusual,
            stated=stated,
        ),
        reason=why,
        may_withdraw=hold.may_withdraw,
        remember=0 if likeness is None else hold.remember,
        likeness=likeness if hold.remember > 0 else None,
    )


def _shortened(prompt: str) -> str:
    return prompt if len(prompt) <= MAX_SHOWN_PROMPT else f"{prompt[:MAX_SHOWN_PROMPT]}…"
