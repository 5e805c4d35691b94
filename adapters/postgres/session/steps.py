"""What the server still owes us, in order: one `Step` for each message we sent that it answers.

The client sees completions of its own messages only; those of messages we added are swallowed. A step also says what
else its completion means: a name that now exists, a run that has ended, an error to be put in another's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

from adapters.postgres.session.names import NameChange, Portal, Run


class Due(IntEnum):
    """Which completion a step waits for."""

    PARSE = auto()
    BIND = auto()
    DESCRIBE = auto()
    """RowDescription or NoData, behind a ParameterDescription for statements."""
    EXECUTE = auto()
    """CommandComplete, EmptyQueryResponse or PortalSuspended; rows before it."""
    CLOSE = auto()
    SYNC = auto()


class Tag(IntEnum):
    """What becomes of the tag of a command."""

    SHOWN = auto()
    UNTIL_READY = auto()
    """Kept back until ReadyForQuery: when the commit fails, no tag was ever due (a deferred constraint)."""
    AFTER_WARNING = auto()
    """Shown behind the warning that there is no transaction: the server saw our BEGIN before the client's COMMIT."""


class Hush(IntEnum):
    """Which notices are not shown."""

    NONE = auto()
    BEGIN = auto()
    """That there is a transaction already: it is ours."""
    ALL = auto()


@dataclass(slots=True, eq=False)
class Step:
    """One thing owed. Shared where nothing in it depends on the command.

    `poison`: the error to show in place of the syntax error that we provoked. `ghost`: the one in place of an error about
    a name that we made up. `offset`: characters of the client's text before this piece. `in_our_block`: an error here
    ends a transaction that we began. `awaited`: the client's side goes on when this is done. `probe`: its rows answer a
    question of our own. `ends_run`: the last of its command. `limited`: the policy's row limit, where that is what ends
    the rows; `asked`: how many
    the client wanted at once. `instead`: what to show when a Parse succeeds, such as the error for a text that our parser refused.
    """

    due: Due
    shown: bool
    run: Run | None = None
    tag: Tag = Tag.SHOWN
    hush: Hush = Hush.NONE
    poison: bytes | None = None
    ghost: bytes | None = None
    offset: int = 0
    in_our_block: bool = False
    hides_no_data: bool = False
    change: NameChange | None = None
    portal: Portal | None = None
    awaited: bool = False
    probe: bool = False
    ends_run: bool = True
    limited: int = 0
    asked: int = 0
    instead: bytes | None = None


PARSE = Step(Due.PARSE, shown=True)
BIND = Step(Due.BIND, shown=True)
DESCRIBE = Step(Due.DESCRIBE, shown=True)
CLOSE = Step(Due.CLOSE, shown=True)
SYNC = Step(Due.SYNC, shown=True)
OWN_PARSE = Step(Due.PARSE, shown=False)
OWN_BIND = Step(Due.BIND, shown=False)
QUERY_DESCRIBE = Step(Due.DESCRIBE, shown=True, hides_no_data=True)
OWN_EXECUTE = Step(Due.EXECUTE, shown=False, hush=Hush.ALL)
OWN_SYNC = Step(Due.SYNC, shown=False)
