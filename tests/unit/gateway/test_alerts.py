"""The alerts that are shipped ask for numbers that there are, with labels that they have, about kinds of denial that happen."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from engine.decision import DenyKind, Verdict
from gateway.telemetry import Meters
from tests.conftest import ROOT

FILE = ROOT / "docs" / "alerts.yaml"
RULES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]
_METRIC = re.compile(r"\bsallyport_\w+")
_SELECTED = re.compile(r"\b(sallyport_\w+)\{([^}]*)\}")


def known() -> dict[str, set[str]]:
    """Every number of a gateway, as Prometheus has it, with its labels."""
    found: dict[str, set[str]] = {}
    for family in Meters().registry.collect():
        names = {"counter": [f"{family.name}_total"], "histogram": [f"{family.name}_bucket"]}
        for name in names.get(family.type, [family.name]):
            found[name] = {"le"} if family.type == "histogram" else set()
    for name, labels in (
        ("sallyport_decisions_total", {"verdict", "deny_kind"}),
        ("sallyport_audit_export_behind", {"export"}),
        ("sallyport_audit_export_failures_total", {"export"}),
        ("sallyport_logins_refused_total", {"code"}),
        ("sallyport_certificate_not_after_seconds", {"where"}),
        ("sallyport_reload_failing", {"part"}),
    ):
        assert name in found, name
        found[name] = labels
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    numbers = known()
    asked = set(_METRIC.findall(rule["expr"]))
    assert asked <= set(numbers)
    assert asked or "up{" in rule["expr"]
    for name, selectors in _SELECTED.findall(rule["expr"]):
        for label, _, values in re.findall(r'(\w+)(=~|=)"([^"]*)"', selectors):
            assert label in numbers[name], label
            enumerated = {"verdict": {one.value for one in Verdict}, "deny_kind": {one.value for one in DenyKind}}
            assert set(values.split("|")) <= enumerated[label]
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert told <= {label for name in asked for label in numbers[name]}
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_each_trouble_that_was_promised_has_an_alert() -> None:
    named = {rule["alert"].removeprefix("Sallyport") for rule in RULES}
    promised = {
        "AuditRefuses",
        "AuditLowSpace",
        "ExportLags",
        "HoldWaits",
        "DenialsJump",
        "StoreUnreachable",
        "CertificateEnds",
    }
    assert promised <= named
    assert len(named) == len(RULES)
