"""A real PostgreSQL that goes away between the use of a remembered approval and its commit: the audit does not say that it was used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from engine.decision import Verdict
from gateway.approvals.notify import Bell
from gateway.approvals.states import Approved, Person
from gateway.approvals.store import Approvals
from gateway.audit.entry import Entry
from gateway.demo.cluster import Cluster
from gateway.store.database import open_database
from gateway.store.migrations import upgrade
from tests.strategies.gates import House, asked
from tests.strategies.lasting import with_real_trees

FIRST = "INSERT INTO public.orders (id, status) VALUES (7, 'open')"
NEXT = "INSERT INTO public.orders (id, status) VALUES (8, 'paid')"
BO = Person("bo", ("dba",))


@pytest.fixture
def house(tmp_path: Path, url: str) -> Iterator[House]:
    built = with_real_trees(House(tmp_path))
    built.gate.close()
    built.database.close()
    built.database = open_database(url)
    upgrade(built.database)
    built.approvals = Approvals(built.database, Bell())
    built.gate = built.build()
    yield built
    built.close()


def cut_off(cluster: Cluster, url: str) -> None:
    """End every connection to the store, as a server that is restarted does."""
    with psycopg.connect(
        host="127.0.0.1", port=cluster.port, user=cluster.user, password=make_url(url).password, dbname="postgres"
    ) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'"
        )


@pytest.mark.parametrize("step", ["recalled", "taken_back"])
def test_a_step_whose_commit_never_came_is_taken_back(
    house: House, cluster: Cluster, url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ticket = house.gate.decide(asked(FIRST)).ticket
    assert ticket is not None
    house.gate.advance(ticket, Approved(BO, "", 1800))
    assert house.gate.settle(ticket).decision.is_granted
    lasting = ticket.replace("h-", "a-")
    append, was_cut = house.log.append, list[int]()

    def cut_behind(entry: Entry | bytes, *, promised: bool = False) -> int:
        seq = append(entry, promised=promised)
        if isinstance(entry, Entry) and entry.step == step and not was_cut:
            was_cut.append(seq)
            cut_off(cluster, url)
        return seq

    monkeypatch.setattr(house.log, "append", cut_behind)
    if step == "recalled":
        assert house.gate.decide(asked(NEXT)).decision.verdict is Verdict.DENY
    else:
        with pytest.raises(Exception, match="the store refused"):
            house.gate.recalling.take_back(lasting, BO)
    house.gate.steps.resolve()
    (lost,) = [one for one in house.entries() if one.step == "lost"]
    assert [lost.takes_back] == was_cut
    assert lost.ticket == ticket
    # The store is there again, and the approval counts.
    assert house.gate.decide(asked(NEXT)).decision.is_granted
    kept = house.approvals.lasting.get(lasting)
    assert kept is not None
    assert kept.uses == 1
    assert house.gate.steps.doubtful == 0
