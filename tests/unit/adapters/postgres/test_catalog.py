"""What is read at a target, and how it is kept."""

from __future__ import annotations

import asyncio

import pytest

from adapters.core.ports import Target
from adapters.postgres import catalog
from adapters.postgres.catalog import CatalogService, Snapshot, TargetNames, snapshot_of
from adapters.postgres.catalog_rows import ColumnRow, Found
from engine._native import Catalog, parse_sql
from engine.command.tree import ParsedCommand

ROWS = [
    ColumnRow(16385, "public", "cust", "r", 1, "id"),
    ColumnRow(16385, "public", "cust", "r", 2, "ssn"),
    ColumnRow(16390, "public", "v", "v", 1, "code"),
    ColumnRow(16391, "public", "seen", "v", 1, "code"),
    ColumnRow(16400, "evil", "cust", "r", 1, "ssn"),
    ColumnRow(16410, "public", "empty", "p"),
]
FOUND = Found(ROWS, {16390: None, 16391: "SELECT cust.ssn AS code FROM public.cust"})
TARGET = Target("db.example", 5432, "app", "s3cret", "main")


def parsed(text: str, names: TargetNames, *path: str, **prepared: str) -> ParsedCommand:
    handle = names.handle(path, prepared, {})
    assert isinstance(handle, Catalog)
    return ParsedCommand(parse_sql(text.encode(), handle))


def test_columns_are_known_by_the_servers_own_numbers() -> None:
    names = TargetNames(snapshot_of(FOUND))
    assert names.origin_of(16385, 2) == "public.cust.ssn"
    assert names.origin_of(16385, 3) is None
    assert TargetNames().origin_of(16385, 2) is None


def test_names_mean_what_the_sessions_path_makes_of_them() -> None:
    names = TargetNames(snapshot_of(FOUND))
    for path, origin in ((("public",), "public.cust.ssn"), (("evil", "public"), "evil.cust.ssn")):
        sql = parsed("select ssn from cust", names, *path).command.sql
        assert sql is not None
        assert sql.outputs is not None
        assert sql.outputs[0].origins == (origin,)


def test_a_view_shows_what_its_query_reads_whatever_the_path_is() -> None:
    sql = parsed("select code from public.seen", TargetNames(snapshot_of(FOUND)), "evil").command.sql
    assert sql is not None
    assert sql.outputs is not None
    assert sql.outputs[0].origins == ("public.cust.ssn", "public.seen.code")
    assert sql.outputs_proven


def test_nothing_over_a_view_without_its_query_is_proven() -> None:
    sql = parsed("select code from v", TargetNames(snapshot_of(FOUND)), "public").command.sql
    assert sql is not None
    assert not sql.outputs_proven


def test_execute_is_read_by_what_the_session_prepared() -> None:
    names = TargetNames(snapshot_of(FOUND))
    command = parsed("execute p", names, "public", p="delete from cust").command
    assert "delete" in {operation.kind for operation in command.operations}


def test_handles_are_forgotten_before_their_texts_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.postgres.catalog.MAX_HANDLE_BYTES", 10_000)
    names = TargetNames(snapshot_of(FOUND))
    for number in range(50):
        handle = names.handle(("public",), {f"p{number}": "select 1 /* " + "x" * 2_000}, {})
        assert handle is not None
        assert len(names._handles) <= 5
    large = {"p": "x" * 20_000}
    assert names.handle(("public",), large, {}) is names.handle(("public",), large, {})


def test_the_same_session_gets_the_same_handle_until_something_is_read_that_differs() -> None:
    names = TargetNames(snapshot_of(FOUND))
    first = names.handle(("public",), {}, {})
    version = names.version
    assert version is not None
    assert names.handle(("public",), {}, {}) is first
    names.show(snapshot_of(FOUND))
    assert names.handle(("public",), {}, {}) is first
    assert names.version == version
    names.show(snapshot_of(Found(ROWS[:1])))
    assert names.handle(("public",), {}, {}) is not first
    assert names.version != version
    names.show(None)
    assert names.version is None
    assert names.handle(("public",), {}, {}) is None
    assert not names.is_known


class Reading:
    """Stands in for the connection: says what is there, and how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: Snapshot | Exception | None = snapshot_of(FOUND)
        self.times = 0
        self.now = 1000.0
        monkeypatch.setattr(catalog._Reader, "_fetch", self._fetch)

    def service(self) -> CatalogService:
        return CatalogService(lambda: self.now)

    def slowly(self, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
        """From now on a reading says when it has begun, and waits until it may go on."""
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def slow(reader: object) -> Snapshot | None:
            begun.set()
            await goes_on.wait()
            return await self._fetch()

        monkeypatch.setattr(catalog._Reader, "_fetch", slow)
        return begun, goes_on

    async def _fetch(self) -> Snapshot | None:
        self.times += 1
        self.now += 0.01
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def test_names_are_read_once_and_again_when_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    for _ in range(3):
        await service.refresh(TARGET, changed=False)
    assert reading.times == 1
    reading.now += catalog.FRESH + 1
    await service.refresh(TARGET, changed=False)
    assert reading.times == 2
    assert service.names(TARGET).is_known
    await service.close()


async def test_who_asks_all_the_time_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    reading.now += catalog.WARM + 1
    await service.refresh(TARGET, changed=False)
    background = service._reader(TARGET)._background
    assert background is not None
    await background
    assert reading.times == 2
    reading.now += catalog.WARM - 1
    await service.refresh(TARGET, changed=False)
    assert reading.times == 2
    await service.close()


@pytest.mark.parametrize("silence", [catalog.FRESH + 0.5, 95.0, 3600.0])
async def test_the_first_question_after_a_silence_is_judged_by_what_names_mean_then(
    monkeypatch: pytest.MonkeyPatch, silence: float
) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    redefined = Found(ROWS, {16390: None, 16391: "SELECT cust.id AS code FROM public.cust"})
    reading.now += silence
    reading.found = snapshot_of(redefined)
    await service.refresh(TARGET, changed=False)
    sql = parsed("select code from public.seen", service.names(TARGET), "public").command.sql
    assert sql is not None
    assert sql.outputs is not None
    assert sql.outputs[0].origins == ("public.cust.id", "public.seen.code")
    await service.close()


async def test_where_names_cannot_be_read_after_a_silence_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    reading.now += catalog.FRESH + 1
    reading.found = OSError("gone")
    await service.refresh(TARGET, changed=False)
    assert not service.names(TARGET).is_known
    await service.close()


async def test_who_asks_when_names_are_old_waits_for_the_reading_that_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    begun, goes_on = reading.slowly(monkeypatch)
    reading.now += catalog.WARM + 1
    await service.refresh(TARGET, changed=False)
    await begun.wait()
    reading.now += catalog.FRESH - catalog.WARM
    waiting = asyncio.create_task(service.refresh(TARGET, changed=False))
    await asyncio.sleep(0)
    assert not waiting.done()
    goes_on.set()
    await waiting
    assert reading.times == 2, "one reading is enough for both"
    assert service.names(TARGET).is_known
    await service.close()


async def test_a_change_counts_from_the_moment_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    reading.found = OSError("gone")
    await service.refresh(TARGET, changed=True)
    assert not service.names(TARGET).is_known
    await service.close()


async def test_what_cannot_be_read_is_unknown_and_not_asked_for_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    reading.found = OSError("unreachable")
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    await service.refresh(TARGET, changed=False)
    assert reading.times == 1
    reading.now += catalog.RETRY + 1
    reading.found = snapshot_of(FOUND)
    await service.refresh(TARGET, changed=False)
    assert service.names(TARGET).is_known
    await service.close()


async def test_each_database_of_a_target_has_names_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Reading(monkeypatch).service()
    await service.refresh(TARGET, changed=False)
    other = Target("db.example", 5432, "app", "s3cret", "other")
    assert not service.names(other).is_known
    await service.close()


async def test_what_was_read_before_a_change_is_never_shown_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    begun, goes_on = reading.slowly(monkeypatch)
    shown: list[bool] = []
    show = TargetNames.show

    def seen(names: TargetNames, snapshot: Snapshot | None) -> None:
        shown.append(snapshot is not None)
        show(names, snapshot)

    monkeypatch.setattr(TargetNames, "show", seen)
    first = asyncio.create_task(service.refresh(TARGET, changed=False))
    await begun.wait()
    reading.now += 1
    changed = asyncio.create_task(service.refresh(TARGET, changed=True))
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(first, changed)
    assert reading.times == 2
    assert shown == [False, True], "the first reading may lack what was changed while it was made"
    assert service.names(TARGET).is_known
    await service.close()


async def test_all_who_wait_behind_a_change_share_the_reading_that_began_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    await service.refresh(TARGET, changed=False)
    begun, goes_on = reading.slowly(monkeypatch)
    changed = asyncio.create_task(service.refresh(TARGET, changed=True))
    await begun.wait()
    reading.now += 1
    others = [asyncio.create_task(service.refresh(TARGET, changed=False)) for _ in range(5)]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(changed, *others)
    assert reading.times == 2
    assert service.names(TARGET).is_known
    await service.close()


async def test_who_waits_behind_two_changes_waits_for_the_reading_behind_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = Reading(monkeypatch)
    service = reading.service()
    begun, goes_on = reading.slowly(monkeypatch)
    first = asyncio.create_task(service.refresh(TARGET, changed=True))
    await begun.wait()
    reading.now += 1
    second = asyncio.create_task(service.refresh(TARGET, changed=True))
    await asyncio.sleep(0)
    goes_on.set()
    await first
    reading.now += 1
    await service.refresh(TARGET, changed=False)
    assert service.names(TARGET).is_known, "no reading failed: nobody has to wait for another try"
    await second
    await service.close()
