"""Makes what was recorded harmless to whoever looks at it: only known sequences reach the viewer's terminal. Pure.

What passes: text, new lines, tabs, backspace; colours; moving the cursor; clearing; scrolling; the other screen; hiding the cursor; line
drawing. What does not: titles, links, clipboard, device questions (a terminal answers them into the viewer's shell), key
and mouse modes, every string sequence (OSC, DCS, APC, PM, SOS), C1 controls, characters that reorder text.
"""

from __future__ import annotations

import re

MAX_SEQUENCE = 64
"""Characters of one sequence; a longer one is dropped as a whole."""
MAX_STRING = 4096
"""Characters of a string sequence; what follows is shown, so that one without an end hides nothing."""
RESET = "\x1b[0m\x1b(B\x1b[?25h\x1b[?1049l\x1b[r\x1b[?7h"
"""What a terminal is given afterwards, whatever the recording left behind."""

_PASSES = re.compile(
    r"\[[0-9;:]*m"  # colours
    r"|\[[0-9;]*[ABCDEFGHJKLMPSTX@`adefr]"  # moving, clearing, inserting, scrolling
    r"|\[\?(?:7|25|47|1047|1049)[hl]"  # wrapping, the cursor, the other screen
    r"|\[[su]|[78DEM]|\([B0]"  # saved places, lines, line drawing
)
_HIDDEN = frozenset(
    {*range(0x80, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x061C}
)
_KEPT = frozenset("\n\r\t\b")
_STRINGS = frozenset("]PX^_")


class Neutralizer:
    """Takes output piece by piece; sequences may be cut anywhere."""

    def __init__(self) -> None:
        self._held = ""
        self._is_string = False
        self._skipped = 0
        self._too_long = False

    @property
    def is_idle(self) -> bool:
        """Whether no sequence is open."""
        return not self._held and not self._is_string

    def clean(self, text: str) -> str:
        """What of it may be shown."""
        out: list[str] = []
        for char in text:
            if self._is_string:
                self._skip(char)
            elif self._held:
                self._extend(char, out)
            elif char == "\x1b":
                self._held = char
            elif char in _KEPT or (ord(char) >= 0x20 and char != "\x7f" and ord(char) not in _HIDDEN):
                out.append(char)
            elif ord(char) in _HIDDEN and ord(char) >= 0xA0:
                out.append("\ufffd")
        return "".join(out)

    def _skip(self, char: str) -> None:
        """Within a string sequence: it ends with BEL, ST or a new escape that is no ST."""
        self._skipped += 1
        is_end = char in "\x07\x9c\x18\x1a" or (self._held == "\x1b" and char == "\\")
        if is_end or self._skipped > MAX_STRING:
            self._is_string, self._held, self._skipped = False, "", 0
        else:
            self._held = char

    def _extend(self, char: str, out: list[str]) -> None:
        if char in "\x18\x1a":
            self._held, self._too_long = "", False
            return
        if char == "\x1b":
            self._held, self._too_long = char, False
            return
        self._held += char
        body = self._held[1:]
        if body[0] in _STRINGS:
            self._is_string, self._held = True, ""
            return
        if len(self._held) > MAX_SEQUENCE:
            self._held, self._too_long = self._held[:2], True
        if not _is_over(body):
            return
        if not self._too_long and _PASSES.fullmatch(body):
            out.append(self._held)
        self._held, self._too_long = "", False


def _is_over(body: str) -> bool:
    """Whether what follows an escape is a whole sequence."""
    if body[0] == "[":
        return len(body) > 1 and (0x40 <= ord(body[-1]) <= 0x7E or ord(body[-1]) < 0x20 or ord(body[-1]) > 0x7E)
    # Intermediates, then one that ends it.
    return not 0x20 <= ord(body[-1]) <= 0x2F


def words(text: str) -> str:
    """A piece of output as plain text: no sequences at all."""
    cleaned = Neutralizer().clean(text)
    return re.sub(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\([B0]|.)", "", cleaned).replace("\b", "")
