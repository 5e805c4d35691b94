"""What is asked of soaks can be answered with no: the soaks themselves could not fail if these did not hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.soak import page
from tests.e2e.soak.audited import Audited, Ran
from tests.e2e.soak.harness import Soaked, Tally, Wishes
from tests.e2e.soak.verdicts import MOST_GROWTH, everything_happened, it_did_not_grow, nothing_is_wrong


def test_what_must_not_run_would_be_seen() -> None:
    wrong = [
        {"unrecorded": ["DROP TABLE t"]},
        {"forbidden": ["m1x1e"]},
        {"unanswered": ["m1x1e"]},
        {"unfinished": ["SELECT 1"]},
        {"sessions": (3, 2)},
        {"is_sealed": False},
        {"files": (10, 40)},
        {"store_files": 32},
        {"log": ["an error"]},
        {"tally": Tally(lost=1)},
        {"tally": Tally(unexpected=["denied: it ran"])},
    ]
    good: dict[str, object] = {"seconds": 1.0, "tally": Tally(), "ran": 1, "sessions": (2, 2), "is_sealed": True}
    nothing_is_wrong(Soaked(**good))  # type: ignore[arg-type]  # fields of a test
    for change in wrong:
        with pytest.raises(AssertionError):
            nothing_is_wrong(Soaked(**{**good, **change}))  # type: ignore[arg-type]  # fields of a test


def test_one_grant_is_for_one_run() -> None:
    audit = Audited(granted=Counter({"echo m1x1e": 1}))
    assert audit.has_granted(Ran("echo m1x1e", "7 echo m1x1e"))
    assert not audit.has_granted(Ran("echo m1x1e", "8 echo m1x1e"))
    assert not audit.has_granted(Ran("echo m1x1e; rm x", "8 echo m1x1e; rm x"))


def test_a_soak_in_which_little_happened_is_none() -> None:
    busy = Tally(done=Counter({"a": 1, "b": 2, "lost: x": 1}), kills=4, votes=Counter({"do-approve": 1}))
    everything_happened(Soaked(8.0, busy), Wishes(8.0, kinds=2))
    for little in (Tally(), Tally(busy.done, kills=4), Tally(Counter(a=9), kills=4, votes=busy.votes)):
        with pytest.raises(AssertionError):
            everything_happened(Soaked(8.0, little), Wishes(8.0, kinds=2))


def test_growth_is_that_behind_the_filling_of_caches() -> None:
    filling = [(float(at), 100 + min(at, 300)) for at in range(1000)]
    assert Soaked(1000.0, Tally(), filling).growth == 0
    leaking = [(float(at), 100 + at) for at in range(1000)]
    assert (Soaked(1000.0, Tally(), leaking).growth or 0) > MOST_GROWTH
    with pytest.raises(AssertionError):
        it_did_not_grow(Soaked(1000.0, Tally(), leaking))
    assert Soaked(300.0, Tally(), filling[:300]).growth is None


def test_each_protocol_has_its_part_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "soak.md"
    path.write_text("# Everything at once\n\nWhat it is.\n")
    for name, kills in (("SSH", 1), ("HTTP", 2), ("SSH", 3)):
        page.write(name, Soaked(60.0, Tally(kills=kills)), Wishes(60.0), path)
    text = path.read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## SSH", "## HTTP"]
    assert [line.split(" | ")[1].split(";")[0] for line in text.splitlines() if "sessions killed" in line] == ["3", "2"]
    assert text.startswith("# Everything at once\n\nWhat it is.\n")


@pytest.mark.parametrize("name", ["PostgreSQL", "HTTP", "Kubernetes", "SSH"])
def test_the_command_of_a_part_names_a_file_that_is_there(name: str) -> None:
    said = page.told(name, Soaked(60.0, Tally()), Wishes(60.0))
    assert Path(said.partition("SELECT=")[2].partition("`")[0]).is_file()
