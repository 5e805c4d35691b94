"""What the demonstration shows: one line to paste for each verdict, and what must be seen when it is pasted.

What is expected follows from the sample data and the example policies; nothing here runs anything.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.decision import Verdict
from gateway.demo.sample import Rows, sample_rows

#: Who plays in the demonstration, with their groups. The approver is whoever runs it.
READER, DEVELOPER, APPROVER = "ana", "bo", "you"
GROUPS = {READER: ("data-readers",), DEVELOPER: ("developers",), APPROVER: ("dba",)}


@dataclass(frozen=True, slots=True)
class Scene:
    """One command. `stdout` and `stderr` are regular expressions that each must be found; `forbidden` must not be, in either."""

    verdict: Verdict
    who: str
    sql: str
    expected: str
    exit_status: int
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    """The words of a line that is no psql's."""

    def words(self) -> tuple[str, ...]:
        """The command line, as words. `-X`: nobody's .psqlrc changes what is seen."""
        return self.argv or ("psql", "-X", f"service={self.who}", "-c", self.sql)

    def line(self) -> str:
        """The command line, to paste."""
        return " ".join(_quoted(word) for word in self.words())


@dataclass(frozen=True, slots=True)
class Seen:
    """What a pasted line did."""

    exit_status: int
    stdout: str
    stderr: str


def _quoted(word: str) -> str:
    """A word as a shell reads it; SQL with its own quotes stays legible in double ones."""
    return f'"{word}"' if "'" in word and not re.search(r'["$`\\!]', word) else shlex.quote(word)


def scenes(rows: Sequence[Rows] | None = None) -> tuple[Scene, ...]:
    """The four scenes, over the sample data."""
    _, orders, cards = rows or sample_rows()
    return (_allowed(orders), _masked(cards), _denied(), _held(orders))


def differences(scene: Scene, seen: Seen) -> list[str]:
    """What was not as expected; empty when all was."""
    found = []
    if seen.exit_status != scene.exit_status:
        found.append(f"exit status {seen.exit_status}, expected {scene.exit_status}")
    for name, text, patterns in (("output", seen.stdout, scene.stdout), ("messages", seen.stderr, scene.stderr)):
        found += [f"{name} lack `{pattern}`" for pattern in patterns if not re.search(pattern, text, re.MULTILINE)]
    everything = seen.stdout + seen.stderr
    found += [f"`{pattern}` was shown" for pattern in scene.forbidden if re.search(pattern, everything)]
    return found


def _allowed(orders: Rows) -> Scene:
    counted = Counter(str(row[4]) for row in orders.rows)
    return Scene(
        verdict=Verdict.ALLOW,
        who=READER,
        sql="SELECT status, count(*) FROM shop.orders GROUP BY status ORDER BY status",
        expected="the rows",
        exit_status=0,
        stdout=tuple(rf"^ {status} +\| +{count}$" for status, count in sorted(counted.items())),
    )


def _masked(cards: Rows) -> Scene:
    first = sorted(cards.rows)[:3]
    return Scene(
        verdict=Verdict.MASK,
        who=READER,
        sql="SELECT holder, card_number FROM shop.cards ORDER BY customer_id LIMIT 3",
        expected="card numbers with their last four digits only",
        exit_status=0,
        stdout=tuple(rf"^ {re.escape(str(row[1]))} +\| \*{{12}}{str(row[2])[-4:]}$" for row in first),
        forbidden=(r"\d{12,}",),
    )


def _denied() -> Scene:
    return Scene(
        verdict=Verdict.DENY,
        who=READER,
        sql="DELETE FROM shop.orders",
        expected="an error that names the rule; every row still there",
        exit_status=1,
        stderr=(r"^ERROR: ", r"WITHOUT_WHERE"),
        forbidden=(r"DELETE \d+",),
    )


def held_order(orders: Rows) -> int:
    """The order whose change is held: the first one that is not paid yet."""
    return min(int(str(row[0])) for row in orders.rows if row[4] == "open")


def _held(orders: Rows) -> Scene:
    return Scene(
        verdict=Verdict.HOLD,
        who=DEVELOPER,
        sql=f"UPDATE shop.orders SET status = 'paid' WHERE id = {held_order(orders)}",  # noqa: S608  # a number of our own
        expected="a notice with a ticket; UPDATE 1 once it is approved, in the same session",
        exit_status=0,
        stdout=(r"^UPDATE 1$",),
        stderr=(r"^NOTICE: ", r"PROD_WRITE"),
    )
