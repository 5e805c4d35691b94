"""What decided once is the floor, over restarts; only bundles have a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StoreUnavailable
from gateway.policy_store.bundle import BundleRefused, pack
from gateway.policy_store.folder import PolicyFolder
from gateway.policy_store.origins import Loaded, opened
from gateway.policy_store.rollback import SequenceGuard
from gateway.store.database import Database, open_database
from gateway.store.migrations import upgrade


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(made)
    yield made
    made.close()


def loaded(sequence: int, revision: str) -> Loaded:
    return opened(pack({"a.rego": b"x"}, revision=revision, sequence=sequence), None, Path("p"))


def test_sequences_grow_and_never_go_back(database: Database) -> None:
    guard = SequenceGuard(database, "policies")
    for sequence, revision in ((5, "a"), (5, "a"), (7, "b")):
        guard.admit(loaded(sequence, revision), revision)
    for sequence, revision in ((5, "a"), (6, "c"), (7, "c"), (0, "b")):
        with pytest.raises(BundleRefused) as told:
            SequenceGuard(database, "policies").admit(loaded(sequence, revision), revision)
        assert told.value.code == "BUNDLE_ROLLED_BACK"
    guard.admit(loaded(8, "a"), "a")
    SequenceGuard(database, "candidate").admit(loaded(1, "z"), "z")


def test_a_bundle_that_compiles_to_something_else_is_altered_and_moves_nothing(database: Database) -> None:
    guard = SequenceGuard(database, "policies")
    with pytest.raises(BundleRefused) as told:
        guard.admit(loaded(9, "a"), "other")
    assert told.value.code == "BUNDLE_ALTERED"
    guard.admit(loaded(1, "a"), "a")


def test_what_came_in_no_bundle_has_no_sequence(database: Database) -> None:
    SequenceGuard(database, "policies").admit(Loaded(PolicyFolder(Path("p"), (), {})), "r")


def test_without_the_store_nothing_is_admitted(tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StoreUnavailable):
        SequenceGuard(empty, "policies").admit(loaded(1, "a"), "a")
    empty.close()
