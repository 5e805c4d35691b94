"""Startup parameters: which a client may set, which are refused, and what we ask of the target in its place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.errors import PeerProtocolError
from adapters.postgres.messages.notices import UNSUPPORTED
from adapters.postgres.messages.startup import StartupMessage

PASSED_ON: Mapping[str, str] = {
    "application_name": "application_name",
    "datestyle": "DateStyle",
    "extra_float_digits": "extra_float_digits",
    "intervalstyle": "IntervalStyle",
    "timezone": "TimeZone",
}
"""Lower-cased name to PostgreSQL's own spelling. WHY a list of what may pass: a setting such as search_path or
standard_conforming_strings changes what every later text means."""

IN_OPTIONS: Mapping[str, str] = {
    **PASSED_ON,
    "client_min_messages": "client_min_messages",
    "geqo": "geqo",
    "idle_in_transaction_session_timeout": "idle_in_transaction_session_timeout",
    "jit": "jit",
    "lock_timeout": "lock_timeout",
    "statement_timeout": "statement_timeout",
    "work_mem": "work_mem",
}
"""What `options=-c name=value` may set besides."""

_UTF8 = frozenset({"utf8", "utf-8", "unicode", "auto", ""})
_OFF = frozenset({"", "0", "false", "off", "no", "f", "n", "of"})
_PROTOCOL_OPTION = "_pq_."
_SETTING = re.compile(r"--?c?\s*([A-Za-z_][A-Za-z0-9_.]*)=(.*)", re.DOTALL)
_MAX_VALUE = 1_024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for at startup. `protocol_options` are extensions of the protocol that we do not know."""

    user: str
    database: str
    settings: Mapping[str, str]
    application: str | None
    protocol_options: tuple[str, ...]


def _refuse(message: str, code: str = UNSUPPORTED) -> PeerProtocolError:
    return PeerProtocolError(message, code=code)


def read_wishes(message: StartupMessage) -> Wanted:
    """Sort the parameters; whatever is not known to be harmless is refused by name."""
    user = message.parameters.get("user", "")
    if not user:
        raise _refuse("no user name was given at startup", "28000")
    settings: dict[str, str] = {}
    unknown: list[str] = []
    for name, value in message.parameters.items():
        if name in ("user", "database"):
            continue
        if len(value) > _MAX_VALUE:
            raise _refuse(f"startup parameter `{name[:64]}` is too long", "54000")
        if name.startswith(_PROTOCOL_OPTION):
            unknown.append(name)
        elif name == "options":
            settings.update(_options(value))
        else:
            settings.update(_parameter(name, value, PASSED_ON))
    database = message.parameters.get("database") or user
    return Wanted(user, database, settings, settings.get("application_name"), tuple(unknown))


def _parameter(name: str, value: str, allowed: Mapping[str, str]) -> dict[str, str]:
    folded = name.lower()
    if folded == "replication":
        if value.lower() in _OFF:
            return {}
        raise _refuse("replication connections are not supported")
    if folded == "client_encoding":
        if value.strip("'").lower() in _UTF8:
            return {}
        raise _refuse("client_encoding must be UTF8 here")
    if folded not in allowed:
        raise _refuse(f"startup parameter `{name[:64]}` is not supported")
    return {allowed[folded]: value}


def _options(value: str) -> dict[str, str]:
    """`-c name=value` and `--name=value`, split as the server splits them: at white space, a backslash quotes."""
    found: dict[str, str] = {}
    words = shlex.shlex(value, posix=True)
    words.whitespace_split, words.quotes, words.commenters = True, "", ""
    try:
        parts = list(words)
    except ValueError:
        raise _refuse("startup parameter `options` cannot be read") from None
    while parts:
        part = parts.pop(0)
        if part == "-c" and parts:
            part += parts.pop(0)
        setting = _SETTING.fullmatch(part)
        if setting is None:
            raise _refuse("only `-c name=value` is supported in startup parameter `options`")
        found.update(_parameter(setting[1].replace("-", "_"), setting[2], IN_OPTIONS))
    return found
