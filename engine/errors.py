"""The errors of the engine.

- EngineError
  - PolicyRefused      a policy folder does not compile; carries every diagnostic at once
  - InputInvalid       a request does not have the shape of the input document
  - SuiteInvalid       a file of policy tests cannot be read; says where
  - NativeFailure      the Rust core failed (a caught panic, a limit of its own): the caller answers deny

Hostile *commands* are no error: a parser answers with a tree whose `problems` say what was wrong. Each error has a
stable `code`; tests match codes, never prose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.source import Diagnostic


class EngineError(Exception):
    """Anything the engine refuses. `code` is stable, the message is for people."""

    code = "ENGINE"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class PolicyRefused(EngineError):
    """A set of policies that does not compile. `diagnostics` holds all of them, in source order."""

    code = "POLICY_REFUSED"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        first = diagnostics[0].message if diagnostics else "no diagnostic"
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(f"{first}{more}")
        self.diagnostics = tuple(diagnostics)


class InputInvalid(EngineError):
    """A request that does not have the shape of the input document."""

    code = "INPUT_INVALID"


class SuiteInvalid(EngineError):
    """A file of policy tests, or of their fixtures, that means nothing. `line` is 1-based."""

    code = "SUITE_INVALID"

    def __init__(self, source: str, line: int, message: str) -> None:
        super().__init__(message)
        self.source = source
        self.line = line


class NativeFailure(EngineError):
    """The Rust core could not answer: a caught panic or one of its limits. Never an allow."""

    code = "NATIVE_FAILURE"
