"""What is driven: the sessions of the protocols have the shape, and say whether they wait for their client."""

from __future__ import annotations

import pytest

from adapters.core.driven import Session
from adapters.http.session import http_session
from adapters.kubernetes.session import kubernetes_session
from adapters.postgres.session import PostgresSession
from adapters.web.session.settings import Settings
from tests.wire import settings

SESSIONS: list[tuple[Session, bool]] = [
    (PostgresSession(settings()), False),
    (http_session(Settings(resource="shop")), True),
    (kubernetes_session(Settings(resource="shop"), b"seed"), True),
]


@pytest.mark.parametrize(("session", "waits"), SESSIONS)
def test_a_session_of_each_protocol_can_be_driven(session: Session, waits: bool) -> None:
    assert session.short_way is None
    assert session.is_waiting is waits
