"""`audit verify`, `prove` and `key` from the command line, with the exit codes that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.audit.checkpoint import SigningKey
from gateway.audit.keys import KEY_FILE, NAME_FILE, log_name, own_key
from gateway.audit.log import segments
from gateway.audit.sealing import Sealer, checkpoints
from gateway.cli import main
from tests.strategies.audit_logs import ORIGIN, entry, open_log, sealed_log, signing_key

KEY = signing_key().public.print()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    directory = tmp_path / "log"
    sealed_log(directory, 25, unsealed=2)
    return directory


def test_a_whole_log_is_said_to_be(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--dir", str(log), "--key", KEY]) == 0
    shown = capsys.readouterr().out
    assert "27 entries, 25 of them under 3 checkpoints" in shown
    assert "2 entries came after the last checkpoint" in shown
    assert "whole: nothing was changed" in shown


def test_an_altered_log_is_code_1_and_says_where(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = segments(log)[0]
    first.write_bytes(first.read_bytes().replace(b"allow", b"deny!", 1))
    assert main(["audit", "verify", "--dir", str(log), "--key", KEY, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "ALTERED"
    assert main(["audit", "verify", "--dir", str(log), "--key", KEY]) == 1
    assert "NOT whole" in capsys.readouterr().out


def test_a_proof_goes_to_somebody_without_the_log(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "seven"
    assert main(["audit", "prove", "7", "--dir", str(log), "--out", str(out)]) == 0
    check = ["audit", "verify", "--proof", f"{out}.tlog-proof", "--entry", f"{out}.entry", "--key"]
    assert main([*check, KEY]) == 0
    assert f"this is entry 7 of {ORIGIN}" in capsys.readouterr().out
    assert main([*check, signing_key(2).public.print()]) == 1
    assert "not proven" in capsys.readouterr().err


def test_growth_and_proofs_are_json_too(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "prove", "7", "--dir", str(log), "--json"]) == 0
    assert json.loads(json.loads(capsys.readouterr().out)["entry"])["seq"] == 7
    assert main(["audit", "prove", "--since", "10", "--dir", str(log)]) == 0
    assert json.loads(capsys.readouterr().out)["old"] == checkpoints(log)[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["prove", "--dir", "{log}"],
        ["prove", "7", "--since", "10", "--dir", "{log}"],
        ["verify", "--dir", "{log}"],
        ["verify", "--dir", "{log}", "--key", "no key"],
        ["verify", "--proof", "{log}/name"],
    ],
)
def test_what_makes_no_sense_is_wrong_usage(log: Path, arguments: list[str]) -> None:
    assert main(["audit", *(one.format(log=log) for one in arguments)]) == 2


def test_the_key_beside_a_log_is_printed_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_log = open_log(tmp_path)
    sealer = Sealer(with_log, tmp_path, log_name(tmp_path), [own_key(tmp_path, log_name(tmp_path))], lambda: 1)
    with_log.append(entry(1))
    sealer.close()
    with_log.close()
    assert main(["audit", "key", "--dir", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.strip()
    assert printed.startswith((tmp_path / NAME_FILE).read_text().strip())
    assert main(["audit", "verify", "--dir", str(tmp_path)]) == 0
    assert main(["audit", "verify", "--dir", str(tmp_path), "--key", printed]) == 0


def test_a_new_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / KEY_FILE
    assert main(["audit", "key", "--new", str(path)]) == 0
    assert SigningKey.from_pem("log", path.read_bytes())
    assert main(["audit", "key", "--new", str(path)]) == 3
