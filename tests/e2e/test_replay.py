"""What a real gateway recorded of real psql sessions is decided again: the same policies flip nothing, others tell what."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.e2e.world import ALLOW_READS, ROOT, World, world


def replay(here: World, against: Path, *more: str) -> tuple[int, dict[str, object]]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gateway.cli",
            "replay",
            "--from",
            str(here.audit),
            "--against",
            str(against),
            "--format",
            "json",
            *more,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_psql_did_is_decided_again(tmp_path: Path) -> None:
    with world() as here:
        here.start()
        with psycopg.connect(here.conninfo(), autocommit=True) as client:
            for number in range(20):
                client.execute(f"SELECT {number}")
            client.execute("SELECT relname FROM pg_class LIMIT 1")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                client.execute("CREATE TABLE orders (id int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                client.execute("ALTER ROLE someone PASSWORD 'a new one'")
        here.stop()
        code, same = replay(here, here.folder / "policies")
        assert (code, same["flipped"], same["other_reasons"]) == (0, 0, 0)
        assert same["decided"] == same["same"]
        assert same["decided"] >= 22  # type: ignore[operator]  # a number
        assert same["not_decided"]["redacted"]["count"] == 1  # type: ignore[index,call-overload]  # an object
        (tmp_path / "p.rego").write_text(ALLOW_READS.replace('"readers"', '"others"'))
        code, other = replay(here, tmp_path)
        assert code == 1
        assert other["by"]["change"] == {"allow -> deny": other["flipped"]}  # type: ignore[index,call-overload]  # as above
        assert other["flipped"] >= 21  # type: ignore[operator]  # as above
        assert replay(here, tmp_path, "--max-flips", str(other["flipped"]))[0] == 0
