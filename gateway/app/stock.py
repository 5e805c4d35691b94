"""The numbers that are looked up when somebody reads them: how policies, audit, store and certificates stand. Called by `assembly`.

Not here: what is counted as it happens (`telemetry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.postgres.pool import Standing
from gateway.audit.log import AuditLog, free_bytes_of
from gateway.config import Config
from gateway.counting import Counting
from gateway.policy_store.current import PolicyStore
from gateway.telemetry import Meters


@dataclass(frozen=True, slots=True)
class Stock:
    """What is looked at, and where it is told."""

    config: Config
    meters: Meters
    policies: PolicyStore  # type: ignore[type-arg]  # of whatever judges
    counting: Counting
    log: AuditLog
    troubles: Callable[[], Sequence[str]]
    store_trouble: Callable[[], str | None]
    """Why the store cannot be had, without waiting; None when it can."""
    certificates: Callable[[], Mapping[str, float]]
    """When those that are served end, by where."""
    pools: Callable[[], Mapping[str, Standing]] = dict
    """How the pools of connections to targets stand, by resource."""

    def text(self) -> bytes:
        """Everything, for Prometheus."""
        meters, audit = self.meters, self.config.audit
        meters.policy_age.set(self.policies.age)
        meters.counted.set(self.counting.counted)
        try:
            meters.audit_free.set(free_bytes_of(self.config.at(audit.dir)))
        except OSError:
            meters.audit_free.set(0)
        meters.audit_low_water.set(audit.low_water_bytes)
        meters.audit_refusing.set(1 if self.log.trouble else 0)
        meters.store_failing.set(0 if self.store_trouble() is None else 1)
        meters.not_ready.set(1 if self.troubles() else 0)
        for where, ends in self.certificates().items():
            meters.certificate_ends.labels(where).set(ends)
        # WHY cleared: a pool that is empty is not told of any more.
        meters.pool_open.clear()
        for resource, pool in self.pools().items():
            for state, number in (("open", pool.open), ("free", pool.free), ("waiting", pool.waiting)):
                meters.pool_open.labels(resource, state).set(number)
        return meters.text()
