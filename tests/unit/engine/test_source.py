import dataclasses

import pytest

from engine.source import Diagnostic, Severity, Source, Span


def test_a_diagnostic_is_an_error_unless_said_otherwise() -> None:
    assert Diagnostic("X", "m", "a.rego").severity is Severity.ERROR


def test_sources_and_spans_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Source("a", "b").name = "c"  # type: ignore[misc]  # the point of the test
    assert Span(1, 1, 1, 2) == Span(1, 1, 1, 2)
