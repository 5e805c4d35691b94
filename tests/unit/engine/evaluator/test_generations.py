"""The bounded memory of the evaluator's caches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.evaluator.generations import Generations


def test_what_is_put_is_found() -> None:
    kept: Generations[str, int] = Generations(4, 1000)
    kept.put("a", 1)
    assert kept.get("a") == 1
    assert kept.get("b") is None


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    kept: Generations[int, int] = Generations(4, 1000)
    for number in range(100):
        kept.put(number, number)
        kept.put(-1, -1)
        assert kept.get(-1) == -1
    assert kept.get(0) is None
    assert kept.get(99) == 99


def test_a_used_entry_moves_out_of_the_old_generation() -> None:
    kept: Generations[str, int] = Generations(2, 1000)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.put("c", 3)
    assert kept.get("a") == 1
    kept.put("d", 4)
    assert kept.get("a") == 1


def test_weight_bounds_it_too() -> None:
    kept: Generations[int, str] = Generations(1000, 100)
    for number in range(1000):
        kept.put(number, "x", 10)
        assert len(kept) <= 20


def test_one_heavy_entry_is_not_kept() -> None:
    kept: Generations[str, str] = Generations(1000, 100)
    kept.put("light", "x", 10)
    kept.put("heavy", "x", 11)
    assert kept.get("heavy") is None
    assert kept.get("light") == "x"


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60))
def test_it_never_answers_with_another_keys_value_and_never_grows(size: int, steps: list[tuple[int, bool]]) -> None:
    kept: Generations[int, int] = Generations(size, 1_000_000)
    for key, writes in steps:
        if writes:
            kept.put(key, key)
        assert kept.get(key) in (None, key)
        assert len(kept) <= 2 * size
