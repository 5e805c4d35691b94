"""What reads well but does not fit together is told too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.http2 import Http2, TargetHttp2
from gateway.config.model import (
    Audit,
    Auth,
    Config,
    Faces,
    Identity,
    Listener,
    Local,
    Masking,
    MaskKey,
    Metrics,
    Policies,
    Resource,
    ResourceProtocol,
    Rpc,
    RpcPeer,
    RpcSocket,
    ServerTls,
    Store,
    TargetTls,
    TlsMode,
)

PG = ResourceProtocol.POSTGRES
HTTP = ResourceProtocol.HTTP
ORDERS = Resource("orders", PG, "db:5432", role="gateway")
ANA = Local("ana")


@pytest.fixture
def good(tmp_path: Path) -> Config:
    (tmp_path / "policies").mkdir()
    return Config(resource=(ORDERS,), identity=Identity((ANA,)), folder=tmp_path)


def test_a_good_one_has_no_misfits(good: Config) -> None:
    assert list(find_misfits(good)) == []


def test_an_http_resource_needs_no_role_and_its_listener_no_tls_on_loopback(good: Config) -> None:
    shop = Resource("shop", HTTP, "api:443", header="X-Api-Key", credential="env:A")
    listeners = (Listener(HTTP, "127.0.0.1:8080", resource="shop"),)
    assert list(find_misfits(replace(good, resource=(ORDERS, shop), listener=listeners))) == []


def resource(**changes: object) -> dict[str, object]:
    return {"resource": (replace(ORDERS, **changes),)}  # type: ignore[arg-type]  # fields of a test


def local(**changes: object) -> dict[str, object]:
    return {"identity": Identity((replace(ANA, **changes),))}  # type: ignore[arg-type]  # fields of a test


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"policies": Policies("nowhere")}, "policies.path"),
        ({"policies": Policies("policies", watch_seconds=-1)}, "policies.watch_seconds"),
        ({"resource": (ORDERS, ORDERS)}, "resource.1.name"),
        (resource(name="or/ders"), "resource.0.name"),
        (resource(address="db"), "resource.0.address"),
        (resource(credential="hunter2"), "resource.0.credential"),
        (resource(role=None), "resource.0.role"),
        (resource(idle_seconds=-1), "resource.0.idle_seconds"),
        (resource(idle_seconds=0.5), "resource.0.idle_seconds"),
        (resource(lifetime_seconds=float("nan")), "resource.0.lifetime_seconds"),
        (resource(lifetime_seconds=1e9), "resource.0.lifetime_seconds"),
        (resource(connections_per_principal=-1), "resource.0.connections_per_principal"),
        (resource(tls=TargetTls(ca_file="none.pem")), "resource.0.tls.ca_file"),
        (resource(tls=TargetTls(TlsMode.DISABLE, ca_file="policies")), "resource.0.tls.ca_file"),
        ({"listener": (Listener(PG, "6432"),)}, "listener.0.bind"),
        ({"listener": (Listener(PG, "127.0.0.1:6432", http2=Http2.CLEAR),)}, "listener.0.http2"),
        (resource(http2=TargetHttp2.AUTO), "resource.0.http2"),
        (
            resource(protocol=HTTP, role=None, http2=TargetHttp2.AUTO, tls=TargetTls(TlsMode.DISABLE)),
            "resource.0.http2",
        ),
        ({"listener": (Listener(PG, "h:1", resource="none"),)}, "listener.0.resource"),
        ({"listener": (Listener(PG, "h:1", Auth.TOKEN),)}, "listener.0.auth"),
        (resource(header="X-Api-Key"), "resource.0.header"),
        (resource(protocol=HTTP, role=None, header="X Y", credential="env:A"), "resource.0.header"),
        (resource(protocol=HTTP, role=None, header="X-Api-Key"), "resource.0.header"),
        (resource(protocol=HTTP, role=None, openapi="none.json"), "resource.0.openapi"),
        (resource(openapi="policies"), "resource.0.openapi"),
        (resource(protocol=HTTP, role="a", header="X-Api-Key", credential="env:A"), "resource.0.header"),
        ({"listener": (Listener(HTTP, "0.0.0.0:8080"),)}, "listener.0.tls"),
        ({"listener": (Listener(PG, "h:1", tls=ServerTls("a", "b")),)}, "listener.0.tls.certificate"),
        ({"identity": Identity((ANA, ANA))}, "identity.principal.1.name"),
        ({"faces": Faces(trusted_proxies=("::/0",))}, "faces.trusted_proxies.0"),
        ({"identity": Identity((replace(ANA, uid=1), Local("bo", uid=1)))}, "identity.principal.1.uid"),
        ({"identity": Identity((replace(ANA, also=("bo",)), Local("bo")))}, "identity.principal.0.also.0"),
        ({"identity": Identity((replace(ANA, also=("ana",)),))}, "identity.principal.0.also.0"),
        ({"identity": Identity((replace(ANA, also=("corp:ana", "corp ana")),))}, "identity.principal.0.also.1"),
        (
            {"identity": Identity((replace(ANA, also=("corp:ana",)), Local("bo", also=("corp:ana",))))},
            "identity.principal.1.also.0",
        ),
        (local(name="a b"), "identity.principal.0.name"),
        (local(scram="env:A", password="env:B"), "identity.principal.0.password"),
        (local(token="hunter2"), "identity.principal.0.token"),
        ({"store": Store(password="hunter2")}, "store.password"),
        ({"audit": Audit(segment_bytes=1)}, "audit.segment_bytes"),
        ({"audit": Audit(low_water_bytes=1)}, "audit.low_water_bytes"),
        ({"masking": Masking((MaskKey("k", "hunter2"),))}, "masking.key.0.secret"),
        ({"masking": Masking((MaskKey("k", "env:A"), MaskKey("k", "env:B")))}, "masking.key.1.id"),
        ({"rpc": Rpc(socket=(RpcSocket("s", "eve"),))}, "rpc.socket.0.principal"),
        ({"rpc": Rpc(socket=(RpcSocket("s" * 120, "ana"),))}, "rpc.socket.0.path"),
        ({"rpc": Rpc(peer=(RpcPeer("uri:x", "eve"),))}, "rpc.peer.0.principal"),
        ({"rpc": Rpc(threads=0)}, "rpc.threads"),
        ({"rpc": Rpc(plaintext="eve")}, "rpc.plaintext"),
        ({"rpc": Rpc(bind="x")}, "rpc.bind"),
        ({"rpc": Rpc(bind="127.0.0.1:1")}, "rpc.bind"),
        ({"rpc": Rpc(bind="0.0.0.0:1", plaintext="ana")}, "rpc.bind"),
        (
            {"rpc": Rpc(bind="h:1", tls=ServerTls("policies", "policies"), peer=(RpcPeer("uri:x", "ana"),))},
            "rpc.tls.client_ca",
        ),
        ({"faces": Faces("x")}, "faces.bind"),
        ({"faces": Faces("0.0.0.0:8181")}, "faces.bind"),
        ({"faces": Faces("0.0.0.0:8181", ServerTls("a", "b"))}, "faces.tls.certificate"),
        ({"metrics": Metrics("x")}, "metrics.bind"),
    ],
)
def test_each_misfit_names_its_key(good: Config, changes: dict[str, object], key: str) -> None:
    found = list(find_misfits(replace(good, **changes)))  # type: ignore[arg-type]  # fields of a test
    assert key in [".".join(str(part) for part in path) for path, _ in found]
    assert "hunter2" not in str([message for _, message in found])


def test_plaintext_on_loopback_is_fine(good: Config) -> None:
    assert list(find_misfits(replace(good, rpc=Rpc(bind="127.0.0.1:1", plaintext="ana")))) == []
