"""What is remembered between requests: whose each session is, which calls wait for people, which tools are as they were approved.

Kept by a listener for all its connections, in memory: after a restart clients are told that their session is unknown, and
begin another (that is the protocol's own way). Bounded; what is pushed out is unknown, and so refused.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_SESSIONS = 100_000
MAX_SERVERS = 1_000


class Book:
    """Sessions and tools, as they were seen."""

    def __init__(self) -> None:
        self._owners: dict[tuple[object, str], object] = {}
        self._tools: dict[object, set[str]] = {}
        self._waiting: dict[tuple[object, str | None, str], tuple[object, bool]] = {}

    def open(self, server: object, session: str, owner: object) -> bool:
        """A server says that a session began; False for one that is somebody else's."""
        known = self._owners.setdefault((server, session), owner)
        while len(self._owners) > MAX_SESSIONS:
            del self._owners[next(iter(self._owners))]
        return known == owner

    def is_theirs(self, server: object, session: str, owner: object) -> bool:
        """Whether a session began for this login. One that nobody knows is nobody's."""
        key = (server, session)
        return key in self._owners and self._owners[key] == owner

    def end(self, server: object, session: str) -> None:
        """A session is over."""
        self._owners.pop((server, session), None)

    def wait(self, server: object, session: str | None, number: object, owner: object) -> None:
        """A call begins to wait for people."""
        self._waiting[server, session, repr(number)] = (owner, False)
        while len(self._waiting) > MAX_SESSIONS:
            del self._waiting[next(iter(self._waiting))]

    def take_back(self, server: object, session: str | None, number: object, owner: object) -> None:
        """The client does not want a call any more, if it is theirs and waits."""
        key = (server, session, repr(number))
        if key in self._waiting and self._waiting[key][0] == owner:
            self._waiting[key] = (owner, True)

    def is_taken_back(self, server: object, session: str | None, number: object, owner: object) -> bool:
        """Whether a call that waited is not wanted any more. What was pushed out of here is nothing that may still run."""
        return self._waiting.get((server, session, repr(number)), (owner, True)) == (owner, True)

    def saw_tools(self, server: object, tools: Iterable[str], *, is_first: bool) -> None:
        """A list of tools passed: these are as they were approved. `is_first`: the list began with them."""
        if is_first:
            self._tools.pop(server, None)
        self._tools.setdefault(server, set()).update(tools)
        while len(self._tools) > MAX_SERVERS:
            del self._tools[next(iter(self._tools))]

    def is_as_approved(self, server: object, tool: str) -> bool:
        """Whether the last list had the tool, as it was approved."""
        return tool in self._tools.get(server, ())
