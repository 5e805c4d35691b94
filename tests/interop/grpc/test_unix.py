"""Every method over a real UNIX socket, with the client that we give away."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from engine.decision import DenyKind, Verdict
from engine.request import Principal, Resource, Session
from gateway.rpc.client import CallFailed, Detail, Query, Raw
from tests.interop.grpc.conftest import Served
from tests.rpc_stand_ins import AGENT, APPROVER, ASKER, AUDITOR, tree

ANA = Query(Resource("orders", "postgres"), Principal("ana"), Session("s-1"), {"hour": 11})
SELECT = Raw("postgres", b"select 1")


def test_one_question_has_one_answer(served: Served) -> None:
    with served.client() as client:
        assert client.decide(SELECT, ANA).decision.verdict is Verdict.ALLOW
        assert client.decide(Raw("postgres", b"update x"), ANA).particulars.ticket == "t-1"
        assert client.decide(Raw("postgres", b"drop x"), ANA).decision.deny_kind is DenyKind.NO_MATCH
        assert client.decide(tree("select 1"), replace(ANA, detail=Detail.TRACE)).particulars.trace
        assert client.parse(SELECT) == tree("select 1")


def test_a_batch_and_a_stream_answer_in_order(served: Served) -> None:
    texts = [b"select 1", b"update x", b"drop x", b"select 2"] * 20
    expected = [Verdict.ALLOW, Verdict.HOLD, Verdict.DENY, Verdict.ALLOW] * 20
    whats = [Raw("postgres", text) for text in texts]
    with served.client() as client:
        assert [ruling.decision.verdict for ruling in client.decide_batch(whats, ANA)] == expected
        streamed = client.decide_stream((what, ANA) for what in whats)
        assert [ruling.decision.verdict for ruling in streamed] == expected


def test_the_socket_says_who_is_calling(served: Served) -> None:
    with served.client(ASKER.name) as asker, served.client(AGENT.name) as agent:
        asker.decide(SELECT, ANA)
        assert served.stand_ins.gate.asked[-1].caller == "portal"
        with pytest.raises(CallFailed) as failed:
            agent.decide(SELECT, ANA)
        assert (failed.value.code, failed.value.status) == ("NOT_PERMITTED", "PERMISSION_DENIED")
        agent.decide(SELECT, Query(Resource("orders", "postgres")))
        assert served.stand_ins.gate.asked[-1].principal == AGENT.principal
        with pytest.raises(CallFailed) as failed:
            asker.decide(tree("select 1"), ANA)
        assert failed.value.code == "NOT_PERMITTED"
    assert served.stand_ins.gate.codes() == ["NOT_PERMITTED", "NOT_PERMITTED"]


def test_a_held_command_is_released_the_moment_it_is_approved(served: Served) -> None:
    with served.client() as adapter, served.client(APPROVER.name) as dora:
        fates = adapter.await_release("t-1")
        assert next(fates).ticket.state == "requested"
        assert [ticket.id for ticket in dora.tickets("requested")] == ["t-1"]
        assert dora.approve("t-1", "looks right").state == "granted"
        last = next(fates)
        assert last.decision is not None
        assert last.decision.verdict is Verdict.ALLOW
        assert [*fates] == []
        with pytest.raises(CallFailed) as failed:
            dora.refuse("t-1")
        assert (failed.value.code, failed.value.status) == ("TICKET_CLOSED", "FAILED_PRECONDITION")
        with pytest.raises(CallFailed) as failed:
            dora.approve("t-9")
        assert (failed.value.code, failed.value.status) == ("TICKET_UNKNOWN", "NOT_FOUND")
        with pytest.raises(CallFailed) as failed:
            next(adapter.await_release("t-9"))
        assert failed.value.code == "TICKET_UNKNOWN"


def test_a_watcher_hears_of_each_revision(served: Served) -> None:
    with served.client() as client:
        revisions = client.watch()
        assert next(revisions) == "r1"
        served.stand_ins.policies.change("r2")
        assert next(revisions) == "r2"


def test_the_log_is_read_and_followed(served: Served) -> None:
    with served.client(AUDITOR.name) as otto, served.client() as adapter:
        assert [entry.body for entry in otto.entries(1)] == [b'{"seq":1}', b'{"seq":2}']
        tail = otto.tail(2)
        assert next(tail).index == 2
        served.stand_ins.audit.add()
        assert next(tail).index == 3
        with pytest.raises(CallFailed) as failed:
            adapter.entries()
        assert failed.value.code == "NOT_PERMITTED"


def test_a_request_id_is_good_for_one_question(served: Served) -> None:
    query = replace(ANA, request_id="q-1")
    with served.client() as client, ThreadPoolExecutor(8) as threads:
        ids = {
            ruling.particulars.decision_id for ruling in threads.map(lambda _: client.decide(SELECT, query), range(16))
        }
        assert len(ids) == 1
        with pytest.raises(CallFailed) as failed:
            client.decide(Raw("postgres", b"select 2"), query)
        assert (failed.value.code, failed.value.status) == ("REQUEST_ID_TAKEN", "ALREADY_EXISTS")


def test_a_revision_that_is_not_there_yet_is_waited_for_by_the_caller(served: Served) -> None:
    query = replace(ANA, min_revision="r2")
    with served.client() as client:
        with pytest.raises(CallFailed) as failed:
            client.decide(SELECT, query)
        assert (failed.value.code, failed.value.status) == ("STALE_POLICY", "FAILED_PRECONDITION")
        (ruling,) = client.decide_stream([(SELECT, query)])
        assert ruling.decision.deny_kind is DenyKind.STALE_POLICY
        served.stand_ins.policies.change("r2")
        assert client.decide(SELECT, query).is_granted


def test_the_socket_files_are_for_their_user_alone(served: Served) -> None:
    for path in served.folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a moment")
def test_another_user_cannot_connect(served: Served) -> None:
    code = (
        "import os, socket, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try:\n    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
        "except PermissionError:\n    sys.exit(7)\n"
    )
    import subprocess
    import sys

    served.folder.parent.chmod(0o711)
    path = served.folder / f"{APPROVER.name}.sock"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 7


def test_a_stop_lets_a_running_question_finish_and_ends_streams(served: Served) -> None:
    running, go = threading.Event(), threading.Event()

    def slowly() -> None:
        running.set()
        assert go.wait(30)

    with served.client() as client, ThreadPoolExecutor(2) as threads:
        revisions = client.watch()
        next(revisions)
        served.stand_ins.gate.before_answer = slowly
        question = threads.submit(client.decide, SELECT, ANA)
        assert running.wait(30)
        stopped = threads.submit(served.server.stop, 30)
        with pytest.raises(CallFailed) as failed:
            next(revisions)
        assert failed.value.code == "STOPPING"
        go.set()
        assert question.result(30).is_granted
        stopped.result(30)
        assert [*served.folder.iterdir()] == []
        with pytest.raises(CallFailed) as failed:
            client.decide(SELECT, ANA)
        assert failed.value.code == "UNREACHABLE"


def test_more_callers_than_threads_are_all_answered(served: Served) -> None:
    with served.client() as client, ThreadPoolExecutor(64) as threads:
        streams = [client.watch() for _ in range(40)]
        assert [next(stream) for stream in streams] == ["r1"] * 40
        rulings = [*threads.map(lambda _: client.decide(SELECT, ANA), range(300))]
        assert all(ruling.is_granted for ruling in rulings)


def test_streams_beyond_the_limit_are_refused_and_single_questions_still_answered(served: Served) -> None:
    with served.client() as client:
        streams = [client.watch() for _ in range(64)]
        assert [next(stream) for stream in streams] == ["r1"] * 64
        with pytest.raises(CallFailed) as failed:
            next(client.watch())
        assert (failed.value.code, failed.value.status) == ("TOO_MANY_STREAMS", "RESOURCE_EXHAUSTED")
        assert client.decide(SELECT, ANA).is_granted
        for stream in streams:
            stream.close()  # type: ignore[attr-defined]  # it is a generator
