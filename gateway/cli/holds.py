"""`holds`, `approve`, `refuse`: people's part, through a running gateway's gRPC socket (`reaching` says as whom)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from engine.rego.contract import ContractBroken, milliseconds
from gateway.approvals.estimate import Estimate, step_lines, summary
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say, say_json
from gateway.cli.reaching import As, Socket
from gateway.cli.reaching import client as reach
from gateway.config.model import Role
from gateway.identity.speaking import JOB, OWN_WORD

if TYPE_CHECKING:
    from gateway.rpc.codec.remembered import RememberedApproval
    from gateway.rpc.codec.tickets import HeldCommand, Told

Which: TypeAlias = Annotated[str | None, typer.Argument(metavar="[TICKET]", help="Show this one, with its plan.")]
TicketId: TypeAlias = Annotated[str, typer.Argument(help="The ticket, as the held client was told it.")]
Comment: TypeAlias = Annotated[str, typer.Option("--comment", "-m", help="Why; the requester reads it.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(holds)
    app.command()(approve)
    app.command()(refuse)
    app.command()(remembered)


def holds(
    ticket: Which = None,
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
) -> None:
    """List the commands that wait for an approval, newest first; or show one of them."""
    with reach(config, socket, principal, Role.APPROVER) as client:
        found = client.tickets() if every or ticket is not None else client.tickets("requested")
    if ticket is not None:
        found = tuple(one for one in found if one.id == ticket)
    if as_json:
        say_json([_fields(one) for one in found])
    for one in () if as_json else found:
        _show(one, is_whole=ticket is not None)
    if ticket is not None and not found:
        complain(f"there is no hold `{ticket[:40]}` that you may see", help="`sallyport holds` lists them")
        raise typer.Exit(1)
    if not found and not as_json:
        say("nothing waits")


def _show(ticket: HeldCommand, *, is_whole: bool) -> None:
    say(f"{ticket.id}  {ticket.state:<9}  {ticket.principal}@{ticket.resource}  {', '.join(ticket.rules)}")
    say(_indented(ticket.text))
    if ticket.reason:
        say(_indented(ticket.reason))
    if ticket.job:
        say(_indented(f"job {ticket.job}{OWN_WORD if JOB in ticket.stated else ''}"))
    if ticket.remember and ticket.state == "requested":
        say(_indented(f"may be remembered: `--remember {ticket.remember}s` at most"))
    for one in ticket.escalations:
        line = _escalated(one, is_open=ticket.state == "requested")
        if line:
            say(_indented(line))
    if ticket.unusual:
        say(_indented(f"unusual: {ticket.unusual}"))
    if ticket.lately:
        say(_indented(f"before it: {', '.join(f'{name} {value}' for name, value in ticket.lately)}"))
    if ticket.estimate is not None:
        say(_indented(summary(ticket.estimate)))
        for line in step_lines(ticket.estimate) if is_whole else ():
            say(_indented(f"  {line}"))


def _escalated(one: Told, *, is_open: bool) -> str:
    """Who was told, or will be, in one line; nothing of who will not be any more."""
    if not one.told_at and not is_open:
        return ""
    people = ", ".join([*(f"group {name}" for name in one.groups), *one.users])
    may = ", who may approve" if one.may_approve else ""
    return (
        f"told {_clock(one.told_at)}: {people}{may}" if one.told_at else f"tells {people}{may} at {_clock(one.due_at)}"
    )


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at // 10**9, UTC).strftime("%H:%M:%SZ")


def approve(
    ticket: TicketId,
    comment: Comment = "",
    remember: Annotated[
        str, typer.Option("--remember", metavar="30m", help="For so long, what is like it passes too.")
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a held command; when enough people did, it runs at once."""
    seconds = _seconds(remember)
    with reach(config, socket, principal, Role.APPROVER) as client:
        _tell(client.approve(ticket, comment, seconds), as_json)


def refuse(
    ticket: TicketId,
    comment: Comment = "",
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """Say no to a held command."""
    with reach(config, socket, principal, Role.APPROVER) as client:
        _tell(client.refuse(ticket, comment), as_json)


def remembered(
    take_back: Annotated[str, typer.Option("--take-back", metavar="ID", help="End this one, everywhere.")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """List the approvals that are remembered, newest first; or take one back."""
    with reach(config, socket, principal, Role.APPROVER) as client:
        found = (client.take_back(take_back),) if take_back else client.remembered()
    if as_json:
        say_json([_remembered(one) for one in found])
        return
    for one in found:
        how = "taken back" if take_back else f"until {_clock(one.expires_at)}"
        say(
            f"{one.id}  {how}  {one.principal}@{one.resource}  job {one.job}  by {', '.join(one.approvers)}, {one.uses} uses"
        )
        say(_indented(one.text))
    if not found:
        say("nothing is remembered")


def _seconds(remember: str) -> int:
    """The seconds of a duration such as `30m`; 0 of none."""
    if not remember:
        return 0
    try:
        return max(1, milliseconds(remember) // 1000)
    except ContractBroken as error:
        raise typer.BadParameter(str(error), param_hint="--remember") from error


def _remembered(one: RememberedApproval) -> dict[str, object]:
    return {
        "id": one.id,
        "ticket": one.ticket,
        "principal": one.principal,
        "resource": one.resource,
        "job": one.job,
        "rules": list(one.rules),
        "approvers": list(one.approvers),
        "granted_at": one.granted_at,
        "expires_at": one.expires_at,
        "uses": one.uses,
        "text": one.text,
    }


def _tell(ticket: HeldCommand, as_json: bool) -> None:
    if as_json:
        say_json(_fields(ticket))
    elif ticket.state == "requested":
        say(f"{ticket.id}: your approval counts; others must approve too")
    else:
        say(f"{ticket.id}: {ticket.state}")


def _indented(text: str) -> str:
    """Several lines that cannot pass for lines of ours: each stands further in."""
    return "\n".join(f"    {line}" for line in text.split("\n"))


def _estimate(estimate: Estimate) -> dict[str, object]:
    return {
        "rows": estimate.rows,
        "cost": estimate.cost,
        "changes": estimate.changes,
        "steps": [
            {"node": step.node, "relation": step.relation, "rows": step.rows, "depth": step.depth}
            for step in estimate.steps
        ],
        "more_steps": estimate.more,
        "why_not": estimate.why_not,
        "pending": estimate.is_pending,
    }


def _fields(ticket: HeldCommand) -> dict[str, object]:
    return {
        "id": ticket.id,
        "state": ticket.state,
        "principal": ticket.principal,
        "resource": ticket.resource,
        "protocol": ticket.protocol,
        "text": ticket.text,
        "digest": ticket.digest,
        "rules": list(ticket.rules),
        "reason": ticket.reason,
        "job": ticket.job,
        "expires_at": ticket.expires_at,
        "lately": dict(ticket.lately),
        "unusual": ticket.unusual,
        "stated": list(ticket.stated),
        "may_remember": ticket.remember,
        "escalations": [
            {
                "due_at": one.due_at,
                "told_at": one.told_at or None,
                "users": list(one.users),
                "groups": list(one.groups),
                "may_approve": one.may_approve,
            }
            for one in ticket.escalations
        ],
        "estimate": None if ticket.estimate is None else _estimate(ticket.estimate),
        "votes": [
            {"approver": vote.approver, "granted": vote.granted, "comment": vote.comment} for vote in ticket.votes
        ],
    }
