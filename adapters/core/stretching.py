"""Secrets stretched to keys, off the loop: it takes milliseconds. Called by `relay`."""

from __future__ import annotations

import asyncio
import hashlib

from adapters.core.effects import DeriveKey
from adapters.core.events import KeyDerived


async def derived(asked: DeriveKey) -> KeyDerived:
    """The key of a secret, by PBKDF2-HMAC-SHA-256."""
    loop, asked_for = asyncio.get_running_loop(), (asked.secret, asked.salt, asked.iterations)
    return KeyDerived(await loop.run_in_executor(None, hashlib.pbkdf2_hmac, "sha256", *asked_for))
