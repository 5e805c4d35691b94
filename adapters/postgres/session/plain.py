"""A plain command under way: granted as it is, and nothing about it but its rows and its tag is of interest to the session.

It is owed as a whole (`replies.expect_plain`). Where anything else comes than its plain answer, it is spelled out into the
very steps that the long way would have noted, and those take over.
"""

from __future__ import annotations

import msgspec

from adapters.postgres.session import steps
from adapters.postgres.session.names import Change, NameChange, Portal, Run, Statement
from adapters.postgres.session.steps import Due, Step, Tag


class Plain(msgspec.Struct, frozen=True):
    """What a plain command is owed. `portal` is None for a simple query: then only what follows Bind is shown.

    `name` and `statement`: what a Parse in the run makes.
    """

    run: Run
    described: bool
    portal: Portal | None = None
    name: bytes = b""
    statement: Statement | None = None

    @property
    def is_parsed(self) -> bool:
        """Whether a ParseComplete is part of the answer."""
        return self.portal is None or self.statement is not None

    @property
    def changes(self) -> tuple[NameChange, ...]:
        """What the server confirms about names, in order."""
        if self.portal is None:
            return ()
        bound = NameChange(Change.PORTAL, b"", self.portal)
        if self.statement is None:
            return (bound,)
        return NameChange(Change.STATEMENT, self.name, self.statement), bound

    def steps(self) -> tuple[Step, ...]:
        """The same, one by one."""
        run, portal = self.run, self.portal
        if portal is None:
            execute = Step(Due.EXECUTE, True, run, Tag.UNTIL_READY)
            return steps.OWN_PARSE, steps.OWN_BIND, steps.QUERY_DESCRIBE, execute, steps.SYNC
        *parsed, bound = self.changes
        return (
            *(Step(Due.PARSE, shown=True, change=change) for change in parsed),
            Step(Due.BIND, shown=True, run=run, change=bound),
            *((steps.DESCRIBE,) if self.described else ()),
            Step(Due.EXECUTE, shown=True, run=run, portal=portal),
            steps.SYNC,
        )
