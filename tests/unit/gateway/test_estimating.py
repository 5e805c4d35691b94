"""Which held statements a planner is asked about, and that nothing hangs on what it says."""

from __future__ import annotations

import asyncio
import json

import pytest

from adapters.core.ports import Question, Target
from adapters.postgres.planner import NoPlan, Wish
from engine import command_reader
from engine.command.tree import ParsedCommand
from engine.suite.stated import Statements
from gateway.approvals.estimate import PENDING, Estimate, no_estimate
from gateway.asked import Asked
from gateway.estimating import MAX_RUNNING, Estimating, wish_of
from tests.strategies.gates import ANA, ORDERS, SESSION

NAMES = Statements().catalog(
    {
        "search_path": ["app"],
        "relations": {"app.orders": ["id", "status"], "app.people": ["id", "name"]},
        "views": {"app.seen": "SELECT upper(name) AS said FROM app.people"},
        "functions": {"app.known": [{"volatility": "immutable", "language": "sql", "body": "SELECT 1"}]},
    }
)
STATE = {"transaction": "idle", "search_path": ["pg_catalog", "app"], "role": "gateway"}
READER = command_reader()
TARGET = Target("db", 5432, "gateway")
PLAN = json.dumps([{"Plan": {"Node Type": "Result", "Plan Rows": 3, "Total Cost": 1.0}}])


def asked(text: str, **fields: object) -> tuple[Asked, ParsedCommand]:
    given = {"catalog": NAMES, "state": STATE, **fields}
    question = Question("postgres", text.encode("utf-8", "surrogateescape"), **given)  # type: ignore[arg-type]  # fields of a test
    return Asked(question, ANA, SESSION, ORDERS), READER.read("postgres", question.text, NAMES)


def wish(text: str, **fields: object) -> Wish | str:
    found, command = asked(text, **fields)
    return wish_of(found, command.command)


def test_a_plain_statement_is_asked_about_as_its_session_reads_it() -> None:
    found = wish("UPDATE orders SET status = $1 WHERE id = 1", parameters=("x",))
    assert found == Wish(
        "UPDATE orders SET status = $1 WHERE id = 1", ("pg_catalog", "app"), "gateway", (("app", "orders"),), ("x",)
    )
    assert "UPDATE" not in repr(found)
    over = wish("SELECT said, now() FROM seen WHERE said LIKE 'a%'")
    assert isinstance(over, Wish)
    assert over.relations == (("app", "people"), ("app", "seen"))


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO orders VALUES (1, 'x') ON CONFLICT DO NOTHING",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone",
        "MERGE INTO orders o USING people p ON o.id = p.id WHEN MATCHED THEN DELETE",
        "SELECT * FROM orders FOR UPDATE",
        "SELECT relname FROM pg_class",
    ],
)
def test_what_explain_runs_nothing_of_is_asked_about(text: str) -> None:
    assert isinstance(wish(text), Wish), wish(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT 1; DELETE FROM orders", "more than one statement"),
        ("EXPLAIN ANALYZE DELETE FROM orders", "`explain_analyze`"),
        ("TRUNCATE orders", "`truncate`"),
        ("CREATE TABLE t AS SELECT 1", "`create_table_as`"),
        ("DO $$BEGIN END$$", ""),
        ("COPY orders TO STDOUT", "`copy_to`"),
        ("SELECT made_up(1)", "to the bottom"),
        ("SELECT app.known(1)", "`app.known`"),
        ("SELECT nextval('s')", "`pg_catalog.nextval`"),
        ("SELECT pg_sleep(1)", "`sleep`"),
        ("SELECT database_to_xml(true, true, '')", ""),
        ("SELECT query_to_xml('SELECT 1', true, true, '')", "`sql_text`"),
        ("SELECT pg_read_file('/etc/passwd')", "`server_file`"),
        ("SELECT dblink('host=x', 'y')", ""),
        ("SELECT 'x'::app.small", "`app.small`"),
        ("SELECT * FROM orders WHERE id = ANY('{1}'::app.ids[])", "`app.ids`"),
        ("SELECT * FROM nowhere", "not known"),
        ('SELECT * FROM app."we.ird"', "not known"),
        ("SELEC 1", ""),
    ],
)
def test_nothing_else_is_and_it_says_why(text: str, why: str) -> None:
    found = wish(text)
    assert isinstance(found, str), found
    assert why in found


def test_what_only_its_session_knows_is_not_asked_elsewhere() -> None:
    text = "DELETE FROM orders"
    for fields in ({"catalog": None}, {"state": {}}, {"state": {**STATE, "role": None}}, {"state": {"role": "x"}}):
        assert wish(text, **fields) == "what its names mean is known to its session alone"
    assert wish("SELECT '\udcff'") == "it is no text" or "bottom" in str(wish("SELECT '\udcff'"))
    found, command = asked(text)
    for other in (Asked(found.question, ANA, SESSION, ORDERS, caller="svc"), Asked(command, ANA, SESSION, ORDERS)):
        assert wish_of(other, command.command) == "it did not come over a connection of this gateway's"


class Answers:
    """A planner that says what a test wants."""

    def __init__(self, answer: str | NoPlan = PLAN) -> None:
        self.answer = answer
        self.asked: list[Wish] = []

    async def plan(self, target: Target, wish: Wish) -> str:
        self.asked.append(wish)
        if isinstance(self.answer, NoPlan):
            raise self.answer
        return self.answer


async def told_of(answer: str | NoPlan) -> Estimate:
    estimating = Estimating(Answers(answer), lambda question: TARGET)
    estimating.open(asyncio.get_running_loop())
    told: asyncio.Queue[tuple[str, Estimate]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    estimating.begin(
        "h-1", *asked("DELETE FROM orders"), lambda *what: loop.call_soon_threadsafe(told.put_nowait, what)
    )
    ticket, found = await told.get()
    assert ticket == "h-1"
    return found


async def test_the_answer_is_told_once_whatever_it_is() -> None:
    assert (await told_of(PLAN)).rows == 3
    assert await told_of(NoPlan("it is asleep")) == no_estimate("it is asleep")
    assert await told_of("no plan") == no_estimate("the database's plan cannot be read")


def test_a_ticket_says_at_once_whether_a_planner_is_asked() -> None:
    estimating = Estimating(Answers(), lambda question: TARGET)
    assert estimating.first(*asked("DELETE FROM orders")) == PENDING
    assert estimating.first(*asked("TRUNCATE orders")) == no_estimate("a planner is not asked about `truncate`")
    shell = Asked(Question("shell", b"ls"), ANA, SESSION, ORDERS)
    assert estimating.first(shell, READER.read("shell", b"ls", None)) is None
    _found, command = asked("DELETE FROM orders")
    assert estimating.first(Asked(command, ANA, SESSION, ORDERS), command) is None


async def test_where_nobody_can_be_asked_that_is_told() -> None:
    told: list[tuple[str, Estimate]] = []

    def note(ticket: str, found: Estimate) -> None:
        told.append((ticket, found))

    question = asked("DELETE FROM orders")
    closed = asyncio.new_event_loop()
    closed.close()
    for estimating in (Estimating(Answers(), lambda one: TARGET), Estimating(Answers(), lambda one: None)):
        estimating.begin("h-1", *question, note)
        estimating.open(closed)
    assert {found.why_not for _, found in told} == {"no planner can be asked at the moment"}
    told.clear()
    ended = Estimating(Answers(), lambda one: TARGET)
    ended.open(closed)
    ended.begin("h-1", *question, note)
    ended.begin("h-1", *asked("TRUNCATE orders"), note)
    full = Estimating(Answers(), lambda one: TARGET)
    full.open(asyncio.get_running_loop())
    full._running.update(asyncio.get_running_loop().create_task(asyncio.sleep(0)) for _ in range(MAX_RUNNING))
    full.begin("h-2", *question, note)
    assert [ticket for ticket, _ in told] == ["h-2"]
    await asyncio.gather(*full._running)
