"""A keyed permutation of the values of a domain: FF1 of NIST SP 800-38G Rev. 1 (algorithm 7), walked where no radix fits.

INVARIANT: no domain of fewer than a million values is permuted (section 5.1 of the standard); callers are told `None`. Called
by `texts` and `typed`. The core has the same (`engine/native/src/masking/`); a property holds the two equal.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

LEAST = 1_000_000
ROUNDS = 10
_BLOCK = 16
_CIPHER_DOMAIN = b"sallyport ff1\x00"

BlockCipher: TypeAlias = Callable[[bytes], bytes]
"""16 bytes to 16."""


def block_cipher(key: bytes) -> BlockCipher:
    """AES of one block under a key of 16, 24 or 32 bytes."""
    # FF1 is a mode itself, built of single blocks.
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305


def encrypt(cipher: BlockCipher, radix: int, count: int, tweak: bytes, number: int) -> int:
    """A string of `count` numerals (two at least), given and returned as the number it writes.

    >>> key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    >>> encrypt(block_cipher(key), 10, 10, b"", 123456789)
    2433477484
    """
    u = count // 2
    v = count - u
    sizes: tuple[int, int] = (radix**u, radix**v)
    b = ((sizes[1] - 1).bit_length() + 7) // 8
    d = 4 * ((b + 3) // 4) + 4
    fixed = b"\x01\x02\x01" + radix.to_bytes(3, "big") + bytes((ROUNDS, u % 256))
    fixed += count.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    fixed += tweak + bytes(-(len(tweak) + b + 1) % _BLOCK)
    left, right = divmod(number, sizes[1])
    for i in range(ROUNDS):
        code = bytes(_BLOCK)
        whole = fixed + bytes((i,)) + right.to_bytes(b, "big")
        for at in range(0, len(whole), _BLOCK):
            code = cipher(_xor(code, whole[at : at + _BLOCK]))
        stream = code
        for j in range(1, (d + _BLOCK - 1) // _BLOCK):
            stream += cipher(_xor(code, j.to_bytes(_BLOCK, "big")))
        left, right = right, (left + int.from_bytes(stream[:d], "big")) % sizes[i % 2]
    return left * sizes[1] + right


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(_BLOCK, "big")


class Permuter:
    """The permutations of one key for one method, under the tweak of a policy."""

    def __init__(self, key: bytes, method: str, tweak: str) -> None:
        self._key = hmac.digest(key, _CIPHER_DOMAIN + method.encode(), "sha256")
        self._tweak = tweak.encode()

    def _context(self, family: str, detail: bytes) -> bytes:
        """What FF1 is told besides the key: `family` of types and `detail` of the value, none of which is changed."""
        return hashlib.sha256(b"\0".join((family.encode(), self._tweak, detail))).digest()[:_BLOCK]

    def numerals(self, radix: int, count: int, number: int, family: str, detail: bytes = b"") -> int | None:
        """A string of numerals of one radix, as its number."""
        if count < 2 or radix**count < LEAST:
            return None
        return encrypt(block_cipher(self._key), radix, count, self._context(family, detail), number)

    def below(self, size: int, number: int, family: str, detail: bytes = b"") -> int | None:
        """A number below `size`, to a number below `size`."""
        if size < LEAST or not 0 <= number < size:
            return None
        cipher, tweak, bits = block_cipher(self._key), self._context(family, detail), (size - 1).bit_length()
        found = encrypt(cipher, 2, bits, tweak, number)
        while found >= size:  # A permutation that begins inside comes back inside.
            found = encrypt(cipher, 2, bits, tweak, found)
        return found


@lru_cache(maxsize=64)
def permuter(key: bytes, method: str, tweak: str = "") -> Permuter:
    """The same object for the same key."""
    return Permuter(key, method, tweak)
