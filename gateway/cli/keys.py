"""`scram`: a password's verifier for a local principal. It is kept nowhere."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from gateway.cli.output import complain, say
from gateway.identity.scram import MAX_ITERATIONS, SALT_BYTES, make_verifier, print_verifier


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(scram)


def scram(
    iterations: Annotated[int, typer.Option(min=4096, max=MAX_ITERATIONS, help="Rounds of PBKDF2.")] = 4096,
) -> None:
    """Read a password (from the terminal, or a line of standard input) and print its SCRAM verifier."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().removesuffix("\n")
    if not password:
        complain("the password is empty")
        raise typer.Exit(2)
    say(print_verifier(make_verifier(password, secrets.token_bytes(SALT_BYTES), iterations)))
