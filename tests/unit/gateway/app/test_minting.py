"""Beside a gateway, tokens are made in its store, for principals it knows, with the key it verifies with."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.app.minting import TokenDesk
from gateway.audit.entry import Kind
from gateway.audit.read import read
from gateway.config import load_config
from gateway.errors import IdentityRefused
from gateway.identity.logins import CONSOLE, Login, Unproven
from gateway.identity.minting import Wish
from tests.strategies.gateways import ENVIRONMENT, settle_in


def test_a_token_made_beside_a_gateway_counts_there_until_it_is_taken_back(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    gateway = Gateway(config, ENVIRONMENT)
    try:
        with TokenDesk.opened(config, ENVIRONMENT) as desk:
            text, grant = desk.issue("ana", Wish(("orders",), 60, "build-42"))
            assert grant.issued_by.startswith("local:")
            proofs = gateway.identities.proofs
            found = proofs.examine(text, "ana", "orders")
            assert isinstance(found, Login)
            assert found.principal.groups == ("data-readers",)
            assert [one.grant for one in desk.alive("ana")] == [grant]
            assert desk.revoke([grant.id]) == [grant.id]
            assert isinstance(proofs.examine(text, "ana", "orders"), Unproven)
            assert desk.revoke_all("ana") == 0
            desk.issue("ana", Wish(("orders",), 60))
            assert desk.revoke_all("ana") == 1
            gateway._teller.look()
            gateway.log.flush()
            entries = [one for one in read(config.at(config.audit.dir)) if one.kind is Kind.TOKEN]
            assert [(one.step, one.principal, one.job) for one in entries] == [
                ("issued", "ana", "build-42"),
                ("revoked", "ana", "build-42"),
                ("issued", "ana", None),
                ("revoked", "ana", None),
            ]
            assert {one.person for one in entries} == {grant.issued_by}
            assert entries[0].note == entries[1].note == grant.id
            with pytest.raises(IdentityRefused):
                desk.issue("eve", Wish(("orders",), 60))
    finally:
        gateway.close()


def test_a_link_to_the_console_is_good_for_that_once_and_for_nothing_else(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    gateway = Gateway(config, ENVIRONMENT)
    try:
        with TokenDesk.opened(config, ENVIRONMENT) as desk:
            text, grant = desk.link("ana", 60)
            assert (grant.once, grant.resources) == (True, (CONSOLE,))
            proofs = gateway.identities.proofs
            for resource in ("orders", None):
                assert isinstance(proofs.examine(text, "ana", resource), Unproven)
            found = proofs.examine(text, None, CONSOLE)
            assert isinstance(found, Login)
            assert proofs.use(found) is None
            assert isinstance(proofs.use(found), Unproven)
            for name, seconds in (("eve", 60), ("ana", 7_200)):
                with pytest.raises(IdentityRefused):
                    desk.link(name, seconds)
            with pytest.raises(IdentityRefused):
                desk.issue("ana", Wish((CONSOLE,), 60))
    finally:
        gateway.close()
