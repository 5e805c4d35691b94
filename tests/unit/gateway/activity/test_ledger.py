"""The numbers of principals and jobs: whose they are, what finds no place, what a clock can do to them."""

from __future__ import annotations

from engine.request import COUNTS
from gateway.activity.ledger import Ledger, Step
from gateway.activity.windows import SECOND

T0 = 1_800_000_000 * SECOND
RAN = Step(commands=1, objects=(1,))


def test_the_names_of_the_numbers_are_those_policies_know() -> None:
    assert sorted(Ledger().read("ana", None, T0).principal) == sorted(COUNTS)


def test_a_principal_has_the_numbers_of_all_jobs_and_a_job_its_own() -> None:
    ledger = Ledger()
    ledger.decided("ana", "a-1", T0, RAN)
    ledger.decided("ana", "a-2", T0, Step(denials=1))
    ledger.decided("ana", None, T0, Step(holds=1))
    ledger.decided("bo", "a-1", T0, Step(denials=1))
    ledger.finished("ana", "a-1", T0, 7, 70)
    found = ledger.read("ana", "a-1", T0)
    wanted = {
        "commands": (1, 1),
        "denials": (1, 0),
        "holds": (1, 0),
        "rows": (7, 7),
        "bytes": (70, 70),
        "objects": (1, 1),
    }
    for name, numbers in wanted.items():
        for window in ("minute", "hour"):
            place = f"{name}_last_{window}"
            assert (found.principal[place], found.job[place]) == numbers, place
    assert found.exact
    assert ledger.read("ana", None, T0).job["holds_last_hour"] == 1


def test_a_minute_passes_before_an_hour_does() -> None:
    ledger = Ledger()
    ledger.decided("ana", None, T0, RAN)
    found = ledger.read("ana", None, T0 + 120 * SECOND).principal
    assert (found["commands_last_minute"], found["commands_last_hour"]) == (0, 1)
    assert (found["objects_last_minute"], found["objects_last_hour"]) == (0, 1)
    assert ledger.read("ana", None, T0 + 3700 * SECOND).principal["commands_last_hour"] == 0


def test_objects_are_counted_with_those_of_the_command_that_asks() -> None:
    ledger = Ledger()
    ledger.decided("ana", "j", T0, Step(commands=1, objects=(1, 2)))
    found = ledger.read("ana", "k", T0, (2, 3))
    assert (found.principal["objects_last_hour"], found.job["objects_last_hour"]) == (3, 2)
    assert ledger.read("ana", "j", T0).principal["objects_last_hour"] == 2


def test_who_finds_no_place_has_the_numbers_of_all_who_found_none() -> None:
    ledger = Ledger(counted=2)
    ledger.decided("ana", None, T0, RAN)
    for name in ("bo", "cy"):
        ledger.decided(name, "j", T0, RAN)
    found = ledger.read("bo", "j", T0)
    assert found.principal["commands_last_hour"] >= 1
    assert not found.exact
    assert ledger.read("ana", None, T0).exact
    assert ledger.read("ana", None, T0).principal["commands_last_hour"] == 1


def test_who_was_among_the_rest_gets_a_place_only_when_that_has_passed() -> None:
    ledger = Ledger(counted=2)
    ledger.decided("ana", None, T0, RAN)
    ledger.decided("bo", None, T0 + 1800 * SECOND, RAN)
    # Ana's hour is over, so there is room, and bo is still among the rest.
    at = T0 + 3700 * SECOND
    ledger.decided("bo", None, at, RAN)
    found = ledger.read("bo", None, at)
    assert found.principal["commands_last_hour"] >= 2
    assert not found.exact
    later = at + 3700 * SECOND
    ledger.decided("bo", None, later, RAN)
    assert ledger.read("bo", None, later).principal["commands_last_hour"] == 1
    assert ledger.read("bo", None, later).exact


def test_an_idle_one_makes_room_and_gives_back_its_objects() -> None:
    ledger = Ledger(counted=2, all_objects=16)
    ledger.decided("ana", None, T0, RAN)
    later = T0 + 3700 * SECOND
    ledger.decided("bo", None, later, RAN)
    found = ledger.read("bo", None, later)
    assert found.exact
    assert found.principal["objects_last_hour"] == 1


def test_who_names_ever_new_jobs_takes_nobody_elses_place() -> None:
    ledger = Ledger(counted=40)
    for number in range(100):
        ledger.decided("eve", f"j{number}", T0, RAN)
    assert ledger.counted == 11
    first, last = ledger.read("eve", "j0", T0), ledger.read("eve", "j99", T0)
    assert (first.job["commands_last_hour"], first.exact) == (1, True)
    assert (last.job["commands_last_hour"], last.exact) == (90, False)
    assert last.principal["commands_last_hour"] == 100
    assert ledger.read("eve", "new", T0).job["commands_last_hour"] == 90, "too high, never too low"
    ledger.decided("bo", "b-1", T0, RAN)
    assert ledger.read("bo", "b-1", T0).exact
    assert ledger.read("bo", "b-1", T0).job["commands_last_hour"] == 1


def test_a_job_of_many_gets_a_place_when_what_it_may_have_done_has_passed() -> None:
    ledger = Ledger(counted=8)
    for number in range(4):
        ledger.decided("eve", f"j{number}", T0 + number * 600 * SECOND, RAN)
    # The places of the first two are free again, and the others are still together.
    at = T0 + 4300 * SECOND
    ledger.decided("eve", "j3", at, RAN)
    found = ledger.read("eve", "j3", at)
    assert (found.job["commands_last_hour"], found.exact) == (3, False)
    later = at + 3700 * SECOND
    for job in ("j3", "j4"):
        ledger.decided("eve", job, later, RAN)
        found = ledger.read("eve", job, later)
        assert (found.job["commands_last_hour"], found.exact) == (1, True)
    long_after = later + 7400 * SECOND
    for number in range(20):
        ledger.decided(f"bo{number}", None, long_after + number * 4000 * SECOND, RAN)
    assert "eve" not in ledger._theirs


def test_who_uses_ever_new_objects_takes_nobody_elses_place() -> None:
    ledger = Ledger(all_objects=80)
    ledger.decided("eve", "j", T0, Step(commands=1, objects=tuple(range(100))))
    assert not ledger.read("eve", "j", T0).exact
    assert ledger.read("eve", "j", T0).principal["objects_last_hour"] == 100
    ledger.decided("bo", "j", T0, RAN)
    found = ledger.read("bo", "j", T0)
    assert (found.principal["objects_last_hour"], found.exact) == (1, True)


def test_a_clock_that_is_set_back_forgives_nothing() -> None:
    ledger = Ledger()
    ledger.decided("ana", None, T0, RAN)
    ledger.decided("ana", None, T0 - 7200 * SECOND, RAN)
    assert ledger.read("ana", None, T0 - 7200 * SECOND).principal["commands_last_minute"] == 2
    assert ledger.read("ana", None, T0 + 10 * SECOND).principal["commands_last_minute"] == 2
