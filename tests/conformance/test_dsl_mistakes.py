"""An author's mistakes: for each, exactly what is told - code, place, message, help - and never a traceback.

Each mistake is a file in `dsl_mistakes/`, or a folder of files that import each other, beside a `.txt` with what is
told. After a change on purpose: `python -m tests.conformance.test_dsl_mistakes` writes the `.txt` files anew; read the
difference before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.dsl.resolver import read_policies
from engine.source import Source
from tests.conformance.mistakes import AT_LEAST, Mistakes, is_one_line

MISTAKES = Mistakes(Path(__file__).parent / "dsl_mistakes", lambda sources: read_policies(sources).diagnostics)
PATHS = MISTAKES.paths

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


def test_there_are_many_mistakes() -> None:
    assert len(PATHS) >= AT_LEAST


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_mistake_is_told_as_it_should_be(path: Path) -> None:
    MISTAKES.check(path)
    assert all(one.span is not None for one in MISTAKES.told(path))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_message_is_one_line_of_the_authors_own_words(path: Path) -> None:
    for one in MISTAKES.told(path):
        assert is_one_line(one, 300)
        assert one.message[0] in '`"' or one.message[0].islower()


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_a_diagnostic_too(name: str) -> None:
    found = read_policies([Source("p.gate", HUGE[name])]).diagnostics
    assert found
    assert all(len(one.message) < 300 for one in found)


if __name__ == "__main__":
    MISTAKES.write()
