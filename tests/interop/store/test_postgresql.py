"""The store on a real PostgreSQL: migrations both ways, one winner for a grant, replicas that hear each other at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from gateway.activity.known import KnownUses
from gateway.activity.touched import Use
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Binding, Demand, Escalation, Person, Shown, Ticket, Used
from gateway.approvals.store import Approvals, NewTicket
from gateway.console.signed_in import SignIns
from gateway.demo.cluster import Cluster
from gateway.errors import ApprovalConflict, StoreUnavailable
from gateway.escalating import escalate_due
from gateway.identity.scoped import Grant
from gateway.identity.tokens import Tokens
from gateway.store import listen as listen_module
from gateway.store.database import Database, open_database
from gateway.store.listen import listen
from gateway.store.migrations import current, downgrade, latest, upgrade
from gateway.store.tables import metadata
from gateway.store.untold import take

BOUND = Binding("ana", "orders", "postgres", "d" * 64, "", "m", "r1")
NEW = NewTicket(BOUND, (Demand(groups=("dba",)),), ("p/R",), 1 << 60, Shown("DELETE"))
BO = Person("bo", ("dba",))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    upgrade(opened)
    yield opened
    opened.close()


def test_migrations_build_what_the_code_names_and_take_it_back(url: str) -> None:
    opened = open_database(url)
    assert current(opened) is None
    upgrade(opened)
    assert current(opened) == latest()
    with opened.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    downgrade(opened, "base")
    with opened.begin() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    opened.close()


def test_all_replicas_share_a_key(database: Database, url: str) -> None:
    other = open_database(url)
    assert other.shared_key("decoy") == database.shared_key("decoy")
    other.close()


def test_replicas_learn_what_kinds_of_jobs_do_from_each_other(database: Database, url: str) -> None:
    other = open_database(url)
    one, two = KnownUses(database), KnownUses(other)
    uses = [Use(bytes([number]) * 16, "select", "read", f"table \0{number}") for number in range(3)]
    assert two.look("c\0i", "build", uses).unseen == tuple(uses)
    for replica in (one, two):
        replica.learn("c\0i", "build", uses[:2], "d-1", 5)
        replica.flush()
    one.learn("c\0i", "build", uses[2:], "d-2", 6)
    one.flush()
    assert two.look("c\0i", "build", uses).unseen == ()
    assert KnownUses(other).look("c\0i", "build", uses).known == 3
    other.close()


def test_of_replicas_that_race_for_a_grant_one_gets_it(database: Database, url: str) -> None:
    replicas = [Approvals(open_database(url), Bell()) for _ in range(4)]
    for _ in range(10):
        made = replicas[0].request(NEW, 1)
        replicas[0].advance(made.id, Approved(BO), 2)
        won, lost, start = list[Ticket](), list[str](), threading.Barrier(len(replicas))
        threads = [threading.Thread(target=_use, args=(one, made.id, start, won, lost)) for one in replicas]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert lost == ["ALREADY_USED"] * 3
    for replica in replicas:
        replica._database.close()


def _use(replica: Approvals, ticket: str, start: threading.Barrier, won: list[Ticket], lost: list[str]) -> None:
    start.wait()
    try:
        won.append(replica.advance(ticket, Used(BOUND), 3))
    except ApprovalConflict as error:
        lost.append(error.code)


def test_of_replicas_that_look_at_once_for_holds_nobody_decides_one_tells_the_next(
    database: Database, url: str
) -> None:
    replicas = [Approvals(open_database(url), Bell()) for _ in range(4)]
    step = Escalation(60, groups=("oncall",))
    followed = replace(NEW, demands=(Demand(groups=("dba",), escalate=(step, replace(step, after=120))),))
    for _ in range(5):
        made, start, told = replicas[0].request(followed, 1), threading.Barrier(len(replicas)), list[Ticket]()
        threads = [threading.Thread(target=_escalate, args=(one, start, told)) for one in replicas]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [(one.id, one.escalated) for one in told] == [(made.id, 1)]
    for replica in replicas:
        replica._database.close()


def _escalate(replica: Approvals, start: threading.Barrier, told: list[Ticket]) -> None:
    start.wait()
    now = 1 + 60 * 10**9
    told.extend(escalate_due(replica, lambda ticket, event: replica.advance(ticket, event, now), now))


def test_of_replicas_that_race_for_a_token_good_once_one_gets_it(database: Database, url: str) -> None:
    replicas = [Tokens(open_database(url)) for _ in range(4)]
    for number in range(10):
        grant = Grant(id=f"t-{number}", principal="ana", resources=("orders",), issued_at=1, expires_at=9, once=True)
        replicas[0].add(grant, "d")
        won, start = list[bool](), threading.Barrier(len(replicas))
        threads = [threading.Thread(target=_take, args=(one, grant.id, start, won)) for one in replicas]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False, False, False, True]
    for replica in replicas:
        replica._database.close()


def _take(replica: Tokens, token_id: str, start: threading.Barrier, won: list[bool]) -> None:
    start.wait()
    won.append(replica.use(token_id, 3))


def test_a_token_that_one_replica_takes_back_is_gone_for_all(database: Database, url: str) -> None:
    here, there = Tokens(database), Tokens(open_database(url))
    here.add(Grant(id="t-1", principal="ana", resources=("orders",), issued_at=1, expires_at=9), "d")
    assert there.revoked(2) == frozenset()
    assert here.revoke(["t-1"], 2) == ["t-1"]
    assert there.revoked(3) == {"t-1"}
    assert not there.use("t-1", 3)
    there._database.close()


async def test_a_replica_hears_of_a_vote_at_another_at_once(database: Database, url: str) -> None:
    here, there = Approvals(database, Bell()), Approvals(open_database(url), Bell())
    ready = asyncio.Event()
    listening = asyncio.create_task(listen(url, here.bell.ring, ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    ticket = here.request(NEW, 1)

    def is_over() -> bool:
        found = here.get(ticket.id)
        return found is not None and found.is_over

    waiting = asyncio.create_task(here.bell.wait(ticket.id, is_over, 20))
    while not here.bell.waiters(ticket.id):
        await asyncio.sleep(0)
    began = time.perf_counter()
    await asyncio.to_thread(there.advance, ticket.id, Approved(BO), 2)
    assert await waiting
    assert time.perf_counter() - began < 2.0  # pushed: the machine may be busy, but nobody polls that slowly
    listening.cancel()
    there._database.close()


async def test_after_a_lost_connection_everybody_looks_again(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen_module, "RETRY_SECONDS", 0.0)
    connections, changed = list[int](), asyncio.Event()

    def connected() -> None:
        connections.append(1)
        changed.set()

    listening = asyncio.create_task(listen(url, lambda ticket: None, connected))
    await asyncio.wait_for(changed.wait(), 20)
    changed.clear()
    with database.begin() as connection:
        ended = connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        ).all()
    assert ended
    await asyncio.wait_for(changed.wait(), 20)
    assert len(connections) == 2
    listening.cancel()


def test_a_wrong_password_and_a_wrong_server_are_refused_without_a_secret(
    url: str, cluster: Cluster, tmp_path: Path
) -> None:
    wrong = url.replace(cluster.password, "hunter2")
    unverified = url.split("?")[0]
    for refused in (wrong, unverified):
        opened = open_database(refused)
        with pytest.raises(StoreUnavailable) as caught:
            upgrade(opened)
        assert "hunter2" not in str(caught.value)
        assert cluster.password not in str(caught.value)
        opened.close()


def test_a_unix_socket_needs_no_tls(url: str, cluster: Cluster) -> None:
    opened = open_database(
        f"postgresql://{cluster.user}:{cluster.password}@/postgres?host={cluster.folder}".replace(
            "@/", f"@:{cluster.port}/"
        )
    )
    upgrade(opened)
    assert current(opened) == latest()
    opened.close()


def test_what_was_done_beside_two_replicas_is_told_by_one_of_them(database: Database, url: str) -> None:
    beside = Tokens(database, lambda step, grant, now: f"{step} {grant.id}")
    for number in range(40):
        beside.add(
            Grant(id=f"t-{number}", principal="ana", resources=("o",), issued_at=number, expires_at=1 << 60), "d"
        )
    beside.revoke_all("ana", 50)
    others, told = [open_database(url) for _ in range(3)], list[str]()
    lookers = [threading.Thread(target=take, args=(one, told.append)) for one in (database, *others)]
    for one in lookers:
        one.start()
    for one in lookers:
        one.join()
    assert sorted(told) == sorted(f"{step} t-{number}" for step in ("issued", "revoked") for number in range(40))
    for other in others:
        other.close()


def test_prompts_are_forgotten_and_a_sign_in_is_taken_back_for_every_replica(database: Database, url: str) -> None:
    tokens, other = Tokens(database), open_database(url)
    for name, end in (("over", 20), ("alive", 1 << 60)):
        made = Grant(id=name, principal="ana", resources=("o",), issued_at=1, expires_at=end, prompt="why")
        tokens.add(made, "d")
    assert tokens.forget(10, 30, resources=("o",)) == 2
    assert Tokens(other).find("over") is None
    assert (alive := Tokens(other).find("alive")) is not None
    assert alive.grant.prompt is None
    here, there = (SignIns(one, idle_seconds=60, most_seconds=60) for one in (database, other))
    value, session = here.prepare("dora", "secret", 5)
    here.keep(session)
    assert there.find(value, 6) == session
    assert here.named(session.name) == session
    assert there.take_back(session)
    assert here.find(value, 6) is None
    other.close()
