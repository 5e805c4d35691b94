"""What is known of an issuer keeps its secret."""

from __future__ import annotations

import secrets

from gateway.identity.oidc.settings import Identity, IssuerSettings


def test_the_secret_of_a_client_is_not_printed() -> None:
    secret = secrets.token_urlsafe()
    assert secret not in repr(IssuerSettings("main", "https://issuer.test", client_secret=secret))


def test_an_identity_has_no_roles_of_itself() -> None:
    assert Identity("alice", (), None, 0, "https://issuer.test", "1").roles == ()
