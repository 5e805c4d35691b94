"""`build` makes the same bytes of the same contents, and none of policies that warn or fail; `verify` says why not."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from tests.conftest import ROOT

POLICY = """package policies.p

allow contains {"code": "READ"} if {
	input.command.protocol == "postgres"
	every op in input.command.operations { op.effect == "read" }
}
"""
SUITE = """suite: p
cases:
  - name: reading
    principal: {name: ana}
    resource: {name: r, protocol: postgres}
    command: {protocol: postgres, text: SELECT 1}
    expect: {verdict: allow}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "policies"
    (place / "below").mkdir(parents=True)
    (place / "p.rego").write_text(POLICY)
    (place / "p_suite.yaml").write_text(SUITE)
    (place / "below" / "data.json").write_text('{"v": 1}')
    assert main(["signing-key", str(tmp_path / "k.pem"), str(tmp_path / "k.pub")]) == 0
    return place


def build(folder: Path, *more: str, to: str = "a.bundle") -> tuple[int, Path]:
    out = folder.parent / to
    return main(["build", str(folder), "-o", str(out), "--sequence", "7", *more]), out


def verify(file: Path, *more: str) -> int:
    return main(["verify", str(file), *more])


def test_what_was_built_and_signed_is_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, file = build(folder, "--sign", str(folder.parent / "k.pem"), "--json")
    assert code == 0
    built = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["name"] for one in built["manifest"]["files"]] == ["below/data.json", "p.rego"]
    assert (built["manifest"]["sequence"], built["manifest"]["tested"]) == (7, {"passed": 1, "failed": 0})
    assert verify(file, "--key", str(folder.parent / "k.pub"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["signed_by"] == built["signed_by"]
    assert verify(file) == 0
    assert "no signature checked" in capsys.readouterr().out


def test_the_same_contents_are_the_same_bytes_wherever_and_however_they_lie(folder: Path) -> None:
    key = str(folder.parent / "k.pem")
    _, first = build(folder, "--sign", key)
    other = folder.parent / "elsewhere" / "copy"
    other.mkdir(parents=True)
    # WHY in the other order: a directory lists its files as it likes.
    for file in sorted((one for one in folder.rglob("*") if one.is_file()), reverse=True):
        target = other / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        target.chmod(0o600)
        os.utime(target, (1, 1))
    environment = {**os.environ, "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Chatham", "PYTHONHASHSEED": "7"}
    out = folder.parent / "b.bundle"
    words = ["-m", "gateway.cli", "build", str(other), "-o", str(out), "--sequence", "7", "--sign", key]
    subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=True, umask=0o077, timeout=120)
    assert out.read_bytes() == first.read_bytes()


def test_policies_that_warn_or_fail_make_no_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p_suite.yaml").write_text(SUITE.replace("verdict: allow", "verdict: deny"))
    assert build(folder)[0] == 1
    assert "expected deny, got allow" in capsys.readouterr().err
    (folder / "p_suite.yaml").write_text(SUITE)
    (folder / "q.rego").write_text(
        'package policies.q\n\ndeny contains {"code": "X", "reason": "x"} if input.resource.labels.environment == "prod"\n'
    )
    assert build(folder)[0] == 1
    assert "without warnings" in capsys.readouterr().err
    (folder / "q.rego").write_text("package policies.q\n\nallow contains {")
    code, out = build(folder)
    assert code == 1
    assert not out.exists()


def test_a_bundle_without_a_number_is_not_made(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", str(folder), "-o", str(folder.parent / "x")]) == 2
    assert "--sequence" in capsys.readouterr().err
    assert main(["build", str(folder), "-o", "/nowhere/x", "--sequence", "1"]) == 3


def test_a_commit_numbers_and_names_its_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        when = {"GIT_COMMITTER_DATE": "1700000000 +0000", "GIT_CONFIG_GLOBAL": "/dev/null"}
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, "-C", str(folder), *words], env={**os.environ, **when}, check=True)
    assert main(["build", str(folder), "-o", str(folder.parent / "c.bundle"), "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out.splitlines()[-1])["manifest"]
    assert manifest["sequence"] == 1_700_000_000
    assert len(manifest["commit"]) == 12


def test_verify_tells_altered_unsigned_and_strangers_bundles_apart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = str(folder.parent / "k.pub")
    _, unsigned = build(folder, to="u.bundle")
    _, signed = build(folder, "--sign", str(folder.parent / "k.pem"))
    main(["signing-key", str(folder.parent / "o.pem"), str(folder.parent / "o.pub")])
    altered = folder.parent / "altered"
    altered.write_bytes(signed.read_bytes().replace(b'"read"', b'"writ"'))
    for file, trusted, code in (
        (unsigned, key, "BUNDLE_UNSIGNED"),
        (signed, str(folder.parent / "o.pub"), "BUNDLE_KEY_UNKNOWN"),
        (altered, key, "BUNDLE_ALTERED"),
        (folder / "p.rego", key, "BUNDLE_MALFORMED"),
    ):
        assert verify(file, "--key", trusted) == 1
        assert code in capsys.readouterr().err
    assert verify(folder / "nowhere") == 3


def test_a_private_key_is_ours_alone_and_never_replaced(folder: Path) -> None:
    private = folder.parent / "k.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes()
    assert main(["signing-key", str(private), str(folder.parent / "k.pub")]) == 3
    assert private.read_bytes() == before
