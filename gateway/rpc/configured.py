"""The sockets that `[rpc]` asks for. The configuration is checked before (gateway/config); files are read here."""

from __future__ import annotations

from engine.request import Principal
from gateway.config.addresses import split_address
from gateway.config.model import Config, Local, ServerTls
from gateway.errors import ConfigInvalid
from gateway.rpc.identity import Caller, Role
from gateway.rpc.server import LoopbackSocket, Socket, Tls, TlsSocket, UnixSocket


def sockets_of(config: Config) -> list[Socket]:
    """Every socket of the configuration, with who is behind it. Raises ConfigInvalid."""
    callers = {local.name: _caller(local) for local in config.identity.principal}
    uids = {local.name: local.uid for local in config.identity.principal}
    sockets: list[Socket] = [
        UnixSocket(config.at(socket.path), _find(callers, socket.principal), uids[socket.principal])
        for socket in config.rpc.socket
    ]
    if config.rpc.bind is not None:
        sockets.append(_tcp(config, config.rpc.bind, callers))
    return sockets


def _tcp(config: Config, bind: str, callers: dict[str, Caller]) -> Socket:
    address = split_address(bind)
    if address is None:
        raise ConfigInvalid(f"`[rpc] bind` is no address: `{bind}`", help="write HOST:PORT")
    host, port = address
    if config.rpc.tls is not None:
        peers = {peer.name: _find(callers, peer.principal) for peer in config.rpc.peer}
        return TlsSocket(host, port, _tls(config, config.rpc.tls), peers)
    if config.rpc.plaintext is None:
        raise ConfigInvalid("`[rpc] bind` is without certificates", help="add [rpc.tls], or `plaintext` on loopback")
    return LoopbackSocket(host, port, _find(callers, config.rpc.plaintext))


def _tls(config: Config, files: ServerTls) -> Tls:
    if files.client_ca is None and config.rpc.peer:
        raise ConfigInvalid("`[rpc.tls] client_ca` is missing", help="name the authority of client certificates")
    authority = b"" if files.client_ca is None else _read(config, files.client_ca)
    return Tls(_read(config, files.certificate), _read(config, files.key), authority)


def _read(config: Config, path: str) -> bytes:
    try:
        return config.at(path).read_bytes()
    except OSError as error:
        raise ConfigInvalid(f"`{path}` cannot be read ({error.strerror})") from error


def _caller(local: Local) -> Caller:
    principal = Principal(local.name, local.kind.value, local.groups)
    return Caller(principal, frozenset(Role(role.value) for role in local.roles))


def _find(callers: dict[str, Caller], name: str) -> Caller:
    try:
        return callers[name]
    except KeyError:
        raise ConfigInvalid(f"`[rpc]` names `{name}`, who is no [[identity.principal]]") from None
