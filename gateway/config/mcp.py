"""What does not fit together in what a configuration says of MCP servers. Called by `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.config.model import Config, Resource, ResourceProtocol
from gateway.config.places import Path
from gateway.config.tools import Listed

_PATH = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)?")


def find_mcp_misfits(config: Config, resource: Resource, path: Path) -> Iterator[tuple[Path, str]]:
    """What an MCP server has, and what no other resource has."""
    if resource.protocol is not ResourceProtocol.MCP:
        said = (
            ("path", resource.path is not None),
            ("server_requests", bool(resource.server_requests)),
            ("tools", resource.tools is not None),
            ("lists", resource.lists is not Listed.ALL),
        )
        for key, is_said in said:
            if is_said:
                yield (*path, key), "is of no use where no MCP is spoken"
        return
    if resource.path is not None and not _PATH.fullmatch(resource.path):
        yield (*path, "path"), "is no path such as `/mcp`, plain and without a query"
    if resource.tools is not None and not config.at(resource.tools).is_file():
        yield (*path, "tools"), "is no file; expected the server's answer to `tools/list`, in JSON"
    if resource.database is not None:
        yield (*path, "database"), "is of no use with MCP"
