"""The last good set stays until a better one is whole; everybody is told once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.errors import NativeFailure, PolicyRefused
from engine.request import Json
from engine.source import Diagnostic, Source, Span
from gateway.errors import PolicyUnusable, StoreUnavailable
from gateway.policy_store import current as current_module
from gateway.policy_store.current import PolicyStatus, PolicyStore, describe
from gateway.policy_store.folder import PolicyFolder
from gateway.policy_store.origins import FolderOrigin, Loaded


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
    opened = PolicyStore(FolderOrigin(tmp_path), compile_policies, lambda: 42)
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
    tries, load = list[int](), store._load
    monkeypatch.setattr(store, "_load", lambda seen: tries.append(1) or load(seen))
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


class Far:
    """An origin on another machine, which a test can cut off."""

    name, settles = "far", False

    def __init__(self, text: str | None = "one") -> None:
        self.text = text
        self.before: str | None = None

    def look(self) -> str:
        if self.text is None:
            raise PolicyUnusable("nobody answers", code="GONE")
        return self.text

    def read(self) -> Loaded:
        if self.text == "refused":
            raise PolicyUnusable("not this one", code="NOT_THIS")
        return self._loaded(self.text or "")

    def keep(self) -> None:
        self.before = self.text

    def kept(self) -> Loaded | None:
        if self.before == "unreadable":
            raise PolicyUnusable("a bad disk")
        return None if self.before is None else self._loaded(self.before)

    def _loaded(self, text: str) -> Loaded:
        return Loaded(PolicyFolder(Path("far"), (Source("a.rego", text),), {}), "c0ffee")


class Times:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> int:
        return int(self.seconds * 1e9)


def far(origin: Far, clock: Times, max_age: float = 0.0) -> PolicyStore[Set]:
    return PolicyStore(origin, compile_policies, clock, max_age=max_age)


def test_a_far_origin_counts_at_once_and_its_loss_is_told_once() -> None:
    origin, clock, told = Far(), Times(), list[PolicyStatus]()
    store = far(origin, clock)
    assert store.reload()
    assert (store.status.commit, store.origin) == ("c0ffee", "far")
    store.subscribe_status(told.append)
    origin.text = "two"
    store.look(None)
    assert store.revision == "r:two:None"
    origin.text = None
    for _ in range(3):
        store.look("two")
    assert not store.reload()
    assert (store.revision, store.status.failure) == ("r:two:None", ("nobody answers",))
    origin.text = "two"
    store.look("two")
    assert [status.failure for status in told] == [(), ("nobody answers",), ()]


def test_what_nobody_confirms_for_too_long_decides_no_more() -> None:
    origin, clock = Far(), Times()
    store = far(origin, clock, max_age=60)
    store.reload()
    clock.seconds = 50
    store.look("one")
    origin.text = None
    clock.seconds = 110
    assert store.program is not None
    assert (store.age, store.is_stale) == (60, False)
    clock.seconds = 111
    store.look("one")
    assert store.program is None
    assert store.is_stale
    assert store.revision == "r:one:None"
    origin.text = "one"
    store.look("one")
    assert store.program is not None


def test_a_newer_version_that_is_broken_does_not_confirm_the_old_one() -> None:
    origin, clock = Far(), Times()
    store = far(origin, clock, max_age=60)
    store.reload()
    origin.text = "bad"
    for clock.seconds in (30, 59, 61):
        store.look(None)
    assert store.program is None
    origin.text = "three"
    store.look(None)
    assert store.program is not None


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "nobody answers"), ("bad", "a.rego:3:5: NOPE this is bad"), ("refused", "not this one (NOT_THIS)")],
)
def test_a_start_that_finds_nothing_better_uses_what_was_kept_unconfirmed_and_says_why(
    text: str | None, why: str
) -> None:
    origin, clock = Far(text), Times()
    clock.seconds = 1_000
    for before in (None, "unreadable", "bad"):
        origin.before = before
        store = far(origin, clock)
        assert not store.reload()
        assert store.program is None
    origin.before = "kept"
    store = far(origin, clock)
    assert store.reload()
    assert (store.revision, store.status.failure[0]) == ("r:kept:None", why)
    limited = far(origin, clock, max_age=60)
    assert limited.reload()
    assert limited.program is None
    origin.text = "two"
    limited.look(None)
    assert limited.program is not None
    assert limited.status.failure == ()


def test_only_what_decides_is_kept() -> None:
    origin = Far("one")
    store = far(origin, Times())
    store.reload()
    for origin.text in ("bad", "refused"):
        store.look(None)
    assert origin.before == "one"


def test_who_admits_policies_can_refuse_them() -> None:
    def refuse(loaded: Loaded, revision: str) -> None:
        raise StoreUnavailable("the store refused")

    store = PolicyStore(Far(), compile_policies, Times(), admit=refuse)
    assert not store.reload()
    assert (store.program, store.status.failure) == (None, ("the store refused",))


def test_a_lost_origin_is_asked_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = Far()
    store = far(origin, Times())
    store.reload()
    origin.text = None
    waits = list[float]()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 9:
            origin.text = "one"
        return len(waits) > 10

    monkeypatch.setattr(store._stopped, "wait", wait)
    store._watch(2.0)
    assert waits[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert waits[9] == 2


def test_a_stop_does_not_wait_for_another_machine_and_what_comes_late_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_module, "CLOSE_SECONDS", 0.05)
    asked, answer = threading.Event(), threading.Event()

    class Slow(Far):
        def look(self) -> str:
            if self.text == "late":
                asked.set()
                answer.wait(20)
            return super().look()

    origin = Slow("one")
    store = far(origin, Times())
    store.reload()
    origin.text = "late"
    store.watch(0.001)
    assert asked.wait(20)
    store.close()
    answer.set()
    assert store._watcher is not None
    store._watcher.join(20)
    assert store.revision == "r:one:None"


def test_a_replaced_set_is_freed_by_the_load_after_and_never_by_whoever_decides_by_it(tmp_path: Path) -> None:
    freed = list[str]()

    class Noting(Set):
        def __del__(self) -> None:
            freed.append(f"{self.revision} {threading.current_thread().name}")

    (tmp_path / "a.rego").write_text("one")
    store = PolicyStore(FolderOrigin(tmp_path), lambda sources, _: Noting(sources[0].text), lambda: 42)
    store.reload()
    deciding = store.program
    (tmp_path / "a.rego").write_text("two")
    store.reload()
    del deciding
    assert freed == []
    (tmp_path / "a.rego").write_text("three")
    loading = threading.Thread(target=store.reload, name="loading")
    loading.start()
    loading.join()
    assert freed == ["one loading"]
    store.close()


def test_others_go_on_sooner_while_policies_load(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text("one")
    seen = list[float]()
    before = sys.getswitchinterval()

    def compiling(sources: Sequence[Source], data: Mapping[str, Json]) -> Set:
        seen.append(sys.getswitchinterval())
        return compile_policies(sources, data)

    store = PolicyStore(FolderOrigin(tmp_path), compiling, lambda: 42)
    store.subscribe_status(lambda _: seen.append(sys.getswitchinterval()))
    store.reload()
    assert all(turn < before / 10 for turn in seen)
    assert len(seen) == 2
    assert sys.getswitchinterval() == before
    store.close()
