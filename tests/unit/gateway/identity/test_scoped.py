"""A token of ours is short, signed with our key in one way, and of its own kind."""

from __future__ import annotations

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.errors import ConfigInvalid, IdentityRefused
from gateway.identity.scoped import KIND, MAX_SCOPED, Grant, TokenKey, TokenKeys, digest_of
from gateway.identity.signed import Signed, read_signed
from tests.issuers import P256, RSA, token

SEED = secrets.token_bytes(32)
KEYS = TokenKeys([TokenKey.from_seed(SEED)])
GRANT = Grant(
    id="t-1",
    principal="ana",
    resources=("orders",),
    issued_at=1_800_000_000_000_000_000,
    expires_at=1_800_000_600_000_000_000,
    job="build-42",
    prompt="count the orders of last week",
)


def read(text: str) -> Signed:
    found = read_signed(text)
    assert isinstance(found, Signed)
    return found


def code(keys: TokenKeys, text: str) -> str:
    with pytest.raises(IdentityRefused) as caught:
        keys.id_of(read(text))
    return caught.value.code


def test_what_we_printed_is_ours() -> None:
    text = KEYS.print(GRANT)
    assert len(text) < MAX_SCOPED
    assert KEYS.id_of(read(text)) == "t-1"
    assert read(text).algorithm == "EdDSA"
    assert read(text).kind == KIND
    assert len(digest_of(text)) == 64


def test_the_prompt_stays_here_and_its_digest_goes_along() -> None:
    claims = read(KEYS.print(GRANT)).claims
    assert "count" not in repr(claims)
    assert claims["pd"]
    assert GRANT.prompt_digest is not None
    assert len(GRANT.prompt_digest) == 64


def test_all_replicas_have_the_same_key_and_others_another() -> None:
    assert TokenKeys([TokenKey.from_seed(SEED)]).id_of(read(KEYS.print(GRANT))) == "t-1"
    assert code(TokenKeys([TokenKey.from_seed(secrets.token_bytes(32))]), KEYS.print(GRANT)) == "TOKEN_SIGNATURE"


def test_a_rotated_key_verifies_and_signs_no_more() -> None:
    old, new = TokenKey.from_seed(SEED), TokenKey.from_seed(secrets.token_bytes(32))
    both = TokenKeys([new, old])
    assert both.id_of(read(KEYS.print(GRANT))) == "t-1"
    assert read(both.print(GRANT)).key_id == new.id
    assert code(KEYS, both.print(GRANT)) == "TOKEN_SIGNATURE"


def test_keys_are_changed_while_they_are_used() -> None:
    old, new = TokenKey.from_seed(secrets.token_bytes(32)), TokenKey.from_seed(secrets.token_bytes(32))
    keys = TokenKeys([old])
    first = keys.print(GRANT)
    keys.use([new, old])
    assert keys.id_of(read(first)) == "t-1"
    second = keys.print(GRANT)
    assert TokenKeys([new]).id_of(read(second)) == "t-1"
    keys.use([new])
    assert code(keys, first) == "TOKEN_SIGNATURE"
    with pytest.raises(ConfigInvalid):
        keys.use([])
    assert keys.id_of(read(second)) == "t-1"


def test_our_key_under_another_kind_algorithm_or_issuer_is_no_token_of_ours() -> None:
    key = TokenKey.from_seed(SEED)
    said = {"iss": "sallyport", "sub": "ana", "jti": "t-1"}
    good = {"alg": "EdDSA", "kid": key.id, "typ": KIND}
    assert KEYS.id_of(read(token(said, key.private, good))) == "t-1"
    for header in ({**good, "typ": "JWT"}, {**good, "typ": None}, {**good, "kid": "key-1"}, {**good, "kid": None}):
        assert code(KEYS, token(said, key.private, header)) == "TOKEN_SIGNATURE"
    assert code(KEYS, token(said, key.private, {**good, "alg": "RS256"})) == "TOKEN_SIGNATURE"
    for other in (RSA, P256, Ed25519PrivateKey.generate()):
        assert code(KEYS, token(said, other, good)) == "TOKEN_SIGNATURE"
    assert code(KEYS, token({**said, "iss": "https://issuer.test"}, key.private, good)) == "TOKEN_SIGNATURE"
    assert code(KEYS, token({**said, "jti": 7}, key.private, good)) == "TOKEN_SIGNATURE"


def test_a_token_that_is_too_long_for_a_password_is_not_made() -> None:
    with pytest.raises(IdentityRefused) as caught:
        KEYS.print(Grant(id="t", principal="a" * 128, resources=("r" * 128,) * 4, issued_at=0, expires_at=1))
    assert caught.value.code == "GRANT_TOO_LONG"


def test_keys_come_from_pem_files_of_ed25519_only() -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert TokenKey.from_pem(pem).id == TokenKey(private).id
    for wrong in (b"", b"x", P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())):
        with pytest.raises(ConfigInvalid):
            TokenKey.from_pem(wrong)
    with pytest.raises(ConfigInvalid):
        TokenKeys([])
    assert "private" not in repr(TokenKey(private)).lower().replace("tokenkey", "")
