"""From the bytes of a terminal to keys: characters, named keys, pasted text. Pure; called by the editor."""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

MAX_SEQUENCE = 32
MAX_PASTE = 64 << 10
"""Characters of one pasted text; what is more is left away."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A character that can stand in a line; several, where they wait one behind the other."""

    char: str


@dataclass(frozen=True, slots=True)
class Named:
    """A key with a name of its own."""

    name: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """Text between the brackets that terminals put around what is pasted."""

    text: str


Key: TypeAlias = Typed | Named | Pasted

_CONTROLS = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x01": "home",
    "\x05": "end",
    "\x02": "left",
    "\x06": "right",
    "\x10": "up",
    "\x0e": "down",
    "\x0b": "kill_rest",
    "\x15": "kill_line",
    "\x17": "kill_word",
    "\x19": "yank",
    "\x0c": "clear",
    "\x03": "interrupt",
    "\x04": "leave",
    "\x12": "search",
    "\x07": "stop",
}
_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "[H": "home",
    "[F": "end",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "OH": "home",
    "OF": "end",
    "[1~": "home",
    "[7~": "home",
    "[4~": "end",
    "[8~": "end",
    "[3~": "delete",
    "[1;5C": "word_right",
    "[1;5D": "word_left",
    "[1;3C": "word_right",
    "[1;3D": "word_left",
    "b": "word_left",
    "f": "word_right",
    "d": "delete_word",
    "\x7f": "kill_word",
}
_NAMED = {name: Named(name) for name in (*_CONTROLS.values(), *_SEQUENCES.values())}
"""WHY one of each: thousands may wait while a command runs."""
_PASTE, _PASTE_END = "[200~", "\x1b[201~"


class Keys:
    """Takes bytes as they come; sequences and characters may be cut anywhere."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequence = ""
        self._paste: list[str] | None = None
        self._tail = ""

    def feed(self, data: bytes) -> list[Key]:
        """The keys that some bytes are."""
        found: list[Key] = []
        for char in self._decoder.decode(data):
            if self._paste is not None:
                self._pasted(char, self._paste, found)
            elif self._sequence:
                self._extended(char, found)
            elif char == "\x1b":
                self._sequence = char
            elif char in _CONTROLS:
                found.append(_NAMED[_CONTROLS[char]])
            elif may_stand(char):
                found.append(Typed(char))
        return found

    def _extended(self, char: str, found: list[Key]) -> None:
        self._sequence += char
        body = self._sequence[1:]
        is_open = body in ("[", "O") or (body[0] == "[" and not "\x40" <= char <= "\x7e")
        if is_open and len(body) < MAX_SEQUENCE and char != "\x1b":
            return
        self._sequence = "\x1b" if char == "\x1b" else ""
        if body == _PASTE:
            self._paste = []
        elif body in _SEQUENCES:
            found.append(_NAMED[_SEQUENCES[body]])

    def _pasted(self, char: str, paste: list[str], found: list[Key]) -> None:
        self._tail = (self._tail + char)[-len(_PASTE_END) :]
        if self._tail != _PASTE_END:
            if len(paste) < MAX_PASTE + len(_PASTE_END):
                paste.append(char)
            return
        text = "".join(paste).removesuffix(_PASTE_END[:-1])
        self._paste, self._tail = None, ""
        found.append(Pasted(_plain(text)[:MAX_PASTE]))


def may_stand(char: str) -> bool:
    """Whether a character can be seen in a line. WHY no others: what is judged has to be what is seen."""
    return unicodedata.category(char)[0] != "C"


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(char for char in text if char == "\n" or may_stand(char))
