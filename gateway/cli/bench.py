"""`bench`: run the measurements of a checkout. They live in `bench/`, outside the installed program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.errors import GatewayError

CHECKOUT = Path(__file__).parents[2]


class NoCheckout(GatewayError):
    """The measurements are not part of the installed program."""

    code = "NO_CHECKOUT"


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command()(bench)


def bench(
    areas: Annotated[
        list[str] | None, typer.Argument(help="What to measure, for instance `pgbench`; all without one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="Seconds of one run.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds; their median counts.")] = 3,
) -> int:
    """Measure the promises of `bench/budgets.toml`. Of one area alone, `--json` prints that area's own document."""
    if not (CHECKOUT / "bench" / "__main__.py").is_file():
        raise NoCheckout("the measurements are not installed", help="run this in a checkout of Sallyport")
    words = [*(areas or []), "--seconds", str(seconds), "--rounds", str(rounds)]
    if as_json:
        words.append("--raw" if areas is not None and len(areas) == 1 else "--json")
    return subprocess.run([sys.executable, "-m", "bench", *words], cwd=CHECKOUT, check=False).returncode
