"""Who comes in, who does not, and that the log knows about both."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace as changed

from adapters.core.ports import Again, Doorkeeper, Ending, GateSession, Outcome, Question, Refusal, Target
from engine._native import Unwritten
from engine.decision import DenyKind, Verdict
from gateway.approvals.states import Approved, Person, State
from gateway.audit.entry import Kind
from gateway.doors.adapters import NO_RECORD, NO_RESOURCE, NOT_PROVEN, TOO_MANY, Doors, Known
from gateway.doors.resources import Directory, Limits, Place
from gateway.doors.session import GatewaySession
from gateway.identity.logins import Login, Unproven
from gateway.identity.minting import Asker, Mint, Wish
from gateway.identity.people import Known as Person_
from gateway.identity.people import People, digest_token
from gateway.identity.proofs import TOLD, UNAVAILABLE, Proofs
from gateway.identity.scoped import TokenKey, TokenKeys
from gateway.identity.scram import make_verifier
from gateway.identity.standing import Standing
from gateway.identity.throttle import MAX_FOR_NAME
from gateway.identity.tokens import Tokens
from gateway.store.database import open_database
from gateway.store.migrations import downgrade, upgrade
from tests.strategies.gates import ANA, HOLD, ORDERS, House, asked, question, told
from tests.strategies.lanes import ANSWER, COMMAND, lane_of

TOKEN = secrets.token_urlsafe(24)
VERIFIER = make_verifier("x", b"s" * 16, 100)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.close()


@pytest.fixture
def doors(house: House) -> Doors:
    return Doors(
        gate=house.gate,
        log=house.log,
        people=People([Person_(ANA, VERIFIER, digest_token(TOKEN.encode()))], b"k" * 32),
        directory=Directory(
            [
                Place(ORDERS, Target("db", 5432, "gateway", "s3cret")),
                Place(replace(ORDERS, name="many", database=None), Target("db", 5432, "gateway")),
            ]
        ),
        clock=house.clock,
        meters=house.meters,
    )


def admit(doors: Doors, **changes: object) -> GatewaySession | Refusal:
    wanted: dict[str, object] = {
        "user": "ana",
        "resource": "orders",
        "protocol": "postgres",
        "proven": True,
        "client_address": "10.0.0.9",
        "application": "psql",
    }
    return doors.admit(**{**wanted, **changes})  # type: ignore[arg-type]  # fields of a test


def opened(doors: Doors, **changes: object) -> GatewaySession:
    session = admit(doors, **changes)
    assert isinstance(session, GatewaySession)
    return session


def test_it_is_the_doorkeeper_that_adapters_ask_for(doors: Doors) -> None:
    keeper: Doorkeeper = doors
    session: GateSession = opened(doors)
    assert keeper.target("orders") == Target("db", 5432, "gateway", "s3cret")
    assert keeper.target("none") is None
    assert session.id.startswith("s-")


def test_proofs_are_those_of_the_known_people(doors: Doors) -> None:
    assert doors.scram_verifier("ana") == VERIFIER
    assert doors.scram_verifier("eve").iterations == 100
    assert doors.check_token("ana", TOKEN, "orders")
    assert not doors.check_token("eve", TOKEN, "orders")


def test_an_opened_session_is_recorded_and_decides_as_its_principal(doors: Doors, house: House) -> None:
    session = opened(doors)
    assert session.decide(question("SELECT 1")).decision.is_granted
    session.finished("d-1", Outcome(1))
    session.close("bye")
    session.close("bye")
    told = [(entry.kind, entry.step, entry.session) for entry in house.entries()]
    assert told == [
        (Kind.SESSION, "opened", session.id),
        (Kind.DECISION, "", session.id),
        (Kind.OUTCOME, "", ""),
        (Kind.SESSION, "closed", session.id),
    ]
    assert house.entries()[1].principal == "ana"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"proven": False}, NOT_PROVEN),
        ({"user": "eve"}, NOT_PROVEN),
        ({"user": "eve", "resource": "none"}, NOT_PROVEN),
        ({"proven": False, "resource": "none"}, NOT_PROVEN),
        ({"resource": "none"}, NO_RESOURCE),
        ({"protocol": "ssh"}, NO_RESOURCE),
    ],
)
def test_who_is_not_let_in_is_told_as_little_as_possible_and_recorded(
    doors: Doors, house: House, changes: dict[str, object], refusal: Refusal
) -> None:
    assert admit(doors, **changes) == refusal
    (entry,) = house.entries()
    assert (entry.step, entry.note) == ("refused", refusal.code)


def test_who_guesses_waits_even_with_the_right_answer(doors: Doors, house: House) -> None:
    for _ in range(MAX_FOR_NAME):
        admit(doors, proven=False)
    assert admit(doors) == TOO_MANY
    assert isinstance(admit(doors, client_address="10.0.0.10"), GatewaySession)
    house.clock.pass_seconds(61)
    assert isinstance(admit(doors), GatewaySession)


def test_a_login_that_cannot_be_recorded_is_none(doors: Doors, house: House) -> None:
    session = opened(doors)
    house.log.close()
    assert admit(doors) == NO_RECORD
    session.close("bye")


def test_the_database_is_the_resources_own_or_else_the_clients_choice(doors: Doors, house: House) -> None:
    seen = []

    def judging(asked: object, now: int, approval: object) -> object:
        seen.append(asked.resource.database)  # type: ignore[attr-defined]  # the gate's question
        return house.policies.decision

    house.policies.judging = judging  # type: ignore[assignment]  # as above
    opened(doors, database="elsewhere").decide(question())
    opened(doors, resource="many", database="chosen").decide(question())
    opened(doors, resource="many").decide(question())
    assert seen == ["shop", "chosen", None]


def test_the_facts_of_a_session_reach_the_policies_and_the_object_changes_only_with_them(
    doors: Doors, house: House
) -> None:
    seen = []

    def judging(asked: object, now: int, approval: object) -> object:
        seen.append(asked.session)  # type: ignore[attr-defined]  # the gate's question
        return house.policies.decision

    house.policies.judging = judging  # type: ignore[assignment]  # as above
    session = opened(doors)
    for state in ({}, {"transaction": "open"}, {"transaction": "open"}, {}):
        session.decide(question(state=state))
    assert [one.state for one in seen] == [{}, {"transaction": "open"}, {"transaction": "open"}, {}]
    assert seen[1] is seen[2]


async def test_a_hold_waits_and_can_be_taken_back_by_its_own_session_only(doors: Doors, house: House) -> None:
    house.policies.decision = HOLD
    mine, other = opened(doors), opened(doors)
    ticket = (await told(mine.decide(question("DELETE")))).ticket
    assert ticket is not None
    other.withdraw(ticket, "not mine")
    assert (found := house.approvals.get(ticket)) is not None
    assert found.is_open
    waiting = asyncio.create_task(mine.fate(ticket))
    while not house.approvals.bell.waiters(ticket):
        await asyncio.sleep(0)
    house.gate.advance(ticket, Approved(Person("bo", ("dba",))))
    assert (await waiting).decision.verdict is Verdict.ALLOW
    second = (await told(mine.decide(question("DELETE 2")))).ticket
    assert second is not None
    mine.withdraw(second, "the client left")
    house.gate.close()
    assert (gone := house.approvals.get(second)) is not None
    assert gone.state is State.WITHDRAWN


def known(*names: str, groups: tuple[str, ...] = (), resources: tuple[str, ...] = ("orders",)) -> Known:
    """What another configuration might know."""
    people = People([Person_(replace(ANA, name=name, groups=groups)) for name in names], b"k" * 32)
    return Known(people, Directory([Place(replace(ORDERS, name=one), Target("db", 1, "g")) for one in resources]))


def test_a_reload_reaches_sessions_that_are_open(doors: Doors, house: House) -> None:
    session = opened(doors)
    doors.known = known("ana", groups=("promoted",))
    assert session.decide(question()).decision.is_granted
    assert house.entries()[-1].groups == ("promoted",)


@pytest.mark.parametrize("gone", [known("bo"), known("ana", resources=("other",))])
def test_who_or_what_is_not_known_any_more_gets_nothing_and_stays_out(doors: Doors, house: House, gone: Known) -> None:
    session = opened(doors)
    doors.known = gone
    assert session.decide(question()).decision.deny_kind is DenyKind.NOT_AUTHENTICATED
    assert house.entries()[-1].deny_kind == "NOT_AUTHENTICATED"
    doors.known = known("ana")
    assert not session.decide(question()).decision.is_granted
    assert opened(doors).decide(question()).decision.is_granted


async def test_a_grant_is_of_no_use_to_who_is_not_known_any_more(house: House, doors: Doors) -> None:
    house.policies.decision = HOLD
    house.gate._renew = doors.renew
    session = opened(doors)
    ticket = (await told(session.decide(question("DELETE")))).ticket
    assert ticket is not None
    house.gate.advance(ticket, Approved(Person("bo", ("dba",))))
    doors.known = known("bo")
    assert not (await session.fate(ticket)).decision.is_granted
    assert (found := house.approvals.get(ticket)) is not None
    assert found.state is State.WITHDRAWN


def test_a_question_that_a_service_asked_for_somebody_is_left_as_it_is(doors: Doors) -> None:
    theirs = changed(asked(), caller="envoy", principal=replace(ANA, name="unheard of"))
    assert doors.renew(theirs) is theirs
    chosen = changed(asked(), resource=replace(ORDERS, name="many", database="chosen"))
    assert (renewed := doors.renew(chosen)) is not None
    assert renewed.resource.database == "chosen"


def test_what_is_not_carried_is_denied_and_recorded_as_it_was_asked_for(house: House, doors: Doors) -> None:
    session = opened(doors)
    answer = session.refuse(Question("ssh", b'connect "db" "5432"'), "not carried here")
    assert answer.decision.verdict is Verdict.DENY
    (entry,) = [entry for entry in house.entries() if entry.kind is Kind.DECISION]
    assert (entry.verdict, entry.protocol, entry.text) == ("deny", "ssh", 'connect "db" "5432"')


def test_a_public_key_belongs_to_whom_the_configuration_says(doors: Doors) -> None:
    doors.known = replace(doors.known, people=People([Person_(ANA, keys=frozenset({b"k"}))], b"k" * 32))
    assert doors.is_key_of("ana", b"k")
    assert not doors.is_key_of("ana", b"other")
    assert not doors.is_key_of("bo", b"k")
    assert doors.key_authorities() == ()


# --- signed tokens


class Signed:
    """Doors that take signed tokens, and who makes them."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.database = open_database(f"sqlite:///{folder}/tokens.db")
        upgrade(self.database)
        keys, self.tokens = TokenKeys([TokenKey.from_seed(b"s" * 32)]), Tokens(self.database)
        clock = house.clock
        self.seconds = 0.0
        self.doors = Doors(
            gate=house.gate,
            log=house.log,
            people=People([Person_(ANA)], b"k" * 32),
            directory=Directory([Place(ORDERS, Target("db", 5432, "gateway"))]),
            clock=clock,
            meters=house.meters,
            proofs=Proofs(
                keys=keys, tokens=self.tokens, issuers=[], people=lambda: self.doors.known.people, clock=clock
            ),
            standing=(standing := Standing(self.tokens, clock, lambda: self.seconds)),
        )
        self.standing = standing
        standing.refresh()
        self.mint = Mint(keys, self.tokens, max_ttl=3_600, exists=lambda name: True, clock=clock)

    def look_at(self, seconds: float) -> None:
        """Some time later, with the look that somebody takes every so often."""
        self.seconds = seconds
        self.standing.refresh()

    async def open(self, asker: Asker | None = None, **wish: object) -> tuple[GatewaySession, str]:
        """A session by a new token, and the token's id."""
        text, grant = self.mint.issue(asker or Asker("ana"), Wish(("orders",), 600, **wish))  # type: ignore[arg-type]  # fields
        proof = await self.doors.examine(text, "ana", "orders")
        session = self.doors.admit(
            user=proof.user,
            resource="orders",
            protocol="postgres",
            proven=True,
            client_address=None,
            application="psql",
            proof=proof,
        )
        assert isinstance(session, GatewaySession)
        return session, grant.id


@pytest.fixture
def signed(house: House, tmp_path: Path) -> Iterator[Signed]:
    built = Signed(house, tmp_path)
    yield built
    built.database.close()


async def test_the_job_of_a_token_is_the_sessions_and_the_audits(signed: Signed) -> None:
    session, token_id = await signed.open(job="build-42")
    answer = session.decide(question("SELECT 1"))
    assert answer.decision.is_granted
    *_, came, decided = signed.house.entries()
    assert (came.step, came.job, came.note) == ("opened", "build-42", f"token {token_id}")
    assert (decided.job, decided.attributes) == ("build-42", {"token": token_id})


async def test_a_session_ends_with_its_token_also_for_what_it_was_told_before(signed: Signed) -> None:
    session, _ = await signed.open()
    assert all(session.decide(question("SELECT 1")).decision.is_granted for _ in range(3))
    signed.house.clock.pass_seconds(601)
    answer = session.decide(question("SELECT 1"))
    assert answer.decision.deny_kind is DenyKind.NOT_AUTHENTICATED
    assert "expired" in answer.decision.reasons[0].reason


async def test_a_token_that_is_taken_back_runs_nothing_more_within_a_second(signed: Signed) -> None:
    session, token_id = await signed.open()
    assert all(session.decide(question("SELECT 1")).decision.is_granted for _ in range(3))
    signed.tokens.revoke([token_id], signed.house.clock.now)
    signed.look_at(0.95)
    answer = session.decide(question("SELECT 1"))
    assert answer.decision.deny_kind is DenyKind.NOT_AUTHENTICATED
    assert "revoked" in answer.decision.reasons[0].reason


async def test_a_session_runs_nothing_while_nobody_can_say_whether_it_counts(signed: Signed) -> None:
    session, _ = await signed.open()
    assert session.decide(question("SELECT 1")).decision.is_granted
    downgrade(signed.database, "base")
    signed.look_at(5.0)
    answer = session.decide(question("SELECT 1"))
    assert answer.decision.deny_kind is DenyKind.NOT_AUTHENTICATED
    assert "cannot be asked" in answer.decision.reasons[0].reason


async def test_approvers_see_the_job_and_the_prompt_without_secrets_in_it(signed: Signed) -> None:
    signed.house.policies.decision = HOLD
    secret = "AKIA" + "Q" * 16
    session, _ = await signed.open(job="build-42", prompt=f"clean up the orders, with {secret}")
    held = await told(session.decide(question("DELETE FROM orders")))
    assert held.ticket is not None
    ticket = signed.house.approvals.get(held.ticket)
    assert ticket is not None
    assert ticket.job == "build-42"
    assert ticket.shown.prompt is not None
    assert ticket.shown.prompt.startswith("clean up the orders, with ")
    assert secret not in ticket.shown.prompt
    assert ticket.stated == ()


async def test_approvers_see_what_is_the_requesters_own_word(signed: Signed) -> None:
    signed.house.policies.decision = HOLD
    session, _ = await signed.open(Asker("ana", is_self=True), job="nightly-backup", prompt="the DBA asked me to")
    held = await told(session.decide(question("DELETE FROM orders")))
    assert held.ticket is not None
    ticket = signed.house.approvals.get(held.ticket)
    assert ticket is not None
    assert (ticket.job, ticket.stated) == ("nightly-backup", ("job", "prompt"))
    assert signed.house.entries()[-1].attributes["stated"] == ["job", "prompt"]


async def test_a_hold_is_not_released_to_a_token_that_was_taken_back(signed: Signed) -> None:
    signed.house.policies.decision = HOLD
    signed.house.gate._renew = signed.doors.renew
    session, token_id = await signed.open()
    held = await told(session.decide(question("DELETE FROM orders")))
    assert held.ticket is not None
    signed.house.gate.advance(held.ticket, Approved(Person("bo", ("dba",)), ""))
    signed.tokens.revoke([token_id], signed.house.clock.now)
    signed.look_at(0.95)
    assert not (await session.fate(held.ticket)).decision.is_granted


async def test_a_question_over_a_face_is_its_tokens_persons_as_long_as_they_are_who_they_were(signed: Signed) -> None:
    """Whoever asks by a token and waits for approval is looked at again, as at the doors: the name may be somebody else's by then."""
    text, _ = signed.mint.issue(Asker("ana"), Wish(("orders",), 600))
    login = await signed.doors.examine(text, "ana", "orders")
    assert isinstance(login, Login)
    own = changed(asked(), caller="ana", principal=login.principal, login=login)
    spoken_for = changed(own, principal=replace(ANA, name="bo"))
    signed.doors.known = replace(
        signed.doors.known, people=People([Person_(replace(ANA, groups=("fewer",)))], b"k" * 32)
    )
    assert (renewed := signed.doors.renew(own)) is not None
    assert renewed.principal.groups == ("fewer",)
    assert signed.doors.renew(spoken_for) is spoken_for
    signed.doors.known = replace(signed.doors.known, people=People([], b"k" * 32))
    assert signed.doors.renew(own) is None
    assert signed.doors.renew(spoken_for) is None


async def test_a_token_good_once_opens_one_session(signed: Signed) -> None:
    text, _ = signed.mint.issue(Asker("ana"), Wish(("orders",), 600, once=True))
    proofs = [await signed.doors.examine(text, "ana", "orders") for _ in range(2)]
    first, second = (admit(signed.doors, proof=proof) for proof in proofs)
    assert isinstance(first, GatewaySession)
    assert second == Refusal(TOLD, "the token was used already")
    assert signed.house.entries()[-1].note == "28001 TOKEN_USED"


async def test_a_store_that_hangs_does_not_hold_up_who_lets_in(signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = signed.mint.issue(Asker("ana"), Wish(("orders",), 600, once=True))
    proof = await signed.doors.examine(text, "ana", "orders")
    answers, use = threading.Event(), signed.doors._proofs.use
    monkeypatch.setattr(signed.doors._proofs, "use", lambda login: answers.wait(30) and use(login))
    began = time.monotonic()
    refusal = admit(signed.doors, proof=proof)
    assert time.monotonic() - began < 5
    assert isinstance(refusal, Refusal)
    assert refusal.code == "57P03"
    answers.set()


async def test_a_token_is_used_up_only_when_nothing_else_is_in_the_way(signed: Signed) -> None:
    text, grant = signed.mint.issue(Asker("ana"), Wish(("nowhere",), 600, once=True))
    proof = await signed.doors.examine(text, "ana", "nowhere")
    assert admit(signed.doors, resource="nowhere", proof=proof) == NO_RESOURCE
    assert (found := signed.tokens.find(grant.id)) is not None
    assert found.used_at is None


async def test_a_proof_is_for_its_name_its_resource_and_these_doors(signed: Signed) -> None:
    login = Login(ANA, signed.house.clock.now + 1_000_000_000, token="t-1", resources=frozenset({"build"}))
    wider = replace(login, resources=None)
    assert isinstance(admit(signed.doors, proof=wider), GatewaySession)
    assert admit(signed.doors, user="bo", proof=wider) == NOT_PROVEN
    assert admit(signed.doors, proven=False, proof=login) == NOT_PROVEN
    assert isinstance(refusal := admit(signed.doors, proof=login), Refusal)
    assert signed.house.entries()[-1].note == f"{refusal.code} TOKEN_RESOURCE"

    class Stranger:
        user, groups = "ana", ()

    assert admit(signed.doors, proof=Stranger()) == NOT_PROVEN


async def test_why_a_token_proves_nobody_is_recorded_and_what_was_not_the_clients_fault_is_not_counted(
    signed: Signed,
) -> None:
    fault = Unproven("ISSUER_UNREACHABLE", Refusal(UNAVAILABLE, "later"), is_fault=True)
    for _ in range(MAX_FOR_NAME + 1):
        assert admit(signed.doors, proven=False, proof=fault) == fault.refusal
    assert signed.house.entries()[-1].note == f"{UNAVAILABLE} ISSUER_UNREACHABLE"
    wrong = await signed.doors.examine("ey.ey.ey", "ana", "orders")
    assert wrong == Unproven("TOKEN_MALFORMED")
    for _ in range(MAX_FOR_NAME):
        assert admit(signed.doors, proven=False, proof=wrong) == NOT_PROVEN
    assert admit(signed.doors, proven=False, proof=wrong) == TOO_MANY


async def test_groups_that_the_configuration_gives_later_count_at_the_next_command(signed: Signed) -> None:
    session, _ = await signed.open()
    known = signed.doors.known
    signed.doors.known = Known(People([Person_(replace(ANA, groups=("dba",)))], b"k" * 32), known.directory)
    session.decide(question("SELECT 1"))
    assert signed.house.entries()[-1].groups == ("dba",)
    signed.doors.known = Known(People([], b"k" * 32), known.directory)
    assert session.decide(question("SELECT 1")).decision.deny_kind is DenyKind.NOT_AUTHENTICATED


async def test_doors_without_proofs_take_no_signed_token(doors: Doors) -> None:
    assert not doors.takes_tokens
    assert await doors.examine("ey.ey.ey", "ana", "orders") == Unproven("TOKEN_UNKNOWN")
    login = Login(ANA, 1 << 62)
    assert isinstance(admit(doors, proof=login), Refusal)


def test_open_sessions_are_known_until_they_close(doors: Doors) -> None:
    first, second = admit(doors), admit(doors, resource="many", database="sales")
    assert isinstance(first, GatewaySession)
    assert isinstance(second, GatewaySession)
    assert not isinstance(admit(doors, proven=False), GatewaySession)
    assert [(one.session.id, one.principal.name, one.resource.database) for one in doors.live()] == [
        (first.id, "ana", "shop"),
        (second.id, "ana", "sales"),
    ]
    first.close("bye")
    first.close("bye")
    assert [one.session.id for one in doors.live()] == [second.id]


class Wire:
    """A connection that only hears how it has to end, and ends."""

    def __init__(self, session: GatewaySession, *, closes: bool = True) -> None:
        self.session, self.closes = session, closes
        self.told: list[Ending] = []
        session.watch(self)

    def was_active(self) -> bool:
        return False

    def end(self, ending: Ending) -> None:
        self.told.append(ending)
        if self.closes:
            self.session.close("what the connection says")


def limited(doors: Doors, **limits: float) -> Doors:
    known = doors.known
    place = Place(ORDERS, Target("db", 5432, "gateway"), Limits(**limits))  # type: ignore[arg-type]  # fields of a test
    other = Place(replace(ORDERS, name="many"), Target("db", 5432, "gateway"))
    doors.known = Known(known.people, Directory([place, other]))
    return doors


def test_one_principal_has_no_more_sessions_than_the_resource_permits(doors: Doors, house: House) -> None:
    limited(doors, connections_per_principal=2)
    first, _ = opened(doors), opened(doors)
    refusal = admit(doors)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "53300"
    assert "2 at once" in refusal.message
    entry = house.entries()[-1]
    assert (entry.step, entry.note, entry.principal, entry.resource) == ("refused", "53300", "ana", "orders")
    opened(doors, resource="many")
    first.close("bye")
    opened(doors)
    for _ in range(MAX_FOR_NAME + 1):
        assert admit(doors) == refusal, "to have enough is no failed login"


def test_who_did_not_prove_who_they_are_is_not_told_how_many_are_open(doors: Doors) -> None:
    limited(doors, connections_per_principal=1)
    opened(doors)
    assert admit(doors, proven=False) == NOT_PROVEN
    assert admit(doors, resource="none") == NO_RESOURCE


async def test_a_token_good_once_is_not_used_up_by_a_refusal_for_too_many(signed: Signed) -> None:
    limited(signed.doors, connections_per_principal=1)
    first = opened(signed.doors)
    text, _ = signed.mint.issue(Asker("ana"), Wish(("orders",), 600, once=True))
    proof = await signed.doors.examine(text, "ana", "orders")
    assert isinstance(admit(signed.doors, proof=proof), Refusal)
    first.close("bye")
    assert isinstance(admit(signed.doors, proof=proof), GatewaySession)


def test_an_idle_session_is_ended_and_the_audit_has_why(doors: Doors, house: House) -> None:
    limited(doors, idle_seconds=1e-9)
    wire = Wire(opened(doors))
    doors.sweep()
    assert [ending.cause.value for ending in wire.told] == ["idle"]
    assert house.entries()[-1].step == "closed"
    assert house.entries()[-1].note.startswith("IDLE_LIMIT ")
    assert doors.live() == []


async def test_a_session_whose_token_was_taken_back_is_ended(signed: Signed) -> None:
    session, token_id = await signed.open()
    wire = Wire(session)
    assert signed.doors.find_void() == []
    signed.tokens.revoke([token_id], signed.house.clock.now)
    signed.look_at(0.95)
    found = signed.doors.find_void()
    assert [name for name, _ in found] == [session.id]
    signed.doors.sweep(found)
    assert wire.told[0].cause.value == "revoked"
    assert signed.house.entries()[-1].note == "LOGIN_REVOKED the token of this login was revoked"


async def test_a_session_whose_time_is_over_or_that_nobody_can_ask_about_is_not_cut(signed: Signed) -> None:
    await signed.open()
    signed.house.clock.pass_seconds(601)
    assert signed.doors.find_void() == []
    await signed.open()
    downgrade(signed.database, "base")
    signed.look_at(5.0)
    assert signed.doors.find_void() == []


def test_a_session_of_somebody_or_on_something_that_the_configuration_knows_no_more_is_ended(doors: Doors) -> None:
    session, other = opened(doors), opened(doors, resource="many")
    known = doors.known
    doors.known = Known(known.people, Directory([Place(ORDERS, Target("db", 5432, "gateway"))]))
    assert [name for name, _ in doors.find_void()] == [other.id]
    doors.known = Known(People([], b"k" * 32), known.directory)
    assert [name for name, _ in doors.find_void()] == [session.id, other.id]


def test_how_a_session_stands_is_seen(doors: Doors, house: House) -> None:
    session = opened(doors)
    assert [(one.verdict, one.is_held) for one in doors.live()] == [("", False)]
    session.decide(question("SELECT 1"))
    assert [(one.verdict, one.is_held) for one in doors.live()] == [("allow", False)]
    house.policies.decision = HOLD
    session.decide(question("DELETE FROM orders"))
    assert [(one.verdict, one.is_held) for one in doors.live()] == [("hold", True)]
    assert doors.live()[0].opened_at == house.entries()[0].time


class Lines:
    """The lines of a command that is given its answer again."""

    def line(self, log: Unwritten, decision_id: str, clock: int) -> bytes | None:
        return log.with_line(b'"kind":"decision","time":%d,"decision_id":"%s"}' % (clock, decision_id.encode()))

    def outcome(self, log: Unwritten, clock: int) -> bool:
        return log.note(b'"kind":"outcome","time":%d,"rows":3}' % clock) is not None


class NoLine(Lines):
    def line(self, log: Unwritten, decision_id: str, clock: int) -> bytes | None:
        return None


def given(session: GatewaySession, house: House) -> Again:
    """An answer that the session may be given again."""
    house.policies.decision = replace(house.policies.decision, cacheable=True)
    again = [session.decide(question("SELECT 1")).again for _ in range(3)][-1]
    assert again is not None
    return again


def test_an_answer_is_given_again_and_recorded_first(doors: Doors, house: House) -> None:
    session = opened(doors)
    again = given(session, house)
    before = len(house.entries())
    assert session.give_again(again, Lines())
    session.finished_again(Lines())
    decision, outcome = house.entries()[before:]
    assert (decision.kind, outcome.kind, outcome.rows) == (Kind.DECISION, Kind.OUTCOME, 3)


@pytest.mark.parametrize("change", ["policies", "people", "state", "full", "watched", "refusing", "no line", "other"])
def test_an_answer_is_not_given_again_once_anything_that_decided_it_has_changed(
    doors: Doors, house: House, change: str
) -> None:
    session, lines = opened(doors), Lines()
    again = given(session, house)
    match change:
        case "policies":
            house.policies = type(house.policies)()
            house.gate._policies = house.policies
        case "people":
            doors.known = known("ana")
        case "state":
            session.decide(question("SELECT 1", state={"transaction": "open"}))
        case "full":
            house.log._is_low, house.log._free_bytes = True, lambda place: -1
        case "watched":
            house.gate._watcher = lambda asked, decision, decision_id, now: None
        case "refusing":
            house.gate._refuses = True
        case "no line":
            lines = NoLine()
        case _:
            session = opened(doors)
    house.log.flush()
    before = house.log.next_seq
    assert not session.give_again(again, lines)
    assert house.log.next_seq == before


CHANGES: Mapping[str, Callable[[Doors, House, GatewaySession], object]] = {
    "policies": lambda doors, house, session: setattr(house.policies, "revision", ""),
    "people": lambda doors, house, session: setattr(doors, "known", known("ana")),
    "state": lambda doors, house, session: session.decide(question("SELECT 1", state={"transaction": "open"})),
    "gone": lambda doors, house, session: setattr(session, "_is_gone", True),
    "full": lambda doors, house, session: (
        setattr(house.log, "_free_bytes", lambda place: -1) or house.log._look_at_space()
    ),
    "watched": lambda doors, house, session: setattr(house.gate, "_watcher", lambda *about: None),
    "listened": lambda doors, house, session: house.log.subscribe(lambda seq: None),
    "closed": lambda doors, house, session: house.log.close(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_lane_has_leave_until_anything_that_decided_has_changed(doors: Doors, house: House, change: str) -> None:
    session = opened(doors)
    again = given(session, house)
    lane = lane_of(again, session.leave(again))
    assert lane.carry(COMMAND, 1.0) is not None
    assert lane.answer(ANSWER, 1.0) is not None
    CHANGES[change](doors, house, session)
    before = house.log.next_seq
    assert lane.carry(COMMAND, 1.0) is None
    assert (house.log.next_seq, lane.is_under_way) == (before, False)
    lane.grant(session.leave(again))
    assert lane.carry(COMMAND, 1.0) is None, "and there is no other leave"


def test_what_a_lane_writes_with_leave_is_what_is_written_without(doors: Doors, house: House) -> None:
    session = opened(doors)
    again = given(session, house)
    lane = lane_of(again, session.leave(again))
    before = len(house.entries())
    assert lane.carry(COMMAND, 1.0) is not None
    assert len(house.entries()) == before + 1, "before it goes up"
    assert lane.answer(ANSWER, 1.5) is not None
    assert lane.ask(COMMAND, 1.0) is not None
    assert session.give_again(again, lane)
    assert lane.reply(ANSWER, 1.5) is not None
    session.finished_again(lane)
    house.log.flush()
    decided, done, without, over = house.entries()[before:]
    assert (
        msgspec.structs.replace(without, seq=decided.seq, time=decided.time, decision_id=decided.decision_id) == decided
    )
    assert msgspec.structs.replace(over, seq=done.seq, time=done.time, decision_id=done.decision_id) == done
    assert (done.kind, done.decision_id, done.rows, done.duration) == (Kind.OUTCOME, decided.decision_id, 1, 0.5)
    assert decided.decision_id != without.decision_id


def test_nobody_has_leave_where_each_time_has_to_be_asked(doors: Doors, house: House) -> None:
    session, other = opened(doors), opened(doors)
    again = given(session, house)
    assert session.leave(again) is not None
    assert other.leave(again) is None
    house.gate._refuses = True
    assert session.leave(again) is None


async def test_a_lane_has_no_leave_of_a_token_that_was_taken_back(signed: Signed) -> None:
    session, token_id = await signed.open()
    again = given(session, signed.house)
    lane = lane_of(again, session.leave(again))
    assert lane.carry(COMMAND, 1.0) is not None
    lane.answer(ANSWER, 1.0)
    signed.tokens.revoke([token_id], signed.house.clock.now)
    signed.look_at(0.95)
    assert lane.carry(COMMAND, 1.0) is None
    assert session.leave(again) is None


async def test_a_lane_has_no_leave_past_the_end_of_a_login(signed: Signed) -> None:
    session, _ = await signed.open()
    again = given(session, signed.house)
    lane = lane_of(again, session.leave(again))
    signed.house.clock.pass_seconds(599)
    assert lane.carry(COMMAND, 1.0) is not None
    lane.answer(ANSWER, 1.0)
    signed.house.clock.pass_seconds(2)
    assert lane.carry(COMMAND, 1.0) is None


async def test_an_answer_is_not_given_again_to_a_token_that_was_taken_back(signed: Signed) -> None:
    session, token_id = await signed.open()
    again = given(session, signed.house)
    assert session.give_again(again, Lines())
    signed.tokens.revoke([token_id], signed.house.clock.now)
    signed.look_at(0.95)
    assert not session.give_again(again, Lines())


async def test_nobody_is_let_in_without_a_credential_and_the_audit_says_so(doors: Doors, house: House) -> None:
    class Over:
        target = Target("db", 5432, "gateway")
        is_ready = False
        trouble = True
        lasts = 5.0

        async def make_ready(self) -> None:
            self.is_ready = True

    over = Over()
    doors.known = replace(doors.known, directory=Directory([Place(ORDERS, Target("db", 1, ""), credential=over)]))
    assert not doors.is_ready("orders")
    await doors.make_ready("orders")
    assert doors.is_ready("orders")
    refusal = admit(doors)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "08004"
    assert house.entries()[-1].step == "refused"
    over.trouble = False
    assert isinstance(admit(doors), GatewaySession)
