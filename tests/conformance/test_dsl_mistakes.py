"""An author's mistakes: for each, exactly what is told - code, place, message, help - and never a traceback.

Each mistake is a file in `dsl_mistakes/`, or a folder of files that import each other, beside a `.txt` with what is
told. After a change on purpose: `python -m tests.conformance.test_dsl_mistakes` writes the `.txt` files anew; read the
difference before it is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.dsl.resolver import read_policies
from engine.source import Diagnostic, Source, decode_source

FOLDER = Path(__file__).parent / "dsl_mistakes"
MISTAKES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".txt")
AT_LEAST = 60

HUGE = {
    "a line of a megabyte": "policy p\ndeny a when " + "x" * 1_000_000 + "\n",
    "a file of two megabytes": "policy p\n" + "# comment\n" * 200_000,
    "a hundred thousand parentheses": "policy p\ndeny a when\n" + "(\n" * 10_000,
    "fifty thousand lines": "policy p\n" + "\n" * 50_000,
    "a set of ten thousand texts": "policy p\ndeny a when resource.name in {\n" + '"x",\n' * 10_000 + "\n",
    "ten thousand rules without an end": "policy p\n" + "deny a when (\n" * 10_000,
    "nothing but signs": "policy p\n" + "!§$%&/()=?\n" * 1000,
    "nothing but zeros": "\x00" * 1000,
}


def told(path: Path) -> list[Diagnostic]:
    """Everything that is told about a mistake."""
    files = [path] if path.is_file() else sorted(path.iterdir())
    decoded = [decode_source(file.name, file.read_bytes()) for file in files]
    sources = [one for one in decoded if isinstance(one, Source)]
    return [*(one for one in decoded if isinstance(one, Diagnostic)), *read_policies(sources).diagnostics]


def shown(found: Sequence[Diagnostic]) -> str:
    lines: list[str] = []
    for one in found:
        assert one.span is not None
        span = f"{one.span.line}:{one.span.column}-{one.span.end_line}:{one.span.end_column}"
        lines.append(f"{one.source}:{span} {one.severity} {one.code}: {one.message}")
        if one.help:
            lines.append(f"  help: {one.help}")
    return "\n".join(lines) + "\n"


def expected(path: Path) -> Path:
    return FOLDER / f"{path.stem}.txt"


def test_there_are_many_mistakes() -> None:
    assert len(MISTAKES) >= AT_LEAST


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_a_mistake_is_told_as_it_should_be(path: Path) -> None:
    assert shown(told(path)) == expected(path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_a_message_is_one_line_of_the_authors_own_words(path: Path) -> None:
    for one in told(path):
        assert "\n" not in one.message + one.help
        assert len(one.message) < 300
        assert not one.message.endswith(".")
        assert one.message[0] in '`"' or one.message[0].islower()


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_a_diagnostic_too(name: str) -> None:
    found = read_policies([Source("p.gate", HUGE[name])]).diagnostics
    assert found
    assert all(len(one.message) < 300 for one in found)


if __name__ == "__main__":
    for mistake in MISTAKES:
        expected(mistake).write_text(shown(told(mistake)), encoding="utf-8")
