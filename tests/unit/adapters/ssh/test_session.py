"""The life of one command: only an allow without conditions runs, once, and runs the text that was asked about."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.core.ports import Answer
from adapters.errors import LocalProtocolError
from adapters.ssh.session import (
    Ask,
    Await,
    ClientLeft,
    CommandReceived,
    CommandSession,
    Decided,
    Effect,
    End,
    NotRun,
    Phase,
    Refuse,
    Run,
    Tell,
    TimePassed,
    WakeAt,
    Withdraw,
    unmet,
)
from adapters.terminal import messages
from engine.decision import Decision, DenyKind, Obligation, Verdict
from tests.ssh_world import answer_for

ALLOW = Answer(Decision(Verdict.ALLOW, None), "d9")


def asked(text: bytes = b"ls") -> CommandSession:
    session = CommandSession("/bin/bash")
    (ask,) = session.handle(CommandReceived(text), 0.0)
    assert isinstance(ask, Ask)
    assert (ask.question.protocol, ask.question.text) == ("shell", text)
    return session


def test_an_allowed_command_runs() -> None:
    assert asked(b"ls -l").handle(Decided(ALLOW), 0.0) == [
        Run("exec /bin/bash --noprofile --norc -p -c 'ls -l'", "d9"),
    ]


def test_a_denied_one_is_told_why_and_ends() -> None:
    answer = answer_for("#deny")
    assert asked().handle(Decided(answer), 0.0) == [Tell(messages.denial(answer)), End(126)]


def test_a_held_one_waits_is_told_so_and_runs_when_it_is_granted() -> None:
    session, answer = asked(), answer_for("#hold")
    assert session.handle(Decided(answer), 10.0) == [Tell(messages.held(answer)), Await("T1"), WakeAt(15.0)]
    assert session.handle(TimePassed(), 15.0) == [Tell(messages.still_waiting("T1", 5.0)), WakeAt(20.0)]
    told, run = session.handle(Decided(ALLOW), 16.0)
    assert told == Tell(messages.released("T1"))
    assert isinstance(run, Run)
    assert session.handle(TimePassed(), 20.0) == []


def test_a_hold_that_is_decided_as_a_hold_again_is_no_grant() -> None:
    session = asked()
    session.handle(Decided(answer_for("#hold")), 0.0)
    effects = session.handle(Decided(answer_for("#hold", 2)), 1.0)
    assert effects[-1] == End(126)
    assert session.phase is Phase.OVER


def test_a_hold_without_a_ticket_is_a_denial() -> None:
    answer = Answer(Decision(Verdict.HOLD, None), "d1")
    assert asked().handle(Decided(answer), 0.0)[-1] == End(126)


def test_a_client_that_leaves_takes_its_hold_back() -> None:
    session = asked()
    session.handle(Decided(answer_for("#hold")), 0.0)
    assert session.handle(ClientLeft("gone"), 1.0) == [Withdraw("T1", "gone")]
    assert session.handle(Decided(ALLOW), 2.0) == [NotRun("d9", "CLIENT_GONE")]
    assert session.handle(ClientLeft("gone"), 3.0) == []


@pytest.mark.parametrize("mark", ["#mask", "#rows"])
def test_a_grant_with_a_condition_that_cannot_be_met_is_not_used(mark: str) -> None:
    effects = asked().handle(Decided(answer_for(mark)), 0.0)
    assert [type(effect) for effect in effects] == [NotRun, Tell, End]


def test_what_is_the_gate_s_own_affair_is_no_obstacle() -> None:
    answer = Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("notify", "x", "r"),)), "d1")
    (run,) = asked().handle(Decided(answer), 0.0)
    assert isinstance(run, Run)


@pytest.mark.parametrize("text", [b"ls\x00rm", b"\xff"])
def test_what_could_be_read_in_two_ways_is_refused_without_a_question(text: bytes) -> None:
    effects = CommandSession("/bin/bash").handle(CommandReceived(text), 0.0)
    assert [type(effect) for effect in effects] == [Refuse, Tell, End]


def test_a_command_too_long_for_the_target_is_refused_although_it_is_allowed() -> None:
    effects = asked(b"x" * 140_000).handle(Decided(ALLOW), 0.0)
    match effects:
        case [NotRun(error="TOO_LONG"), Tell(said), End(126)]:
            # No policy demands it.
            assert said.startswith("sallyport: refused: a command longer than the target takes\n")
        case _:
            raise AssertionError(effects)


def test_a_channel_has_one_command() -> None:
    session = asked()
    with pytest.raises(LocalProtocolError):
        session.handle(CommandReceived(b"id"), 0.0)


ANSWERS = st.one_of(
    st.sampled_from(["", "#deny", "#hold", "#mask", "#rows"]).map(answer_for),
    st.sampled_from(list(DenyKind)).map(lambda kind: Answer(Decision(Verdict.DENY, kind), "d")),
    st.just(Answer(Decision(), "")),
)


class OneCommand(RuleBasedStateMachine):
    """Whatever answers come in whatever order: what runs was granted, is what was asked, and runs once."""

    def __init__(self) -> None:
        super().__init__()
        self.session = CommandSession("/bin/bash")
        self.text = ""
        self.ran: list[Run] = []
        self.granted = False
        self.gone = False

    def take(self, effects: list[Effect]) -> None:
        self.ran += [effect for effect in effects if isinstance(effect, Run)]

    @precondition(lambda self: self.session.phase is Phase.NEW)
    @rule(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
    def receive(self, text: str) -> None:
        self.text = text
        self.take(self.session.handle(CommandReceived(text.encode()), 0.0))

    @rule(answer=ANSWERS)
    def decide(self, answer: Answer) -> None:
        waited = self.session.phase in (Phase.ASKED, Phase.WAITING)
        is_plain = answer.decision.verdict is Verdict.ALLOW and not answer.decision.obligations
        self.granted = self.granted or (waited and is_plain and not self.gone)
        self.take(self.session.handle(Decided(answer), 1.0))

    @rule()
    def pass_time(self) -> None:
        self.take(self.session.handle(TimePassed(), 2.0))

    @rule()
    def leave(self) -> None:
        self.gone = True
        self.take(self.session.handle(ClientLeft("gone"), 3.0))

    @invariant()
    def only_what_was_granted_ran_and_once(self) -> None:
        assert len(self.ran) <= 1
        if self.ran:
            assert self.granted
            assert shlex.split(self.ran[0].line)[-1] == self.text
            assert "\x00" not in self.text


TestOneCommand = OneCommand.TestCase


def test_a_mask_verdict_runs_with_what_is_to_be_hidden() -> None:
    effects = asked().handle(Decided(answer_for("#secrets")), 0.0)
    (run,) = effects
    assert isinstance(run, Run)
    assert [sorted(mask.types) for mask in run.masks] == [["secret.github_token"]]
    assert unmet(answer_for("#secrets")) == "that the output is masked"
    assert unmet(answer_for("#secrets"), can_mask=True) is None
    assert unmet(answer_for("#mask"), can_mask=True) is not None
    assert unmet(answer_for("#deny"), can_mask=True) is not None
