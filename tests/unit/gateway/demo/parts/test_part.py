"""What is printed of the parts beside the database."""

from __future__ import annotations

from engine.decision import Verdict
from gateway.demo.parts.part import Absent, Act, Part, parts_text
from gateway.demo.scenes import Scene


def test_each_part_has_its_lines_and_what_is_missing_is_named() -> None:
    act = Act(Scene(Verdict.DENY, "ana", "", "an error", 1, argv=("curl", "https://a/b c")))
    text = "\n".join(parts_text([Part("An API", "", {}, (act,)), Absent("A cluster", "it is not built")]))
    assert "An API, a line for each verdict:" in text
    assert "  # deny: an error\n  curl 'https://a/b c'" in text
    assert "A cluster is not shown: it is not built" in text
    assert parts_text([]) == []
