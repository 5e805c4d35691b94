"""The errors of adapters.

- AdapterError
  - PeerProtocolError    the other side broke the protocol: refuse and close
  - LocalProtocolError   we broke it: a bug of ours, the session ends
  - RecorderFailed       what is shown cannot be recorded: the session ends

A session raises neither for hostile bytes: it answers with an error message and `Close(reason)`.
"""

from __future__ import annotations


class AdapterError(Exception):
    """Anything an adapter refuses. `code` is stable (for PostgreSQL an SQLSTATE)."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class PeerProtocolError(AdapterError):
    """The peer sent what has no place here."""


class LocalProtocolError(AdapterError):
    """We were about to send, or asked for, what has no place here."""


class RecorderFailed(AdapterError):
    """The recording cannot go on, so nothing more may be shown."""
