"""A backup is taken beside a running gateway: whole, for us alone, and without a key unless keys are asked for."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.app.backup import MANIFEST, BackupFailed, copy_file, digest_of, make_backup
from gateway.audit.checkpoint import PublicKey
from gateway.audit.verify import verify_log
from gateway.config import Config, load_config
from gateway.config.model import Store
from gateway.store.untold import leave
from tests.strategies.gateways import ENVIRONMENT, settle_in
from tests.unit.gateway.app.test_assembly import decide


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "here").mkdir()
    return load_config(settle_in(tmp_path / "here"), {})


@pytest.fixture
def gateway(config: Config) -> Iterator[Gateway]:
    built = Gateway(config, ENVIRONMENT)
    yield built
    built.close()


def shared(backup: Path) -> list[tuple[str, str]]:
    """What a backup has of the table `installation`."""
    lines = [json.loads(line) for line in (backup / "store.jsonl").read_bytes().splitlines()]
    at = next(at for at, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "installation")
    rows = itertools.takewhile(lambda line: isinstance(line, list), lines[at + 1 :])
    return [(name, value) for name, value in rows]


def test_what_was_decided_is_in_it_and_proven(gateway: Gateway, config: Config, tmp_path: Path) -> None:
    assert decide(gateway, "SELECT 1") == "allow"
    gateway.sealer.seal()
    made = make_backup(config, ENVIRONMENT, tmp_path / "b", tmp_path / "k", 7)
    assert decide(gateway, "SELECT 2") == "allow", "it goes on"
    report = verify_log(tmp_path / "b" / "audit", [PublicKey.parse(made.key)])
    assert report.is_whole
    assert report.entries >= 4
    assert made.files == {name: digest_of(tmp_path / "b" / name) for name in made.files}
    assert "store.jsonl" in made.files
    assert json.loads((tmp_path / "b" / MANIFEST).read_text())["made_at"] == 7
    for path in (tmp_path / "b").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_key_is_in_it_but_in_the_folder_of_keys(gateway: Gateway, config: Config, tmp_path: Path) -> None:
    seed = gateway._database.shared_key("tokens")
    make_backup(config, ENVIRONMENT, tmp_path / "b", tmp_path / "k", 7)
    private = b"PRIVATE" + b" KEY"
    for path in (tmp_path / "b").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert private not in data
            assert seed not in data
    assert shared(tmp_path / "b") == []
    keys = {path.name for path in (tmp_path / "k").iterdir()}
    assert keys >= {"checkpoint.pem", "installation.json"}
    assert json.loads((tmp_path / "k" / "installation.json").read_text())["tokens"] == seed.hex()
    make_backup(config, ENVIRONMENT, tmp_path / "c", None, 7)
    assert not list((tmp_path / "c").rglob("*.pem"))


def test_what_the_audit_is_yet_to_be_told_is_no_key_and_stays(gateway: Gateway, config: Config, tmp_path: Path) -> None:
    with gateway._database.begin() as connection:
        leave(connection, "{}", 7)
    make_backup(config, ENVIRONMENT, tmp_path / "b", tmp_path / "k", 7)
    [(name, word)] = shared(tmp_path / "b")
    assert (name.partition(":")[0], word) == ("untold", base64.b64encode(b"{}").decode())
    assert "untold" not in (tmp_path / "k" / "installation.json").read_text()


def test_a_line_that_is_being_written_is_left_away(tmp_path: Path) -> None:
    for text, whole in ((b"a\nb\nhal", b"a\nb\n"), (b"hal", b""), (b"a\n", b"a\n"), (b"", b"")):
        source, place = tmp_path / "s", tmp_path / "p"
        source.write_bytes(text)
        copy_file(source, place, whole_lines=True)
        assert place.read_bytes() == whole
        place.unlink()


def test_nothing_is_written_over_and_nothing_made_of_nothing(gateway: Gateway, config: Config, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "something").write_text("")
    with pytest.raises(BackupFailed, match="there already"):
        make_backup(config, ENVIRONMENT, tmp_path / "b", None, 7)
    with pytest.raises(BackupFailed):
        make_backup(replace(config, folder=tmp_path / "elsewhere"), ENVIRONMENT, tmp_path / "c", None, 7)
    other = replace(config, store=Store("sqlite:///none/store.db"))
    with pytest.raises(BackupFailed):
        make_backup(other, ENVIRONMENT, tmp_path / "d", None, 7)
