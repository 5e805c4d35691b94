"""The allow-list of builtins."""

from engine.rego.capabilities import ALLOWED, FAMILIES


def test_no_builtin_is_listed_twice() -> None:
    names = [name for family in FAMILIES.values() for name in family]
    assert len(names) == len(set(names))
    assert list(ALLOWED) == sorted(names)


def test_nothing_that_reaches_out_or_guesses_is_listed() -> None:
    refused = ("http.", "io.jwt.", "opa.", "rand.", "uuid.", "rego.", "net.lookup", "crypto.", "trace", "print")
    assert not [name for name in ALLOWED if name.startswith(refused)]
