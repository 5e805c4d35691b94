"""The verifier in one file needs nothing of ours, stays short, and says the same as ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit import standalone
from gateway.audit.checkpoint import digest_of, read_note, sign
from gateway.audit.log import segments
from gateway.audit.sealing import FILE, checkpoints
from tests.strategies.audit_logs import sealed_log, signing_key, stolen_log

KEY = signing_key().public.print()


def test_it_needs_nothing_of_ours_and_can_be_read_in_a_sitting() -> None:
    text = Path(standalone.__file__).read_text()
    assert not re.search(r"^(?:from|import) (?:gateway|engine|adapters|grpc_proto)", text, re.M)
    statements = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(statements) <= 150


def test_it_runs_alone_on_a_whole_log(tmp_path: Path) -> None:
    sealed_log(tmp_path / "log", 33, unsealed=2)
    script = tmp_path / "elsewhere.py"
    script.write_bytes(Path(standalone.__file__).read_bytes())
    run = subprocess.run(
        [sys.executable, "-I", script, tmp_path / "log", KEY], capture_output=True, text=True, cwd=tmp_path
    )
    assert (run.returncode, run.stdout) == (
        0,
        "35 entries, 33 of them sealed; nothing is proven of those behind\n",
    ), run.stderr


def test_it_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed_log(tmp_path, 30)
    first = segments(tmp_path)[0]
    first.write_bytes(first.read_bytes().replace(b"allow", b"deny!", 1))
    (tmp_path / "key").write_text(KEY)
    assert standalone.main([str(tmp_path), str(tmp_path / "key")]) == 1
    assert "entries 1 to 10 is not what was sealed" in capsys.readouterr().out


def test_a_checkpoint_kept_elsewhere_shows_what_was_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    sealed_log(log, 30, segment_bytes=64 << 20)
    (tmp_path / "kept").write_text(checkpoints(log)[-1])
    (log / FILE).write_bytes((log / FILE).read_bytes().splitlines(keepends=True)[0])
    path = segments(log)[0]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:10]))
    assert standalone.main([str(log), KEY]) == 0
    assert standalone.main([str(log), KEY, str(tmp_path / "kept")]) == 1
    assert "30 entries were sealed, and the log has 10" in capsys.readouterr().out


def write(directory: Path, listed: list[str]) -> None:
    (directory / FILE).write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in listed))


@pytest.mark.parametrize("keeps_checkpoints", [True, False])
def test_a_beginning_that_is_gone_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], keeps_checkpoints: bool
) -> None:
    sealed_log(tmp_path, 60)
    for path in segments(tmp_path)[:4]:
        path.unlink()
    first = int(segments(tmp_path)[0].stem)
    if not keeps_checkpoints:
        write(tmp_path, [note for note in checkpoints(tmp_path) if read_note(note)[0].size >= first - 1])
    assert standalone.main([str(tmp_path), KEY]) == 1
    assert "begins where entry 1 belongs" in capsys.readouterr().out


def test_a_checkpoint_that_was_taken_out_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed_log(tmp_path, 40)
    listed = checkpoints(tmp_path)
    write(tmp_path, [listed[0], *listed[2:]])
    assert standalone.main([str(tmp_path), KEY]) == 1
    assert "the checkpoint over 30 entries does not go on from the one before it" in capsys.readouterr().out


def test_checkpoints_of_an_older_version_still_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed_log(tmp_path, 40)
    old = [read_note(note)[0] for note in checkpoints(tmp_path)]
    unchained = [sign(replace(one, before=None), [signing_key()]) for one in old]
    write(tmp_path, [*unchained[:3], sign(replace(old[3], before=digest_of(unchained[2])), [signing_key()])])
    assert standalone.main([str(tmp_path), KEY]) == 0
    assert "3 checkpoints are of an older version" in capsys.readouterr().out
    write(tmp_path, [sign(old[0], [signing_key()]), *unchained[1:]])
    assert standalone.main([str(tmp_path), KEY]) == 1


@pytest.mark.parametrize("tail", [b"garbage\n", b'{"seq":99,"kind":"decision"}\n', b'{"seq":13}\n', b"[13]\n"])
def test_a_forged_tail_that_is_no_entry_is_wrong(tmp_path: Path, tail: bytes) -> None:
    sealed_log(tmp_path, 12)
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(tail)
    assert standalone.main([str(tmp_path), KEY]) == 1


@pytest.mark.parametrize("data", [b"", b"garbage\n", b"[]\n", b"5\n", b'"a"\n'])
def test_what_is_no_log_is_wrong_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    sealed_log(tmp_path, 3)
    (tmp_path / FILE).write_bytes(data)
    assert standalone.main([str(tmp_path), KEY]) == 1
    assert capsys.readouterr().out.count("wrong:") >= 1


def test_what_cannot_be_looked_at_is_another_exit_code(tmp_path: Path) -> None:
    assert standalone.main([str(tmp_path / "nowhere"), KEY]) == 2


@pytest.mark.parametrize(
    ("before", "after"), [("\u2014 ", "\u2214 "), ("\n\n", "\n\n "), ("\n10\n", "\n010\n"), ("\n10\n", "\n+10\n")]
)
def test_a_checkpoint_in_another_spelling_is_none(tmp_path: Path, before: str, after: str) -> None:
    sealed_log(tmp_path, 10)
    path = tmp_path / FILE
    (note,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert standalone.main([str(tmp_path), signing_key().public.print()]) == 0
    path.write_text(json.dumps(note.replace(before, after, 1), ensure_ascii=False) + "\n")
    assert standalone.main([str(tmp_path), signing_key().public.print()]) == 1


@pytest.mark.parametrize("stolen", [1, 2, 3])
def test_a_key_that_handed_over_signs_nothing_any_more(tmp_path: Path, stolen: int) -> None:
    stolen_log(tmp_path, stolen)
    assert standalone.main([str(tmp_path), KEY]) == (0 if stolen == 3 else 1)
