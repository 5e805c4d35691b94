"""How long the contents of the audit are kept: the log that closes them, and their keys' end. Called by `assembly` and the command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway.approvals.forgetting import forget_tickets
from gateway.audit.content import DAY
from gateway.audit.log import AuditLog, Durability
from gateway.audit.shielding import DEFAULT_RULE, ShieldedLog
from gateway.audit.shredding import Request, Span, answer_requests, has_requests, overdue, shred
from gateway.config import Config
from gateway.errors import AuditUnavailable, StoreUnavailable
from gateway.identity.tokens import Tokens
from gateway.store.database import Database
from gateway.telemetry import logger


def open_log(config: Config) -> AuditLog:
    """The log of a configuration. Raises AuditUnavailable."""
    audit = config.audit
    directory, durability = config.at(audit.dir), Durability(audit.durability.value)
    if is_shielded(config):
        return ShieldedLog(
            directory,
            rules_of(config),
            durability=durability,
            segment_bytes=audit.segment_bytes,
            low_water_bytes=audit.low_water_bytes,
        )
    return AuditLog(
        directory,
        durability=durability,
        segment_bytes=audit.segment_bytes,
        low_water_bytes=audit.low_water_bytes,
    )


def is_shielded(config: Config) -> bool:
    """Whether contents are closed under keys that can be destroyed."""
    return config.audit.keep_days > 0 or bool(config.audit.retention)


def rules_of(config: Config) -> Mapping[str, str]:
    """By which rule of retention each resource's entries are kept; the first that fits counts."""
    found: dict[str, str] = {}
    for rule in config.audit.retention:
        for resource in config.resource:
            is_meant = resource.name in rule.resources or (
                bool(rule.labels) and rule.labels.items() <= resource.labels.items()
            )
            if is_meant:
                found.setdefault(resource.name, rule.name)
    return found


def keep_days_of(config: Config) -> Mapping[str, int]:
    """Days by rule; 0 is for ever."""
    return {DEFAULT_RULE: config.audit.keep_days, **{rule.name: rule.keep_days for rule in config.audit.retention}}


class Shredder:
    """Destroys keys for one log, with what else knew the contents."""

    def __init__(self, config: Config, log: AuditLog, database: Database) -> None:
        self._config, self._log, self._database = config, log, database
        self._directory = config.at(config.audit.dir)

    @property
    def is_asked(self) -> bool:
        """Whether somebody left a request."""
        return has_requests(self._directory)

    def look(self, now: int) -> None:
        """Destroy what is overdue, and what was asked for. What cannot be done now stays for the next look. Never raises."""
        try:
            self._forget_tokens(now)
            self.shred(overdue(self._directory, keep_days_of(self._config), now), now)
            answer_requests(self._directory, lambda request: self._answer(request, now))
        except (AuditUnavailable, StoreUnavailable) as error:
            logger("app").error("contents of the audit are not shredded", code=error.code, problem=str(error))

    def _answer(self, request: Request, now: int) -> None:
        self.shred(request.keys, now, request.person)

    def shred(self, key_ids: Collection[str], now: int, person: str = "") -> int:
        """Destroy keys. Raises AuditUnavailable, StoreUnavailable."""
        return shred(self._log, self._directory, key_ids, now, person=person, also=lambda span: self._forget(span, now))

    def _forget(self, span: Span, now: int) -> None:
        rules = rules_of(self._config)
        is_rest = span.rule == DEFAULT_RULE
        named = [name for name, rule in rules.items() if is_rest or rule == span.rule]
        forget_tickets(self._database, span.until, now, resources=named, others=is_rest)
        Tokens(self._database).forget(span.until, now, resources=named, others=is_rest)

    def _forget_tokens(self, now: int) -> None:
        """What tokens say of their jobs goes by the same rules. WHY not with the keys alone: a day may have none, or no other after it."""
        tokens = Tokens(self._database)
        tokens.sweep(now)
        rules = rules_of(self._config)
        for rule, days in keep_days_of(self._config).items():
            is_rest = rule == DEFAULT_RULE
            named = [name for name, other in rules.items() if is_rest or other == rule]
            if days:
                tokens.forget((now // DAY - days) * DAY, now, resources=named, others=is_rest)
