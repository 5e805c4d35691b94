"""The errors of the gateway.

- GatewayError
  - ConfigInvalid      the configuration file or an environment override; names file, key, what was expected
  - PolicyUnusable     policies cannot be loaded
  - StoreUnavailable   the database cannot be used
  - AuditUnavailable   an entry cannot be written: nothing is allowed
  - RecordingUnavailable  recordings cannot be kept
  - RecordingBroken    a recording cannot be read, or not to its end
  - ApprovalConflict   a ticket is not in a state that permits the step
  - SessionUnknown     a session is not open here (any more), or not for the caller to see
  - IdentityRefused    a token, or an answer of who issues them, is not accepted

Each has a stable `code`; messages never hold secrets.
"""

from __future__ import annotations

from collections.abc import Sequence


class GatewayError(Exception):
    """Anything the running program refuses. `help` says what to do."""

    code = "GATEWAY"

    def __init__(self, message: str, *, help: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.help = help
        if code is not None:
            self.code = code


class ConfigInvalid(GatewayError):
    """The configuration cannot be used. `problems` holds everything found, one line each."""

    code = "CONFIG_INVALID"

    def __init__(self, message: str, *, help: str = "", code: str | None = None, problems: Sequence[str] = ()) -> None:
        super().__init__(message, help=help, code=code)
        self.problems = tuple(problems) or (message,)


class PolicyUnusable(GatewayError):
    code = "POLICY_UNUSABLE"


class StoreUnavailable(GatewayError):
    code = "STORE_UNAVAILABLE"


class AuditUnavailable(GatewayError):
    code = "AUDIT_UNAVAILABLE"


class RecordingUnavailable(GatewayError):
    code = "RECORDING_UNAVAILABLE"


class RecordingBroken(GatewayError):
    code = "RECORDING_BROKEN"


class ApprovalConflict(GatewayError):
    code = "APPROVAL_CONFLICT"


class SessionUnknown(GatewayError):
    code = "SESSION_UNKNOWN"


class IdentityRefused(GatewayError):
    """A proof of identity was not accepted. The message says why and never repeats a part of the proof."""

    code = "IDENTITY_REFUSED"
