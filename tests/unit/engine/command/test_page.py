"""docs/commands.md is what the tables say."""

from __future__ import annotations

from engine.command.page import LANGUAGES, page
from tests.conftest import ROOT


def test_the_published_page_is_fresh() -> None:
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == page(), (
        "run `python -m engine.command.page > docs/commands.md`"
    )


def test_the_page_has_every_word_of_every_language() -> None:
    text = page()
    for language in LANGUAGES:
        assert f"## {language.name}\n" in text
        for word in [kind.name for kind in language.kinds] + list(language.features) + list(language.via):
            assert f"| `{word}` |" in text


def test_a_word_stands_once_in_its_table() -> None:
    for language in LANGUAGES:
        names = [kind.name for kind in language.kinds]
        assert len(set(names)) == len(names)
        assert "unknown" in names
