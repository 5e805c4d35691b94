"""What a sink says when it fails."""

from __future__ import annotations

from gateway.audit.export.events import Severity, SinkFailed


def test_a_failure_may_pass_unless_it_says_otherwise() -> None:
    assert not SinkFailed("x").is_final
    assert SinkFailed("x", is_final=True).is_final
    assert SinkFailed("x").code == "EXPORT_FAILED"


def test_severities_are_syslogs_numbers() -> None:
    assert (int(Severity.WARNING), int(Severity.NOTICE), int(Severity.INFO)) == (4, 5, 6)
