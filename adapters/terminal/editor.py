"""A line editor that runs here: keys in, what to show and what to do out. Pure; the guarded shell drives it.

A command may have several lines; it is one text, drawn anew after each key with its own breaks, so that the terminal's idea of
wrapping never matters. Nothing a client types is shown but characters that can be seen.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from adapters.terminal.keys import Key, Keys, Named, Pasted, Typed

MAX_TEXT = 64 << 10
MAX_HISTORY = 1000
MAX_REMEMBERED = 256 << 10
"""Characters of all commands in the history; the last one is there all the same."""
MAX_WAITING = 64 << 10
"""Characters and other keys that may wait while a command runs; a pasted text goes in whole while there is room."""
MORE = "> "
BRACKETS_ON, BRACKETS_OFF = b"\x1b[?2004h", b"\x1b[?2004l"


@dataclass(frozen=True, slots=True)
class Submitted:
    """Enter was pressed. The shell says whether it is a whole command."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C: the text is gone."""


@dataclass(frozen=True, slots=True)
class Left:
    """Ctrl-D on an empty line."""


@dataclass(frozen=True, slots=True)
class Completing:
    """Tab: what stands before the cursor."""

    before: str


Event: TypeAlias = Submitted | Interrupted | Left | Completing


class Editor:
    """One client's line. `step` until it gives no event."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.history: list[str] = []
        self._keys = Keys()
        self._waiting: deque[Key] = deque()
        self._weight = 0
        """Of the keys that wait, as `_weight_of` has it."""
        self._is_hurried = self._is_stale = False
        """More keys wait, so that nothing is drawn; something was not drawn for that."""
        self._prompt = ""
        self._text = ""
        self._at = 0
        self._row = 0
        self._back = 0
        self._draft = ""
        self._killed = ""
        self._search: str | None = None

    def begin(self, prompt: str) -> bytes:
        """Ask for a command."""
        self._prompt, self._text, self._at, self._row, self._back, self._search = prompt, "", 0, 0, 0, None
        return BRACKETS_ON + self._draw()

    def go_on(self) -> bytes:
        """The text is no whole command: one more line, where there is room for it."""
        self._row = 0
        if len(self._text) >= MAX_TEXT:
            return BRACKETS_ON + b"\x07" + self._draw()
        self._text, self._at = self._text + "\n", len(self._text) + 1
        # What stands above stays; the rest is drawn from here.
        _, end_row, _, _ = self._placed()
        self._row = end_row - 1
        return BRACKETS_ON + self._draw(fresh=False)

    def remember(self, text: str) -> None:
        """Keep a command for Up and Ctrl-R."""
        if text.strip() and self.history[-1:] != [text]:
            self.history.append(text)
            del self.history[:-MAX_HISTORY]
            size = sum(map(len, self.history))
            while size > MAX_REMEMBERED and len(self.history) > 1:
                size -= len(self.history.pop(0))

    def insert(self, text: str) -> bytes:
        """Put something in at the cursor."""
        text = text[: MAX_TEXT - len(self._text)]
        self._text = self._text[: self._at] + text + self._text[self._at :]
        self._at += len(text)
        return self._draw()

    def shown_below(self, text: bytes) -> bytes:
        """Show something below the line, and the line again."""
        below = self._to_end() + b"\r\n" + text
        self._row = 0
        return below + self._draw()

    def feed(self, data: bytes) -> None:
        """Take keys; they wait for `step`."""
        typed: list[str] = []
        for key in self._keys.feed(data):
            if self._weight + len(typed) >= MAX_WAITING:
                break
            if isinstance(key, Typed):
                typed.append(key.char)
                continue
            self._wait(typed)
            self._waiting.append(key)
            self._weight += _weight_of(key)
        self._wait(typed)

    def _wait(self, typed: list[str]) -> None:
        """Characters wait, as one key. WHY: an object for each would be fifty times as large."""
        if typed:
            self._waiting.append(Typed("".join(typed)))
            self._weight += len(typed)
            typed.clear()

    def _next(self) -> Key:
        key = self._waiting.popleft()
        self._weight -= _weight_of(key)
        return key

    def drop(self) -> None:
        """Forget the keys that wait."""
        self._waiting.clear()
        self._weight = 0

    def step(self) -> tuple[bytes, Event | None]:
        """Do what the waiting keys say, up to the next event; what to show, and the event. Drawn once: each drawing is of the whole text."""
        shown: list[bytes] = []
        event: Event | None = None
        while self._waiting and event is None:
            key = self._next()
            self._is_hurried = bool(self._waiting)
            if self._search is not None:
                shown.append(self._searching(key))
                continue
            match key:
                case Typed(text) | Pasted(text):
                    is_too_much = isinstance(key, Typed) and len(self._text) + len(text) > MAX_TEXT
                    shown += [self.insert(text), b"\x07" if is_too_much else b""]
                case Named(name):
                    more, event = self._named(name)
                    shown.append(more)
        self._is_hurried = False
        return b"".join(shown), event

    def _named(self, name: str) -> tuple[bytes, Event | None]:
        if name in ("enter", "interrupt", "tab") or (name == "leave" and not self._text):
            # What comes of it stands below what is on the screen.
            self._is_hurried = False
        match name:
            case "enter":
                shown = self._to_end() + BRACKETS_OFF + b"\r\n"
                self._row = 0
                return shown, Submitted(self._text)
            case "interrupt":
                return self._to_end() + BRACKETS_OFF + b"^C\r\n", Interrupted()
            case "leave" if not self._text:
                return self._drawn() + BRACKETS_OFF + b"\r\n", Left()
            case "tab":
                return self._drawn(), Completing(self._text[: self._at])
            case "clear":
                self._row = 0
                return b"\x1b[H\x1b[2J" + self._draw(), None
            case "search":
                self._search = ""
                return self._draw(), None
            case "up" | "down":
                self._recall(1 if name == "up" else -1)
            case _:
                self._edit(name)
        return self._draw(), None

    def _edit(self, name: str) -> None:
        at, text = self._at, self._text
        match name:
            case "left":
                self._at = max(at - 1, 0)
            case "right":
                self._at = min(at + 1, len(text))
            case "home":
                self._at = text.rfind("\n", 0, at) + 1
            case "end":
                self._at = _line_end(text, at)
            case "word_left":
                self._at = _word_start(text, at)
            case "word_right":
                self._at = _word_end(text, at)
            case "backspace":
                self._cut(max(at - 1, 0), at, keeps=False)
            case "delete" | "leave":
                self._cut(at, min(at + 1, len(text)), keeps=False)
            case "kill_rest":
                self._cut(at, _line_end(text, at), keeps=True)
            case "kill_line":
                self._cut(text.rfind("\n", 0, at) + 1, at, keeps=True)
            case "kill_word":
                self._cut(_word_start(text, at), at, keeps=True)
            case "delete_word":
                self._cut(at, _word_end(text, at), keeps=True)
            case "yank":
                self.insert(self._killed)
            case _:
                return

    def _cut(self, start: int, end: int, *, keeps: bool) -> None:
        if keeps and end > start:
            self._killed = self._text[start:end]
        self._text, self._at = self._text[:start] + self._text[end:], start

    def _recall(self, step: int) -> None:
        back = self._back + step
        if not 0 <= back <= len(self.history):
            return
        if self._back == 0:
            self._draft = self._text
        self._back = back
        self._text = self.history[-back] if back else self._draft
        self._at = len(self._text)

    def _searching(self, key: Key) -> bytes:
        wanted = self._search or ""
        match key:
            case Typed(char):
                wanted += char
            case Named("backspace"):
                wanted = wanted[:-1]
            case Named("search"):
                pass
            case Named(name):
                self._search = None
                if name in ("interrupt", "stop"):
                    self._text, self._at = "", 0
                elif name == "enter":
                    self._waiting.appendleft(key)
                    self._weight += _weight_of(key)
                return self._draw()
            case Pasted(text):
                wanted += text
        self._search = wanted[:200]
        for text in reversed(self.history):
            if wanted and wanted in text and not (key == Named("search") and text == self._text):
                self._text, self._at = text, len(text)
                break
        return self._draw()

    # --- drawing

    def _to_end(self) -> bytes:
        """The cursor behind the text."""
        self._at = len(self._text)
        return self._draw()

    def _drawn(self) -> bytes:
        """What was not drawn because more keys waited."""
        return self._draw() if self._is_stale else b""

    def _draw(self, *, fresh: bool = True) -> bytes:
        """The whole of it, from its first row on, and the cursor where it belongs; nothing yet where more keys wait."""
        self._is_stale = self._is_hurried
        if self._is_hurried:
            return b""
        drawn, end_row, at_row, at_column = self._placed()
        up = f"\x1b[{self._row}A" if self._row and fresh else ""
        if not fresh:
            # Only the last row is new.
            drawn, up = MORE, ""
            end_row, at_row, at_column = self._row + 1, self._row + 1, len(MORE)
        self._row = at_row
        back = f"\x1b[{end_row - at_row}A" if end_row > at_row else ""
        return f"\r{up}\x1b[J{drawn}{back}\r".encode() + (f"\x1b[{at_column}C".encode() if at_column else b"")

    def _placed(self) -> tuple[str, int, int, int]:
        """The text with its breaks, its last row, and the cursor's row and column."""
        prompt = self._prompt if self._search is None else f"(search `{self._search}') "
        out, row, column = [], 0, 0
        at_row = at_column = 0
        whole = prompt + self._text
        for index, char in enumerate(whole):
            if index == len(prompt) + self._at:
                at_row, at_column = row, column
            cells = _cells(char)
            if char == "\n":
                out.append("\r\n" + MORE)
                row, column = row + 1, len(MORE)
                continue
            if column + cells > self.columns:
                out.append("\r\n")
                row, column = row + 1, 0
            out.append(char)
            column += cells
            if column >= self.columns:
                out.append("\r\n")
                row, column = row + 1, 0
        if self._at == len(self._text):
            at_row, at_column = row, column
        return "".join(out), row, at_row, at_column


def _weight_of(key: Key) -> int:
    match key:
        case Typed(text) | Pasted(text):
            return len(text)
        case Named():
            return 1


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me") or "\u1160" <= char <= "\u11ff":
        # WHY more than what combines: vowels of many scripts, signs that choose a drawing and the later parts of a Korean syllable take no cell.
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _word_start(text: str, at: int) -> int:
    while at and text[at - 1].isspace():
        at -= 1
    while at and not text[at - 1].isspace():
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    while at < len(text) and not text[at].isspace():
        at += 1
    return at
