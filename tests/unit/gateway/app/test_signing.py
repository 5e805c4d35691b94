"""Who signs a log: the keys of the configuration, or the one beside it, and those that are gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.app.retention import open_log
from gateway.app.secrets import Secrets
from gateway.app.signing import build_sealer, signers_of
from gateway.audit.keys import KEY_FILE, make_pem, own_key
from gateway.audit.verify import verify_log
from gateway.config import Config, load_config
from tests.strategies.audit_logs import entry
from tests.strategies.gateways import settle_in


def keyed(folder: Path) -> Config:
    config = load_config(settle_in(folder), {})
    for name in ("one", "two"):
        (folder / name).touch(0o600)
        (folder / name).write_bytes(make_pem())
    return config


def test_they_are_those_of_the_configuration_in_order_and_then_those_that_are_gone(tmp_path: Path) -> None:
    config = keyed(tmp_path)
    directory = config.at(config.audit.dir)
    log = open_log(config)
    own = signers_of(config, Secrets(config, {}))
    assert own.public == [own_key(directory, own.keys[0].public.name).public]
    audit = replace(config.audit, keys=("file:two", "file:one"), former_keys=(own.public[0].print(),))
    found = signers_of(replace(config, audit=audit), Secrets(replace(config, audit=audit), {}))
    assert (len(found.keys), found.former, found.public[2:]) == (2, own.public, own.public)
    log.close()


def test_what_they_seal_is_whole_to_who_knows_them(tmp_path: Path) -> None:
    config = keyed(tmp_path)
    audit = replace(config.audit, keys=("file:one",))
    config = replace(config, audit=audit)
    log, heard = open_log(config), list[bytes]()
    sealer = build_sealer(config, Secrets(config, {}), log, heard.append)
    log.append(entry(1))
    sealer.close()
    log.close()
    assert verify_log(config.at(config.audit.dir), sealer.trusted).is_whole
    assert len(heard) == 1
    assert not (config.at(config.audit.dir) / KEY_FILE).exists()
