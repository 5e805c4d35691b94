"""A backup comes back whole and verified; what ended after it was made is not good again; what was altered is refused."""

from __future__ import annotations

import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, select

from adapters.core.ports import Answer
from gateway.app.assembly import Gateway
from gateway.app.backup import MANIFEST, BackupFailed, digest_of, make_backup, write_file
from gateway.app.restoring import Ended, restore
from gateway.approvals.states import Approved, Person, State
from gateway.audit.entry import Kind
from gateway.audit.keys import make_pem
from gateway.audit.read import read
from gateway.config import Config, load_config
from gateway.config.model import Store
from gateway.doors.adapters import GatewaySession
from gateway.identity.logins import Login
from gateway.identity.minting import Asker, Wish
from gateway.store.tables import lasting_approvals
from tests.strategies.gates import question
from tests.strategies.gateways import ENVIRONMENT, settle_in


def configured(folder: Path, store: Store | None = None) -> Config:
    folder.mkdir()
    config = load_config(settle_in(folder), {})
    return config if store is None else replace(config, store=store)


def remember(gateway: Gateway) -> None:
    """An approval that is remembered for an hour."""
    now = time.time_ns()
    row = {"id": "l-1", "ticket": "h-1", "principal": "ana", "likeness": "x", "uses": 0, "body": "{}"}
    with gateway._database.begin() as connection:
        connection.execute(insert(lasting_approvals).values(**row, granted_at=now, expires_at=now + 3_600 * 10**9))


def still_remembered(gateway: Gateway) -> int:
    """How many that are remembered nobody has ended."""
    with gateway._database.read() as connection:
        alive = lasting_approvals.c.revoked_at.is_(None)
        return len(connection.execute(select(lasting_approvals.c.id).where(alive)).all())


def held(gateway: Gateway, text: str = "DELETE FROM a") -> tuple[GatewaySession, Answer]:
    admitted = gateway.doors.admit(
        user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
    )
    assert isinstance(admitted, GatewaySession)
    return admitted, admitted.decide(question(text))


def token(gateway: Gateway, *, once: bool = False) -> tuple[str, str]:
    text, grant = gateway.identities.mint.issue(
        Asker("ana", "agent", issued_by="test"), Wish(("orders",), 600, once=once)
    )
    return text, grant.id


def is_good(gateway: Gateway, text: str) -> bool:
    found = gateway.identities.proofs.examine(text, "ana", "orders")
    return isinstance(found, Login)


def use(gateway: Gateway, text: str) -> None:
    found = gateway.identities.proofs.examine(text, "ana", "orders")
    assert isinstance(found, Login)
    assert gateway.identities.proofs.use(found) is None


def use_a_grant(gateway: Gateway) -> None:
    """One more, of another command."""
    _, answer = held(gateway, "DELETE FROM another")
    assert answer.ticket is not None
    gateway.gate.advance(answer.ticket, Approved(Person("bo", ("dba",)), ""))
    assert gateway.gate.settle(answer.ticket).decision.is_granted


class Lost:
    """A gateway that was backed up, did more, and was lost."""

    def __init__(self, tmp_path: Path, store: Store | None = None) -> None:
        self.place, self.keys = tmp_path / "backup", tmp_path / "keys"
        self.config = configured(tmp_path / "old", store)
        gateway = Gateway(self.config, ENVIRONMENT)
        remember(gateway)
        self.kept, _ = token(gateway)
        self.once, _ = token(gateway, once=True)
        self.revoked, revoked_id = token(gateway)
        self.session, answer = held(gateway)
        assert answer.ticket is not None
        self.ticket = answer.ticket
        gateway.gate.advance(self.ticket, Approved(Person("bo", ("dba",)), ""))
        use_a_grant(gateway)
        gateway.sealer.seal()
        make_backup(self.config, ENVIRONMENT, self.place, self.keys, time.time_ns())
        # After the backup: a token is used up, one taken back, the grant used.
        use(gateway, self.once)
        gateway.identities.mint.tokens.revoke([revoked_id], time.time_ns())
        assert gateway.gate.settle(self.ticket).decision.is_granted
        gateway.close()


@pytest.fixture
def lost(tmp_path: Path) -> Lost:
    return Lost(tmp_path)


def test_nothing_that_ended_since_is_good_again(lost: Lost, tmp_path: Path) -> None:
    config = configured(tmp_path / "new")
    found = restore(config, ENVIRONMENT, lost.place, lost.keys)
    assert found.ended == Ended(3, 1, 1)
    assert found.rows >= 5
    assert found.entries >= 5
    gateway = Gateway(config, ENVIRONMENT)
    try:
        assert [is_good(gateway, one) for one in (lost.kept, lost.once, lost.revoked)] == [False, False, False]
        assert still_remembered(gateway) == 0
        ticket = gateway.approvals.get(lost.ticket)
        assert ticket is not None
        assert ticket.state is State.WITHDRAWN
        _, answer = held(gateway)
        assert answer.decision.verdict.value == "hold"
        assert answer.ticket != lost.ticket, "the grant of then releases nothing"
        fresh, _ = token(gateway)
        assert is_good(gateway, fresh)
    finally:
        gateway.close()
    # The old log stands beside the new one, which begins with what was done.
    assert found.log != config.at(config.audit.dir)
    assert len(list(read(found.log))) == found.entries
    first = next(iter(read(config.at(config.audit.dir))))
    assert (first.kind, first.step) == (Kind.STARTED, "restored")
    assert "3 tokens, 1 tickets, 1 remembered approvals" in first.note


def test_where_nothing_happened_since_everything_goes_on(tmp_path: Path) -> None:
    config = configured(tmp_path / "old")
    gateway = Gateway(config, ENVIRONMENT)
    text, _ = token(gateway)
    gateway.close()
    make_backup(config, ENVIRONMENT, tmp_path / "b", tmp_path / "k", 7)
    there = configured(tmp_path / "new")
    found = restore(there, ENVIRONMENT, tmp_path / "b", tmp_path / "k", nothing_since=True)
    assert (found.log, found.ended) == (there.at(there.audit.dir), Ended())
    gateway = Gateway(there, ENVIRONMENT)
    try:
        assert is_good(gateway, text)
        assert gateway.log.next_seq > found.entries, "the log goes on under its name and key"
    finally:
        gateway.close()


def test_without_keys_it_comes_back_and_signs_with_new_ones(lost: Lost, tmp_path: Path) -> None:
    config = configured(tmp_path / "new")
    restore(config, ENVIRONMENT, lost.place, None)
    gateway = Gateway(config, ENVIRONMENT)
    try:
        assert not is_good(gateway, lost.kept)
        assert gateway.approvals.get(lost.ticket) is not None
    finally:
        gateway.close()


def test_what_was_altered_is_refused_with_nothing_changed(lost: Lost, tmp_path: Path) -> None:
    config = configured(tmp_path / "new")
    for name in ("store.jsonl", "audit/name"):
        copy = tmp_path / f"copy-{Path(name).name}"
        shutil.copytree(lost.place, copy)
        with (copy / name).open("ab") as file:
            file.write(b"x")
        with pytest.raises(BackupFailed) as caught:
            restore(config, ENVIRONMENT, copy, None)
        assert caught.value.code == "BACKUP_ALTERED"
    (lost.place / "audit" / "more.txt").write_text("x")
    with pytest.raises(BackupFailed):
        restore(config, ENVIRONMENT, lost.place, None)
    assert not config.at("state").exists()


def test_nothing_is_written_over(lost: Lost) -> None:
    with pytest.raises(BackupFailed, match="there already"):
        restore(lost.config, ENVIRONMENT, lost.place, lost.keys)
    with pytest.raises(BackupFailed, match="is no backup"):
        restore(lost.config, ENVIRONMENT, lost.keys, None)


def of_before(lost: Lost) -> None:
    """Make of a backup what the version before made of the same: SQLite's file itself."""
    copy = lost.place / "store.db"
    with sqlite3.connect(lost.config.at("state/store.db")) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    source.close()
    target.close()
    (lost.place / "store.jsonl").unlink()
    manifest = msgspec.json.decode((lost.place / MANIFEST).read_bytes())
    manifest["format"] = 1
    manifest["files"] = {**manifest["files"], "store.db": digest_of(copy)}
    del manifest["files"]["store.jsonl"]
    (lost.place / MANIFEST).unlink()
    write_file(lost.place / MANIFEST, msgspec.json.encode(manifest))


def test_a_backup_of_the_version_before_comes_back_into_the_same_kind_of_store(lost: Lost, tmp_path: Path) -> None:
    of_before(lost)
    other = configured(tmp_path / "other", Store("postgresql://127.0.0.1:1/none?sslmode=disable"))
    with pytest.raises(BackupFailed, match="a store in sqlite"):
        restore(other, ENVIRONMENT, lost.place, lost.keys)
    config = configured(tmp_path / "new")
    found = restore(config, ENVIRONMENT, lost.place, lost.keys)
    assert (found.rows, found.ended.remembered) == (0, 1)
    gateway = Gateway(config, ENVIRONMENT)
    try:
        assert gateway.approvals.get(lost.ticket) is not None
        assert not is_good(gateway, lost.kept)
    finally:
        gateway.close()


def test_a_backup_of_a_version_to_come_is_refused(lost: Lost, tmp_path: Path) -> None:
    manifest = msgspec.json.decode((lost.place / MANIFEST).read_bytes())
    (lost.place / MANIFEST).unlink()
    write_file(lost.place / MANIFEST, msgspec.json.encode({**manifest, "format": 3}))
    with pytest.raises(BackupFailed, match="another version"):
        restore(configured(tmp_path / "new"), ENVIRONMENT, lost.place, lost.keys)


def test_a_log_whose_key_changed_comes_back_with_and_without_the_old_one(tmp_path: Path) -> None:
    config = configured(tmp_path / "old")
    for name in ("one", "two"):
        (config.folder / name).touch(0o600)
        (config.folder / name).write_bytes(make_pem())
    first = replace(config, audit=replace(config.audit, keys=("file:one",)))
    gateway = Gateway(first, ENVIRONMENT)
    gateway.sealer.seal()
    was = gateway.sealer.trusted[0]
    both = replace(config, audit=replace(config.audit, keys=("file:two", "file:one")))
    gateway.reload(both, ENVIRONMENT)
    gateway.close()
    gone = replace(config, audit=replace(config.audit, keys=("file:two",), former_keys=(was.print(),)))
    for number, one in enumerate((both, gone)):
        make_backup(one, ENVIRONMENT, tmp_path / f"b{number}", None, 7)
        there = configured(tmp_path / f"new{number}")
        assert restore(there, ENVIRONMENT, tmp_path / f"b{number}", None).entries > 3
    gateway = Gateway(gone, ENVIRONMENT)
    assert gateway.sealer.trusted[1:] == [was]
    gateway.close()
