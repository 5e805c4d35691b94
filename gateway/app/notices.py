"""Who is told of held commands, by `[[notify]]`: an export each that picks what it tells. Called by `assembly`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.app.exports import FOLDER
from gateway.approvals.states import Ticket
from gateway.audit.export.events import Event
from gateway.audit.export.exporter import Export, Exporter
from gateway.config import Config
from gateway.config.model import Notify
from gateway.notices.hooks import HookSink
from gateway.notices.messages import Form, Wanted, event_of, notice_of
from gateway.telemetry import Meters

Look = Callable[[str], Ticket | None]


@dataclass(frozen=True, slots=True)
class Hook:
    """Where notices are posted, and what signs them."""

    url: str = field(repr=False)
    secret: bytes | None = field(repr=False, default=None)


def notice_exports(
    config: Config, hooks: Mapping[str, Hook], log: str, meters: Meters, look: Look, clock: Callable[[], int]
) -> list[Exporter]:
    """One for each `[[notify]]`. `hooks` by their names; `log` is the log's name; `look` finds a ticket; `clock` is UTC
    nanoseconds. Raises AuditUnavailable."""
    directory = config.at(config.audit.dir)
    found = []
    for one in config.notify:
        hook = hooks[one.name]
        ca_file = None if one.ca_file is None else config.at(one.ca_file)
        sink = HookSink(hook.url, hook.secret, ca_file, name=f"[[notify]] {one.name}")
        export = Export(one.name, directory, log, directory / FOLDER, sink, _shape(one, log, look, clock))
        found.append(Exporter(export, failed=meters.export_failures.labels(one.name).inc))
    return found


def _shape(notify: Notify, log: str, look: Look, clock: Callable[[], int]) -> Callable[[bytes], Event | None]:
    form = Form(notify.kind.value)
    wanted = Wanted(frozenset(event.value for event in notify.events), frozenset(notify.resources))

    def shape(line: bytes) -> Event | None:
        notice = notice_of(line, log, wanted, look, clock())
        return None if notice is None else event_of(notice, form)

    return shape
