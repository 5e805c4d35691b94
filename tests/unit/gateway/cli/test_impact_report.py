"""Four shapes of one impact: each says the same, and none can be turned against its reader."""

from __future__ import annotations

import csv
import html.parser
import io
import json

from engine import Principal, Resource, Session, TextQuestion
from engine.suite.replay import Answer, Gap, Impact, Recorded
from gateway.cli.impact_report import impact_csv, impact_html, impact_json, impact_text

EVIL = "<script>alert(1)</script>\x1b[2J"
BEFORE = Answer("allow", None, (("p/READ", "allow"),))
AFTER = Answer("deny", "RULE", (("p/NO", "deny"),), (("rows", "1"),), ((-1, "redact"), (0, "drop")))


def impact(flips: int = 2, who: str = "ana", text: str = "SELECT 1") -> Impact:
    made = Impact()
    for number in range(flips):
        asked = TextQuestion(Principal(who), Session("s"), Resource(f"r{number}", "postgres"), "postgres", b"", 10**18)
        made.add(Recorded(f"d-{number}", asked, BEFORE, text), AFTER)
    made.miss(Gap.REDACTED)
    return made


def test_people_read_what_flips_by_what_and_what_could_not_be_decided() -> None:
    text = impact_text(impact(), "f" * 64, 1.5)
    assert "2 decisions made again by ffffffffffff in 1.5 s: 0 the same, 0 for other reasons, 2 flip" in text
    assert "not decided again: 1, the log hides a secret in the command" in text
    assert "      2  allow -> deny" in text
    assert "      2  +p/NO" in text
    assert "2001-09-09 01:46:40  allow -> deny   ana@r1" in text


def test_long_lists_are_cut_and_say_so() -> None:
    text = impact_text(impact(30), "f", 1)
    assert "and 10 more\n" in text
    assert "and 10 more; `--format csv` lists them" in text
    assert "and 10 more" in impact_html(impact(30), "f")
    assert impact_html(impact(1_003), "f").count("<tr><td>") == 1_000


def test_machines_read_everything() -> None:
    document = json.loads(impact_json(impact(), "rev"))
    assert (document["revision"], document["decided"], document["flipped"]) == ("rev", 2, 2)
    assert document["by"]["rule"] == {"+p/NO": 2, "-p/READ": 2}
    assert document["not_decided"]["redacted"]["count"] == 1
    assert document["flips"][0]["after"] == {
        "verdict": "deny",
        "deny_kind": "RULE",
        "rules": ["p/NO"],
        "limits": {"rows": "1"},
        "masks": [[None, "redact"], [0, "drop"]],
    }


def test_a_spreadsheet_finds_texts_and_no_formulas() -> None:
    rows = list(csv.reader(io.StringIO(impact_csv(impact(1, "=cmd|' /C calc'!A0", '-- "a",\n"b"')))))
    assert len(rows) == 2
    assert rows[1][2] == "'=cmd|' /C calc'!A0"
    assert rows[1][7] == "'+p/NO -p/READ"
    assert rows[1][8] == '\'-- "a", "b"'


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = list[str]()
        self.links = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_complete_in_itself_and_hostile_texts_stay_texts() -> None:
    page = impact_html(impact(2, EVIL, EVIL), "f" * 64)
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.seen
    assert tags.links == []
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page
    assert "<svg" in page
    assert "prefers-color-scheme: dark" in page
    assert "http" not in page.replace("http-equiv", "")


def test_an_empty_impact_says_that_nothing_flips() -> None:
    assert "Nothing flips" in impact_html(Impact(), "f")
    assert "0 flip" in impact_text(Impact(), "f", 0)
