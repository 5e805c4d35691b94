"""Somebody hostile at a guarded shell: types or pastes lines over a real connection, and sees what became of each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from tests.interop.ssh.place import Place

PROMPT = re.compile(rb"guarded:[^\r\n]*\$ \r\x1b\[\d+C$")
MORE = re.compile(rb"> \r\x1b\[2C$")
HELD = re.compile(rb"held: ticket")
SECONDS = 30


class Typed:
    """One guarded shell."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process

    async def _until(self, *patterns: re.Pattern[bytes]) -> bytes:
        seen = b""
        async with asyncio.timeout(SECONDS):
            while not any(pattern.search(seen) for pattern in patterns):
                data = await self._process.stdout.read(65536)
                assert data, seen
                seen += data
        return seen

    async def opened(self) -> None:
        await self._until(PROMPT)

    async def line(self, text: str, *, pasted: bool) -> str:
        """Send a text; `denied`, `refused`, `held`, `unfinished` or `ran`. What waits is taken back."""
        *before, last = [f"\x1b[200~{text}\x1b[201~"] if pasted else text.split("\n")
        for line in before:
            # WHY waited for: a prompt for more that is only on its way looks like one that stays.
            self._process.stdin.write(line.encode("utf-8", "replace") + b"\r")
            await self._until(MORE)
        self._process.stdin.write(last.encode("utf-8", "replace"))
        await asyncio.sleep(0)
        self._process.stdin.write(b"\r")
        # WHY a line of our own behind it: typed lines give a prompt each, and this one is the last.
        seen = await self._until(
            HELD, re.compile(rb"\x1b\[\?2004l\r\n(?s:.*)(?:" + PROMPT.pattern[:-1] + rb"|> \r\x1b\[2C)$")
        )
        if HELD.search(seen) or MORE.search(seen):
            self._process.stdin.write(b"\x03")
            seen += await self._until(PROMPT)
        for word in ("denied", "refused", "held"):
            if f"sallyport: {word}".encode() in seen:
                return word
        return "unfinished" if b"^C" in seen else "ran"


@asynccontextmanager
async def typing(place: Place) -> AsyncIterator[Typed]:
    options = asyncssh.SSHClientConnectionOptions(
        username="ana+box",
        client_keys=[str(place.folder / "ana")],
        known_hosts=str(place.folder / "gateway_hosts"),
        config=None,
    )
    async with asyncssh.connect("127.0.0.1", place.port, options=options) as connection:
        process = await connection.create_process(term_type="xterm", term_size=(2000, 50), encoding=None)
        typed = Typed(process)
        await typed.opened()
        yield typed
        process.close()
