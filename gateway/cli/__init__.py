"""The command line: `sallyport`. One file for each group of commands; each parses, calls and prints, and has no rules.

Exit codes: 0 fine, 1 problems were found, 2 wrong usage, 3 could not run. A user's mistake is one line on standard error
with what to do about it, never a traceback. To add a group, write its file with a `register` and add it to `GROUPS` with
the commands it has. Only the group of the command that was asked for is imported, and for the plain forms of `check` not
even what reads command lines: most people wait for it (`checking.py`).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from engine.errors import EngineError, PolicyRefused
from gateway.cli.output import complain
from gateway.errors import GatewayError

if TYPE_CHECKING:
    import typer

MAX_DIAGNOSTICS = 10


@dataclass(frozen=True, slots=True)
class Group:
    """A file of this folder and the commands it adds."""

    module: str
    commands: tuple[str, ...]

    def __call__(self, app: typer.Typer) -> None:
        import_module(f"gateway.cli.{self.module}").register(app)


GROUPS: list[Callable[[typer.Typer], None]] = [
    Group("serving", ("up", "serve", "version")),
    Group("config", ("config",)),
    Group("policies", ("check", "inspect", "schema")),
    Group("testing", ("test",)),
    Group("covering", ("coverage",)),
    Group("deciding", ("decide", "explain")),
    Group("replaying", ("replay",)),
    Group("bundling", ("build", "verify", "signing-key")),
    Group("starting", ("init",)),
    Group("language", ("lower", "fmt")),
    Group("editing", ("lsp",)),
    Group("parsing", ("parse",)),
    Group("scanning", ("scan",)),
    Group("conformance", ("conformance",)),
    Group("holds", ("holds", "approve", "refuse", "remembered")),
    Group("audit", ("audit",)),
    Group("sessions", ("play", "sessions")),
    Group("live", ("live", "kill")),
    Group("keys", ("scram",)),
    Group("backing_up", ("backup", "restore")),
    Group("tokens", ("token",)),
    Group("console", ("console",)),
    Group("signing_in", ("login", "logout", "whoami")),
    Group("connecting", ("kubeconfig",)),
    Group("demo", ("demo",)),
    Group("bench", ("bench",)),
]


def build(command: str | None = None) -> typer.Typer:
    """The command line: all of it, or as much as it takes to run one command."""
    import typer

    app = typer.Typer(
        name="sallyport",
        help="An access gateway: every command is judged by policy and answered allow, mask, hold or deny.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # WHY: with one command alone Typer would leave its name out.
    app.callback()(_nothing)
    wanted = [group for group in GROUPS if not isinstance(group, Group) or command in group.commands]
    for register in wanted if any(isinstance(group, Group) for group in wanted) else GROUPS:
        register(app)
    return app


def _nothing() -> None:
    """An access gateway: every command is judged by policy and answered allow, mask, hold or deny."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    # WHY: whoever has Rust tell where a panic was asks for no backtrace of every place where a parser looked further.
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    asked = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = _run_plainly(asked, is_whole_process=arguments is None)
        code = _run(asked) if code is None else code
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except GatewayError as error:
        complain(str(error), help=error.help)
        return 3
    except PolicyRefused as error:
        from gateway.policy_store.current import describe

        for one in error.diagnostics[:MAX_DIAGNOSTICS]:
            complain(describe(one))
        complain("the policies do not compile", help="`sallyport check` lists everything that is wrong with them")
        return 3
    except EngineError as error:
        complain(str(error))
        return 3
    except BrokenPipeError:
        # WHY: whoever read our output has enough; the flush at exit would only complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run_plainly(asked: Sequence[str], *, is_whole_process: bool) -> int | None:
    """The exit code of a command that needs nobody to read its command line; None for every other."""
    if asked[:1] != ["check"]:
        return None
    from gateway.cli.checking import check_folder, plainly_asked

    wanted = plainly_asked(asked[1:])
    if wanted is None:
        return None
    if not is_whole_process:
        return check_folder(wanted)
    # WHY: a tenth of the time goes to looking for garbage while policies are read and to freeing them piece by piece at the end.
    gc.disable()
    code = check_folder(wanted)
    sys.stdout.flush()
    os._exit(code)


def _run(asked: Sequence[str]) -> int:
    import typer
    from typer.exceptions import TyperException

    try:
        app = build(asked[0] if asked else None)
        code = typer.main.get_command(app).main(args=list(asked), prog_name="sallyport", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except TyperException as error:
        complain(str(error) or "wrong usage", help="`sallyport --help` shows what there is")
        return 2
    except typer.Abort:
        return 130
