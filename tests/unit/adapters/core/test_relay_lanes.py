"""What a relay does of a lane whose commands each take a connection that was kept."""

from __future__ import annotations

import socket

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Side
from adapters.core.kept import KeptConnections
from adapters.core.relay import Relay
from adapters.core.surroundings import Surroundings
from tests.unit.adapters.core.test_relay import ADMIT, Gate, Keeper, Known, NoLane, Script, Short, Wire


@pytest.mark.parametrize("gives_again", [True, False])
async def test_what_goes_through_the_lane_takes_a_kept_connection_and_leaves_it(gives_again: bool) -> None:
    kept = KeptConnections()
    keeper = Keeper(gate=Gate(gives_again=gives_again))
    wishes: dict[bytes, list[Effect]] = {b"first": [do.KeepUpstream("ana", 10.0)]}
    session = Script(
        lambda event: wishes.get(getattr(event, "data", b""), [ADMIT] if isinstance(event, saw.TimePassed) else [])
    )
    relay = Relay(session, Surroundings(keeper, kept=kept), client_address=None)
    client, (here, there) = Wire(), socket.socketpair()
    relay.client.connection_made(client)
    relay.take(saw.TimePassed())
    upstream = Wire()
    upstream.get_extra_info = lambda name, default=None: here  # type: ignore[method-assign]  # what is asked of it is whether something waits there
    relay._upstream.connection_made(upstream)
    lane = NoLane((b"other", b"done"), Known(), kept_for="ana", lasts=5.0)
    session.short_way = Short(lane=lane)
    relay.hear(Side.CLIENT, b"other")
    assert (lane.calls, upstream.out, keeper.gate.calls) == (["take back"], b"", []), (
        "none is kept: nothing is recorded"
    )
    session.short_way = None
    relay.hear(Side.CLIENT, b"first")
    assert len(kept) == 1
    until = next(iter(kept._in_order)).end.until
    session.short_way = Short(lane=lane)
    relay.hear(Side.CLIENT, b"other")
    if not gives_again:
        assert (lane.calls, upstream.out, keeper.gate.calls) == (["take back"] * 2, b"", ["again"])
        assert (len(kept), next(iter(kept._in_order)).end.until) == (1, pytest.approx(until, abs=1e-3))
    else:
        assert (upstream.out, keeper.gate.calls, len(kept)) == (b"again", ["again"], 0)
        relay._upstream.data_received(b"done")
        assert (client.out, keeper.gate.calls, len(kept)) == (b"Done", ["again", "finished again"], 1)
    relay.cut("done")
    kept.close()
    here.close()
    there.close()
