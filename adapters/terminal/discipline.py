"""What a terminal does with input while a command runs that has none: lines, echo, Ctrl-C, Ctrl-D. Pure.

As the kernel's own discipline in its usual modes. Called where a client has a terminal and what runs gets a pipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

MAX_LINE = 4096
"""Bytes of a line, as the kernel has it; more is not taken."""
_INTERRUPT, _QUIT, _END, _ERASE, _KILL, _WORD = 0x03, 0x1C, 0x04, (0x7F, 0x08), 0x15, 0x17


@dataclass(frozen=True, slots=True)
class Echo:
    """Show this."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Give:
    """Give this to what runs."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Signal:
    """Send it this signal."""

    name: str


@dataclass(frozen=True, slots=True)
class End:
    """It has no more input."""


Act: TypeAlias = Echo | Give | Signal | End


class Discipline:
    """Takes what is typed, gives what is to be done."""

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, data: bytes) -> list[Act]:
        """What some bytes come to: what is shown and what is given in one piece each, up to a signal or an end.

        WHY joined: each piece is a packet to the client and a frame of the recording, and megabytes may be pasted.
        """
        acts: list[Act] = []
        shown, given = bytearray(), bytearray()
        for byte in data:
            for act in self._one(byte):
                if isinstance(act, Echo):
                    shown += act.data
                elif isinstance(act, Give):
                    given += act.data
                else:
                    acts += [*_joined(shown, given), act]
                    shown, given = bytearray(), bytearray()
        return [*acts, *_joined(shown, given)]

    def rest(self) -> bytes:
        """What was typed of a line that is not whole, taken away."""
        rest, self._line = bytes(self._line), bytearray()
        return rest

    def _one(self, byte: int) -> list[Act]:
        if byte in (0x0A, 0x0D):
            line = bytes(self._line) + b"\n"
            self._line.clear()
            return [Echo(b"\r\n"), Give(line)]
        if byte in (_INTERRUPT, _QUIT):
            self._line.clear()
            return [
                Echo(b"^C\r\n" if byte == _INTERRUPT else b"^\\\r\n"),
                Signal("INT" if byte == _INTERRUPT else "QUIT"),
            ]
        if byte == _END:
            if self._line:
                line = bytes(self._line)
                self._line.clear()
                return [Give(line)]
            return [End()]
        if byte in _ERASE:
            return [Echo(b"\b \b" * self._erase())]
        if byte in (_KILL, _WORD):
            return [Echo(b"\b \b" * self._erase_many(by_word=byte == _WORD))]
        if byte < 0x20 and byte != 0x09:
            return []
        if len(self._line) >= MAX_LINE:
            return [Echo(b"\x07")]
        self._line.append(byte)
        return [Echo(bytes([byte]) if byte != 0x09 else b" ")]

    def _erase(self) -> int:
        """Take a character away; gives how many cells go. WHY not its width: the kernel does not know it either."""
        taken = 0
        while self._line:
            byte = self._line.pop()
            taken = 1
            if not 0x80 <= byte < 0xC0:
                break
        return taken

    def _erase_many(self, *, by_word: bool) -> int:
        cells = 0
        while by_word and self._line[-1:].isspace():
            cells += self._erase()
        while self._line and not (by_word and self._line[-1:].isspace()):
            cells += self._erase()
        return cells


def _joined(shown: bytearray, given: bytearray) -> list[Act]:
    """What is to be shown, then what is to be given, as far as there is something."""
    acts: list[Act] = []
    if shown:
        acts.append(Echo(bytes(shown)))
    if given:
        acts.append(Give(bytes(given)))
    return acts


def cooked(data: bytes) -> bytes:
    """Lines as a terminal in raw mode wants them."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
