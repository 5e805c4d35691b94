"""A command line as a shell splits it into words, where that takes no shell: quotes, escapes, and words that a shell
would compute, which become None. Anything else (pipes, redirections, several commands) is `NotPlain`.
"""

from __future__ import annotations

import re


class NotPlain(Exception):
    """The line is not one simple command. Never leaves the parsers."""


MAX_COMMANDS = 50

_ROUGH = re.compile(
    r"(?P<comment>(?<![^\s;|&])\#[^\n]*)|(?P<end>[|&;\n()]+)|(?P<placeholder><[\w.-]{1,60}>)|(?P<redirect>[0-9]*(?:>>?|<)(?:&[0-9-]|[ \t]*[^\s|&;<>()]*))"
    r"|(?P<word>(?:\$\([^()]*(?:\([^()]*\)[^()]*)*\)|`[^`]*(?:`|\Z)|'[^']*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)|\\.|[^\s|&;<>()'\"`\\])+)",
    re.DOTALL,
)
_QUOTES = re.compile(r"['\"]([^'\"]*)['\"]")
_ENDS = frozenset("|&;<>()\n\r")
_DYNAMIC = frozenset("*?[~{")


def split_words(text: str) -> list[str | None]:
    """The words of one simple command. Raises NotPlain."""
    reader = _Reader(text.strip(" \t\n"))
    words: list[str | None] = []
    while reader.skip_space():
        if reader.peek() == "#":
            raise NotPlain("it has a comment")
        words.append(reader.word())
    return words


def outline_commands(text: str) -> list[list[str | None]]:
    """The simple commands of a line that needs a shell, roughly: enough to show what it is about, never to grant it.

    Substitutions are words that are computed, redirections are left out, nothing inside either is looked at.
    """
    commands: list[list[str | None]] = [[]]
    for found in _ROUGH.finditer(text):
        match found.lastgroup:
            case "end":
                commands.append([])
            case "word":
                word = found[0]
                is_computed = any(sign in word for sign in "$`*?<>")
                commands[-1].append(None if is_computed else _QUOTES.sub(r"\1", word))
            case "placeholder":
                commands[-1].append(None)
            case _:
                continue
    return [command for command in commands if command][:MAX_COMMANDS]


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def skip_space(self) -> bool:
        """On to the next word; False at the end."""
        while True:
            if self.peek() in (" ", "\t") and self.peek():
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
            else:
                return self._at < len(self._text)

    def word(self) -> str | None:
        made: list[str] = []
        is_dynamic = False
        while self._at < len(self._text):
            char = self.peek()
            if char in " \t":
                break
            if char in _ENDS:
                raise NotPlain(f"it has `{char if char.isprintable() else 'a line break'}` outside quotes")
            self._at += 1
            if char == "'":
                made.append(self._until_quote())
            elif char == '"':
                piece, dynamic = self._double()
                made.append(piece)
                is_dynamic |= dynamic
            elif char == "\\":
                made.append(self._escaped())
            elif char in "$`":
                if self._expansion(char):
                    is_dynamic = True
                else:
                    made.append(char)
            else:
                # A pattern or brace may become other words; a literal brace pair stays what it is.
                is_dynamic |= char in _DYNAMIC and not self._is_literal(char)
                made.append(char)
        return None if is_dynamic else "".join(made)

    def _is_literal(self, char: str) -> bool:
        return (char == "{" and self.peek() == "}") or (
            char == "~" and self._at > 1 and self._text[self._at - 2] not in " \t=:"
        )

    def _until_quote(self) -> str:
        end = self._text.find("'", self._at)
        if end < 0:
            raise NotPlain("a quote does not end")
        piece = self._text[self._at : end]
        self._at = end + 1
        return piece

    def _escaped(self) -> str:
        char = self.peek()
        self._at += 1
        if not char:
            raise NotPlain("it ends in a backslash")
        return "" if char == "\n" else char

    def _double(self) -> tuple[str, bool]:
        made: list[str] = []
        is_dynamic = False
        while True:
            char = self.peek()
            self._at += 1
            if not char:
                raise NotPlain("a quote does not end")
            if char == '"':
                return "".join(made), is_dynamic
            if char == "\\":
                following = self.peek()
                self._at += 1
                made.append(following if following in '$`"\\' else "" if following == "\n" else f"\\{following}")
            elif char in "$`":
                is_dynamic |= self._expansion(char)
                made.append("" if is_dynamic else char)
            else:
                made.append(char)

    def _expansion(self, char: str) -> bool:
        """Over `$name` or `${name}`; a command inside is something that runs, so the line is not plain."""
        following = self.peek()
        if char == "`" or following in ("(", "'", '"', "["):
            raise NotPlain("it runs a command, or has quotes that a shell reads in its own way")
        if following == "{":
            end = self._text.find("}", self._at)
            name = self._text[self._at + 1 : end]
            if end < 0 or not name.replace("_", "a").isalnum():
                raise NotPlain("it has an expansion that may run a command")
            self._at = end + 1
            return True
        if following == "_" or following.isalnum() or following in "?@*#!$-":
            self._at += 1
            while self.peek() == "_" or self.peek().isalnum():
                self._at += 1
            return bool(following)
        return False
