"""Classes of characters: none in two, cases apart."""

from __future__ import annotations

from engine.masking.classes import DIGITS, RANGES, SIGNS, member_of, members


def test_every_member_is_found_again_and_is_in_one_class_only() -> None:
    seen: set[str] = set()
    for number in {one for one, *_ in RANGES}:
        for index, character in enumerate(members(number)):
            assert character not in seen
            seen.add(character)
            assert member_of(character) == (number, index)


def test_cases_are_kept_apart() -> None:
    for small, capital in ("aA", "éÉ", "łŁ", "žŽ", "ωΩ", "жЖ"):
        found = member_of(small), member_of(capital)
        assert found[0] is not None
        assert found[1] is not None
        assert found[0][0] + 1 == found[1][0]


def test_signs_and_what_nobody_knows_are_in_no_class() -> None:
    assert all(member_of(sign) is None for sign in "- .@/\t")
    assert set("- .@/\t\n") <= SIGNS
    assert all(member_of(strange) is None and strange not in SIGNS for strange in "\u0301\U0001f600\0\x7f×\xa0")
    assert members(DIGITS) == "0123456789"
