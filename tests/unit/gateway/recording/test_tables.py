"""Exchanges as text: harmless, readable, found again."""

from __future__ import annotations

import pytest

from gateway.recording.exchanges import PIECE, Asked, Done, Line, More, Over, Shown
from gateway.recording.tables import became, fields_of, printed, searched

EVIL = "\x1b]0;owned\x07\x1b[2Ja\u202eb\x9b31m"
ASKED = Asked(at=1500, id="d-1", protocol="postgres", text="SELECT 1;\nSELECT 2", verdict="allow", rules=("p/R",))


def hostile() -> list[Line]:
    return [
        Asked(
            at=1,
            id=EVIL,
            protocol=EVIL,
            text=EVIL,
            verdict=EVIL,
            rules=(EVIL,),
            ticket=EVIL,
            parameters=(EVIL, None),
            lost=3,
        ),
        More(at=1, id=EVIL, text=EVIL),
        Shown(at=1, id=EVIL, columns=(EVIL,), rows=((EVIL, None),), text=EVIL, cut=True),
        Done(at=1, id=EVIL, error=EVIL),
        Over(at=1),
    ]


@pytest.mark.parametrize("line", hostile())
def test_nothing_of_it_harms_a_viewer(line: Line) -> None:
    texts = [printed(line), str(fields_of(line, 1000)), *(text for _, text in searched([line]))]
    for text in texts:
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(text)
        assert "owned" not in text


def test_a_command_is_printed_with_what_decided_it() -> None:
    said = printed(ASKED)
    assert said.splitlines() == [
        "    1.500 allow d-1  postgres  p/R",
        "          SELECT 1;",
        "          SELECT 2",
    ]
    held = Asked(at=0, id="d-2", protocol="http", text="x", verdict="hold", ticket="t-1", prepares=True, lost=2)
    assert "ticket t-1  only prepared" in printed(held)
    assert "with and 2 more" in printed(held)


def test_rows_and_outcomes_are_printed() -> None:
    shown = Shown(at=0, id="d-1", columns=("a", "b"), rows=(("1", None), ("x\ny" * 200, "2")), cut=True)
    first, second, third, last = printed(shown).splitlines()
    assert (first.strip(), second.strip()) == ("| a | b", "| 1 | NULL")
    assert third.endswith("... | 2")
    assert "not recorded" in last
    assert became(Done(at=0, id="d-1", rows=1, bytes=12, ms=1.25)) == "1 row, 12 bytes, 1.2 ms"
    assert (
        became(Done(at=0, id="d-1", rows=2, bytes=0, ms=0, error="57014", masked=1))
        == "57014, 2 rows, 0 bytes, 0.0 ms, 1 hidden"
    )
    assert "ERROR" in printed(Done(at=0, id="d-1", error="57014"))


def test_a_text_in_pieces_is_found_across_them() -> None:
    text = "x" * (PIECE - 3) + "needle" + "y" * PIECE
    lines: list[Line] = [
        Asked(at=7, id="d-1", protocol="postgres", text=text[:PIECE], verdict="allow", parameters=("value", None)),
        More(at=7, id="d-1", text=text[PIECE : 2 * PIECE]),
        More(at=7, id="d-1", text=text[2 * PIECE :]),
        Shown(at=8, id="d-1", rows=(("cell", None),), text="body\nmore"),
        Done(at=9, id="d-1"),
    ]
    found = list(searched(lines))
    assert [at for at, one in found if "needle" in one] == [7]
    assert {"value", "cell | NULL", "body", "more"} <= {one for _, one in found}
    assert list(searched([*lines[:2]]))[-1][1].endswith("y")


def test_fields_are_bounded() -> None:
    assert fields_of(ASKED, 6)["text"] == "SELECT"
    assert fields_of(Over(at=1), 6) == {}
    assert fields_of(Asked(at=1, id="d", protocol="p", text="", verdict="<b>"), 6)["verdict"] == ""
