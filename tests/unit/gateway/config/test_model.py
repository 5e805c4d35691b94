"""What the defaults promise, and what must never be printed."""

from __future__ import annotations

from pathlib import Path

from gateway.config.model import (
    Audit,
    Config,
    Durability,
    Listener,
    Local,
    MaskKey,
    ResourceProtocol,
    TargetTls,
    TlsMode,
)


def test_the_defaults_are_the_careful_ones() -> None:
    assert TargetTls().mode is TlsMode.REQUIRE
    assert TargetTls().verify
    assert Listener(ResourceProtocol.POSTGRES, "127.0.0.1:0").auth.value == "scram"
    assert Audit().durability is Durability.PROCESS
    assert Config().rpc.bind is None


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    config = Config(folder=tmp_path)
    assert config.at("policies") == tmp_path / "policies"
    assert config.at("/etc/x") == Path("/etc/x")


def test_where_secrets_are_is_not_printed() -> None:
    assert "PASSWORD" not in repr(Local("ana", password="env:PASSWORD", token="env:PASSWORD"))
    assert "PASSWORD" not in repr(MaskKey("k1", "env:PASSWORD"))
