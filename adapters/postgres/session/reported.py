"""Settings that the server reports by itself (ParameterStatus): which ones a client sees, and which must never change."""

from __future__ import annotations

from adapters.postgres.messages.frames import refuse

SHOWN = frozenset(
    {
        "DateStyle",
        "IntervalStyle",
        "TimeZone",
        "client_encoding",
        "default_transaction_read_only",
        "in_hot_standby",
        "integer_datetimes",
        "is_superuser",
        "scram_iterations",
        "search_path",
        "server_encoding",
        "server_version",
        "session_authorization",
        "standard_conforming_strings",
    }
)
"""WHY not `application_name`: anybody may write any value there, `set_config` with the value of a column too."""

MUST_BE = {"standard_conforming_strings": "on", "client_encoding": "UTF8"}
"""INVARIANT: the parser reads texts as a server with these settings does; with others it would judge another text."""


def is_shown(name: str, value: str) -> bool:
    """Whether the client is told of a report. Raises when the server now reads texts otherwise than we do."""
    wanted = MUST_BE.get(name)
    if wanted is not None and value != wanted:
        raise refuse(f"{name} is not {wanted} any more", "0A000")
    return name in SHOWN
