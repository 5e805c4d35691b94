"""The session of `sallyport login`: a file that only its owner can read, and calls to the gateway with what is in it.

`$XDG_CONFIG_HOME/sallyport/session.json` (`~/.config` without it). Not here: signing in (`signing_in`). Used by `signing_in` and `tokens`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from engine.request import Json
from gateway.config.issuers import is_issuer_url
from gateway.errors import ConfigInvalid, IdentityRefused

TIMEOUT = 20.0
MAX_ANSWER = 4 << 20
MAX_FILE = 64 << 10


class Session(msgspec.Struct, frozen=True):
    """Who signed in, where. `expires_at` is UTC nanoseconds."""

    gateway: str
    principal: str
    issuer: str
    expires_at: int
    token: str
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Session({self.principal!r}, {self.gateway!r})"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the gateway said."""

    status: int
    document: Mapping[str, Json]


def session_file(environment: Mapping[str, str]) -> Path:
    """Where the session is kept."""
    base = environment.get("XDG_CONFIG_HOME") or ""
    folder = Path(base) if base.startswith("/") else Path("~/.config").expanduser()
    return folder / "sallyport" / "session.json"


def keep(session: Session, file: Path) -> None:
    """Write the session, whole or not at all, for nobody else to read. Raises ConfigInvalid."""
    unfinished = file.with_name(f".{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # INVARIANT: at no moment can anybody else read it.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.encode(session))
        os.replace(unfinished, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise ConfigInvalid(f"the session cannot be kept in `{file}` ({error.strerror})") from error


def kept(file: Path) -> Session:
    """The session. Raises IdentityRefused when there is none, ConfigInvalid when others could read or have made it."""
    try:
        with file.open("rb") as opened:
            state = os.fstat(opened.fileno())
            content = opened.read(MAX_FILE)
    except FileNotFoundError:
        raise IdentityRefused(
            "nobody is signed in", help="`sallyport login --gateway URL`", code="NO_SESSION"
        ) from None
    except OSError as error:
        raise ConfigInvalid(f"`{file}` cannot be read ({error.strerror})") from error
    if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
        raise ConfigInvalid(
            f"others may read or write `{file}`", help="sign in again; it was not made by `sallyport login`"
        )
    try:
        return msgspec.json.decode(content, type=Session)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConfigInvalid(f"`{file}` holds no session", help="sign in again") from None


def forget(file: Path) -> bool:
    """Remove the session; whether there was one."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigInvalid(f"`{file}` cannot be removed ({error.strerror})") from error
    return True


def call(
    gateway: str,
    path: str,
    *,
    token: str | None = None,
    ca_file: str | None = None,
    body: Mapping[str, Json] | None = None,
) -> Answered:
    """Ask a gateway's faces; with a body it is a POST. No redirects: a token goes where it is meant to. Raises IdentityRefused."""
    # WHY the rule for issuers: whom a token is sent to has to be as safe as who it is from.
    if not is_issuer_url(gateway):
        raise IdentityRefused(f"`{gateway[:200]}` is no gateway", help="https://HOST:PORT", code="GATEWAY_URL")
    parts = urlsplit(gateway)
    headers = {"Accept": "application/json", "User-Agent": "sallyport"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection = _connection(gateway, ca_file)
        try:
            content = None if body is None else msgspec.json.encode(body)
            target = parts.path.rstrip("/") + path
            connection.request("GET" if body is None else "POST", target, content, headers)
            response = connection.getresponse()
            document = msgspec.json.decode(response.read(MAX_ANSWER))
            return Answered(response.status, document if isinstance(document, dict) else {})
        finally:
            connection.close()
    except (OSError, ssl.SSLError, http.client.HTTPException, msgspec.DecodeError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or type(error).__name__
        raise IdentityRefused(
            f"the gateway cannot be asked at {gateway} ({told})",
            help="is it up, and is its certificate one that this machine trusts (`--ca`)?",
            code="GATEWAY_UNREACHABLE",
        ) from error


def asked(session: Session, path: str, body: Mapping[str, Json] | None = None) -> Mapping[str, Json]:
    """The document of an answer that is a success. Raises IdentityRefused with what the gateway said otherwise."""
    answer = call(session.gateway, path, token=session.token, ca_file=session.ca_file, body=body)
    if 200 <= answer.status < 300:
        return answer.document
    said, code = answer.document.get("message"), answer.document.get("code")
    raise IdentityRefused(
        said if isinstance(said, str) else f"the gateway answered {answer.status}",
        help="`sallyport login` again" if answer.status == 401 else "",
        code=code if isinstance(code, str) else "GATEWAY_REFUSED",
    )


def _connection(url: str, ca_file: str | None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=TIMEOUT, context=context)
