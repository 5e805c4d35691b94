"""What names meant is kept once, found again exactly, bounded, and never in the way of a decision."""

from __future__ import annotations

import hashlib
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from engine._native import Catalog
from gateway.audit import catalogs as module
from gateway.audit.catalogs import NOT_KEPT, CatalogKeeper, KeptCatalogs, Reference
from gateway.errors import AuditUnavailable

ENCODE = msgspec.msgpack.encode


def catalog(*columns: str) -> Catalog:
    return Catalog(ENCODE({"search_path": ["public"], "relations": {"public.t": list(columns)}}))


def session(of: Catalog, **prepared: str) -> Catalog:
    return of.for_session(ENCODE({"search_path": ["a", "b"], "prepared": prepared}))


@dataclass(frozen=True)
class StandIn:
    version: str
    source: bytes
    session: bytes = b""


def files(folder: Path) -> list[Path]:
    return sorted((folder / "catalogs").glob("*"))


def test_what_was_kept_is_found_as_the_session_saw_it(tmp_path: Path) -> None:
    keeper, seen = CatalogKeeper(tmp_path), session(catalog("id"), p="SELECT id FROM t")
    reference = keeper.keep(seen)
    assert KeptCatalogs(tmp_path).find(reference).version == seen.version  # type: ignore[union-attr]  # it is there
    plain = keeper.keep(catalog("id"))
    assert plain == Reference(reference.digest, b"")
    found = KeptCatalogs(tmp_path)
    assert found.find(plain).version == catalog("id").version  # type: ignore[union-attr]  # it is there
    assert found.find(plain) is found.find(plain)


def test_one_catalog_is_one_file_for_all_sessions_and_restarts(tmp_path: Path) -> None:
    for keeper in (CatalogKeeper(tmp_path), CatalogKeeper(tmp_path)):
        keeper.keep(session(catalog("id")))
        keeper.keep(session(catalog("id"), p="SELECT 1"))
        keeper.keep(catalog("id"))
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    CatalogKeeper(tmp_path).keep(catalog("other"))
    assert len(files(tmp_path)) == 2


def test_a_session_whose_prepared_texts_hold_constants_is_not_kept(tmp_path: Path) -> None:
    keeper = CatalogKeeper(tmp_path)
    assert keeper.keep(session(catalog("id"), p="SELECT 'a secret'")) is NOT_KEPT
    assert keeper.keep(StandIn("v", b"x", b"\xc1")) is NOT_KEPT
    assert keeper.keep(StandIn("w", b"x", b"x" * (1 << 17))) is NOT_KEPT
    assert not files(tmp_path)


def test_there_is_an_end_to_what_strangers_can_make_us_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEPT", 2)
    monkeypatch.setattr(module, "MAX_SEEN", 2)
    monkeypatch.setattr(module, "MAX_CATALOG", 200)
    keeper = CatalogKeeper(tmp_path)
    kept = [keeper.keep(catalog(f"c{number}")) for number in range(4)]
    assert [one is NOT_KEPT for one in kept] == [False, False, True, True]
    assert keeper.keep(catalog("x" * 300)) is NOT_KEPT
    assert len(files(tmp_path)) == 2


def test_a_disk_that_takes_nothing_costs_the_replay_alone(tmp_path: Path) -> None:
    (tmp_path / "catalogs").write_text("no folder")
    assert CatalogKeeper(tmp_path).keep(catalog("id")) is NOT_KEPT


def test_what_was_not_kept_is_not_found(tmp_path: Path) -> None:
    found = KeptCatalogs(tmp_path)
    assert found.find(NOT_KEPT) is None
    assert found.find(Reference("a" * 64)) is None
    assert found.find(Reference("../../../etc/passwd")) is None


def altered(folder: Path, raw: bytes, name: str = "") -> KeptCatalogs:
    (folder / "catalogs").mkdir(exist_ok=True)
    digest = name or hashlib.sha256(raw).hexdigest()
    (folder / "catalogs" / f"{digest}.msgpack.z").write_bytes(zlib.compress(raw))
    return KeptCatalogs(folder)


def test_an_altered_catalog_is_evidence_and_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuditUnavailable) as told:
        altered(tmp_path, b"other", "a" * 64).find(Reference("a" * 64))
    assert told.value.code == "AUDIT_ALTERED"
    no_catalog = hashlib.sha256(b"\xc1").hexdigest()
    with pytest.raises(AuditUnavailable):
        altered(tmp_path, b"\xc1").find(Reference(no_catalog))
    sound = catalog("id").source
    with pytest.raises(AuditUnavailable):
        altered(tmp_path, sound).find(Reference(hashlib.sha256(sound).hexdigest(), b"\xc1"))
    (tmp_path / "catalogs" / f"{'b' * 64}.msgpack.z").write_bytes(b"not packed")
    with pytest.raises(AuditUnavailable):
        KeptCatalogs(tmp_path).find(Reference("b" * 64))
    monkeypatch.setattr(module, "MAX_CATALOG", 1_000)
    bomb = b"\0" * 10_000_000
    with pytest.raises(AuditUnavailable):
        altered(tmp_path, bomb).find(Reference(hashlib.sha256(bomb).hexdigest()))


def test_readers_forget_sessions_before_these_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SEEN", 1)
    keeper, reader = CatalogKeeper(tmp_path), KeptCatalogs(tmp_path)
    first, second = keeper.keep(catalog("id")), keeper.keep(session(catalog("id")))
    assert reader.find(first) is not None
    assert reader.find(second) is not None
    assert reader.find(first) is not None


def test_readers_forget_catalogs_before_these_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper, reader = CatalogKeeper(tmp_path), KeptCatalogs(tmp_path)
    seen = [session(catalog(f"c{number}")) for number in range(6)]
    references = [keeper.keep(one) for one in seen]
    monkeypatch.setattr(module, "MAX_READ_BYTES", 2 * len(seen[0].source))
    found = [reader.find(reference) for reference in references]
    assert [one.version for one in found if one] == [one.version for one in seen]
    assert reader.find(references[-1]) is found[-1], "the last ones are there"
    assert reader.find(references[0]) is not found[0], "the first ones were forgotten, and are read again"
    monkeypatch.setattr(module, "MAX_READ_BYTES", 0)
    assert reader.find(references[1]).version == seen[1].version  # type: ignore[union-attr]  # one is there, whatever its size


def test_writers_forget_what_sessions_saw_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = CatalogKeeper(tmp_path)
    seen = [session(catalog("id"), p=f"SELECT {'a' * 1_000}{number}") for number in range(6)]
    monkeypatch.setattr(module, "MAX_SEEN_BYTES", 2 * len(seen[0].session))
    references = [keeper.keep(one) for one in seen]
    assert keeper.keep(seen[-1]) is references[-1]
    assert keeper.keep(seen[0]) is not references[0]
    assert keeper.keep(seen[0]) == references[0]
