"""Words of closed lists, protocol by protocol."""

from __future__ import annotations

import pytest

from engine.command.page import LANGUAGES
from engine.dsl.parser import parse
from engine.dsl.types import PROTOCOLS, Sort, Type, input_type
from engine.dsl.vocabulary import is_closed, misspelt, words
from engine.source import Severity, Source
from tests.gate_files import problem, problems


def test_the_lists_are_those_of_the_parsers() -> None:
    assert words("kind") == {kind.name for language in LANGUAGES for kind in language.kinds}
    assert words("feature") == {word for language in LANGUAGES for word in language.features}
    # Steps of the shell are open: `wrapper:` and any name; a program of Python has those of the lines it runs.
    closed = [language for language in LANGUAGES if language.name not in ("Shell", "Python")]
    assert words("step") == {word for language in closed for word in language.via}


def test_a_list_is_closed_where_every_protocol_publishes_its_words() -> None:
    assert is_closed("kind", ["postgres"])
    assert is_closed("kind", ["postgres", "mcp"])
    assert not is_closed("kind", ["postgres", "sftp"])
    assert not is_closed("kind", [])


def test_a_word_that_is_almost_one_of_the_list() -> None:
    assert misspelt("kind", "drop_tabel") == "drop_table"
    assert misspelt("kind", "drop_table") is None
    assert misspelt("kind", "launch_rocket") is None


CONDITIONS = (
    "any operation has kind {}",
    "any operation has kind in {{select, {}}}",
    'any operation has kind == "{}"',
    "any operation has via overlaps {{{}}}",
    'any operation has "{}" in via',
    'any feature has it == "{}"',
    'any feature has it in {{"{}"}}',
)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_an_unknown_word_is_an_error_where_all_words_are_known(condition: str) -> None:
    found = problem(f"policy p\napplies to postgres\ndeny a when {condition.format('zzzz')}\n")
    assert (found.code, found.severity) == ("UNKNOWN_VALUE", Severity.ERROR)


def test_an_almost_known_word_is_a_warning_elsewhere() -> None:
    found = problem("policy p\ndeny a when any operation has kind drop_tabel\n")
    assert (found.code, found.severity, found.help) == ("MISSPELT", Severity.WARNING, "did you mean `drop_table`?")
    assert problems("policy p\ndeny a when any operation has kind launch_rocket\n") == []


def choices(type_: Type) -> set[str]:
    inner = [field.type for field in type_.fields.values()] + [one for one in (type_.item, type_.rest) if one]
    own = set(type_.values) if type_.sort is Sort.CHOICE else set()
    return own.union(*(choices(one) for one in inner))


def test_every_word_of_a_list_can_be_written_without_quotes() -> None:
    known = {*choices(input_type()), *words("kind"), *words("feature"), *words("step"), *PROTOCOLS}
    wrong = [
        word
        for word in sorted(known)
        for form in (f"a {word}", f"a in {{{word}}}", f"a {word} and b")
        if parse(Source("p.gate", f'policy p\ndeny x when {form}\nhint "x"\n')).diagnostics
    ]
    assert wrong == []
