"""What is said of the audit's receivers and of how long it can be read has the defaults that the page names."""

from __future__ import annotations

from gateway.config.audited import AuditExport, AuditRetention, ExportFormat, ExportKind


def test_an_export_is_ocsf_and_shows_no_token() -> None:
    export = AuditExport("siem", ExportKind.HTTP, "https://logs.example/in", token="env:TOKEN")
    assert export.format is ExportFormat.OCSF
    assert "TOKEN" not in repr(export)


def test_a_rule_of_retention_names_nothing_by_itself() -> None:
    rule = AuditRetention("short", 30)
    assert (rule.resources, rule.labels) == ((), {})
