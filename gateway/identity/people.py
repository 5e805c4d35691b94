"""The principals this gateway knows, and whether a secret proves one of them. No network, no clock.

Nothing here tells whether a name exists: unknown names get a decoy verifier and a comparison that takes as long. Called
by the doorkeeper and by the gRPC services (who is behind a socket or a certificate).
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.core.ports import ScramVerifier
from engine.request import Principal
from gateway.identity.scram import ITERATIONS, decoy, make_verifier

MAX_TOKEN = 1_000
"""Bytes of a token that are looked at; a longer one is no token of ours."""


@dataclass(frozen=True, slots=True)
class Known:
    """One principal with its proofs.

    `token` is the SHA-256 of the token: tokens are long and random, so that is enough. `keys` are public keys of SSH. `also` are
    names that the same human has at issuers.
    """

    principal: Principal
    verifier: ScramVerifier | None = field(default=None, repr=False)
    token: bytes | None = field(default=None, repr=False)
    roles: tuple[str, ...] = ()
    uid: int | None = None
    keys: frozenset[bytes] = frozenset()
    also: frozenset[str] = frozenset()


class People:
    """All principals of one configuration."""

    def __init__(self, known: Sequence[Known], decoy_key: bytes, authorities: Sequence[str] = ()) -> None:
        """`authorities` are public keys of SSH whose certificates prove the people they name."""
        self.authorities = tuple(authorities)
        self._known: Mapping[str, Known] = {one.principal.name: one for one in known}
        self._decoy_key = decoy_key
        held = Counter(one.token for one in known if one.token is not None)
        # INVARIANT: a token of two people proves neither of them.
        self._owners = {one.token: one.principal.name for one in known if one.token and held[one.token] == 1}
        rounds = Counter(one.verifier.iterations for one in known if one.verifier is not None)
        # WHY: a decoy with another number of rounds than everybody else's would be told apart at once.
        self._rounds = rounds.most_common(1)[0][0] if rounds else ITERATIONS

    def find(self, name: str) -> Known | None:
        """The principal of that name."""
        return self._known.get(name)

    def also(self, name: str) -> frozenset[str]:
        """The other names of whoever has this one, as far as the configuration knows."""
        ours = next((one for one in self._known.values() if name == one.principal.name or name in one.also), None)
        return frozenset() if ours is None else (ours.also | {ours.principal.name}) - {name}

    def by_uid(self, uid: int) -> Known | None:
        """The principal who is this user on this machine."""
        return next((one for one in self._known.values() if one.uid == uid), None)

    def has_key(self, name: str, key: bytes) -> bool:
        """Whether a public key is one of this principal's."""
        found = self._known.get(name)
        return found is not None and key in found.keys

    def owner_of(self, token: str) -> str | None:
        """Whose token this is. WHY a table is no oracle: it is keyed by hashes, which nobody can choose byte by byte."""
        given = token.encode("utf-8", "surrogateescape")
        return self._owners.get(digest_token(given)) if len(given) <= MAX_TOKEN else None

    def verifier(self, name: str) -> ScramVerifier:
        """The verifier of a principal, or a decoy."""
        made_up = decoy(name, self._decoy_key, self._rounds)
        found = self._known.get(name)
        return made_up if found is None or found.verifier is None else found.verifier

    def is_proven(self, name: str, token: str) -> bool:
        """Whether the token is this principal's."""
        given = token.encode("utf-8", "surrogateescape")
        found = self._known.get(name)
        expected = found.token if found is not None else None
        # INVARIANT: one hash and one comparison, whether the name exists, has a token, or neither.
        is_same = hmac.compare_digest(digest_token(given), expected or self._decoy_key)
        return is_same and expected is not None and len(given) <= MAX_TOKEN

    def is_password(self, name: str, password: str) -> bool:
        """Whether a password given in clear (inside TLS) is this principal's. Takes as long for a name that nobody has."""
        known = self.verifier(name)
        given = password if len(password) <= MAX_TOKEN else ""
        made = make_verifier(given, known.salt, known.iterations)
        # INVARIANT: nobody has the key of a decoy, and an empty password is none.
        return hmac.compare_digest(made.stored_key, known.stored_key) and bool(given)


def digest_token(token: bytes) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token).digest()
