"""`[[audit.retention]]`: named like a folder, about something that is there, for a time that can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.config.audited import AuditRetention
from gateway.config.model import Audit, Config, Resource, ResourceProtocol
from gateway.config.retention import find_retention_misfits

ORDERS = Resource("orders", ResourceProtocol.POSTGRES, "db:5432")


def misfits(audit: Audit) -> list[str]:
    config = replace(Config(), audit=audit, resource=(ORDERS,))
    return [".".join(str(part) for part in path) for path, _ in find_retention_misfits(config)]


def test_what_fits_is_left_alone() -> None:
    rules = (AuditRetention("short", 1, ("orders",)), AuditRetention("long-2", 0, labels={"class": "a"}))
    assert misfits(Audit(keep_days=365, retention=rules)) == []
    assert misfits(Audit()) == []


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        (AuditRetention("Big", 1, ("orders",)), "audit.retention.0.name"),
        (AuditRetention("a/b", 1, ("orders",)), "audit.retention.0.name"),
        (AuditRetention("default", 1, ("orders",)), "audit.retention.0.name"),
        (AuditRetention("a", -1, ("orders",)), "audit.retention.0.keep_days"),
        (AuditRetention("a", 40_000, ("orders",)), "audit.retention.0.keep_days"),
        (AuditRetention("a", 1), "audit.retention.0"),
        (AuditRetention("a", 1, ("orders", "none")), "audit.retention.0.resources.1"),
    ],
)
def test_what_does_not_fit_is_told(rule: AuditRetention, where: str) -> None:
    assert misfits(Audit(retention=(rule,))) == [where]


@pytest.mark.parametrize("days", [-1, 36_501])
def test_a_time_that_cannot_be_is_told(days: int) -> None:
    assert misfits(Audit(keep_days=days)) == ["audit.keep_days"]
