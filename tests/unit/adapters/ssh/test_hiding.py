"""Masks over streams: what is shown when, that nothing is shown after an end."""

from __future__ import annotations

import asyncio

import pytest

from adapters.ssh import hiding
from adapters.ssh.hiding import Hiding
from engine.masking.output import ValueMask
from engine.masking.transforms import Method

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
MASKS = (ValueMask(frozenset({"secret.github_token", "pii.date_of_birth"}), Method.REDACT, {}),)


class Screen:
    """What was shown, and of which stream."""

    def __init__(self, *, is_terminal: bool = False, only_text: bool = True) -> None:
        self.shown: list[tuple[bytes, int | None]] = []
        self.broken = 0
        not_text = self._not_text if only_text else None
        self.hiding = Hiding(MASKS, self._show, is_terminal=is_terminal, not_text=not_text)

    def _show(self, data: bytes, datatype: int | None) -> None:
        self.shown.append((data, datatype))

    def _not_text(self) -> None:
        self.broken += 1

    def text(self, datatype: int | None = None) -> bytes:
        return b"".join(data for data, of in self.shown if of == datatype)


async def test_each_stream_is_looked_at_by_itself() -> None:
    screen = Screen()
    for at in range(0, len(TOKEN), 5):
        screen.hiding.push(TOKEN[at : at + 5].encode(), None)
        screen.hiding.push(b"warning\n", 1)
    screen.hiding.finish()
    assert screen.text() == b"[redacted]"
    assert screen.text(1) == b"warning\n" * 8
    assert screen.hiding.hidden == 1


async def test_what_waits_for_a_word_is_shown_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "QUIET_SECONDS", 0.01)
    screen = Screen()
    screen.hiding.push(b"28.11.1980", None)
    screen.hiding.push(b"\n$ ", None)
    assert screen.text() == b""
    async with asyncio.timeout(60):
        while screen.text() != b"28.11.1980\n$ ":
            await asyncio.sleep(0.005)
    screen.hiding.push(b"born 28.11.1980", None)
    screen.hiding.finish()
    assert screen.text().endswith(b"born [redacted]")


async def test_a_value_that_is_begun_waits_for_its_end_however_long_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "QUIET_SECONDS", 0.001)
    screen = Screen()
    for char in TOKEN[:-1]:
        screen.hiding.push(char.encode(), None)
        await asyncio.sleep(0.003)
    assert screen.text() == b""
    screen.hiding.push(f"{TOKEN[-1]} ".encode(), None)
    assert screen.text() == b"[redacted] "


async def test_after_a_stop_nothing_is_shown() -> None:
    screen = Screen()
    screen.hiding.push(b"28.11.1980 ", None)
    screen.hiding.stop()
    screen.hiding.push(b"more", None)
    screen.hiding.finish()
    await asyncio.sleep(0.15)
    assert screen.shown == []


async def test_what_is_no_text_ends_it_or_a_sign_stands_there() -> None:
    screen = Screen()
    screen.hiding.push(b"fine\n", None)
    screen.hiding.push(b"\x1f\x8b\x08 and more", None)
    screen.hiding.push(b"later", 1)
    assert (screen.text(), screen.text(1), screen.broken) == (b"fine\n", b"", 1)
    terminal = Screen(is_terminal=True, only_text=False)
    terminal.hiding.push(b"caf\xe9 ", None)
    assert terminal.text().decode() == "caf\ufffd "
