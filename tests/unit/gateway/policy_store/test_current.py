"""The last good set stays until a better one is whole; everybody is told once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.errors import NativeFailure, PolicyRefused
from engine.request import Json
from engine.source import Diagnostic, Source, Span
from gateway.policy_store import current as current_module
from gateway.policy_store.current import PolicyStatus, PolicyStore, describe


@dataclass(frozen=True)
class Set:
    revision: str


def compile_policies(sources: Sequence[Source], data: Mapping[str, Json]) -> Set:
    text = "".join(source.text for source in sources)
    if "bad" in text:
        raise PolicyRefused([Diagnostic("NOPE", "this is bad", "a.rego", Span(3, 5, 3, 8)), Diagnostic("X", "y", "b")])
    if "panic" in text:
        raise NativeFailure("the core failed")
    return Set(f"r:{text}:{data.get('v')}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PolicyStore[Set]]:
    (tmp_path / "a.rego").write_text("one")
    opened = PolicyStore(tmp_path, compile_policies, lambda: 42)
    yield opened
    opened.close()


def test_before_the_first_load_nothing_decides(store: PolicyStore[Set]) -> None:
    assert store.program is None
    assert store.revision == ""


def test_a_good_folder_is_swapped_in_and_told(store: PolicyStore[Set], tmp_path: Path) -> None:
    told, statuses = list[str](), list[PolicyStatus]()
    leave = store.subscribe(told.append)
    store.subscribe_status(statuses.append)
    assert store.reload()
    assert store.status == PolicyStatus("r:one:None", None, 42)
    (tmp_path / "data.json").write_text('{"v": 1}')
    assert store.reload()
    assert store.reload()
    assert told == ["r:one:None", "r:one:1"]
    assert len(statuses) == 2
    assert store.has_reached("r:one:None")
    assert store.has_reached("r:one:1")
    assert not store.has_reached("r:two:1")
    leave()
    leave()
    (tmp_path / "a.rego").write_text("two")
    store.reload()
    assert len(told) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("bad", "a.rego:3:5: NOPE this is bad"), ("panic", "the core failed"), (None, "there is no policy folder")],
)
def test_the_last_good_set_stays_when_the_next_is_broken(
    store: PolicyStore[Set], tmp_path: Path, text: str | None, said: str
) -> None:
    store.reload()
    good, told, revisions = store.program, list[PolicyStatus](), list[str]()
    store.subscribe_status(told.append)
    store.subscribe(revisions.append)
    if text is None:
        (tmp_path / "a.rego").unlink()
        tmp_path.rmdir()
    else:
        (tmp_path / "a.rego").write_text(text)
    assert not store.reload()
    assert not store.reload()
    assert store.program is good
    assert store.status.failure[0].startswith(said)
    assert store.status.failed_at == 42
    assert len(told) == 1
    assert revisions == []


def test_a_mended_folder_clears_the_failure_and_says_so(store: PolicyStore[Set], tmp_path: Path) -> None:
    store.reload()
    (tmp_path / "a.rego").write_text("bad")
    store.reload()
    told = list[PolicyStatus]()
    store.subscribe_status(told.append)
    (tmp_path / "a.rego").write_text("one")
    assert store.reload()
    assert told == [PolicyStatus("r:one:None", None, 42)]


def test_a_change_is_loaded_once_it_stands_still(store: PolicyStore[Set], tmp_path: Path) -> None:
    store.reload()
    before = store.look(None)
    assert store.look(before) == before
    (tmp_path / "a.rego").write_text("two!")
    moving = store.look(before)
    assert store.revision == "r:one:None"
    store.look(moving)
    assert store.revision == "r:two!:None"


def test_a_broken_change_is_tried_once_not_at_every_look(
    store: PolicyStore[Set], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.reload()
    (tmp_path / "a.rego").write_text("bad")
    tries, reload = list[int](), store.reload
    monkeypatch.setattr(store, "reload", lambda: tries.append(1) or reload())
    seen = store.look(store.look(None))
    store.look(store.look(seen))
    assert tries == [1]


def test_the_watcher_sees_a_change_by_itself(store: PolicyStore[Set], tmp_path: Path) -> None:
    store.reload()
    changed = threading.Event()
    store.subscribe(lambda revision: changed.set())
    store.watch(0.01)
    (tmp_path / "a.rego").write_text("three")
    assert changed.wait(20)
    assert store.revision == "r:three:None"


def test_history_is_bounded(store: PolicyStore[Set], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_module, "MAX_HISTORY", 2)
    for number in range(4):
        (tmp_path / "a.rego").write_text(str(number))
        store.reload()
    assert [store.has_reached(f"r:{number}:None") for number in range(4)] == [False, False, True, True]


def test_a_folder_too_big_to_look_at_is_no_change(store: PolicyStore[Set], monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.policy_store import folder

    monkeypatch.setattr(folder, "MAX_FILES", 0)
    assert store.look("before") == "before"


def test_a_diagnostic_without_a_place_names_its_file() -> None:
    assert describe(Diagnostic("X", "y", "b.rego")) == "b.rego: X y"
