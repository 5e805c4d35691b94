"""docs/commands.md is what the tables say."""

from __future__ import annotations

from engine.command.sql.kinds import FEATURES, KINDS, VIA
from engine.command.sql.page import page
from tests.conftest import ROOT


def test_the_published_page_is_fresh() -> None:
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == page(), (
        "run `python -m engine.command.sql.page > docs/commands.md`"
    )


def test_the_page_has_every_word() -> None:
    text = page()
    for word in [kind.name for kind in KINDS] + list(FEATURES) + list(VIA):
        assert f"| `{word}` |" in text
