"""`check` in its plain forms is the `check` that the library of command lines reads."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gateway.cli import checking, main
from gateway.cli.checking import Format, Wanted, plainly_asked
from gateway.cli.policies import register

ROOT = Path(__file__).parents[4]
WORDS = ("a", "b/c", "--strict", "--json", "--format", "json", "github", "--formats", "-x", "--format=json", "--", "")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], Wanted()),
        (["a"], Wanted(Path("a"))),
        (["--strict", "a"], Wanted(Path("a"), is_strict=True)),
        (["a", "--format", "sarif"], Wanted(Path("a"), format=Format.SARIF)),
        (["--json"], Wanted(format=Format.JSON)),
        (["--help"], None),
        (["a", "b"], None),
        (["--format"], None),
        (["--format", "xml"], None),
        ([""], None),
    ],
)
def test_plain_forms_are_understood_and_no_other(arguments: list[str], wanted: Wanted | None) -> None:
    assert plainly_asked(arguments) == wanted


def test_what_is_understood_plainly_means_what_the_library_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    read = list[Wanted]()
    monkeypatch.setattr("gateway.cli.policies.check_folder", lambda wanted: read.append(wanted) or 0)
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    command = typer.main.get_command(app)
    understood = 0
    for length in range(4):
        for arguments in itertools.product(WORDS, repeat=length):
            wanted = plainly_asked(arguments)
            if wanted is None:
                continue
            understood += 1
            command.main(args=["check", *arguments], standalone_mode=False)
            assert read.pop() == wanted, arguments
    assert understood > 40


def test_the_plain_form_waits_for_no_library_of_command_lines(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text(
        'package policies.a\n\ndeny contains {"code": "X"} if input.resource.name == "x"\n'
    )
    code = "import sys, gateway.cli; sys.exit(gateway.cli.main(sys.argv[1:]) or any(m in sys.modules for m in ('typer', 'pydantic', 'lark', 'yaml', 'engine.request')))"
    done = subprocess.run([sys.executable, "-c", code, "check", str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_a_strict_check_counts_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.rego").write_text(
        'package policies.a\n\ndeny contains {"code": "X"} if contains(input.command.text, "x")\n'
    )
    assert checking.check_folder(Wanted(tmp_path)) == 0
    assert checking.check_folder(Wanted(tmp_path, is_strict=True)) == 1
    assert "NO_INDEX" in capsys.readouterr().out


def test_help_and_mistakes_are_the_librarys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--help"]) == 0
    assert "--strict" in capsys.readouterr().out
    assert main(["check", str(tmp_path), "--format", "xml"]) == 2


@pytest.mark.parametrize(("text", "code"), [("", 0), ("policy", 1), (None, 3)])
def test_a_process_that_only_checks_says_all_and_ends_with_its_code(
    text: str | None, code: int, tmp_path: Path
) -> None:
    folder = tmp_path / "policies"
    if text is not None:
        folder.mkdir()
        (folder / "a.gate").write_text(f"{text}\n" if text else "policy a\nallow a when command.complete\n")
    words = [sys.executable, "-m", "gateway.cli", "check", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout.endswith("\n") if text is not None else "no policy folder" in done.stderr


def test_a_reader_who_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.gate").write_text("policy a\n" + "deny a when (\n" * 5_000)
    talkative = f"{sys.executable} -m gateway.cli check {tmp_path} --json"
    done = subprocess.run(
        f"{talkative} | head -c 10 >/dev/null", cwd=ROOT, shell=True, capture_output=True, check=False
    )
    assert done.stderr == b""


def masks(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.gate").write_text('policy a\napplies to postgres\nmask m "x"\n  columns "s.*.*"\n  with redact\n')
    return folder


def test_with_a_catalog_columns_that_a_mask_leaves_null_are_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = masks(tmp_path / "policies"), tmp_path / "catalog.json"
    file.write_text('{"relations": {"s.t": [{"name": "born", "type": "date"}, {"name": "name", "type": "text"}]}}')
    assert main(["check", str(folder), "--catalog", str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("a.gate:3:1: warning MASK_LEAVES_NULL: `redact` leaves NULL in `s.t.born` of type `date`\n")
    assert main(["check", str(folder), "--catalog", str(file), "--strict", "--json"]) == 1
    (one,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (one["code"], one["severity"], one["line"]) == ("MASK_LEAVES_NULL", "warning", 3)
    assert main(["check", str(folder)]) == 0
    assert "fine" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{", "[]", '{"tables": {}}', '{"relations": {"s.t": {"column": []}}}'])
def test_a_catalog_that_cannot_be_read_is_said_and_nothing_is_checked(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = masks(tmp_path / "policies"), tmp_path / "catalog.json"
    if content is not None:
        file.write_text(content)
    assert main(["check", str(folder), "--catalog", str(file)]) == 3
    said = capsys.readouterr()
    assert "catalog.json" in said.err
    assert said.out == ""
