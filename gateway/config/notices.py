"""What does not fit together in `[[notify]]`. Called by `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config.addresses import is_loopback
from gateway.config.exports import NAME
from gateway.config.model import Config, NoticeKind, Notify
from gateway.config.places import Path
from gateway.config.references import REFERENCE_EXPECTED, SECRET

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
"""An address without a display name; quoted ones and those of other scripts are left out (RFC 5321, 4.1.2)."""
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{0,254}")
_LABEL = re.compile(r"[^\s\x00-\x1f\x7f]{1,50}")
_MAIL_PORTS = {"smtp": 587, "smtps": 465}
"""Of submission, not of servers among themselves (RFC 8314)."""
_NEEDED = {NoticeKind.EMAIL: ("sender", "to"), NoticeKind.JIRA: ("project", "token"), NoticeKind.GITHUB: ("token",)}
_WITH_TOKEN = (NoticeKind.EMAIL, NoticeKind.JIRA, NoticeKind.GITHUB)
_OWN = {"sender": (NoticeKind.EMAIL,), "to": (NoticeKind.EMAIL,), "project": (NoticeKind.JIRA,)}
_TRACKERS = (NoticeKind.JIRA, NoticeKind.GITHUB)


@dataclass(frozen=True, slots=True)
class MailPlace:
    """Where a URL of a mail server leads. `is_near`: to this machine."""

    host: str
    port: int
    is_wrapped: bool
    is_near: bool


def find_notice_misfits(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`. What a reference leads to is looked at when it is fetched."""
    known = {resource.name for resource in config.resource}
    taken = {export.name for export in config.audit.export}
    for index, notify in enumerate(config.notify):
        path: Path = ("notify", index)
        if not NAME.fullmatch(notify.name):
            yield (*path, "name"), "is no name; expected letters, digits, `_`, `-`"
        elif notify.name in taken:
            # WHY: both keep how far they have come under their names.
            yield (*path, "name"), "is the name of an [[audit.export]] already"
        yield from _references(notify, path)
        if notify.ca_file is not None and not config.at(notify.ca_file).is_file():
            yield (*path, "ca_file"), "is no file; expected PEM certificates"
        if not notify.events:
            yield (*path, "events"), "names nothing; expected `held`, `escalated`, what becomes of it, or `denied`"
        for place, name in enumerate(notify.resources):
            if name not in known:
                yield (*path, "resources", place), "names no [[resource]]"
        yield from _of_kind(notify, path)


def mail_place(url: str) -> MailPlace | None:
    """What `smtps://HOST` or `smtp://HOST:PORT` names; None for anything else, or with a user in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _MAIL_PORTS or not parts.hostname or port == 0 or parts.username is not None:
        return None
    if parts.path not in ("", "/") or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
        return None
    is_wrapped = parts.scheme == "smtps"
    return MailPlace(parts.hostname, port or _MAIL_PORTS[parts.scheme], is_wrapped, is_loopback(parts.hostname))


def _references(notify: Notify, path: Path) -> Iterator[tuple[Path, str]]:
    if not SECRET.fullmatch(notify.url):
        yield (*path, "url"), f"holds no reference; {REFERENCE_EXPECTED}"
    if (notify.kind is NoticeKind.WEBHOOK) != (notify.secret is not None):
        yield (*path, "secret"), "goes with `webhook`, and only there: it signs what is posted"
    elif notify.secret is not None and not SECRET.fullmatch(notify.secret):
        yield (*path, "secret"), f"holds no reference; {REFERENCE_EXPECTED}"
    if notify.token is not None and notify.kind not in _WITH_TOKEN:
        yield (*path, "token"), "is of no use here: the URL itself is what lets us post"
    elif notify.token is not None and not SECRET.fullmatch(notify.token):
        yield (*path, "token"), f"holds no reference; {REFERENCE_EXPECTED}"


def _of_kind(notify: Notify, path: Path) -> Iterator[tuple[Path, str]]:
    for name in _NEEDED.get(notify.kind, ()):
        if not getattr(notify, name):
            yield (*path, name), f"is missing; a `{notify.kind.value}` needs it"
    for name, kinds in _OWN.items():
        if getattr(notify, name) and notify.kind not in kinds:
            yield (*path, name), f"goes with `{kinds[0].value}`, and only there"
    if notify.labels and notify.kind not in _TRACKERS:
        yield (*path, "labels"), "go with `jira` and `github`, and only there"
    if notify.sender and not _ADDRESS.fullmatch(notify.sender):
        yield (*path, "sender"), "is no address; expected NAME@HOST and nothing else"
    for place, address in enumerate(notify.to):
        if not _ADDRESS.fullmatch(address):
            yield (*path, "to", place), "is no address; expected NAME@HOST and nothing else"
    if notify.project and not _PROJECT.fullmatch(notify.project):
        yield (*path, "project"), "is no key of a project; expected capitals and digits, like OPS"
    for place, label in enumerate(notify.labels):
        if not _LABEL.fullmatch(label):
            yield (*path, "labels", place), "is no label; expected 1 to 50 characters without blanks"
