"""What does not fit together in a configuration whose keys all read well. Looks at files' existence, never inside secrets.

Called by `reading`; each finding is the path of a key and what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.config.addresses import is_loopback, split_address, untrustworthy
from gateway.config.clusters import find_cluster_misfits
from gateway.config.console import find_console_misfits
from gateway.config.exports import find_export_misfits, is_postable
from gateway.config.http2 import Http2, TargetHttp2
from gateway.config.issuers import find_issuer_misfits
from gateway.config.mcp import find_mcp_misfits
from gateway.config.model import Auth, Config, Listener, Local, Resource, ResourceProtocol, ServerTls, TlsMode
from gateway.config.notices import find_notice_misfits
from gateway.config.places import Path
from gateway.config.policies import find_policy_misfits
from gateway.config.pool import find_pool_misfits
from gateway.config.proxying import find_proxy_listener_misfits, find_proxy_misfits
from gateway.config.rates import find_rate_misfits
from gateway.config.references import REFERENCE_EXPECTED, SECRET
from gateway.config.retention import find_retention_misfits
from gateway.config.ssh import find_key_misfits, find_ssh_listener_misfits, find_ssh_resource_misfits
from gateway.config.telemetry import find_telemetry_misfits

_WITHOUT_ROLE = (ResourceProtocol.HTTP, ResourceProtocol.KUBERNETES, ResourceProtocol.MCP)
_OVER_HTTP = (ResourceProtocol.HTTP, ResourceProtocol.MCP)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_LONGEST = 31_536_000
_MOST = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
_ISSUERS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/=-]{0,127}")


def find_misfits(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together."""
    yield from find_policy_misfits(config)
    yield from _doubles("resource", "name", [resource.name for resource in config.resource])
    for index, resource in enumerate(config.resource):
        yield from _resource(config, resource, ("resource", index))
    for index, listener in enumerate(config.listener):
        yield from _listener(config, listener, ("listener", index))
    yield from _identity(config)
    yield from _audit(config)
    yield from _rpc(config)
    yield from _faces(config)
    yield from find_console_misfits(config, _server_tls)
    for index, key in enumerate(config.masking.key):
        if not SECRET.fullmatch(key.secret):
            yield ("masking", "key", index, "secret"), f"holds no reference; {REFERENCE_EXPECTED}"
    yield from _doubles("masking.key", "id", [key.id for key in config.masking.key])
    if config.store.password is not None and not SECRET.fullmatch(config.store.password):
        yield ("store", "password"), f"holds no reference; {REFERENCE_EXPECTED}"
    if config.metrics.bind is not None and split_address(config.metrics.bind) is None:
        yield ("metrics", "bind"), "is no address; expected HOST:PORT"
    yield from find_rate_misfits(config.limits)
    traces, ca_file = config.telemetry.traces or "", config.telemetry.ca_file
    is_file = ca_file is not None and config.at(ca_file).is_file()
    known = {local.name for local in config.identity.principal}
    yield from find_telemetry_misfits(config.telemetry, known, is_postable(traces), is_file)


def _resource(config: Config, resource: Resource, path: Path) -> Iterator[tuple[Path, str]]:
    if not _NAME.fullmatch(resource.name):
        yield (*path, "name"), "is no name; expected letters, digits, `.`, `_`, `-`"
    if split_address(resource.address) is None and resource.proxy is None:
        yield (*path, "address"), "is no address; expected HOST:PORT"
    if resource.credential is not None and not SECRET.fullmatch(resource.credential):
        yield (*path, "credential"), f"holds no reference; {REFERENCE_EXPECTED}"
    if resource.protocol in _OVER_HTTP:
        if resource.header is not None and not _HEADER.fullmatch(resource.header):
            yield (*path, "header"), "is no name of a header"
        elif resource.header is not None and (resource.credential is None or resource.role is not None):
            yield (*path, "header"), "carries `credential`, and `role` has no place in it"
        if resource.openapi is not None and resource.protocol is not ResourceProtocol.HTTP:
            yield (*path, "openapi"), "is of no use where no HTTP is spoken"
        elif resource.openapi is not None and not config.at(resource.openapi).is_file():
            yield (*path, "openapi"), "is no file; expected an OpenAPI document in JSON or YAML"
    else:
        for key, value in (("header", resource.header), ("openapi", resource.openapi)):
            if value is not None:
                yield (*path, key), "is of no use where no HTTP is spoken"
    if resource.role is None and resource.protocol not in _WITHOUT_ROLE:
        yield (*path, "role"), "is missing; expected the user that the gateway signs in as"
    if resource.tls.ca_file is not None and not config.at(resource.tls.ca_file).is_file():
        yield (*path, "tls", "ca_file"), "is no file; expected PEM certificates"
    if resource.tls.mode is TlsMode.DISABLE and resource.tls.ca_file is not None:
        yield (*path, "tls", "ca_file"), "is of no use where `mode` is `disable`"
    for key, seconds in (("idle_seconds", resource.idle_seconds), ("lifetime_seconds", resource.lifetime_seconds)):
        if not (seconds == 0 or 1 <= seconds <= _LONGEST):
            yield (*path, key), f"is out of range; expected 0 (no limit), or 1 to {_LONGEST}"
    if not 0 <= resource.connections_per_principal <= _MOST:
        yield (*path, "connections_per_principal"), f"is out of range; expected 0 (no limit) to {_MOST}"
    if resource.protocol is ResourceProtocol.SSH:
        yield from find_ssh_resource_misfits(config, resource, path)
    if resource.protocol is ResourceProtocol.KUBERNETES:
        yield from find_cluster_misfits(config, resource, path)
    if resource.http2 is not TargetHttp2.OFF and (
        resource.protocol is not ResourceProtocol.HTTP or resource.proxy is not None
    ):
        yield (*path, "http2"), "is a key of resources for HTTP whose host is known"
    if resource.http2 is TargetHttp2.AUTO and resource.tls.mode is TlsMode.DISABLE:
        yield (
            (*path, "http2"),
            'is "auto" where no TLS asks the target; expected "always" for one that is known to speak it',
        )
    yield from find_pool_misfits(resource.pool, resource.protocol is ResourceProtocol.POSTGRES, (*path, "pool"))
    yield from find_mcp_misfits(config, resource, path)
    yield from find_proxy_misfits(config, resource, path)


def _listener(config: Config, listener: Listener, path: Path) -> Iterator[tuple[Path, str]]:
    if split_address(listener.bind) is None:
        yield (*path, "bind"), "is no address; expected HOST:PORT"
    bound = next((one for one in config.resource if one.name == listener.resource), None)
    if listener.resource is not None and bound is None:
        yield (*path, "resource"), f"names no [[resource]]; expected {_one_of([one.name for one in config.resource])}"
    if bound is not None and bound.protocol.value != listener.protocol.value:
        yield (*path, "resource"), f"speaks {bound.protocol.value}, the listener {listener.protocol.value}"
    if listener.http2 is not Http2.TLS and listener.protocol is not ResourceProtocol.HTTP:
        yield (*path, "http2"), "is a key of listeners for HTTP"
    if not 0 <= listener.idle_seconds <= 604_800:
        yield (*path, "idle_seconds"), "is out of range; expected 0 (never) to 604800"
    if listener.protocol is ResourceProtocol.SSH:
        yield from find_ssh_listener_misfits(listener, path)
    elif listener.tls is not None:
        yield from _server_tls(config, listener.tls, (*path, "tls"))
        yield from find_proxy_listener_misfits(config, listener, path)
    elif listener.protocol is ResourceProtocol.KUBERNETES:
        # WHY on loopback too: kubectl sends a token over TLS only.
        yield (*path, "tls"), "is missing; expected [listener.tls] with the certificate that kubectl is to trust"
    elif listener.protocol in _OVER_HTTP:
        address = split_address(listener.bind)
        if address is not None and not is_loopback(address[0]):
            # WHY: as below; on loopback nobody is on the way.
            yield (*path, "tls"), "is missing; expected [listener.tls], or a loopback address to listen on"
    elif listener.auth is Auth.TOKEN:
        # WHY: a token is sent in clear; outside TLS everybody on the way would have it.
        yield (*path, "auth"), 'is "token" without [listener.tls]; expected TLS, or auth = "scram"'


def _server_tls(config: Config, tls: ServerTls, path: Path) -> Iterator[tuple[Path, str]]:
    for name, file in (("certificate", tls.certificate), ("key", tls.key), ("client_ca", tls.client_ca)):
        if file is not None and not config.at(file).is_file():
            yield (*path, name), "is no file; expected PEM"


def _identity(config: Config) -> Iterator[tuple[Path, str]]:
    locals_ = config.identity.principal
    yield from _doubles("identity.principal", "name", [local.name for local in locals_])
    yield from _doubles("identity.principal", "uid", [str(local.uid) for local in locals_ if local.uid is not None])
    yield from find_key_misfits(config.identity.ssh_ca, ("identity", "ssh_ca"))
    yield from _doubles("identity.oidc", "name", [issuer.name for issuer in config.identity.oidc])
    yield from _doubles("identity.oidc", "issuer", [issuer.issuer for issuer in config.identity.oidc])
    yield from _doubles("identity.oidc", "prefix", [issuer.prefix for issuer in config.identity.oidc])
    yield from find_issuer_misfits(config)
    names, taken = {local.name for local in locals_}, set[str]()
    for index, local in enumerate(locals_):
        yield from _local(local, ("identity", "principal", index))
        for place, other in enumerate(local.also):
            path = ("identity", "principal", index, "also", place)
            if other in names:
                yield path, "is an [[identity.principal]] itself; expected a name that somebody has at an issuer"
            elif other in taken:
                yield path, f"is `{other}` a second time"
            elif not _ISSUERS_NAME.fullmatch(other):
                yield path, "is no name of a principal"
            taken.add(other)


def _local(local: Local, path: Path) -> Iterator[tuple[Path, str]]:
    if not _NAME.fullmatch(local.name):
        yield (*path, "name"), "is no name; expected letters, digits, `.`, `_`, `@`, `-`"
    if local.scram is not None and local.password is not None:
        yield (*path, "password"), "is of no use beside `scram`; expected one of them"
    for name, reference in (("scram", local.scram), ("password", local.password), ("token", local.token)):
        if reference is not None and not SECRET.fullmatch(reference):
            yield (*path, name), f"holds no reference; {REFERENCE_EXPECTED}"
    yield from find_key_misfits(local.ssh_key, (*path, "ssh_key"))


def _audit(config: Config) -> Iterator[tuple[Path, str]]:
    for index, reference in enumerate(config.audit.keys):
        if not SECRET.fullmatch(reference):
            yield ("audit", "keys", index), f"holds no reference; {REFERENCE_EXPECTED}"
    if not 1 << 16 <= config.audit.segment_bytes <= 1 << 34:
        yield ("audit", "segment_bytes"), "is out of range; expected 65536 to 17179869184"
    if config.audit.low_water_bytes < 1 << 20:
        yield ("audit", "low_water_bytes"), "is too small; expected 1048576 or more"
    yield from find_retention_misfits(config)
    for index, reference in enumerate(config.recording.keys):
        if not SECRET.fullmatch(reference):
            yield ("recording", "keys", index), f"holds no reference; {REFERENCE_EXPECTED}"
    if config.recording.low_water_bytes < 1 << 20:
        yield ("recording", "low_water_bytes"), "is too small; expected 1048576 or more"
    if not 0 <= config.recording.keep_days <= 36_500:
        yield ("recording", "keep_days"), "is out of range; expected 0 (for ever) to 36500"
    yield from _doubles("audit.retention", "name", [rule.name for rule in config.audit.retention])
    yield from _doubles("audit.export", "name", [export.name for export in config.audit.export])
    yield from find_export_misfits(config)
    yield from _doubles("notify", "name", [notify.name for notify in config.notify])
    yield from find_notice_misfits(config)


def _rpc(config: Config) -> Iterator[tuple[Path, str]]:
    rpc, known = config.rpc, {local.name for local in config.identity.principal}
    wanted = "names no [[identity.principal]]"
    yield from _doubles("rpc.socket", "path", [socket.path for socket in rpc.socket])
    for index, socket in enumerate(rpc.socket):
        if socket.principal not in known:
            yield ("rpc", "socket", index, "principal"), wanted
        if len(str(config.at(socket.path)).encode()) > 100:
            yield ("rpc", "socket", index, "path"), "is too long for a socket; expected at most 100 bytes"
    for index, peer in enumerate(rpc.peer):
        if peer.principal not in known:
            yield ("rpc", "peer", index, "principal"), wanted
    of_http = {one.name for one in config.resource if one.protocol is ResourceProtocol.HTTP}
    if rpc.ext_authz is not None and rpc.ext_authz not in of_http:
        yield ("rpc", "ext_authz"), "names no [[resource]] that speaks http"
    if not 1 <= rpc.threads <= 256:
        yield ("rpc", "threads"), "is out of range; expected 1 to 256"
    if rpc.plaintext is not None and rpc.plaintext not in known:
        yield ("rpc", "plaintext"), wanted
    if rpc.bind is None:
        return
    address = split_address(rpc.bind)
    if address is None:
        yield ("rpc", "bind"), "is no address; expected HOST:PORT"
    elif rpc.tls is not None:
        yield from _server_tls(config, rpc.tls, ("rpc", "tls"))
        if rpc.tls.client_ca is None and rpc.peer:
            yield ("rpc", "tls", "client_ca"), "is missing; expected the authority of the certificates of [[rpc.peer]]"
    elif rpc.plaintext is None or not is_loopback(address[0]):
        yield ("rpc", "bind"), "is without [rpc.tls]; expected TLS, or loopback and `plaintext`"


def _faces(config: Config) -> Iterator[tuple[Path, str]]:
    faces = config.faces
    if faces.tls is not None:
        yield from _server_tls(config, faces.tls, ("faces", "tls"))
    for index, problem in untrustworthy(faces.trusted_proxies):
        yield ("faces", "trusted_proxies", index), problem
    address = None if faces.bind is None else split_address(faces.bind)
    if faces.bind is not None and address is None:
        yield ("faces", "bind"), "is no address; expected HOST:PORT"
    elif address is not None and faces.tls is None and not is_loopback(address[0]):
        # WHY: callers send tokens in clear.
        yield ("faces", "bind"), "is without [faces.tls]; expected TLS, or loopback"


def _doubles(section: str, key: str, values: Sequence[str]) -> Iterator[tuple[Path, str]]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield (*section.split("."), index, key), f"is `{value}` a second time"


def _one_of(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names) or "one to be there"
