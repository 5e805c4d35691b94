"""`holds`, `approve`, `refuse`: people's part, through a running gateway's gRPC socket.

Who you are is the socket you may open: the configuration names one for each principal, and the kernel lets only its
owner in. `--as` picks one where you may open several.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import say, say_json
from gateway.config import Config, load_config
from gateway.config.model import Role, RpcSocket
from gateway.errors import ConfigInvalid

if TYPE_CHECKING:
    from gateway.rpc.client import Client
    from gateway.rpc.codec.tickets import HeldCommand

TicketId: TypeAlias = Annotated[str, typer.Argument(help="The ticket, as the held client was told it.")]
Comment: TypeAlias = Annotated[str, typer.Option("--comment", "-m", help="Why; the requester reads it.")]
Socket: TypeAlias = Annotated[Path | None, typer.Option(help="The gateway's socket, instead of the configuration's.")]
As: TypeAlias = Annotated[str | None, typer.Option("--as", help="The principal to be, where you may be several.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(holds)
    app.command()(approve)
    app.command()(refuse)


def holds(
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
) -> None:
    """List the commands that wait for an approval, newest first."""
    with _client(config, socket, principal) as client:
        found = client.tickets() if every else client.tickets("requested")
    if as_json:
        say_json([_fields(ticket) for ticket in found])
        return
    for ticket in found:
        say(f"{ticket.id}  {ticket.state:<9}  {ticket.principal}@{ticket.resource}  {', '.join(ticket.rules)}")
        say(_indented(ticket.text))
        if ticket.reason:
            say(_indented(ticket.reason))
    if not found:
        say("nothing waits")


def approve(
    ticket: TicketId,
    comment: Comment = "",
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to a held command; when enough people did, it runs at once."""
    with _client(config, socket, principal) as client:
        _tell(client.approve(ticket, comment), as_json)


def refuse(
    ticket: TicketId,
    comment: Comment = "",
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """Say no to a held command."""
    with _client(config, socket, principal) as client:
        _tell(client.refuse(ticket, comment), as_json)


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
        "votes": [
            {"approver": vote.approver, "granted": vote.granted, "comment": vote.comment} for vote in ticket.votes
        ],
    }


def _client(file: Path, socket: Path | None, principal: str | None) -> Client:
    # WHY here: the library takes long to load, and no other command needs it.
    from gateway.rpc.client import Client

    return Client.over_unix(socket or _find_socket(load_config(file, os.environ), principal))


def _find_socket(config: Config, principal: str | None) -> Path:
    """The socket to use: the named principal's, else the first that this user may open, approvers before others."""
    approvers = {local.name for local in config.identity.principal if Role.APPROVER in local.roles}
    sockets = sorted(config.rpc.socket, key=lambda one: one.principal not in approvers)
    if principal is not None:
        sockets = [one for one in sockets if one.principal == principal]
        if not sockets:
            raise ConfigInvalid(f"no [[rpc.socket]] is for `{principal}`", help="`--socket` names one outright")
    mine = [one for one in sockets if _may_open(config, one)]
    if not mine:
        raise ConfigInvalid(
            "none of the gateway's sockets can be opened by you",
            help="is `sallyport up` running, and are you meant to?",
        )
    return config.at(mine[0].path)


def _may_open(config: Config, socket: RpcSocket) -> bool:
    return os.access(config.at(socket.path), os.R_OK | os.W_OK)
