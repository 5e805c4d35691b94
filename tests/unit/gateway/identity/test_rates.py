"""A bucket fills with time; who empties theirs waits, others do not; the audit is told once a minute."""

from __future__ import annotations

from gateway.identity.rates import MAX_REMEMBERED, NO_LIMIT, TOLD_EVERY, Over, Rates


class House:
    def __init__(self, per_second: float = 2.0, burst: int = 3) -> None:
        self.now, self.counted = 100.0, 0
        self.rates = Rates(per_second, burst, lambda: self.now, self.count)

    def count(self) -> None:
        self.counted += 1


def test_so_many_at_once_and_then_as_many_as_time_allows() -> None:
    house = House()
    assert [house.rates.take("ana") for _ in range(3)] == [None] * 3
    assert house.rates.take("ana") == Over(1, True)
    house.now += 0.5
    assert house.rates.take("ana") is None
    assert house.rates.take("ana") == Over(1, False), "told already"
    house.now += 1_000
    assert [house.rates.take("ana") is None for _ in range(4)] == [True, True, True, False]
    assert house.counted == 3


def test_nobody_waits_for_somebody_else() -> None:
    house = House(burst=1)
    assert house.rates.take("ana") is None
    assert house.rates.take("ana") is not None
    assert house.rates.take("bo") is None


def test_how_long_to_wait_is_said_in_whole_seconds() -> None:
    house = House(per_second=0.1, burst=1)
    house.rates.take("ana")
    assert house.rates.take("ana") == Over(10, True)
    house.now += 9.5
    assert house.rates.take("ana") == Over(1, False)


def test_the_audit_is_told_once_a_minute() -> None:
    house = House(per_second=0.01, burst=1)
    house.rates.take("ana")
    told = []
    for _ in range(100):
        over = house.rates.take("ana")
        told.append(over is not None and over.is_told)
        house.now += 0.1
    assert told.count(True) == 1
    house.now += TOLD_EVERY - 20
    over = house.rates.take("ana")
    assert over is not None
    assert not over.is_told
    house.now += 20
    over = house.rates.take("ana")
    assert over is not None
    assert over.is_told


def test_without_a_limit_nothing_is_kept() -> None:
    for _ in range(1_000):
        assert NO_LIMIT.take("ana") is None
    assert not NO_LIMIT._buckets


def test_many_names_fill_no_memory() -> None:
    house = House(burst=1)
    for number in range(MAX_REMEMBERED + 50):
        house.rates.take(f"p{number}")
    assert len(house.rates._buckets) == MAX_REMEMBERED
