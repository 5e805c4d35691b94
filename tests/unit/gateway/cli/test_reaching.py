"""Which socket of a gateway the command line uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.reaching import find_socket
from gateway.config.model import Config, Identity, Local, Role, Rpc, RpcSocket
from gateway.errors import ConfigInvalid


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name in ("ana", "bo", "olga"):
        (tmp_path / f"{name}.sock").touch()
    people = (Local("ana"), Local("bo", roles=(Role.APPROVER,)), Local("olga", roles=(Role.OPERATOR,)))
    sockets = tuple(RpcSocket(f"{name}.sock", name) for name in ("ana", "bo", "olga", "gone"))
    return Config(identity=Identity(people), rpc=Rpc(sockets), folder=tmp_path)


@pytest.mark.parametrize(("role", "name"), [(Role.APPROVER, "bo"), (Role.OPERATOR, "olga"), (Role.ADAPTER, "ana")])
def test_the_socket_of_somebody_with_the_role_comes_first(config: Config, role: Role, name: str) -> None:
    assert find_socket(config, None, role) == config.folder / f"{name}.sock"


def test_a_principal_can_be_named(config: Config) -> None:
    assert find_socket(config, "ana", Role.OPERATOR) == config.folder / "ana.sock"
    with pytest.raises(ConfigInvalid, match="eve"):
        find_socket(config, "eve", Role.OPERATOR)


def test_a_socket_that_cannot_be_opened_is_not_used(config: Config) -> None:
    with pytest.raises(ConfigInvalid, match="none of the gateway's sockets"):
        find_socket(config, "gone", Role.OPERATOR)
