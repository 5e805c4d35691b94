"""Names from `define` and `import`."""

from __future__ import annotations

import pytest

from engine.dsl.definitions import field_names
from tests.gate_files import problem, problems, read, sound

USE = "allow a when x\n"


def test_an_imported_definition_means_what_it_does_at_home() -> None:
    policy = sound('policy p\nimport "lib.gate"\n' + USE, lib="library\ndefine x = y\ndefine y = command.complete\n")
    assert policy.rules[0].conditions == sound("policy p\nallow a when command.complete").rules[0].conditions


def test_imports_are_not_passed_on() -> None:
    found = problem(
        'policy p\nimport "lib.gate"\nallow a when x or y\n',
        lib='library\nimport "more.gate"\ndefine x = y\n',
        more="library\ndefine y = command.complete\n",
    )
    assert (found.code, found.message) == ("UNKNOWN_NAME", "unknown name `y`")


def test_files_may_import_each_other() -> None:
    assert (
        read(
            'policy p\nimport "lib.gate"\n' + USE, lib='library\nimport "p.gate"\ndefine x = command.complete\n'
        ).is_sound
        is False
    )
    assert sound(
        'policy p\nimport "lib.gate"\ndefine y = command.complete\n' + USE,
        lib='library\nimport "p.gate"\ndefine x = y\n',
    )


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "define x = command.complete\ndefine x = command.complete\n" + USE,
            "DUPLICATE",
            "`x` is defined already, on line 2",
        ),
        ("define when = command.complete\n", "SHADOWED", "`when` is a word of the language already"),
        ("define effect = command.complete\n", "SHADOWED", "`effect` is a field already"),
        ("define it = command.complete\n", "SHADOWED", "`it` is a field already"),
        ('import "p.gate"\n', "IMPORT", "a file cannot import itself"),
        ('import "lib/missing.gate"\n', "IMPORT", "there is no file `lib/missing.gate`"),
    ],
)
def test_what_is_wrong_with_a_name_is_told(text: str, code: str, message: str) -> None:
    found = [
        one for one in problems("policy p\n" + text + "allow b when command.complete\n") if one.severity == "error"
    ]
    assert [(one.code, one.message) for one in found] == [(code, message)]


def test_two_files_that_define_the_same_name_are_named() -> None:
    library = "library\ndefine x = command.complete\n"
    found = problem('policy p\nimport "one.gate"\nimport "two.gate"\n' + USE, one=library, two=library)
    assert (found.code, found.message) == ("SHADOWED", "`x` comes from `one.gate` and from `two.gate`")


def test_a_misspelt_file_is_suggested_from_where_the_import_is() -> None:
    assert (
        problem('policy p\nimport "lob.gate"\n' + USE, lib="library\ndefine x = command.complete\n").help
        == "did you mean `lib.gate`?"
    )


def test_an_import_of_a_broken_file_is_one_mistake() -> None:
    assert [one.source for one in problems('policy p\nimport "lib.gate"\n' + USE, lib="library\ndefine x = (\n")] == [
        "lib.gate"
    ]
    assert [one.source for one in problems('policy p\nimport "lib.gate"\n' + USE, lib="nonsense")] == ["lib.gate"]


def test_an_import_of_nothing_is_told() -> None:
    assert (
        "defines nothing"
        in problems('policy p\nimport "lib.gate"\nallow a when command.complete\n', lib="library\n")[0].message
    )


def test_a_definition_that_nobody_uses_is_a_warning_in_a_policy_and_none_in_a_library() -> None:
    text = "define x = y\ndefine y = command.complete\n"
    assert [(one.code, one.message) for one in problems("policy p\nallow a when command.complete\n" + text)] == [
        ("UNUSED", "nothing uses `x`"),
        ("UNUSED", "nothing uses `y`"),
    ]
    assert problems("policy p\n" + text + USE) == []
    assert problems("library\n" + text) == []


def test_names_of_fields_and_nouns_are_taken() -> None:
    assert {"resource", "kind", "schema", "operation", "target", "it"} <= field_names()
