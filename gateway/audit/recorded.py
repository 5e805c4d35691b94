"""From an entry of the log back to the question that was decided, for replaying. The other way round is `gateway/telling.py`.

INVARIANT: a question comes out only when it is the one that was asked: its text has the digest that was recorded, its
catalog is the one that was kept. Everything else is a `Gap` with its reason. Called by `gateway/cli/replaying.py`.
"""

from __future__ import annotations

import hashlib
from typing import TypeVar, cast

from engine.command.tree import ParsedCommand
from engine.decision import DenyKind
from engine.evaluator.program import TextQuestion
from engine.evaluator.reader import Names
from engine.request import Approval, Json, Principal, Request, Resource, Session
from engine.suite.replay import Answer, Gap, Recorded
from gateway.audit.catalogs import KeptCatalogs, Reference
from gateway.audit.entry import Entry

T = TypeVar("T")

MAX_KNOWN = 4_096
"""Principals, sessions, resources that are remembered at once."""


class Reader:
    """Reads the entries of one log. Principals, sessions and resources that come again are the same objects again.

    WHY that: a program knows them by identity, and encodes each once.
    """

    def __init__(self, catalogs: KeptCatalogs) -> None:
        self._catalogs = catalogs
        self._principals: dict[tuple[object, ...], Principal] = {}
        self._sessions: dict[tuple[object, ...], Session] = {}
        self._resources: dict[tuple[object, ...], Resource] = {}

    def recorded(self, entry: Entry) -> Recorded | Gap:
        """The decision of an entry, or why it cannot be made again. Raises AuditUnavailable for an altered catalog."""
        if entry.overruled or not entry.revision:
            return Gap.OVERRULED
        if entry.deny_kind == DenyKind.TIMEOUT:
            return Gap.TIMEOUT
        if entry.deny_kind == DenyKind.INPUT_INVALID or not entry.resource_protocol:
            return Gap.INPUT
        asked = self._asked(entry)
        if isinstance(asked, Gap):
            return asked
        answer = Answer.stated(entry.verdict, entry.deny_kind, entry.rules, entry.obligations, entry.masks)
        return Recorded(entry.decision_id, asked, answer, entry.text)

    def _asked(self, entry: Entry) -> TextQuestion | Request | Gap:
        who = (self._principal(entry), self._session(entry), self._resource(entry))
        if entry.unreadable:
            return Gap.SHREDDED
        context = cast("dict[str, Json]", entry.context)
        if entry.tree:
            return Request(*who, ParsedCommand(entry.tree), entry.time, context, _approval(entry))
        if entry.redacted:
            return Gap.REDACTED
        if entry.is_tree:
            return Gap.TREE
        text = entry.text.encode("utf-8", "surrogatepass")
        if hashlib.sha256(entry.protocol.encode() + b"\0" + text).hexdigest() != entry.digest:
            return Gap.TEXT
        names = None
        if entry.had_catalog:
            names = self._catalogs.find(Reference(entry.catalog, entry.names))
            if names is None:
                return Gap.CATALOG
        known = cast("Names | None", names)
        return TextQuestion(*who, entry.protocol, text, entry.time, known, context, _approval(entry))

    def _principal(self, entry: Entry) -> Principal:
        key = (entry.principal, entry.principal_kind, entry.groups, repr(entry.attributes))
        found = self._principals.get(key)
        if found is None:
            attributes = cast("dict[str, Json]", entry.attributes)
            found = Principal(entry.principal, entry.principal_kind, entry.groups, attributes)
            _keep(self._principals, key, found)
        return found

    def _session(self, entry: Entry) -> Session:
        key = (entry.session, entry.job, entry.application, entry.client_address, repr(entry.state))
        found = self._sessions.get(key)
        if found is None:
            state = cast("dict[str, Json]", entry.state)
            found = Session(entry.session, entry.job, entry.application, entry.client_address, state)
            _keep(self._sessions, key, found)
        return found

    def _resource(self, entry: Entry) -> Resource:
        key = (entry.resource, entry.resource_protocol, entry.database, entry.role, repr(entry.labels))
        found = self._resources.get(key)
        if found is None:
            found = Resource(entry.resource, entry.resource_protocol, entry.database, entry.role, entry.labels)
            _keep(self._resources, key, found)
        return found


def _keep(known: dict[tuple[object, ...], T], key: tuple[object, ...], found: T) -> None:
    if len(known) >= MAX_KNOWN:
        known.clear()
    known[key] = found


def _approval(entry: Entry) -> Approval | None:
    if entry.granted_at is None:
        return None
    return Approval(entry.ticket or "", entry.approvers, entry.granted, entry.granted_at)
