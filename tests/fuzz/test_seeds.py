"""Every target of coverage-guided fuzzing over the seeds that are checked in; the core's own run in `cargo test`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from engine.rego.capabilities import ALLOWED
from tests.fuzz import guided
from tests.fuzz.guided import ALL, HEAD, RUST, Ran, record
from tests.fuzz.targets import ROOT, SEEDS, TARGETS, seeds
from tests.time_bounds import within

SECONDS_EACH = 1.0
FEWEST = 5


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_ends_as_its_target_says(name: str) -> None:
    for seed in seeds(name):
        within(SECONDS_EACH, partial(TARGETS[name], seed), seed)


def test_every_target_has_seeds_and_all_seeds_have_a_target() -> None:
    assert {path.stem for path in SEEDS.iterdir()} == set(ALL)
    assert {name for name in ALL if len(seeds(name)) < FEWEST} == set()


def test_the_targets_of_the_core_are_those_that_are_run() -> None:
    listed = (ROOT / "engine/native/tests/targets/mod.rs").read_text(encoding="utf-8").partition("ALL: ")[2]
    assert re.findall(r'^    \("(\w+)", \w+\),$', listed, re.MULTILINE) == list(RUST)


def test_policies_under_fuzzing_may_call_what_policies_may_call() -> None:
    told = json.loads((SEEDS.parent / "rego.json").read_text(encoding="utf-8"))
    assert told["options"]["capabilities"] == sorted(ALLOWED)


def test_a_run_replaces_the_row_of_its_target_alone(tmp_path: Path) -> None:
    page = tmp_path / "fuzzing.md"
    for name, edges in (("url", 1), ("sql", 2), ("url", 3)):
        record(Ran(name, 1_000, 10.0, 9.5, edges, 70, 12.0, "in time"), page)
    rows = page.read_text(encoding="utf-8").removeprefix(HEAD).splitlines()
    assert [(row.split("`")[1], row.split(" | ")[5]) for row in rows] == [("sql", "2"), ("url", "3")]


BUSY = """
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(0 if seeds_are_read else 1))
seeds_are_read = False
while time.process_time() < 0.3: pass
seeds_are_read = True
print("#9\tINITED cov: 1", flush=True)
while True: pass
"""
"""Uses the processor before all seeds are read, as what is watched is built, and after."""


def test_a_run_is_ended_by_the_time_it_had_of_the_processor_since_its_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(guided, "POLL", 0.05)
    log = tmp_path / "log"
    with log.open("wb") as kept:
        child = subprocess.Popen([sys.executable, "-c", BUSY], stdout=kept, stderr=subprocess.STDOUT)
        assert guided.watched(child, log, 0.2 / 60) == 0
    assert capfd.readouterr().out == "#9\tINITED cov: 1\n"
