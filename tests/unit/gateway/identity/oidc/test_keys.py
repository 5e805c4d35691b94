"""Of what an issuer publishes only strong, whole, unmistakable keys are used."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from engine.request import Json
from gateway.identity.oidc.keys import KeySet, read_keys
from gateway.identity.signed import Algorithm, Signed, read_signed
from tests.issuers import ED25519, OTHER_RSA, P256, RSA, claims, jwk, token

EVERY = tuple(Algorithm)


def keys(*published: object) -> KeySet:
    return read_keys({"keys": list(published)})


def signed(**header: Json) -> Signed:
    found = read_signed(token(claims(), header=header))
    assert isinstance(found, Signed)
    return found


def test_each_kind_of_key_vouches_for_its_own() -> None:
    found = keys(jwk(RSA, "r"), jwk(P256, "p"), jwk(ED25519, "e"))
    for key, name, algorithm in (
        (RSA, "r", "RS256"),
        (RSA, "r", "PS256"),
        (P256, "p", "ES256"),
        (ED25519, "e", "EdDSA"),
    ):
        made = read_signed(token(claims(), key, {"alg": algorithm, "kid": name}))
        assert isinstance(made, Signed)
        assert found.vouches(made, EVERY)
        assert not found.vouches(made, ())


def test_a_key_is_found_by_its_name_and_no_other_is_tried() -> None:
    assert keys(jwk(RSA)).vouches(signed(), EVERY)
    assert not keys(jwk(RSA, "other"), jwk(OTHER_RSA)).vouches(signed(), EVERY)
    assert not keys(jwk(RSA, "other")).vouches(signed(), EVERY)
    assert not keys(jwk(RSA, None)).vouches(signed(), EVERY)


def test_without_a_name_a_token_is_believed_where_one_key_fits() -> None:
    assert keys(jwk(RSA), jwk(P256, "p")).vouches(signed(kid=None), EVERY)
    assert not keys(jwk(RSA), jwk(OTHER_RSA, "key-2")).vouches(signed(kid=None), EVERY)


def test_two_keys_of_one_name_are_both_left_out() -> None:
    assert keys(jwk(RSA), jwk(OTHER_RSA)).keys == ()


def test_a_key_for_one_algorithm_is_not_used_for_another() -> None:
    found = keys(jwk(RSA, alg="PS256"))
    assert not found.vouches(signed(), EVERY)
    assert not found.vouches(signed(alg="PS256"), (Algorithm.RS256,))
    assert found.vouches(signed(alg="PS256"), (Algorithm.PS256,))


@pytest.mark.parametrize(
    "published",
    [
        None,
        "key",
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {**jwk(RSA), "e": "AQ"},
        {**jwk(RSA), "n": 7},
        {**jwk(RSA), "n": "!"},
        {**jwk(RSA), "use": "enc"},
        {**jwk(RSA), "key_ops": ["encrypt"]},
        {**jwk(RSA), "alg": "HS256"},
        {**jwk(RSA), "alg": "ES256"},
        {**jwk(RSA), "kid": 1},
        {**jwk(P256), "x": jwk(P256)["y"]},
        {**jwk(P256), "crv": "P-384"},
        {**jwk(P256), "x": "AA"},
        {**jwk(ED25519), "x": "AA"},
        jwk(generate_private_key(65537, 1024)),
    ],
)
def test_what_is_no_key_to_be_trusted_is_left_out(published: object) -> None:
    assert keys(published).keys == ()


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [jwk(RSA, str(n)) for n in range(65)]}])
def test_what_is_no_set_of_keys_has_none(document: object) -> None:
    assert read_keys(document).keys == ()
