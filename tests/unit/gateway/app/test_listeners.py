"""From the configuration to what listens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.core.listening import RelayListener
from adapters.postgres.catalog import CatalogService
from adapters.postgres.listener import PostgresListener
from adapters.postgres.pool import Pools
from gateway.app.assembly import Gateway
from gateway.app.certificates import Certificates
from gateway.app.listeners import make_listener
from gateway.config import Listener, load_config
from gateway.config.model import ResourceProtocol, ServerTls
from gateway.errors import ConfigInvalid
from tests.certificates import Authority
from tests.strategies.gateways import ENVIRONMENT, settle_in


def test_each_protocol_has_its_listener_and_a_broken_certificate_is_said_to_be_one(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    gateway = Gateway(config, ENVIRONMENT)
    try:
        for protocol, kind in (
            (ResourceProtocol.POSTGRES, PostgresListener),
            (ResourceProtocol.HTTP, RelayListener),
            (ResourceProtocol.KUBERNETES, RelayListener),
            (ResourceProtocol.MCP, RelayListener),
        ):
            one = Listener(protocol, "127.0.0.1:0")
            assert isinstance(
                make_listener(
                    config, one, gateway.doors, CatalogService(), Pools(), {}, gateway.meters, Certificates()
                ),
                kind,
            )
            (tmp_path / "no.pem").write_text("no certificate")
            broken = replace(one, tls=ServerTls("no.pem", "no.pem"))
            with pytest.raises(ConfigInvalid, match="certificate of 127"):
                make_listener(
                    config, broken, gateway.doors, CatalogService(), Pools(), {}, gateway.meters, Certificates()
                )
        issued = Authority().issue("gateway")
        (tmp_path / "own.pem").write_bytes(issued.certificate + issued.key)
        unproving = replace(one, tls=ServerTls("own.pem", "own.pem", client_ca="no.pem"))
        with pytest.raises(ConfigInvalid, match="client_ca"):
            make_listener(
                config, unproving, gateway.doors, CatalogService(), Pools(), {}, gateway.meters, Certificates()
            )
    finally:
        gateway.close()
