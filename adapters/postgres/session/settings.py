"""What a session is told when it is made: how clients prove themselves, what only chance can give, how long things may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ClientProof(StrEnum):
    """How clients prove who they are."""

    SCRAM = "scram"
    TOKEN = "token"  # noqa: S105 - a word, no secret


@dataclass(frozen=True, slots=True)
class Settings:
    """One connection's settings. Keys and nonces are fresh for each connection.

    `resource`: the listener serves this one alone, and `dbname` is a plain database name; None: clients name the
    resource in `dbname`. `cancel_key` is process id (4 bytes) and a secret of 32 bytes, of which clients of protocol 3.0
    get 4. `own_name` is a name for statements and portals that no client can guess.
    """

    proof: ClientProof
    cancel_key: bytes = field(repr=False)
    server_nonce: bytes
    client_nonce: bytes
    own_name: bytes = field(repr=False)
    tls_offered: bool = True
    tls_required: bool = True
    resource: str | None = None
    login_seconds: float = 20.0
    notice_seconds: float = 5.0
    """How often a client that waits for an approval is told so."""


SHORT_KEY = 8
"""Process id and secret as protocol 3.0 knows them."""
