"""The page of detectors is what its writer writes today."""

from __future__ import annotations

from pathlib import Path

from engine.masking.page import detectors_page

PAGE = Path(__file__).parents[4] / "docs/detectors.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == detectors_page(), "run `sallyport scan --detectors > docs/detectors.md`"


def test_every_row_of_the_page_has_six_cells() -> None:
    rows = [line for line in detectors_page().splitlines() if line.startswith("| `")]
    assert len(rows) >= 120
    assert {line.replace("\\|", "").count("|") for line in rows} == {7}
