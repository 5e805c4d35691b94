"""The command line: `sallyport`. One file for each group of commands; each parses, calls and prints, and has no rules.

Exit codes: 0 fine, 1 problems were found, 2 wrong usage, 3 could not run. A user's mistake is one line on standard error
with what to do about it, never a traceback. To add a group, write its file and add its `register` to `GROUPS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import typer
from typer.exceptions import TyperException

from engine.errors import EngineError, PolicyRefused
from gateway.cli import (
    audit,
    bench,
    bundling,
    config,
    conformance,
    deciding,
    demo,
    holds,
    keys,
    language,
    parsing,
    policies,
    replaying,
    scanning,
    serving,
    starting,
    testing,
)
from gateway.cli.output import complain
from gateway.errors import GatewayError
from gateway.policy_store.current import describe

MAX_DIAGNOSTICS = 10

GROUPS: list[Callable[[typer.Typer], None]] = [
    serving.register,
    config.register,
    policies.register,
    testing.register,
    deciding.register,
    replaying.register,
    bundling.register,
    starting.register,
    language.register,
    parsing.register,
    scanning.register,
    conformance.register,
    holds.register,
    audit.register,
    keys.register,
    demo.register,
    bench.register,
]


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="sallyport",
        help="An access gateway: every command is judged by policy and answered allow, mask, hold or deny.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for register in GROUPS:
        register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    try:
        given = None if arguments is None else list(arguments)
        code = typer.main.get_command(build()).main(args=given, prog_name="sallyport", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except TyperException as error:
        complain(str(error) or "wrong usage", help="`sallyport --help` shows what there is")
        return 2
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except GatewayError as error:
        complain(str(error), help=error.help)
        return 3
    except PolicyRefused as error:
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
