"""Ends are joined while both are as they should be: bytes go through unheard then, whatever is not the lane's is heard, and parted is parted."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.core import events as saw
from adapters.core.driven import Lane
from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.joint import Joint
from gateway.audit.log import AuditLog
from tests.strategies.lanes import ANSWER, COMMAND, writer
from tests.unit.adapters.core.test_ends import Hearer
from tests.unit.adapters.core.test_relay import NoLane, Wire


class Two:
    """A client and a target, and a lane between them that has leave to write into a log."""

    def __init__(self, folder: Path) -> None:
        self.log = AuditLog(folder, low_water_bytes=0)
        self.lane = writer(self.log.unwritten)
        self.hearer = Hearer()
        self.ends = End(self.hearer, Side.CLIENT), End(self.hearer, Side.UPSTREAM)
        self.sockets = Wire(), Wire()
        for end, socket in zip(self.ends, self.sockets, strict=True):
            end.connection_made(socket)
        self.joint = Joint()

    def join(self) -> bool:
        self.joint.join(self.lane, *self.ends, now=1.0)  # type: ignore[arg-type]  # as much of a lane as is used
        return self.ends[0].through is not None and self.ends[1].through is not None


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path / "audit")


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


def test_a_lane_without_a_wire_joins_nothing(two: Two) -> None:
    lane: Lane = NoLane()
    two.joint.join(lane, *two.ends, now=1.0)
    assert (two.ends[0].through, two.ends[1].through) == (None, None)
    two.log.close()
