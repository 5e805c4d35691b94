import dataclasses

import pytest

from engine.source import Diagnostic, Severity, Source, Span, decode_source


def test_a_diagnostic_is_an_error_unless_said_otherwise() -> None:
    assert Diagnostic("X", "m", "a.rego").severity is Severity.ERROR


def test_sources_and_spans_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Source("a", "b").name = "c"  # type: ignore[misc]  # the point of the test
    assert Span(1, 1, 1, 2) == Span(1, 1, 1, 2)


def test_bytes_become_a_source_with_or_without_a_mark_of_their_order() -> None:
    assert decode_source("a", "é\n".encode()) == Source("a", "é\n")
    assert decode_source("a", b"\xef\xbb\xbfx") == Source("a", "x")


def test_bytes_that_are_no_utf_8_are_a_diagnostic_with_their_place() -> None:
    found = decode_source("a", "policy p\ndé".encode() + b"\xff rest")
    assert isinstance(found, Diagnostic)
    assert (found.code, found.message, found.span) == ("ENCODING", "this is not UTF-8: byte 0xff", Span(2, 3, 2, 4))
