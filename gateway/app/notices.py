"""Who is told of held and denied commands, by `[[notify]]`: an export each that picks what it tells. Called by `assembly`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.app.console import console_link
from gateway.app.exports import FOLDER
from gateway.approvals.states import Ticket
from gateway.audit.content_keys import Opener
from gateway.audit.export.events import Event, Sink
from gateway.audit.export.exporter import Export, Exporter
from gateway.config import Config
from gateway.config.model import NoticeKind, Notify
from gateway.config.notices import mail_place
from gateway.errors import ApprovalConflict, ConfigInvalid
from gateway.notices.hooks import HookSink
from gateway.notices.letters import MailServer, MailSink, letter
from gateway.notices.messages import Write, event_of, slack, teams, webhook
from gateway.notices.picking import Link, Look, Wanted, notice_of
from gateway.notices.sparing import Sparing
from gateway.notices.trackers import GITHUB_HEADERS, JIRA_HEADERS, github, jira
from gateway.telemetry import Meters


@dataclass(frozen=True, slots=True)
class Hook:
    """Where notices go, what signs them, what lets us in."""

    url: str = field(repr=False)
    secret: bytes | None = field(repr=False, default=None)
    token: str | None = field(repr=False, default=None)


def notice_exports(
    config: Config, hooks: Mapping[str, Hook], log: str, meters: Meters, look: Look, clock: Callable[[], int]
) -> list[Exporter]:
    """One for each `[[notify]]`. `hooks` by their names; `log` is the log's name; `look` finds a ticket; `clock` is UTC
    nanoseconds. Raises AuditUnavailable."""

    def readable(ticket: str) -> Ticket | None:
        try:
            return look(ticket)
        except ApprovalConflict:
            return None  # WHY: one that cannot be read must not keep all other notices waiting

    directory = config.at(config.audit.dir)
    found = []
    for one in config.notify:
        sink = _sink(config, one, hooks[one.name])
        export = Export(
            *(one.name, directory, log, directory / FOLDER, sink),
            _shape(one, log, readable, clock, Opener(directory), console_link(config)),
        )
        found.append(Exporter(export, failed=meters.export_failures.labels(one.name).inc))
    return found


def _shape(
    notify: Notify, log: str, look: Look, clock: Callable[[], int], opener: Opener, link: Link
) -> Callable[[bytes], Event | None]:
    write = _form(notify)
    events = frozenset(event.value for event in notify.events)
    wanted = Wanted(events, frozenset(notify.resources), frozenset(notify.groups))
    sparing = Sparing()

    def shape(line: bytes) -> Event | None:
        notice = notice_of(opener.open_line(line), log, wanted, look, sparing, clock(), link)
        return None if notice is None else event_of(notice, write)

    return shape


def _form(notify: Notify) -> Write:
    match notify.kind:
        case NoticeKind.WEBHOOK:
            return webhook
        case NoticeKind.SLACK:
            return slack
        case NoticeKind.TEAMS:
            return teams
        case NoticeKind.EMAIL:
            return letter
        case NoticeKind.GITHUB:
            return github(notify.labels)
        case NoticeKind.JIRA:
            return jira(notify.project, notify.issue_type, notify.labels)


def _sink(config: Config, notify: Notify, hook: Hook) -> Sink:
    ca_file = None if notify.ca_file is None else config.at(notify.ca_file)
    name = f"[[notify]] {notify.name}"
    if notify.kind is not NoticeKind.EMAIL:
        return HookSink(hook.url, hook.secret, ca_file, name=name, headers=_headers(notify.kind, hook.token))
    place = mail_place(hook.url)
    if place is None:
        raise ConfigInvalid(f"the url of {name} is no mail server")
    user, _, password = (hook.token or "").partition(":")
    server = MailServer(place.host, place.port, place.is_wrapped, place.is_near, user, password, ca_file)
    return MailSink(server, notify.sender, notify.to, name=name)


def _headers(kind: NoticeKind, token: str | None) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if kind is NoticeKind.GITHUB:
        found.update(GITHUB_HEADERS)
    if kind is NoticeKind.JIRA:
        found.update(JIRA_HEADERS)
    if token is not None:
        is_pair = kind is NoticeKind.JIRA and ":" in token
        basic = base64.b64encode(token.encode()).decode("ascii")
        found["Authorization"] = f"Basic {basic}" if is_pair else f"Bearer {token}"
    return found
