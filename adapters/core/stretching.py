"""Secrets stretched to keys, off the loop: it takes milliseconds. Called by `relay`."""

from __future__ import annotations

import asyncio
import hashlib

from adapters.core.effects import DeriveKey


async def stretched(asked: DeriveKey) -> bytes:
    """The key of a secret, by PBKDF2-HMAC-SHA-256."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, hashlib.pbkdf2_hmac, "sha256", asked.secret, asked.salt, asked.iterations)
