"""What is gathered while a line is read."""

from __future__ import annotations

from engine.command.kubernetes.line import Line


def test_what_is_not_understood_or_seen_leaves_the_line_incomplete() -> None:
    line = Line()
    assert line.is_complete
    line.unseen("unseen_body")
    assert (line.features, line.is_complete) == ({"unseen_body"}, False)
    line = Line()
    line.problem("plugin", "x")
    assert ([one.code for one in line.problems], line.is_complete) == (["plugin"], False)
