"""Ends that stay joined have their sockets read and written in the core, until something else happens: nothing is lost, reordered or left open by it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from adapters.core import events as saw
from adapters.core import joint
from adapters.core.core_tls import Proof, ServedTls, target_tls
from adapters.core.ends import End
from adapters.core.events import Side
from adapters.core.joint import TAPPED_AFTER, Joint
from adapters.core.ports import Target
from adapters.core.tls import Tls
from engine._native import Passage
from gateway.audit.log import AuditLog
from tests.certificates import Authority
from tests.strategies.lanes import ANSWER, COMMAND, writer
from tests.unit.adapters.core.test_ends import Hearer

SHOWN = ANSWER[10:]
"""What a client sees of an answer: Parse and Bind are ours."""
FACTORIES = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Far:
    """Who is at the other end of a socket, with TLS or without."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.tls, self.said = sock, None, b""
        sock.setblocking(False)

    tls: Tls | None

    async def shake_hands(self, tls: Tls) -> None:
        loop = asyncio.get_running_loop()
        self.tls = tls
        tls.start()
        while not tls.is_secure:
            if words := tls.to_send():
                await loop.sock_sendall(self.sock, words)
            if not tls.is_secure:
                tls.take(await asyncio.wait_for(loop.sock_recv(self.sock, 1 << 16), 10))
        if words := tls.to_send():
            await loop.sock_sendall(self.sock, words)

    async def tell(self, data: bytes) -> None:
        sealed = data if self.tls is None else self.tls.seal(data)
        await asyncio.get_running_loop().sock_sendall(self.sock, sealed)

    async def hears(self, data: bytes) -> None:
        """What comes is this, and nothing is missing of it."""
        while len(self.said) < len(data):
            came = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.sock, 1 << 16), 10)
            assert came, f"the end, after {self.said!r}"
            self.said += came if self.tls is None else self.tls.take(came)
        assert self.said[: len(data)] == data
        self.said = self.said[len(data) :]

    async def meets_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while await asyncio.wait_for(loop.sock_recv(self.sock, 1 << 16), 10):
                pass
        except ConnectionResetError:
            pass


class Connection:
    """A client and a target on real sockets, our two ends between them, and a lane that has leave to write."""

    def __init__(self, folder: Path) -> None:
        self.log = AuditLog(folder / "audit", low_water_bytes=0)
        self.lane = writer(self.log.unwritten)
        self.hearer = Hearer()
        self.joint = Joint(asyncio.get_running_loop())

    async def begin(self, *, over_tcp: bool = True) -> None:
        self.client = await self._socket(Side.CLIENT, over_tcp=over_tcp)
        self.target = await self._socket(Side.UPSTREAM)

    ends: tuple[End, ...] = ()

    async def _socket(self, side: Side, *, over_tcp: bool = True) -> Far:
        loop = asyncio.get_running_loop()
        if over_tcp:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                far = socket.create_connection(listener.getsockname())
                near, _ = listener.accept()
            _, end = await loop.create_connection(lambda: End(self.hearer, side), sock=near)
        else:
            far, near = socket.socketpair()
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            _, end = await loop.create_unix_connection(lambda: End(self.hearer, side), sock=near)
        self.ends = (*self.ends, end)
        return Far(far)

    def join(self) -> None:
        client, target = self.ends
        self.joint.join(self.lane, client, target, asyncio.get_running_loop().time())  # type: ignore[arg-type]  # as much of a lane as is used

    async def exchange(self, times: int) -> None:
        for _ in range(times):
            await self.client.tell(COMMAND)
            await self.target.hears(self.up)
            await self.target.tell(ANSWER)
            await self.client.hears(SHOWN)

    up: bytes = b""

    async def tap(self) -> None:
        """Until the core reads the sockets."""
        self.join()
        await self.client.tell(COMMAND)
        came = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.target.sock, 1 << 16), 10)
        self.up = came if self.target.tls is None else self.target.tls.take(came)
        await self.target.tell(ANSWER)
        await self.client.hears(SHOWN)
        for _ in range(3 * TAPPED_AFTER):
            if self.is_tapped:
                return
            await self.exchange(1)
        pytest.fail("the sockets were never tapped")

    @property
    def is_tapped(self) -> bool:
        return all(end.transport is not None and not end.transport.is_reading() for end in self.ends)

    async def told(self, *events: object) -> None:
        for _ in range(1000):
            if len(self.hearer.heard) >= len(events):
                break
            await asyncio.sleep(0.01)
        assert self.hearer.heard == list(events)
        assert not self.is_tapped
        self.hearer.heard.clear()

    def end(self) -> None:
        for end in self.ends:
            end.abort()
        self.client.sock.close()
        self.target.sock.close()
        self.log.close()


Play = Callable[[Connection], Awaitable[None]]
Run = Callable[..., None]


@pytest.fixture(params=list(FACTORIES))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs something on a connection that is tapped, and holds that it leaves no file open."""

    def run(play: Play, secured: bool = False, tapped: bool = True, over_tcp: bool = True) -> None:
        async def main() -> None:
            await asyncio.sleep(0)
            before = open_files()
            connection = Connection(tmp_path)
            await connection.begin(over_tcp=over_tcp)
            if secured:
                await secure(connection, tmp_path)
            if tapped:
                await connection.tap()
            await play(connection)
            connection.end()
            left = open_files() - before
            for _ in range(1000):
                if not left:
                    return
                await asyncio.sleep(0.01)
                left = open_files() - before
            pytest.fail(f"still open: {left}")

        with asyncio.Runner(loop_factory=FACTORIES[request.param]) as runner:
            runner.run(main())

    return run


def open_files() -> set[str]:
    """What is open by this process, but for what looks, and what uvloop keeps in reserve."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    return {one for one in found if not one.endswith(("/fd", "/dev/null"))}


async def secure(connection: Connection, folder: Path) -> None:
    """TLS on both sides: the core's on ours, OpenSSL's on theirs."""
    authority = Authority("ca")
    made = authority.issue("localhost", "dns:localhost")
    (folder / "ca.crt").write_bytes(authority.pem)
    (folder / "both.pem").write_bytes(made.certificate + made.key)
    trusting = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    proven = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    proven.load_cert_chain(folder / "both.pem")
    client, target = connection.ends
    client.start_tls(ServedTls(Proof(made.certificate, made.key)), server_side=True, server_hostname=None)
    await connection.client.shake_hands(Tls(trusting, server_side=False, server_hostname="localhost"))
    meeting = asyncio.create_task(
        connection.target.shake_hands(Tls(proven, server_side=True, server_hostname=None)),
    )
    way = target_tls(Target("localhost", 1, "app", tls=True, ca_file=str(folder / "ca.crt")))
    target.start_tls(way, server_side=False, server_hostname="localhost")
    await meeting
    for _ in range(1000):
        if len(connection.hearer.heard) == 2:
            break
        await asyncio.sleep(0.01)
    assert [type(event) for event in connection.hearer.heard] == [saw.TlsStarted, saw.TlsStarted]
    connection.hearer.heard.clear()


@pytest.mark.parametrize("secured", [False, True])
def test_commands_go_up_and_answers_down_and_all_is_recorded(run: Run, secured: bool) -> None:
    async def play(connection: Connection) -> None:
        before = connection.log.next_seq
        await connection.exchange(20)
        connection.log.flush()
        assert connection.log.next_seq == before + 40
        assert connection.is_tapped
        assert connection.joint.was_heard()
        assert connection.hearer.heard == []

    run(play, secured)


@pytest.mark.parametrize("secured", [False, True])
def test_what_is_not_the_lanes_is_heard_and_the_ends_are_parted(run: Run, secured: bool) -> None:
    async def play(connection: Connection) -> None:
        await connection.client.tell(b"X\0\0\0\4")
        await connection.told(saw.BytesReceived(Side.CLIENT, b"X\0\0\0\4"))
        connection.ends[1].send(b"to the target")
        await connection.target.hears(b"to the target")
        connection.ends[0].send(b"to the client")
        await connection.client.hears(b"to the client")
        await connection.tap()
        await connection.target.tell(b"N\0\0\0\4")
        await connection.told(saw.BytesReceived(Side.UPSTREAM, b"N\0\0\0\4"))

    run(play, secured)


def test_what_is_written_here_parts_them_and_comes_behind_what_was_written_there(run: Run) -> None:
    async def play(connection: Connection) -> None:
        await connection.client.tell(COMMAND)
        await connection.target.hears(connection.up)
        connection.ends[1].send(b"more")
        assert not connection.is_tapped
        await connection.target.hears(b"more")

    run(play)


@pytest.mark.parametrize("which", [0, 1])
def test_an_end_is_met_by_its_transport(run: Run, which: int) -> None:
    async def play(connection: Connection) -> None:
        (connection.client, connection.target)[which].sock.shutdown(socket.SHUT_WR)
        await connection.told(saw.EndReceived((Side.CLIENT, Side.UPSTREAM)[which]))

    run(play)


@pytest.mark.parametrize("which", [0, 1])
def test_a_connection_that_is_reset_is_lost(run: Run, which: int) -> None:
    async def play(connection: Connection) -> None:
        far = (connection.client, connection.target)[which]
        far.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.sock.close()
        await connection.told(("lost", (Side.CLIENT, Side.UPSTREAM)[which]))

    run(play)


def test_who_is_closed_here_is_closed_for_the_peer(run: Run) -> None:
    async def play(connection: Connection) -> None:
        held = connection.joint._wire
        connection.ends[0].drop()
        assert connection.ends[1].through is None
        await connection.client.meets_the_end()
        connection.ends[1].abort()
        await connection.target.meets_the_end()
        assert held is not None

    run(play)


def test_who_is_cut_off_carries_nothing_on(run: Run) -> None:
    async def play(connection: Connection) -> None:
        held = connection.joint._wire
        connection.ends[1].abort()
        assert connection.ends[0].through is None
        before = open_files()
        assert held is not None
        held.untap()
        assert open_files() == before

    run(play)


def test_what_is_no_record_of_tls_ends_its_side_and_nothing_goes_up(run: Run) -> None:
    async def play(connection: Connection) -> None:
        tls, before = connection.client.tls, connection.log.next_seq
        assert tls is not None
        sealed = bytearray(tls.seal(COMMAND))
        sealed[-1] ^= 1
        await asyncio.get_running_loop().sock_sendall(connection.client.sock, sealed)
        await connection.told(("lost", Side.CLIENT))
        assert connection.log.next_seq == before

    run(play, True)


@pytest.mark.parametrize("secured", [False, True])
def test_a_client_that_does_not_read_gets_everything_in_order_later(run: Run, secured: bool) -> None:
    async def play(connection: Connection) -> None:
        done = 0
        while connection.is_tapped:
            before = connection.log.next_seq
            await connection.client.tell(COMMAND)
            await connection.target.hears(connection.up)
            await connection.target.tell(ANSWER)
            done += 1
            assert done < 10_000, "its socket is never full"
            while connection.log.next_seq < before + 2:
                await asyncio.sleep(0)
        await connection.client.hears(SHOWN * done)
        assert connection.hearer.heard == []

    # WHY not over TCP: a peer whose room is full may not even take that its own bytes arrived.
    run(play, secured, over_tcp=False)


def test_where_no_more_files_may_be_opened_it_goes_on_as_before(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(connection: Connection) -> None:
        tried = []

        def passage() -> Passage:
            tried.append(Passage())
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, limit[1]))
            limits.append(limit)
            return tried[0]

        limits: list[tuple[int, int]] = []
        monkeypatch.setattr(joint, "Passage", passage)
        try:
            with pytest.raises(pytest.fail.Exception, match="never tapped"):
                await connection.tap()
        finally:
            for limit in limits:
                resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        assert len(tried) == 1
        tried.clear()
        await connection.exchange(3)

    run(play, tapped=False)


def test_half_of_the_files_that_may_be_opened_are_left_to_others(run: Run) -> None:
    async def play(connection: Connection) -> None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        before = open_files()
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * min(connection.target.sock.fileno(), 500), limit[1]))
        try:
            with pytest.raises(pytest.fail.Exception, match="never tapped"):
                await connection.tap()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        assert open_files() == before
        await connection.exchange(3)

    run(play, tapped=False)


def test_who_was_parted_meanwhile_is_not_tapped(run: Run) -> None:
    async def play(connection: Connection) -> None:
        connection.join()
        connection.joint._go_on()
        connection.joint.part()
        connection.join()
        await asyncio.sleep(0)
        assert not connection.is_tapped

    run(play, tapped=False)


async def test_a_passage_is_for_two_sockets_once(tmp_path: Path) -> None:
    connection = Connection(tmp_path)
    await connection.begin()
    down, up = connection.ends[0].way_out, connection.ends[1].way_out
    assert down is not None
    assert up is not None
    wire, passage = connection.lane.wire(down, up, 1.0), Passage()
    with pytest.raises(OSError):
        wire.tap(passage, lambda *told: None)
    with socket.socket(fileno=passage.far()) as far:
        with pytest.raises(OSError, match="already"):
            passage.far()
        socket.send_fds(far, [b"-"], [far.fileno()])
        with pytest.raises(OSError, match="did not come through"):
            wire.tap(passage, lambda *told: None)
    wire.hear_client()
    wire.hear_target()
    connection.end()
