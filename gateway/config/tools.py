"""What may be said of the tools of an MCP server, in words. Read by `model`."""

from __future__ import annotations

from enum import StrEnum


class ServerRequest(StrEnum):
    """What an MCP server may ask of a client."""

    SAMPLING = "sampling"
    ELICITATION = "elicitation"
    ROOTS = "roots"


class Listed(StrEnum):
    """Which tools of an MCP server a client is shown: all, or those that a call would be granted for."""

    ALL = "all"
    PERMITTED = "permitted"
