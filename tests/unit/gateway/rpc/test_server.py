"""What a server refuses to open, and that nothing stays open then. Serving itself: tests/interop/grpc."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid
from gateway.rpc.server import LoopbackSocket, RpcServer, Socket, Tls, TlsSocket, UnixSocket
from tests.certificates import Authority
from tests.rpc_stand_ins import ADAPTER, AGENT, StandIns


def server(*sockets: Socket) -> RpcServer:
    stand_ins = StandIns()
    return RpcServer(stand_ins.ports, stand_ins.audit, sockets, time.monotonic)


def refused(*sockets: Socket) -> str:
    made = server(*sockets)
    with pytest.raises(ConfigInvalid) as caught:
        made.start()
    assert made.addresses == ()
    return str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost", "example.org", ""])
def test_plaintext_is_for_this_machine_alone(host: str) -> None:
    assert "needs TLS" in refused(LoopbackSocket(host, 0, AGENT))


def test_tls_needs_an_authority_for_clients() -> None:
    issued = Authority().issue("gateway", "dns:localhost")
    assert "authority" in refused(TlsSocket("127.0.0.1", 0, Tls(issued.certificate, issued.key), {"cn:x": ADAPTER}))


def test_the_key_of_a_tls_socket_is_never_printed() -> None:
    issued = Authority().issue("gateway")
    assert "PRIVATE" not in repr(Tls(issued.certificate, issued.key))


def test_when_one_socket_cannot_be_had_the_others_are_taken_away_again(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    first = tmp_path / "run" / "a.sock"
    assert "no socket" in refused(UnixSocket(first, ADAPTER), UnixSocket(tmp_path / "taken", AGENT))
    assert not first.exists()


def test_a_server_without_sockets_starts_and_stops() -> None:
    made = server()
    made.start()
    made.stop()
    made.stop()
