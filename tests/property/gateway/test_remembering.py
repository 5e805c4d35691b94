"""A verdict that is given again is the one that would be given afresh, and is recorded the same, whatever changed in between.

Two gates over one changing world: a session of one remembers, one of the other never does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core.ports import Outcome, Question
from engine.decision import Decision, DenyKind, Reason, Verdict
from engine.evaluator.cache import Judgement
from engine.request import Approval, Json
from gateway.asked import Asked
from gateway.audit.entry import Entry, decode, encode, numbered
from gateway.doors.adapters import GatewaySession
from gateway.forms import outcome_body
from gateway.gate import Gate
from gateway.remembering import Memory
from tests.strategies.gates import ANA, HOLD, MASK, ORDERS, SESSION, House, parse

TOKEN = b"gh" + b"p_" + b"Zk3vN9qLw2TbW8zRm4Jp7Hs1Dc6Fg5Ae0UoB"
"""Looks like a secret; not without its digits, which share its shape."""
TEXTS = (
    b"SELECT '" + TOKEN + b"'",
    b"SELECT '" + bytes(b for b in TOKEN if not chr(b).isdigit()) + b"'",
    b"SELECT 1",
    b"SELECT 2",
    b'SELECT 1 -- \xff\n"\\',
    b"DELETE",
    b"SET PASSWORD 'x'",
    b"SET PASSWORD 'yy'",
    b"x" * 9_000,
)


def shape_of(protocol: str, text: bytes) -> bytes | None:
    """As a parser would: texts that differ in their digits or quoted letters share one; some have none."""
    return None if text == b"DELETE" else bytes(b for b in text if not chr(b).isdigit() and b not in b"xy")


class World:
    """Policies whose answer depends on everything that may decide one."""

    def __init__(self) -> None:
        self.program = Program("r1")


class Program:
    """One revision; answers by who, where, state, names and text, and remembers shapes as the engine does."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        self._texts: dict[object, Judgement] = {}
        self._shapes: dict[object, Judgement] = {}

    def shape(self, question: Question) -> None:
        return None

    def judge(self, asked: Asked, now: int, approval: Approval | None) -> Judgement:
        question = asked.question
        assert isinstance(question, Question)
        about = (asked.principal, asked.session.state.get("role"), asked.resource.name, question.catalog)
        if (same := self._texts.get((repr(about), question.text))) is not None:
            return same
        shape = shape_of("", question.text)
        known = self._shapes.get((repr(about), shape)) if shape is not None else None
        if known is not None:
            return Judgement(known.decision, known.command, exact=False)
        number = hash((self.revision, repr(about), shape or question.text)) % 6
        decision = {
            0: HOLD,
            1: MASK,
            2: Decision(Verdict.DENY, DenyKind.RULE, (Reason("p/NO", "deny", "NO", "no"),)),
        }.get(number, Decision(Verdict.ALLOW, None, (Reason(f"p/R{number}", "allow", f"R{number}"),)))
        cacheable = decision is not HOLD and number != 5
        decision = replace(decision, revision=self.revision, cacheable=cacheable)
        found = Judgement(decision, parse(question.text, question.catalog))
        if cacheable:
            self._texts[repr(about), question.text] = found
        if cacheable and shape is not None:
            self._shapes[repr(about), shape] = found
        return found


moves = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(TEXTS), st.sampled_from([None, (), ("1",), (None, "ü")]), st.booleans()),
    st.tuples(st.just("ask"), st.sampled_from(TEXTS), st.none(), st.just(False)),
    st.tuples(st.sampled_from(["policies", "names", "state", "people", "gone"])),
)


class Keeper:
    """The doors, as far as a session uses them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.known = object()
        self.renewed: Callable[[Asked], Asked | None] = lambda asked: asked
        self.shape_of = shape_of

    def renew(self, asked: Asked) -> Asked | None:
        return self.renewed(asked)


class Side:
    """One house with one session at a time."""

    def __init__(self, folder: Path, remembers: bool) -> None:
        folder.mkdir()
        self.house = House(folder)
        self.remembers = remembers
        self.begin()

    def begin(self) -> None:
        """A new session in a world that is as at first."""
        self.world = World()
        self.house.policies = self.world  # type: ignore[assignment]  # as the gate sees it
        self.keeper = Keeper(self.house.build())
        self.session = GatewaySession(self.keeper, ANA, SESSION, ORDERS)  # type: ignore[arg-type]  # as much as is used
        if not self.remembers:
            self.session._memory = _Never(shape_of)

    def told(self) -> list[Entry]:
        """All entries, without what chance and time put into them."""
        return [
            msgspec.structs.replace(entry, time=0, decision_id="", ticket=entry.ticket and "T")
            for entry in self.house.entries()
        ]


class _Never(Memory):
    def find(self, *about: object) -> None:  # type: ignore[override]  # knows nothing, whatever is asked
        return None


def play(sides: tuple[Side, Side], dialogue: list[tuple[object, ...]]) -> None:
    """One dialogue on both sides, compared answer by answer."""
    state: Mapping[str, Json] = {"transaction": "idle", "role": "r0"}
    names: object = "names-0"
    for side in sides:
        side.begin()
    for number, move in enumerate(dialogue):
        match move:
            case ("ask", bytes() as text, parameters, bool() as prepares):
                question = Question("postgres", text, names, parameters, state, prepares)  # type: ignore[arg-type]  # drawn
                again, fresh = (side.session.decide(question) for side in sides)
                assert again.decision == fresh.decision
                assert again.mask_keys == fresh.mask_keys
                assert (again.command is None) == (fresh.command is None)
            case ("policies",):
                for side in sides:
                    side.world.program = Program(f"r{number}")
            case ("names",):
                names = f"names-{number}"
            case ("state",):
                state = {"transaction": "idle", "role": f"r{number}"}
            case ("people",):
                for side in sides:
                    side.keeper.renewed = lambda asked, n=number: msgspec.structs.replace(  # type: ignore[misc]  # bound now
                        asked, principal=replace(asked.principal, groups=(f"g{n}",))
                    )
                    side.keeper.known = object()
            case _:
                for side in sides:
                    side.keeper.renewed = lambda asked: None
                    side.keeper.known = object()


def test_a_remembered_verdict_is_the_fresh_one_and_recorded_alike(tmp_path: Path) -> None:
    sides = Side(tmp_path / "remembers", True), Side(tmp_path / "forgets", False)

    @given(st.lists(moves, min_size=8, max_size=30))
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def both(dialogue: list[tuple[object, ...]]) -> None:
        play(sides, dialogue)

    try:
        both()
        told = [side.told() for side in sides]
        assert told[0] == told[1]
        assert len(told[0]) > 500
    finally:
        for side in sides:
            side.house.close()


@given(st.text(max_size=20), st.integers(0, 2**40), st.floats(0, 1e6), st.one_of(st.none(), st.text(max_size=5)))
def test_an_outcome_reads_back_as_the_entry_it_stands_for(
    decision_id: str, count: int, duration: float, error: str | None
) -> None:
    outcome = Outcome(count, count * 2, duration, error)
    line = numbered(outcome_body(decision_id, outcome, 5), 7)
    entry = Entry(
        kind=decode(line).kind,
        time=5,
        decision_id=decision_id,
        rows=count,
        bytes=count * 2,
        duration=duration,
        error=error,
    )
    assert decode(line) == decode(encode(entry, 7))
