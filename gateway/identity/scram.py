"""SCRAM-SHA-256 verifiers: made from passwords, read and printed as PostgreSQL keeps them, and decoys. Pure.

A decoy is what a user who does not exist gets: it looks like any other verifier, stays the same for the same name, and no
password fits it. Called by `people` and by `sallyport scram`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import stringprep
import unicodedata

from adapters.core.ports import ScramVerifier

ITERATIONS = 4096
"""PostgreSQL's own number; what clients expect to wait for."""
MAX_ITERATIONS = 1_000_000
SALT_BYTES = 16

_FORM = re.compile(r"SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


def make_verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> ScramVerifier:
    """The verifier of a password. The salt comes from the caller, who knows about chance."""
    salted = hashlib.pbkdf2_hmac("sha256", prepare(password), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return ScramVerifier(salt, iterations, hashlib.sha256(client_key).digest(), server_key)


def decoy(name: str, key: bytes, iterations: int = ITERATIONS) -> ScramVerifier:
    """What an unknown user gets. `key` is secret and the same on all replicas."""
    salt, stored, server = (
        hmac.digest(key, part + name.encode("utf-8", "surrogatepass"), "sha256")
        for part in (b"salt:", b"stored:", b"server:")
    )
    return ScramVerifier(salt[:SALT_BYTES], iterations, stored, server)


def print_verifier(verifier: ScramVerifier) -> str:
    """The verifier as PostgreSQL writes it in `pg_authid`."""
    salt, stored, server = (
        base64.b64encode(part).decode() for part in (verifier.salt, verifier.stored_key, verifier.server_key)
    )
    return f"SCRAM-SHA-256${verifier.iterations}:{salt}${stored}:{server}"


def parse_verifier(text: str) -> ScramVerifier:
    """Read a verifier. Raises ValueError, whose message never repeats it."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError("this is no SCRAM-SHA-256 verifier")
    try:
        salt, stored, server = (base64.b64decode(part, validate=True) for part in found.groups()[1:])
    except binascii.Error:
        raise ValueError("this is no SCRAM-SHA-256 verifier") from None
    iterations = int(found[1])
    if not 0 < iterations <= MAX_ITERATIONS or not salt or len(stored) != 32 or len(server) != 32:
        raise ValueError("this is no SCRAM-SHA-256 verifier")
    return ScramVerifier(salt, iterations, stored, server)


def prepare(password: str) -> bytes:
    """SASLprep (RFC 4013). What it forbids is used as it is, as PostgreSQL and its clients do."""
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in password if not stringprep.in_table_b1(char)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    if not normal or any(_is_forbidden(char) for char in normal) or not _is_one_direction(normal):
        return password.encode("utf-8", "surrogateescape")
    return normal.encode()


def _is_forbidden(char: str) -> bool:
    return (
        stringprep.in_table_a1(char)
        or stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
        or stringprep.in_table_c8(char)
        or stringprep.in_table_c9(char)
    )


def _is_one_direction(text: str) -> bool:
    """RFC 3454, section 6: text from right to left begins and ends so and holds nothing of the other direction."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return True
    return (
        stringprep.in_table_d1(text[0])
        and stringprep.in_table_d1(text[-1])
        and not any(stringprep.in_table_d2(char) for char in text)
    )
