"""Our own short-lived tokens: what each allows (`Grant`), and its signed form. Pure; keys, ids and times are arguments.

A token is a JWS signed with Ed25519 (`EdDSA`, nothing else), below 1,000 bytes. It says who, on what, for which job, and when
it ends. What it allows is what the store holds under its id, so a token that the store does not know allows nothing; the
text of a prompt is there alone, the token has its digest. Used by `minting`, `proofs` and the command line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.errors import ConfigInvalid, IdentityRefused
from gateway.identity.oidc.claims import refused
from gateway.identity.signed import Algorithm, Signed, encoded, is_signed_by, sign

KIND = "sp+jwt"
"""What a token of ours says it is, so that it is never taken for another one, nor another one for it."""
ISSUER = "sallyport"
MAX_SCOPED = 1_000
"""Bytes: what every client carries as a password."""
SECOND = 1_000_000_000


class Grant(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one token allows. Times are UTC nanoseconds.

    `groups` None: those that the configuration gives the principal when the token is used. Else the principal is somebody whom
    `issuer` vouched for when the token was made. `effects` None: any. `once`: one sign-in. `stated` names what of this
    nobody vouched for: the principal itself said so when it asked (`speaking`).
    """

    id: str
    principal: str
    resources: tuple[str, ...]
    issued_at: int
    expires_at: int
    kind: str = "user"
    groups: tuple[str, ...] | None = None
    issuer: str | None = None
    job: str | None = None
    effects: tuple[str, ...] | None = None
    once: bool = False
    prompt: str | None = None
    issued_by: str = ""
    stated: tuple[str, ...] = ()
    forgotten: str | None = None

    @property
    def prompt_digest(self) -> str | None:
        """SHA-256 of the prompt, in hex; of one that was forgotten too."""
        return self.forgotten if self.prompt is None else hashlib.sha256(self.prompt.encode()).hexdigest()

    def without_prompt(self) -> Grant:
        """The same, with nothing of the prompt but its digest, which the token itself has as long as it lives."""
        return msgspec.structs.replace(self, prompt=None, forgotten=self.prompt_digest)


class _Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    iss: str
    sub: str
    aud: tuple[str, ...]
    jti: str
    iat: int
    exp: int
    job: str | None = None
    eff: tuple[str, ...] | None = None
    one: bool = False
    pd: str | None = None


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs tokens."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @property
    def id(self) -> str:
        """What tokens call it."""
        raw = self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return encoded(hashlib.sha256(raw).digest()[:9])

    @classmethod
    def from_seed(cls, seed: bytes) -> TokenKey:
        """The key that 32 secret bytes are."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> TokenKey:
        """The key of a PEM file. Raises ConfigInvalid."""
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigInvalid(
                "a key of `[identity.tokens]` is no Ed25519 key", help="`sallyport signing-key` makes one"
            )
        return cls(key)


class TokenKeys:
    """The keys of this installation: the first signs, all verify, so that they can be rotated."""

    def __init__(self, keys: Sequence[TokenKey]) -> None:
        self.use(keys)

    def use(self, keys: Sequence[TokenKey]) -> None:
        """These from now on: what a key signed that is not among them counts no more. Raises ConfigInvalid for none."""
        if not keys:
            raise ConfigInvalid("there is no key to sign tokens with")
        # WHY this order: whoever is given a token in between can use it.
        self._by_id = {key.id: key.public for key in keys}
        self._signing = keys[0]

    def print(self, grant: Grant) -> str:
        """The token of a grant. Raises IdentityRefused when it would be too long."""
        claims = _Claims(
            ISSUER,
            grant.principal,
            grant.resources,
            grant.id,
            grant.issued_at // SECOND,
            grant.expires_at // SECOND,
            grant.job,
            grant.effects,
            grant.once,
            None if grant.prompt_digest is None else encoded(bytes.fromhex(grant.prompt_digest)),
        )
        token = sign(msgspec.json.encode(claims), self._signing.private, self._signing.id, KIND)
        if len(token) >= MAX_SCOPED:
            raise IdentityRefused("the token would be too long for a password", code="GRANT_TOO_LONG")
        return token

    def id_of(self, token: Signed) -> str:
        """The id of a token that we signed. Raises IdentityRefused for every other.

        INVARIANT: nobody learns anything, and the store is not asked, before the signature was verified.
        """
        key = self._by_id.get(token.key_id or "")
        if key is None or token.kind != KIND or not is_signed_by(token, key, Algorithm.EDDSA):
            raise refused("SIGNATURE", "the token is not one of ours")
        found = token.claims.get("jti")
        if token.claims.get("iss") != ISSUER or not isinstance(found, str):
            raise refused("SIGNATURE", "the token is not one of ours")
        return found


def digest_of(token: str) -> str:
    """What the store keeps of a token, so that its row is of this token and no other."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
