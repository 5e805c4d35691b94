"""What is particular to the Model Context Protocol in a command tree. Data only; `engine/command/tree.py` holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.command.http.tree import Scalar


@dataclass(frozen=True, slots=True)
class Mcp:
    """One message. `method` is the protocol's own word (`tools/call`), or `GET` and `DELETE` for those of the transport.

    `tool`, `uri` and `prompt` say what is called, read or filled in, and are empty in every other message. `arguments` maps JSON pointers into the arguments
    (`/path`, `/rows/0/id`) to their scalar values; nulls and empty lists have none.
    """

    method: str
    tool: str = ""
    uri: str = ""
    prompt: str = ""
    arguments: Mapping[str, Scalar] = field(default_factory=dict)
