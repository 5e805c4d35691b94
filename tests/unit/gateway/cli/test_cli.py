"""The command line as a whole: what there is, how mistakes are told, which code it ends with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

import gateway.cli as cli
from engine.errors import NativeFailure
from gateway.errors import GatewayError

ROOT = Path(__file__).parents[4]


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("up", "serve", "check", "parse", "holds", "approve", "refuse", "audit", "config", "token", "scram"):
        assert command in shown


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["version", "--what"], ["audit", "show", "--kind", "odd"], ["approve"]]
)
def test_wrong_usage_is_told_in_a_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.startswith("sallyport: ")


def test_each_group_has_the_commands_it_is_said_to_have() -> None:
    for group in cli.GROUPS:
        assert isinstance(group, cli.Group)
        app = typer.Typer()
        group(app)
        names = [one.name or (one.callback.__name__ if one.callback else "") for one in app.registered_commands]
        names += [str(one.name) for one in app.registered_groups]
        assert tuple(names) == group.commands


def test_a_command_imports_its_own_group_alone() -> None:
    code = "import sys, gateway.cli; gateway.cli.main(['schema']); print(sorted(sys.modules), file=sys.stderr)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    for module in ("lark", "grpc", "asyncio", "yaml", "engine.evaluator.program", "gateway.app"):
        assert f"'{module}'" not in said.stderr, module


def failing(error: BaseException) -> object:
    def register(app: object) -> None:
        def fail() -> None:
            raise error

        app.command()(fail)  # type: ignore[attr-defined]  # a Typer

    return register


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (GatewayError("it is broken", help="mend it"), 3, "sallyport: it is broken\n  mend it\n"),
        (NativeFailure("a limit"), 3, "sallyport: a limit\n"),
        (KeyboardInterrupt(), 130, ""),
        (GatewayError("\x1b[2Jpainted"), 3, "sallyport: \\x1b[2Jpainted\n"),
    ],
)
def test_errors_become_words_and_codes(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "GROUPS", [*cli.GROUPS, failing(error)])
    assert cli.main(["fail"]) == code
    assert capsys.readouterr().err == said


def test_it_is_a_module_too_and_a_closed_pipe_is_no_error() -> None:
    line = b'{"id":1,"text":"SELECT 1"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "parse", "--jsonl"],
        cwd=ROOT,
        input=line,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b'{"id":1,"command"')
    talkative = f"{sys.executable} -m gateway.cli parse --jsonl"
    piped = subprocess.run(
        f"yes '{line.decode().strip()}' | head -20000 | {talkative} | head -1 >/dev/null",
        cwd=ROOT,
        shell=True,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in piped.stderr
    assert b"BrokenPipe" not in piped.stderr
