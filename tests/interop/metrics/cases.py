"""What each alert of docs/alerts.yaml has to make of numbers: when it is told, and when it is not.

Numbers are series in the notation of `promtool test rules`, one value a minute, without the labels that Prometheus itself adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DENIED = 'sallyport_decisions_total{verdict="deny",deny_kind="RULE"}'
BROKEN = 'sallyport_decisions_total{verdict="deny",deny_kind="INTERNAL"}'
SECONDS = 'sallyport_decision_seconds_bucket{le="%s"}'
FREE, LOW = "sallyport_audit_free_bytes", "sallyport_audit_low_water_bytes"
BEHIND = 'sallyport_audit_export_behind{export="siem"}'
TRIES = 'sallyport_audit_export_failures_total{export="siem"}'
REFUSED = 'sallyport_logins_refused_total{code="28P01"}'
ENDS = 'sallyport_certificate_not_after_seconds{where="faces"}'


@dataclass(frozen=True, slots=True)
class Case:
    """Numbers, and what is told `at` so many minutes: nothing, or one alert with these labels besides where it comes from."""

    alert: str
    at: int
    series: Mapping[str, str]
    is_told: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    is_of_all: bool = False
    """Summed up over everything that one instance says."""


def told(alert: str, at: int, series: Mapping[str, str], **labels: str) -> Case:
    return Case(alert, at, series, True, labels)


def quiet(alert: str, at: int, series: Mapping[str, str]) -> Case:
    return Case(alert, at, series, False)


def told_of_all(alert: str, at: int, series: Mapping[str, str]) -> Case:
    return Case(alert, at, series, True, is_of_all=True)


CASES = [
    told("Down", 4, {"up": "1 0x9"}),
    quiet("Down", 8, {"up": "1 0 1x9"}),
    told("NotReady", 3, {"sallyport_not_ready": "0 1x9"}),
    quiet("NotReady", 3, {"sallyport_not_ready": "0 1 0 1 0"}),
    told("AuditRefuses", 2, {"sallyport_audit_refusing": "0 1x9", "sallyport_audit_failures_total": "0x9"}),
    told("AuditRefuses", 3, {"sallyport_audit_refusing": "0x9", "sallyport_audit_failures_total": "0 0 1x9"}),
    quiet("AuditRefuses", 9, {"sallyport_audit_refusing": "0x9", "sallyport_audit_failures_total": "7x9"}),
    told("AuditLowSpace", 15, {FREE: "200x20", LOW: "64x20"}),
    told("AuditLowSpace", 90, {FREE: "10000000-10000x100", LOW: "64x100"}),
    quiet("AuditLowSpace", 90, {FREE: "10000000-1000x100", LOW: "64x100"}),
    quiet("AuditLowSpace", 15, {FREE: "300x20", LOW: "64x20"}),
    told("RecordingsIncomplete", 3, {"sallyport_recordings_incomplete_total": "0 0 1x9"}),
    quiet("RecordingsIncomplete", 9, {"sallyport_recordings_incomplete_total": "3x9"}),
    told("AuditUnsealed", 15, {"sallyport_audit_unsealed": "200000x20"}),
    quiet("AuditUnsealed", 15, {"sallyport_audit_unsealed": "200000x9 0 200000x9"}),
    told("ExportLags", 31, {BEHIND: "20000x40"}, export="siem"),
    quiet("ExportLags", 31, {BEHIND: "20000x20 900 20000x20"}),
    told("ExportFails", 35, {TRIES: "0+1x40"}, export="siem"),
    quiet("ExportFails", 35, {TRIES: "0+1x5 5x40"}),
    told("HoldWaits", 3, {"sallyport_hold_oldest_seconds": "1900x9"}),
    quiet("HoldWaits", 9, {"sallyport_hold_oldest_seconds": "1700x9"}),
    told("HoldsPileUp", 12, {"sallyport_holds_open": "51x20"}),
    quiet("HoldsPileUp", 20, {"sallyport_holds_open": "50x20"}),
    # 0.1 a second for an hour, then ten; from the first minute on where there never was any; and as many as ever.
    told_of_all("DenialsJump", 74, {DENIED: "0+6x65 990+600x20"}),
    told_of_all("DenialsJump", 8, {DENIED: "0 600+600x20"}),
    told_of_all("DenialsJump", 9, {DENIED: "_ 600+600x20"}),
    quiet("DenialsJump", 80, {DENIED: "0+300x90"}),
    quiet("DenialsJump", 80, {DENIED: "0+1x65 66+30x20"}),
    told("FailsClosed", 4, {BROKEN: "0 0 10x9"}, verdict="deny", deny_kind="INTERNAL"),
    quiet("FailsClosed", 4, {BROKEN: "0 0 3x9"}),
    quiet("FailsClosed", 9, {DENIED: "0 0 90x9"}),
    told_of_all("Slow", 17, {SECONDS % "0.02": "0+90x30", SECONDS % "0.1": "0+100x30", SECONDS % "+Inf": "0+100x30"}),
    quiet("Slow", 17, {SECONDS % "0.02": "0+100x30", SECONDS % "0.1": "0+100x30", SECONDS % "+Inf": "0+100x30"}),
    told_of_all("LoginsRefused", 12, {REFUSED: "0+120x20"}),
    quiet("LoginsRefused", 12, {REFUSED: "0+30x20"}),
    told("StoreUnreachable", 2, {"sallyport_store_failing": "0 1x9"}),
    quiet("StoreUnreachable", 3, {"sallyport_store_failing": "0 1 0x9"}),
    told("PoliciesFail", 12, {"sallyport_policy_failing": "1x20"}),
    quiet("PoliciesFail", 12, {"sallyport_policy_failing": "1x5 0 1x20"}),
    told("PoliciesOld", 1, {"sallyport_policy_age_seconds": "3601x3"}),
    quiet("PoliciesOld", 1, {"sallyport_policy_age_seconds": "3599x3"}),
    told(
        "ReloadFails",
        7,
        {'sallyport_reload_failing{part="the keys of the audit"}': "1x9"},
        part="the keys of the audit",
    ),
    quiet("ReloadFails", 7, {'sallyport_reload_failing{part="the keys of the audit"}': "1x3 0x9"}),
    # Time begins at 0 there.
    told("CertificateEnds", 1, {ENDS: f"{13 * 86_400}x3"}, where="faces"),
    quiet("CertificateEnds", 1, {ENDS: f"{15 * 86_400}x3"}),
    told("CertificateEndsSoon", 1, {ENDS: f"{86_400}x3"}, where="faces"),
    quiet("CertificateEndsSoon", 1, {ENDS: f"{3 * 86_400}x3"}),
]
