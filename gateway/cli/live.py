"""`live`, `kill`: who is connected now, and ending a session; through a running gateway's gRPC socket."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import say, say_json
from gateway.cli.reaching import As, Socket, client
from gateway.config.model import Role

if TYPE_CHECKING:
    from gateway.rpc.codec.sessions import SessionSeen


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(live)
    app.command()(kill)


def live(
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """List the sessions that are open at this gateway, newest first; your own without the role `operator` or `auditor`."""
    with client(config, socket, principal, Role.OPERATOR) as found:
        sessions, more = found.sessions()
    if as_json:
        say_json([asdict(one) for one in sessions])
        return
    for one in sessions:
        say(_line(one))
    if more:
        say(f"and {more} more")
    elif not sessions:
        say("nobody is connected")


def kill(
    session: Annotated[str, typer.Argument(help="The session, as `sallyport live` and the audit name it.")],
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; the client and the audit are told.")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    principal: As = None,
    as_json: AsJson = False,
) -> None:
    """End a session at once, with what runs in it and what is held for it."""
    with client(config, socket, principal, Role.OPERATOR) as found:
        ended = found.end_session(session, comment)
    if as_json:
        say_json(asdict(ended))
    else:
        say(f"ended: {_line(ended)}")


def _line(one: SessionSeen) -> str:
    since = datetime.fromtimestamp(one.opened_at / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    last = "held" if one.is_held else one.verdict or "nothing yet"
    place = one.resource if one.database is None else f"{one.resource}/{one.database}"
    parts = [one.id, since, f"{one.principal}@{place}", one.protocol, f"last {last}"]
    parts += [f"job {one.job}"] if one.job else []
    parts += [" ".join(part for part in (one.application, one.client_address) if part)]
    return "  ".join(part for part in parts if part)
