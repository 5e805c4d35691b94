"""Reaching a running gateway from the command line: through which of its sockets, and so as whom. Used by `holds` and `live`.

Who you are is the socket you may open: the configuration names one for each principal, and the kernel lets only its
owner in. `--as` picks one where you may open several.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gateway.config import Config, load_config
from gateway.config.model import Role, RpcSocket
from gateway.errors import ConfigInvalid

if TYPE_CHECKING:
    from gateway.rpc.client import Client

Socket: TypeAlias = Annotated[Path | None, typer.Option(help="The gateway's socket, instead of the configuration's.")]
As: TypeAlias = Annotated[str | None, typer.Option("--as", help="The principal to be, where you may be several.")]


def client(file: Path, socket: Path | None, principal: str | None, role: Role) -> Client:
    """A client of the running gateway; of several sockets, one of somebody with the role comes first. Raises ConfigInvalid."""
    # WHY here: the library takes long to load, and no other command needs it.
    from gateway.rpc.client import Client

    return Client.over_unix(socket or find_socket(load_config(file, os.environ), principal, role))


def find_socket(config: Config, principal: str | None, role: Role) -> Path:
    """The socket to use: the named principal's, else the first that this user may open, those with the role before others."""
    fit = {local.name for local in config.identity.principal if role in local.roles}
    sockets = sorted(config.rpc.socket, key=lambda one: one.principal not in fit)
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
