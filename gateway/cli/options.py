"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

ConfigFile: TypeAlias = Annotated[
    Path, typer.Option("--config", "-c", envvar="SALLYPORT_CONFIG", help="The configuration file.")
]
DEFAULT_CONFIG = Path("sallyport.toml")
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
AsJsonLines: TypeAlias = Annotated[
    bool, typer.Option("--jsonl", help="Answer JSON lines from standard input, one for one, in order.")
]
PolicyFolder: TypeAlias = Annotated[Path, typer.Option("--policies", "-p", help="The policy folder.")]
