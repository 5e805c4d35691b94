"""Ends are joined while both are as they should be: bytes go through unheard then, whatever is not the lane's is heard, and parted is parted."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core import events as saw
from adapters.core.core_tls import Proof, ServedTls, target_tls
from adapters.core.driven import Lane
from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.joint import Joint
from adapters.core.ports import Target
from adapters.core.tls import Tls
from gateway.audit.log import AuditLog
from tests.certificates import Authority
from tests.strategies.lanes import ANSWER, COMMAND, writer
from tests.unit.adapters.core.test_ends import Hearer
from tests.unit.adapters.core.test_relay import NoLane, Wire


class Two:
    """A client and a target, and a lane between them that has leave to write into a log."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.log = AuditLog(folder, low_water_bytes=0)
        self.lane = writer(self.log.unwritten)
        self.hearer = Hearer()
        self.ends = End(self.hearer, Side.CLIENT), End(self.hearer, Side.UPSTREAM)
        self.sockets = Wire(), Wire()
        for end, socket in zip(self.ends, self.sockets, strict=True):
            end.connection_made(socket)
        self.joint = Joint(loop)

    def join(self) -> bool:
        self.joint.join(self.lane, *self.ends, now=1.0)  # type: ignore[arg-type]  # as much of a lane as is used
        return self.ends[0].through is not None and self.ends[1].through is not None


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    loop = asyncio.new_event_loop()
    yield Two(tmp_path / "audit", loop)
    loop.close()


def test_a_command_goes_up_and_its_answer_down_and_both_are_recorded(two: Two) -> None:
    assert two.join()
    client, target = two.ends
    client.data_received(COMMAND)
    assert two.log.next_seq == 2
    assert b"SELECT 1" in two.sockets[1].out
    target.data_received(ANSWER)
    two.log.close()
    assert two.log.next_seq == 3
    assert two.sockets[0].out == ANSWER[10:], "Parse and Bind were ours"
    assert two.hearer.heard == []


def test_what_is_not_the_lanes_is_heard_as_it_came(two: Two) -> None:
    assert two.join()
    client, target = two.ends
    client.data_received(b"X\0\0\0\4")
    target.data_received(ANSWER)
    assert two.hearer.heard == [
        saw.BytesReceived(Side.CLIENT, b"X\0\0\0\4"),
        saw.BytesReceived(Side.UPSTREAM, ANSWER),
    ]
    assert (two.sockets[0].out, two.sockets[1].out, two.log.next_seq) == (b"", b"", 1)
    two.log.close()


def test_nothing_goes_up_that_is_not_recorded(two: Two) -> None:
    assert two.join()
    two.log.close()
    two.ends[0].data_received(COMMAND)
    assert two.sockets[1].out == b""
    assert two.hearer.heard == [saw.BytesReceived(Side.CLIENT, COMMAND)]


def test_parted_each_is_heard_by_itself(two: Two) -> None:
    assert two.join()
    two.joint.part()
    two.joint.part()
    two.ends[0].data_received(COMMAND)
    assert two.hearer.heard == [saw.BytesReceived(Side.CLIENT, COMMAND)]
    assert two.join(), "and may be joined again"
    two.log.close()


def test_that_the_client_said_something_is_known_once(two: Two) -> None:
    assert not two.joint.was_heard()
    two.join()
    two.ends[1].data_received(ANSWER)
    assert not two.joint.was_heard()
    two.ends[0].data_received(COMMAND)
    assert (two.joint.was_heard(), two.joint.was_heard()) == (True, False)
    two.ends[0].data_received(COMMAND)
    two.joint.part()
    assert (two.joint.was_heard(), two.joint.was_heard()) == (True, False)
    two.log.close()


@pytest.mark.parametrize("which", [0, 1])
def test_an_end_that_cannot_be_written_to_is_not_joined(two: Two, which: int) -> None:
    end, socket = two.ends[which], two.sockets[which]
    socket.closing = True
    assert not two.join()
    socket.closing = False
    end.pause_writing()
    assert not two.join()
    end.resume_writing()
    end.out.append(b"waits")
    assert not two.join()
    end.out.clear()
    assert two.join()
    two.joint.part()
    end.transport = None
    assert not two.join()
    two.log.close()


@pytest.mark.parametrize("which", [0, 1])
def test_an_end_that_is_gone_carries_nothing_on(two: Two, which: int) -> None:
    assert two.join()
    two.ends[which].abort()
    assert two.ends[which].through is None
    two.joint.part()
    assert two.join() is False or two.sockets[which].closing is False
    two.ends[which].connection_lost(None)
    assert two.ends[which].through is None
    two.log.close()


class Far:
    """Who speaks TLS to one of the ends."""

    def __init__(self, end: End, socket: Wire, tls: Tls) -> None:
        self.end, self.socket, self.tls = end, socket, tls

    def meet(self) -> None:
        """Shake hands."""
        self.tls.start()
        for _ in range(4):
            self.tell(b"")
            self.said()
        assert self.tls.is_secure

    def tell(self, data: bytes, *, cut: int = 0) -> None:
        sealed = self.tls.seal(data) if data else self.tls.to_send()
        for piece in (sealed[:cut], sealed[cut:]):
            if piece:
                self.end.data_received(piece)

    def said(self) -> bytes:
        """What came over the socket, in clear."""
        out, self.socket.out = self.socket.out, b""
        return self.tls.take(out) if out else b""


@pytest.fixture
def secured(two: Two, tmp_path: Path) -> tuple[Far, Far]:
    """A client and a target behind TLS: the core's on our side, OpenSSL's on theirs."""
    authority = Authority("ca")
    made = authority.issue("localhost", "dns:localhost")
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    client, target = two.ends
    client.start_tls(ServedTls(Proof(made.certificate, made.key)), server_side=True, server_hostname=None)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    near = Far(client, two.sockets[0], Tls(trusting, server_side=False, server_hostname="localhost"))
    near.meet()
    target.start_tls(
        target_tls(Target("localhost", 1, "app", tls=True, ca_file=str(tmp_path / "ca.crt"))),
        server_side=False,
        server_hostname="localhost",
    )
    proven = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "both.pem").write_bytes(made.certificate + made.key)
    proven.load_cert_chain(tmp_path / "both.pem")
    far = Far(target, two.sockets[1], Tls(proven, server_side=True, server_hostname=None))
    far.meet()
    two.hearer.heard.clear()
    return near, far


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_tls_on_both_sides_is_opened_and_sealed_there(two: Two, secured: tuple[Far, Far], cut: int) -> None:
    client, target = secured
    assert two.join()
    for _ in range(3):
        client.tell(COMMAND, cut=cut)
        if cut:
            # What is less than a record is nothing yet, which is for others to hear.
            assert two.join() or two.ends[0].through is not None
        assert b"SELECT 1" in target.said()
        target.tell(ANSWER)
        assert client.said() == ANSWER[10:]
    two.log.flush()
    assert two.log.next_seq == 7
    assert two.hearer.heard == []


def test_what_else_happens_in_tls_is_heard(two: Two, secured: tuple[Far, Far]) -> None:
    client, target = secured
    assert two.join()
    client.tell(b"X\0\0\0\4")
    target.tell(b"N\0\0\0\4")
    assert two.hearer.heard == [
        saw.BytesReceived(Side.CLIENT, b"X\0\0\0\4"),
        saw.BytesReceived(Side.UPSTREAM, b"N\0\0\0\4"),
    ]
    target.end.data_received(target.tls.farewell())
    assert two.hearer.heard[2:] == [saw.EndReceived(Side.UPSTREAM)]
    assert two.ends[1].way_out is None
    two.log.close()


def test_what_is_no_record_ends_its_side_and_nothing_goes_up(two: Two, secured: tuple[Far, Far]) -> None:
    assert two.join()
    sealed = bytearray(secured[0].tls.seal(COMMAND))
    sealed[-1] ^= 1
    two.ends[0].data_received(bytes(sealed))
    assert two.sockets[1].out == b""
    assert (two.sockets[0].closing, two.log.next_seq) == (True, 1)
    two.log.close()


def test_ends_whose_tls_is_not_the_cores_are_not_joined(two: Two, tmp_path: Path) -> None:
    made = Authority("ca").issue("localhost", "dns:localhost")
    (tmp_path / "both.pem").write_bytes(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    two.ends[0].start_tls(context, server_side=True, server_hostname=None)
    assert not two.join()
    two.log.close()


def test_a_lane_without_a_wire_joins_nothing(two: Two) -> None:
    lane: Lane = NoLane()
    two.joint.join(lane, *two.ends, now=1.0)
    assert (two.ends[0].through, two.ends[1].through) == (None, None)
    two.log.close()
