"""`token`: short-lived tokens for a resource and a job; listed and taken back. Without `--resource`, a random one for the configuration.

With `--as` they are made beside the gateway, in its store, by whoever may read that: the operator. Else the gateway is asked for one
for oneself, with the session of `login`.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from engine.request import Json
from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from gateway.cli.output import complain, say, say_json
from gateway.errors import IdentityRefused
from gateway.faces.paths import REVOKE, TOKENS

if TYPE_CHECKING:
    from gateway.app.minting import TokenDesk
    from gateway.identity.minting import Wish
    from gateway.identity.scoped import Grant
    from gateway.identity.tokens import Issued

Mine: TypeAlias = Annotated[bool, typer.Option("--mine", help="Your own, by the session of `sallyport login`.")]
As: TypeAlias = Annotated[str | None, typer.Option("--as", help="The principal it is for; made in the store directly.")]
_TTL = re.compile(r"(\d{1,7})(s|m|h|d)?")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, None: 1}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Tokens: make, list, take back.", invoke_without_command=True)
    group.callback()(token)
    group.command("list")(show)
    group.command("revoke")(revoke)
    app.add_typer(group, name="token")


def token(
    context: typer.Context,
    resource: Annotated[list[str] | None, typer.Option(help="What it is for; several may be named.")] = None,
    purpose: Annotated[
        str | None, typer.Option("--for", help="`job=NAME`: the run whose every action it ties.")
    ] = None,
    ttl: Annotated[str, typer.Option(help="How long it lives: 90s, 10m, 2h, 1d.")] = "10m",
    operation: Annotated[
        list[str] | None, typer.Option(help="Only commands of this class: read, write, create, delete, ...")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Good for one sign-in.")] = False,
    prompt: Annotated[
        Path | None, typer.Option(help="A file with the prompt that set the job off; approvers see it.")
    ] = None,
    principal: As = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a token for a resource and a job. Without --resource: a random one for an [[identity.principal]] of the file."""
    if context.invoked_subcommand is not None:
        return
    if not resource:
        _say_random(as_json)
        return
    wish = _wish(resource, purpose, ttl, operation, once, prompt)
    if principal is None:
        _say_given(_ask_gateway(wish), as_json)
        return
    with _desk(config) as desk:
        _say_made(*desk.issue(principal, wish), as_json)


def show(
    principal: As = None, mine: Mine = False, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List the tokens that are alive, newest first; never the tokens themselves."""
    if mine:
        _say_mine(as_json)
        return
    with _desk(config) as desk:
        found = desk.alive(principal)
    if as_json:
        say_json([_fields(one) for one in found])
        return
    for one in found:
        grant = one.grant
        state = "revoked" if one.revoked_at is not None else "used" if one.used_at is not None else "alive"
        what = f"{grant.principal}@{','.join(grant.resources)}  {_when(grant.expires_at)}"
        say(f"{grant.id}  {state:<7}  {what}  {grant.job or '-'}  {','.join(grant.effects or ('any',))}")
    if not found:
        say("there are none")


def revoke(
    ids: Annotated[list[str] | None, typer.Argument(help="The tokens' ids.")] = None,
    all_of: Annotated[str | None, typer.Option(help="Every token of this principal.")] = None,
    mine: Mine = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take tokens back; every replica knows within a second, and sessions they opened run nothing more."""
    if bool(ids) == (all_of is not None):
        complain("expected ids, or `--all-of NAME`")
        raise typer.Exit(2)
    if mine:
        done = _revoke_mine(ids or [])
    else:
        with _desk(config) as desk:
            if all_of is not None:
                say(f"{desk.revoke_all(all_of)} revoked")
                return
            done = desk.revoke(ids or [])
    for one in done:
        say(f"{one}: revoked")
    unknown = [one for one in ids or [] if one not in done]
    for one in unknown:
        complain(f"{one}: no token that is alive")
    if unknown:
        raise typer.Exit(1)


def seconds_of(text: str) -> float:
    """A length of time. Raises IdentityRefused.

    >>> seconds_of("90"), seconds_of("10m"), seconds_of("2h")
    (90.0, 600.0, 7200.0)
    """
    found = _TTL.fullmatch(text)
    if found is None:
        raise IdentityRefused("this is no length of time", help="90s, 10m, 2h, 1d", code="GRANT_TTL")
    return float(int(found[1]) * _UNITS[found[2]])


def _wish(
    resources: list[str], purpose: str | None, ttl: str, operations: list[str] | None, once: bool, prompt: Path | None
) -> Wish:
    from gateway.identity.minting import Wish

    job = None
    if purpose is not None:
        key, _, job = purpose.partition("=")
        if key != "job" or not job:
            raise IdentityRefused("`--for` names no job", help="--for job=build-42", code="GRANT_JOB")
    return Wish(
        resources=tuple(resources),
        ttl=seconds_of(ttl),
        job=job,
        effects=tuple(operations) if operations else None,
        once=once,
        prompt=None if prompt is None else _read(prompt),
    )


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IdentityRefused(f"the prompt cannot be read ({type(error).__name__})", code="GRANT_PROMPT") from error


def _ask_gateway(wish: Wish) -> Mapping[str, Json]:
    from gateway.cli.session import asked, kept, session_file

    resources: list[Json] = list(wish.resources)
    operations: list[Json] | None = None if wish.effects is None else list(wish.effects)
    body: dict[str, Json] = {"resources": resources, "ttl": wish.ttl, "job": wish.job, "operations": operations}
    return asked(kept(session_file(os.environ)), TOKENS, {**body, "once": wish.once, "prompt": wish.prompt})


def _say_given(found: Mapping[str, Json], as_json: bool) -> None:
    if as_json:
        say_json(dict(found))
    else:
        say(str(found.get("token")))


def _say_mine(as_json: bool) -> None:
    from gateway.cli.session import asked, kept, session_file

    found = asked(kept(session_file(os.environ)), TOKENS).get("tokens")
    listed = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if as_json:
        say_json(listed)
        return
    for one in listed:
        resources, expires = one.get("resources"), one.get("expires_at")
        named = ",".join(str(name) for name in resources) if isinstance(resources, list) else ""
        state = "revoked" if one.get("revoked_at") else "used" if one.get("used_at") else "alive"
        say(
            f"{one.get('id')}  {state:<7}  {named}  {_when(expires) if isinstance(expires, int) else '-'}  {one.get('job') or '-'}"
        )
    if not listed:
        say("there are none")


def _revoke_mine(ids: list[str]) -> list[str]:
    from gateway.cli.session import asked, kept, session_file

    wanted: list[Json] = list(ids)
    done = asked(kept(session_file(os.environ)), REVOKE, {"ids": wanted}).get("revoked")
    return [str(one) for one in done] if isinstance(done, list) else []


@contextmanager
def _desk(config: Path) -> Iterator[TokenDesk]:
    # WHY here: the database's library takes long to load, and the random token needs none.
    from gateway.app.minting import TokenDesk
    from gateway.config import load_config

    with TokenDesk.opened(load_config(config, os.environ), os.environ) as desk:
        yield desk


def _say_random(as_json: bool) -> None:
    from gateway.identity.people import digest_token

    made = f"sp_{secrets.token_urlsafe(32)}"
    if as_json:
        say_json({"token": made, "sha256": digest_token(made.encode()).hex()})
    else:
        say(made)
        if sys.stdout.isatty():
            complain("put it into a file with mode 600, and the file into `token` of an [[identity.principal]]")


def _say_made(text: str, grant: Grant, as_json: bool) -> None:
    if as_json:
        say_json({"token": text, **_told(grant)})
        return
    say(text)
    if sys.stderr.isatty():
        complain(
            f"{grant.id}: {grant.principal} on {', '.join(grant.resources)} until {_when(grant.expires_at)}",
            help=f"`sallyport token revoke {grant.id}` takes it back",
        )


def _fields(one: Issued) -> dict[str, object]:
    return {**_told(one.grant), "used_at": one.used_at, "revoked_at": one.revoked_at}


def _told(grant: Grant) -> dict[str, object]:
    return {
        "id": grant.id,
        "principal": grant.principal,
        "resources": list(grant.resources),
        "job": grant.job,
        "operations": None if grant.effects is None else list(grant.effects),
        "once": grant.once,
        "issued_at": grant.issued_at,
        "expires_at": grant.expires_at,
        "issued_by": grant.issued_by,
        "prompt_sha256": grant.prompt_digest,
        "stated": list(grant.stated),
    }


def _when(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment // 1_000_000_000, UTC).isoformat()[:19]}Z"
