"""An author's mistakes in Rego: for each, exactly what is told - code, place, message, help - and never a traceback.

Each mistake is a file in `rego_mistakes/`, or a folder of files, beside a `.txt` with what is told. After a change on
purpose: `python -m tests.conformance.test_rego_mistakes` writes the `.txt` files anew; read the difference before it is
committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.compiler.stages import compile_policies
from engine.errors import PolicyRefused
from engine.source import Diagnostic, Source
from tests.conformance.mistakes import AT_LEAST, Mistakes, is_one_line
from tests.time_bounds import within


def diagnose(sources: Sequence[Source]) -> Sequence[Diagnostic]:
    try:
        return compile_policies(sources).warnings
    except PolicyRefused as error:
        return error.diagnostics


MISTAKES = Mistakes(Path(__file__).parent / "rego_mistakes", diagnose)
PATHS = MISTAKES.paths

HEAD = "package policies.p\n\n"
HUGE = {
    "a line of a megabyte": HEAD + "x := " + "y" * 1_000_000 + "\n",
    "a file of two megabytes": HEAD + "# comment\n" * 200_000,
    "ten thousand brackets": HEAD + "x := " + "[\n" * 10_000,
    "thirty thousand lines": HEAD + "\n" * 30_000,
    "nothing but signs": HEAD + "!§$%&/()=?\n" * 1000,
    "nothing but zeros": "\x00" * 1000,
    "a string that never ends": HEAD + 'x := "' + "a" * 3000,
}


def test_there_are_many_mistakes() -> None:
    assert len(PATHS) >= AT_LEAST


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_mistake_is_told_as_it_should_be(path: Path) -> None:
    MISTAKES.check(path)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_message_is_one_line_of_the_authors_own_words(path: Path) -> None:
    for one in MISTAKES.told(path):
        assert is_one_line(one, 400)
        assert "regorus" not in one.message.lower()
        assert "panicked" not in one.message


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_a_diagnostic_soon(name: str) -> None:
    found = within(5.0, lambda: diagnose([Source("p.rego", HUGE[name])]))
    assert found
    assert all(len(one.message) < 400 for one in found)


if __name__ == "__main__":
    MISTAKES.write()
