"""`token` and `scram`: proofs for local principals. Neither is kept anywhere; what to do with them is printed beside."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from gateway.cli.options import AsJson
from gateway.cli.output import complain, say, say_json
from gateway.identity.people import digest_token
from gateway.identity.scram import MAX_ITERATIONS, SALT_BYTES, make_verifier, print_verifier


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(token)
    app.command()(scram)


def token(as_json: AsJson = False) -> None:
    """Make a random token for a local principal (`token = "file:..."` in the configuration)."""
    made = f"sp_{secrets.token_urlsafe(32)}"
    if as_json:
        say_json({"token": made, "sha256": digest_token(made.encode()).hex()})
    else:
        say(made)
        if sys.stdout.isatty():
            complain("put it into a file with mode 600, and the file into `token` of an [[identity.principal]]")


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
