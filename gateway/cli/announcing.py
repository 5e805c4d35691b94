"""Telling the audit who is about to look at recordings, before `play` and `sessions search` show anything of them.

Beside a running gateway, which owns the log, it is told through one of its sockets, by whoever may open that and has the role
`auditor`; where none runs, it is written here, as `local:` and the name of the user. INVARIANT: whoever is not told has raised.
"""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

from gateway.cli.reaching import find_socket
from gateway.config import Config
from gateway.config.model import Role
from gateway.errors import AuditUnavailable, GatewayError
from gateway.viewing import Look

TRIES = 10
PAUSE = 0.3
NOBODY_TOLD = "the audit could not be told, so nothing is shown"


def announce(config: Config, look: Look, socket: Path | None, principal: str | None) -> None:
    """Have it recorded that somebody is about to look. Raises GatewayError; then show nothing."""
    directory = config.at(config.audit.dir)
    if socket is not None or principal is not None or _owner(directory) != os.geteuid():
        _ask(config, look, socket, principal)
        return
    for left in reversed(range(TRIES)):
        try:
            _write(config, look)
            return
        except AuditUnavailable as error:
            if error.code != "AUDIT_OWNED":
                raise
        try:
            _ask(config, look, None, None)
            return
        except AuditUnavailable as error:
            # WHY: who has the log and no socket may be another command like this one, for a moment.
            if error.code not in ("UNREACHABLE", "CONFIG_INVALID") or not left:
                raise
        time.sleep(PAUSE)


def _write(config: Config, look: Look) -> None:
    # WHY here: what builds a gateway takes long to load, and beside a running one it is not needed.
    from gateway.app.recordings import build_viewings
    from gateway.app.retention import open_log

    log = open_log(config)
    try:
        build_viewings(config, log).announce(look, by=f"local:{_user()}")
        # WHY: whoever looks may be the one who then cuts the power.
        log.flush()
    finally:
        log.close()


def _ask(config: Config, look: Look, socket: Path | None, principal: str | None) -> None:
    # WHY here: the library takes long to load.
    from gateway.rpc.client import Client

    try:
        with Client.over_unix(socket or find_socket(config, principal, Role.AUDITOR)) as client:
            client.announce(look)
    except GatewayError as error:
        raise AuditUnavailable(
            f"{NOBODY_TOLD}: {error}",
            code=error.code,
            help="a gateway that runs tells it for a principal with role `auditor` and an [[rpc.socket]] that you may open;"
            " without one, be the user that the log belongs to",
        ) from error


def _owner(directory: Path) -> int:
    """Whose the log is, or would be. WHY it counts: what another user made in it the gateway could not write to."""
    for place in (directory, *directory.absolute().parents):
        try:
            return place.stat().st_uid
        except FileNotFoundError:
            continue
        except OSError as error:
            raise AuditUnavailable(f"`{place}` cannot be looked at ({error.strerror})") from error
    return -1


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
