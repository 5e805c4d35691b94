"""A plain command is spelled out into the steps that the long way notes."""

from __future__ import annotations

from adapters.postgres.session import steps
from adapters.postgres.session.names import Change, Portal, Run, Statement
from adapters.postgres.session.plain import Plain
from adapters.postgres.session.steps import Due, Tag
from tests.wire import allow


def test_a_simple_query_owes_five_answers_of_which_the_tag_waits_for_ready() -> None:
    run = Run(allow(), 0.0)
    plain = Plain(run, described=True)
    owed = plain.steps()
    assert [step.due for step in owed] == [Due.PARSE, Due.BIND, Due.DESCRIBE, Due.EXECUTE, Due.SYNC]
    assert (owed[3].tag, owed[3].run) == (Tag.UNTIL_READY, run)
    assert plain.is_parsed
    assert plain.changes == ()


def test_an_execution_owes_what_the_client_sent() -> None:
    run, statement = Run(allow(), 0.0), Statement(b"select 1")
    portal = Portal(statement, run)
    undescribed = Plain(run, False, portal, b"n").steps()
    assert [step.due for step in undescribed] == [Due.BIND, Due.EXECUTE, Due.SYNC]
    parsed = Plain(run, True, portal, b"n", statement)
    assert [step.due for step in parsed.steps()] == [Due.PARSE, Due.BIND, Due.DESCRIBE, Due.EXECUTE, Due.SYNC]
    assert parsed.steps()[2] is steps.DESCRIBE
    assert [(change.change, change.name) for change in parsed.changes] == [
        (Change.STATEMENT, b"n"),
        (Change.PORTAL, b""),
    ]
    assert all(step.shown for step in parsed.steps())
