"""The page of detectors, `docs/detectors.md`, written from the table that the scanner is built from. Printed by `scan`."""

from __future__ import annotations

from collections.abc import Iterable

from engine.masking.patterns import Detector, detectors, types

_HEAD = """# Detectors

What the scanner finds, one row a detector; several may find one type. This page is written by
`sallyport scan --detectors` from `engine/native/src/scan/detectors.tsv`, and a test holds it fresh.
Besides these there are `secret.password` and `secret.generic_key`: what is assigned to a name that promises a secret
(`engine/native/src/scan/assign.rs`).

- **found by**: a literal (the shape begins with it), a word before it, or the outline of its figures.
- **checks**: what must hold besides the shape: check digits, issuers, structure, entropy (bits a byte).
- **needs**: one of these words must stand near.
- Where findings overlap, the higher **rank** wins, then the longer, then the earlier.
"""
_LONGEST = 60


def detectors_page() -> str:
    """The page, as Markdown."""
    rows = detectors()
    families = sorted({row.type.partition(".")[0] for row in rows})
    parts = [_HEAD, f"\n{len(rows)} detectors, {len(types())} types.\n"]
    for family in families:
        parts.append(
            f"\n## {family}\n\n| type | what | found by | checks | needs | rank |\n|---|---|---|---|---|---|\n"
        )
        parts += [_line(row) for row in rows if row.type.partition(".")[0] == family]
    return "".join(parts)


def _line(row: Detector) -> str:
    match row.how:
        case "near":
            by = f"after {_some(row.triggers)}"
        case "figure":
            by = "figures"
        case _:
            by = _some(row.triggers)
    cells = (f"`{row.type}`", row.title, by, ", ".join(row.checks), _some(row.context), str(row.rank))
    return f"| {' | '.join(cells)} |\n"


def _some(words: Iterable[str]) -> str:
    """The words as code, as many as fit."""
    shown: list[str] = []
    length = 0
    for word in words:
        length += len(word) + 2
        if shown and length > _LONGEST:
            return ", ".join([*shown, "..."])
        shown.append("`" + word.replace("|", "\\|") + "`")
    return ", ".join(shown)
