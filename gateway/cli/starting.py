"""`init`: a policy repository to begin with, whose own tests pass. The files are those of `gateway/cli/starter`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import complain, say

STARTER = Path(__file__).with_name("starter")
PLACES: Mapping[str, str] = {
    "README.md": "README.md",
    "policies/orders.gate": "policies/orders.gate",
    "policies/maintenance.rego": "policies/maintenance.rego",
    "policies/data.json": "policies/data.json",
    "policies/fixtures.yaml": "policies/fixtures.yaml",
    "policies/orders_suite.yaml": "policies/orders_suite.yaml",
    "ci/pre-commit-config.yaml": ".pre-commit-config.yaml",
    "ci/github-workflow.yml": ".github/workflows/policies.yml",
    "ci/gitlab-ci.yml": ".gitlab-ci.yml",
}
"""Where each file of the starter goes. WHY a table: names that begin with a dot get lost in packages."""


def register(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command()(init)


def init(folder: Annotated[Path, typer.Argument(help="The folder; it is made when it is not there.")]) -> None:
    """Make a policy repository: policies in both languages, suite, fixtures, data, README, and files for CI."""
    taken = [place for place in PLACES.values() if (folder / place).exists()]
    if taken:
        complain(f"`{folder / taken[0]}` is there already", help="nothing was written; choose another folder")
        raise typer.Exit(1)
    try:
        for source, place in PLACES.items():
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((STARTER / source).read_bytes())
    except OSError as error:
        complain(f"`{error.filename}` cannot be written ({error.strerror})")
        raise typer.Exit(3) from None
    for place in PLACES.values():
        say(f"  {folder / place}")
    say(f"next: sallyport test {folder / 'policies'}")
