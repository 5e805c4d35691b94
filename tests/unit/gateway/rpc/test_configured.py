"""From `[rpc]` to sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.request import Principal
from gateway.config import model
from gateway.config.model import Config, Local, PrincipalKind, Rpc, RpcPeer, RpcSocket, ServerTls
from gateway.errors import ConfigInvalid
from gateway.rpc.configured import sockets_of
from gateway.rpc.identity import Caller, Role
from gateway.rpc.server import LoopbackSocket, Tls, TlsSocket, UnixSocket

PEOPLE = model.Identity(
    (
        Local("dora", groups=("dba",), roles=(model.Role.APPROVER, model.Role.AUDITOR), uid=1_000),
        Local("pg", PrincipalKind.SERVICE, roles=(model.Role.ADAPTER,)),
    )
)
DORA = Caller(Principal("dora", "user", ("dba",)), frozenset({Role.APPROVER, Role.AUDITOR}))
PG = Caller(Principal("pg", "service"), frozenset({Role.ADAPTER}))


def config(folder: Path, **fields: object) -> Config:
    return Config(identity=PEOPLE, rpc=Rpc(**fields), folder=folder)  # type: ignore[arg-type]  # fields of a test


def refused(folder: Path, **fields: object) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        sockets_of(config(folder, **fields))
    return str(caught.value)


def test_a_unix_socket_belongs_to_its_principal(tmp_path: Path) -> None:
    sockets = (RpcSocket("run/dora.sock", "dora"), RpcSocket("run/pg.sock", "pg"))
    assert sockets_of(config(tmp_path, socket=sockets)) == [
        UnixSocket(tmp_path / "run/dora.sock", DORA, 1_000),
        UnixSocket(tmp_path / "run/pg.sock", PG, None),
    ]


def test_a_tls_port_knows_its_peers(tmp_path: Path) -> None:
    for name in ("own.pem", "own.key", "ca.pem"):
        (tmp_path / name).write_text(name)
    tls = ServerTls("own.pem", "own.key", "ca.pem")
    peers = (RpcPeer("uri:spiffe://corp/pg", "pg"), RpcPeer("cn:dora", "dora"))
    assert sockets_of(config(tmp_path, bind="[::1]:8443", tls=tls, peer=peers)) == [
        TlsSocket("::1", 8443, Tls(b"own.pem", b"own.key", b"ca.pem"), {"uri:spiffe://corp/pg": PG, "cn:dora": DORA})
    ]


def test_without_an_authority_of_clients_only_tokens_say_who_calls(tmp_path: Path) -> None:
    for name in ("own.pem", "own.key"):
        (tmp_path / name).write_text(name)
    assert sockets_of(config(tmp_path, bind="0.0.0.0:8443", tls=ServerTls("own.pem", "own.key"))) == [
        TlsSocket("0.0.0.0", 8443, Tls(b"own.pem", b"own.key"), {})
    ]


def test_plaintext_is_for_one_principal(tmp_path: Path) -> None:
    assert sockets_of(config(tmp_path, bind="127.0.0.1:0", plaintext="pg")) == [LoopbackSocket("127.0.0.1", 0, PG)]


def test_nothing_is_served_that_nobody_asked_for(tmp_path: Path) -> None:
    assert sockets_of(config(tmp_path)) == []


def test_what_the_check_of_the_configuration_missed_is_refused_here_too(tmp_path: Path) -> None:
    assert "no [[identity.principal]]" in refused(tmp_path, socket=(RpcSocket("a", "nobody"),))
    assert "no address" in refused(tmp_path, bind="nowhere", plaintext="pg")
    assert "without certificates" in refused(tmp_path, bind="127.0.0.1:1")
    peers = (RpcPeer("cn:dora", "dora"),)
    assert "client_ca" in refused(tmp_path, bind="127.0.0.1:1", tls=ServerTls("a", "b"), peer=peers)
    assert "cannot be read" in refused(tmp_path, bind="127.0.0.1:1", tls=ServerTls("a", "b", "c"))


def test_the_roles_of_the_configuration_are_those_of_the_services() -> None:
    assert {role.value for role in model.Role} == {role.value for role in Role}
