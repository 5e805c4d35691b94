"""One session's exchanges: recorded before the answer, or the answer is a deny."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.core.ports import Answer, Outcome, Part, Question
from adapters.errors import RecorderFailed
from engine.decision import Decision, DenyKind, Obligation, Reason, Verdict
from engine.request import Json
from gateway.doors.exchanges import MAX_OPEN, Exchanges, demands
from gateway.errors import AuditUnavailable
from gateway.recording import shelf
from gateway.recording.exchanges import Asked, Done, Line, Shown, read_line
from gateway.recording.keys import WrappingKeys
from gateway.recording.recorder import About, Progress, Recording, Recordings
from tests.strategies.gates import parse

KEYS = WrappingKeys([b"k" * 32])
ABOUT = About("s-1", "ana", "orders", "d-1")
SECONDS = 20.0
GITHUB = f"ghp_{secrets.token_hex(18)}"


@dataclass
class Kept:
    folder: Path
    failures: int = 0
    refuses: str = ""
    made: Recordings = field(init=False)
    exchanges: Exchanges = field(init=False)

    def __post_init__(self) -> None:
        self.made = Recordings(self.folder, KEYS, lambda: 10**18, self._tell, low_water_bytes=0)
        self.exchanges = Exchanges(hides=True, failed=self._failed)

    def _tell(self, progress: Progress) -> None:
        if progress.step == self.refuses:
            raise AuditUnavailable("full")

    def _failed(self) -> None:
        self.failures += 1

    def begun(self) -> Exchanges:
        self.exchanges.begin(self.made, ABOUT)
        return self.exchanges

    def lines(self) -> list[Line]:
        self.exchanges.end()
        (path,) = shelf.files(self.folder)
        return [read_line(line) for line in shelf.lines(path, KEYS)][:-1]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path / "recordings")
    yield made
    made.made.close()


def answer(
    name: str = "d-1", value: Json = True, text: bytes = b"SELECT 1", verdict: Verdict = Verdict.ALLOW
) -> Answer:
    kind = DenyKind.RULE if verdict is Verdict.DENY else None
    reasons = (Reason("p/R", "allow", "R", "so"), Reason("p/R", "limit", "R", "so"))
    decision = Decision(verdict, kind, reasons, obligations=(Obligation("record", value, "p/K"),))
    return Answer(decision, name, command=parse(text))


def question(text: bytes = b"SELECT 1", **fields: object) -> Question:
    return Question("postgres", text, is_exchange=True, **fields)  # type: ignore[arg-type]  # fields of a test


def test_a_command_its_result_and_its_outcome_are_lines(kept: Kept) -> None:
    exchanges = kept.begun()
    given = answer()
    assert exchanges.take(question(), given) is given
    exchanges.show("d-1", Part(("a",), (("1",),)))
    exchanges.finished("d-1", Outcome(1, 10, 0.001))
    exchanges.finished("d-1", Outcome(9, 9, 9))
    exchanges.finished("d-unknown", Outcome(9, 9, 9))
    first, shown, done = kept.lines()
    assert isinstance(first, Asked)
    assert (first.text, first.verdict, first.rules) == ("SELECT 1", "allow", ("p/R",))
    assert (isinstance(shown, Shown), isinstance(done, Done), kept.failures) == (True, True, 0)


def test_secrets_are_hidden_as_in_the_audit(kept: Kept) -> None:
    exchanges = kept.begun()
    text = f"SELECT '{GITHUB}'".encode()
    exchanges.take(question(text), answer(text=text))
    password = b"ALTER ROLE x PASSWORD 'hunter2'"
    exchanges.take(question(password), answer("d-2", text=password))
    unread = b"SELECT 'hunter3"
    exchanges.take(question(unread), Answer(answer().decision, "d-3"))
    texts = [(one.text, one.hidden) for one in kept.lines() if isinstance(one, Asked)]
    assert all(hidden for _, hidden in texts)
    assert not any(word in text for word in (GITHUB, "hunter2", "hunter3") for text, _ in texts)


@pytest.mark.parametrize(
    ("value", "is_there"),
    [(True, False), (["results"], False), (["parameters"], True), (["parameters", "results"], True)],
)
def test_parameters_are_there_where_that_is_demanded(kept: Kept, value: Json, is_there: bool) -> None:
    kept.begun().take(question(parameters=("one", None, GITHUB, "\ud800")), answer(value=value))
    (first,) = kept.lines()
    assert isinstance(first, Asked)
    assert bool(first.parameters) is is_there
    assert not is_there or first.parameters[:2] == ("one", None)
    assert GITHUB not in str(first.parameters)


def test_where_nothing_can_be_recorded_everything_is_a_deny(kept: Kept) -> None:
    kept.exchanges.begin(None, ABOUT)
    given = kept.exchanges.take(question(), answer())
    assert (given.decision.verdict, given.decision.deny_kind) == (Verdict.DENY, DenyKind.AUDIT_UNAVAILABLE)
    assert (given.decision_id, kept.failures) == ("d-1", 1)


def test_a_recording_that_the_audit_does_not_take_denies(kept: Kept) -> None:
    kept.refuses = "began"
    assert not kept.begun().take(question(), answer()).decision.is_granted
    assert kept.failures == 1


def test_once_it_failed_nothing_is_granted_or_shown(kept: Kept) -> None:
    exchanges = kept.begun()
    assert exchanges.take(question(), answer()).decision.is_granted
    kept.made.close()
    assert not exchanges.take(question(), answer("d-2")).decision.is_granted
    with pytest.raises(RecorderFailed):
        exchanges.show("d-1", Part(rows=(("1",),)))
    exchanges.finished("d-1", Outcome())
    assert kept.failures == 1


def test_a_failure_noticed_elsewhere_denies_what_comes_then(kept: Kept) -> None:
    exchanges = kept.begun()
    told = threading.Thread(target=exchanges._fail)
    told.start()
    told.join()
    assert not exchanges.take(question(), answer()).decision.is_granted
    assert kept.failures == 1


def test_nobody_is_refused_before_the_session_is_told_to_end(kept: Kept) -> None:
    told, may_go_on, refused = threading.Event(), threading.Event(), threading.Event()

    def failed() -> None:
        told.set()
        may_go_on.wait(SECONDS)

    def show() -> None:
        with pytest.raises(RecorderFailed):
            exchanges.show("d-1", Part(rows=(("2",),)))
        refused.set()

    exchanges = kept.exchanges = Exchanges(hides=True, failed=failed)
    kept.begun().take(question(), answer())
    recording = exchanges._recording
    assert isinstance(recording, Recording)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, recording._fd)
    os.close(full)
    assert told.wait(SECONDS), "what is recorded is written at least once in a second"
    shower = threading.Thread(target=show)
    shower.start()
    assert not refused.wait(0.2)
    may_go_on.set()
    shower.join(SECONDS)
    assert refused.is_set()


def test_what_is_denied_or_only_prepared_has_no_outcome(kept: Kept) -> None:
    exchanges = kept.begun()
    exchanges.take(question(), answer("d-1", verdict=Verdict.DENY))
    exchanges.take(question(prepares=True), answer("d-2"))
    for name in ("d-1", "d-2"):
        exchanges.finished(name, Outcome(1))
    assert [type(one) for one in kept.lines()] == [Asked, Asked]


def test_outcomes_that_never_come_are_forgotten(kept: Kept) -> None:
    exchanges = kept.begun()
    for number in range(MAX_OPEN + 5):
        exchanges._open[str(number)] = None
    exchanges.take(question(), answer("d-last"))
    assert len(exchanges._open) == MAX_OPEN + 5
    assert "0" not in exchanges._open


def test_who_demands(kept: Kept) -> None:
    assert demands(answer())
    assert not demands(Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("rows", 5, "p/R"),)), "d-1"))


EFFORT = ["best_effort"]


def test_where_best_effort_is_enough_the_session_goes_on_until_one_is_demanded_strictly(kept: Kept) -> None:
    kept.exchanges.begin(kept.made, ABOUT, forgives=True)
    given = answer(value=EFFORT)
    assert kept.exchanges.take(question(), given) is given
    recording = kept.exchanges._recording
    assert isinstance(recording, Recording)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, recording._fd)
    os.close(full)
    kept.exchanges.show("d-1", Part(rows=((secrets.token_hex(60_000),),) * 20))
    kept.exchanges.finished("d-1", Outcome(1))
    unasked = Answer(Decision(Verdict.ALLOW, None), "d-2", command=parse(b"SELECT 1"))
    for other in (answer("d-2", value=EFFORT), unasked):
        assert kept.exchanges.take(question(), other) is other
    assert kept.failures == 0
    assert not kept.exchanges.take(question(), answer("d-3")).decision.is_granted
    assert kept.failures == 1
    assert not kept.exchanges.take(question(), answer("d-4", value=EFFORT)).decision.is_granted
