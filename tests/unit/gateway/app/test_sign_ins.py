"""Beside a gateway, sign-ins are listed and ended in its store, and its audit is told."""

from __future__ import annotations

from pathlib import Path

from gateway.app.assembly import Gateway
from gateway.app.beside import operator
from gateway.app.console import sign_ins_of
from gateway.app.sign_ins import SignInDesk
from gateway.audit.read import read
from gateway.config import load_config
from tests.strategies.gateways import ENVIRONMENT, settle_in


def test_a_sign_in_that_is_ended_beside_a_gateway_is_none_there_and_recorded(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    gateway = Gateway(config, ENVIRONMENT)
    try:
        sessions = sign_ins_of(config, gateway._database)
        with SignInDesk.opened(config, ENVIRONMENT) as desk:
            assert desk.alive(None) == []
            now = gateway._started_at
            value, session = sessions.prepare("dora", "secret", now, "10.0.0.9")
            sessions.keep(session)
            assert desk.alive("dora") == [session]
            assert desk.alive("emil") == []
            assert not desk.take_back("c-0123456789abcdef")
            assert desk.take_back(session.name, "left the house")
            assert sessions.find(value, now) is None
            assert not desk.take_back(session.name)
        gateway._teller.look()
        gateway.log.flush()
        (entry,) = [one for one in read(config.at(config.audit.dir)) if one.step == "killed"]
        assert (entry.session, entry.principal, entry.person, entry.note) == (
            *(session.name, "dora", operator(), "left the house"),
        )
    finally:
        gateway.close()
