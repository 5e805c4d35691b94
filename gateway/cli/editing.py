"""`lsp`: policies in an editor."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from typing import Annotated

import typer

from gateway.cli.output import complain, say_text
from gateway.errors import GatewayError


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(lsp)


def lsp(
    grammar: Annotated[bool, typer.Option("--grammar", help="Print the TextMate grammar of `.gate` files.")] = False,
) -> None:
    """Answer an editor on standard input and output (Language Server Protocol)."""
    if grammar:
        say_text(files("gateway.editor").joinpath("gate.tmLanguage.json").read_text(encoding="utf-8"))
        return
    try:
        from gateway.editor.server import serve
    except ImportError as error:
        raise GatewayError("the language server is not installed", help='pip install "sallyport[lsp]"') from error
    # WHY another handle: the library closes the one it writes to.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        trouble = serve(sys.stdin.buffer, out)
    if trouble:
        complain(trouble, help="an editor speaks to this command; `sallyport check` is for people")
        raise typer.Exit(1)
