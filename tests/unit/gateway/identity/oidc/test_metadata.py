"""What an issuer says about itself is believed of itself alone, and leads nowhere that is less safe."""

from __future__ import annotations

import pytest

from engine.request import Json
from gateway.errors import IdentityRefused
from gateway.identity.oidc.metadata import read_metadata
from tests.issuers import URL, StandInIssuer

GOOD = StandInIssuer().metadata


def test_the_doors_are_where_it_says() -> None:
    found = read_metadata({**GOOD, "authorization_response_iss_parameter_supported": True}, URL)
    assert (found.jwks_uri, found.token_endpoint, found.names_itself) == (f"{URL}/jwks", f"{URL}/token", True)
    assert read_metadata({"issuer": URL, "jwks_uri": f"{URL}/k"}, URL).token_endpoint is None
    local = "http://127.0.0.1:8190"
    assert read_metadata({"issuer": local, "jwks_uri": f"{local}/jwks"}, local).jwks_uri == f"{local}/jwks"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.test"},
        {"issuer": f"{URL}/"},
        {"jwks_uri": None},
        {"jwks_uri": "http://issuer.test/jwks"},
        {"jwks_uri": "http://127.0.0.1/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://user@issuer.test/jwks"},
        {"jwks_uri": "https://issuer.test/jwks#x"},
        {"jwks_uri": "https://[bad/jwks"},
        {"jwks_uri": 7},
        {"token_endpoint": "http://issuer.test/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"device_authorization_endpoint": "https://issuer.test:99999/x"},
    ],
)
def test_a_document_that_leads_astray_is_refused(changes: dict[str, Json]) -> None:
    with pytest.raises(IdentityRefused) as caught:
        read_metadata({**GOOD, **changes}, URL)
    assert caught.value.code == "ISSUER_UNUSABLE"


@pytest.mark.parametrize("document", [None, [], "x", {}])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(IdentityRefused):
        read_metadata(document, URL)
