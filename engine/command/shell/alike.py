"""Whether a text means the same to bash, whose grammar it was read by, and to whatever a machine has as `sh` (dash, BusyBox's ash, mksh). Pure.

A walk over the text that knows what POSIX has and all of them read alike, and nothing else: `cmd &>f rm x` is one command with a redirect to bash, and
to dash two commands. INVARIANT: what is not known here to be alike is refused; nothing is taken for what it probably means. Called for guarded
shells of containers that have no bash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.command.tree import Command

_PLAIN = re.compile(r"[A-Za-z0-9_\-./:,+@%^=]+")
_ITS_OWN = r"(?!(?:_|BASH\w*|COMP_\w+|DIRSTACK|EPOCH\w+|EUID|FUNCNAME|GROUPS|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|PIPESTATUS|S?RANDOM|REPLY|SECONDS|SHLVL|UID)\b)"
"""What bash sets by itself, and others do not."""
_NAME = re.compile(rf"\$(?:{_ITS_OWN}[A-Za-z_][A-Za-z0-9_]*|[0-9?#@*!$\-])")
_BRACED = re.compile(
    rf"\$\{{(?:#?{_ITS_OWN}[A-Za-z_][A-Za-z0-9_]*|{_ITS_OWN}[A-Za-z_][A-Za-z0-9_]*(?::?[-=?+]|%%?|##?)[A-Za-z0-9_./:@+=*?, \-]*|[0-9?#@*!$\-])\}}"
)
_SUM = re.compile(r"\$\(\(([0-9A-Za-z_$ +*/%()\-]*)\)\)")
_IN_DOUBLE = re.compile(r'[^\\"$`\x00-\x08\x0b-\x1f\x7f]+')
_SINGLE = re.compile(r"'[^'\x00-\x08\x0b-\x1f\x7f]*'")
_BRACKET = re.compile(r"\[!?\]?[A-Za-z0-9_.,:@%+= \-]*\]")
_REDIRECT = re.compile(r">>|>\||<>|[<>]&[0-9\-](?=[\s;|&)]|\Z)|[<>](?![<>&(|])")
_TILDE = re.compile(r"~(?=[A-Za-z_/;&|)\s]|\Z)")
_WORDS = frozenset(
    {
        *(
            "time",
            "function",
            "select",
            "coproc",
            "source",
            "declare",
            "typeset",
            "let",
            "shopt",
            "pushd",
            "popd",
            "dirs",
        ),
        *(
            "mapfile",
            "readarray",
            "builtin",
            "caller",
            "compgen",
            "complete",
            "compopt",
            "disown",
            "enable",
            "help",
            "bind",
        ),
        *("history", "fc", "logout", "suspend", "eval", "print", "whence", "integer", "nameref", "autoload"),
        *("global", "repeat", "foreach", "nocorrect", "noglob", "local", "readonly", "exec"),
    }
)
"""What is a word of the shell's own to some of them and a program's name to others, or reads its words as text again."""
_KEYWORDS = frozenset({"time", "function", "select", "coproc"})
"""What bash reads by itself, so that no program of that name is seen."""
_STRUCTURE = frozenset(
    {"top", "pipeline", "and_or", "subshell", "group", "conditional", "loop", "case", "substitution"}
)
_BEFORE_GROUP = frozenset({"then", "do", "else", "elif", "if", "while", "until", "!", "{"})
_NO_PLACE = "means something else to other shells than bash, and this one is `sh`"


def other_reading(text: str, command: Command) -> str | None:
    """Why a text that was read to `command` may be another one to `sh`; None where it is not."""
    for one in command.operations:
        if one.shell is None:
            continue
        if one.shell.program in _WORDS:
            return f"`{one.shell.program}` {_NO_PLACE}"
        if one.shell.program == "echo" and ("\\" in text or _is_option(one.shell.argv)):
            return "what `echo` makes of `-` and `\\` differs: use `printf '%s\\n' ...`"
    if any(_is_text_again(step) for one in command.operations for step in one.via):
        return "a text inside the text would be read by `sh` too: say it without another shell"
    return _Walk(text).why()


def _is_option(argv: Iterable[str | None]) -> bool:
    first = next(iter(list(argv)[1:]), None)
    return first is not None and first.startswith("-") and first != "-n"


def _is_text_again(step: str) -> bool:
    """Whether what an operation stands in is none of what both have: a text that is read once more, most of all."""
    return step not in _STRUCTURE and (not step.startswith("wrapper:") or step.removeprefix("wrapper:") in _WORDS)


class _Walk:
    """From the beginning to the end of a text, or to what is not alike."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._word = ""
        """What stands before, of the word that goes on here, where none of it is quoted."""
        self._last = ""
        """The last whole word, or operator."""
        self._has_expansion = self._exports = self._assigns = self._is_target = self._is_led = False
        self._depth = 0

    def why(self) -> str | None:
        """What is not alike; None when nothing is."""
        while self._at < len(self._text):
            if not self._step():
                seen = re.match(r"[a-z]+|.{0,2}", self._text[self._at :])
                assert seen is not None
                return f"`{seen[0]}` {_NO_PLACE}"
        self._end_word("")
        if self._last in _KEYWORDS or self._depth:
            return f"`{self._last}` {_NO_PLACE}"
        if self._assigns and self._is_led:
            return f"where a redirect with a variable leads, beside an assignment, {_NO_PLACE}"
        if self._exports and self._has_expansion:
            return "what `export` makes of a value that is not quoted differs: assign first, then export the name"
        return None

    def _step(self) -> bool:
        """Go on over something that is alike."""
        text, at = self._text, self._at
        char = text[at]
        if char in " \t":
            return self._end_word("") and self._take(1)
        if char == "\n":
            return self._end_word("\n") and self._take(1)
        if char == "#" and self._word:
            return self._part("#", 1)
        if char == "#":
            end = text.find("\n", at)
            return self._take((len(text) if end < 0 else end) - at)
        if char == "\\":
            return at + 1 < len(text) and text[at + 1] not in "\r\0" and self._part("\\", 2)
        if char == "'":
            return self._match(_SINGLE, "'")
        if char == '"':
            return self._double()
        if char == "$":
            return self._dollar(is_quoted=False)
        if char in "<>":
            return self._redirect()
        if char in ";&|":
            return self._operator()
        if char in "()":
            return self._paren(char)
        if char in "{}":
            return self._brace()
        if char == "~":
            return not self._word and self._match(_TILDE, "~")
        if char in "*?":
            return self._part(char, 1)
        if char == "[":
            return self._bracket()
        if char in "]!":
            return not self._word and self._is_alone(1) and self._part(char, 1)
        found = _PLAIN.match(text, at)
        return found is not None and self._part(found[0], len(found[0])) and self._is_plain_word()

    def _take(self, count: int) -> bool:
        self._at += count
        return True

    def _part(self, word: str, count: int) -> bool:
        self._word += word
        return self._take(count)

    def _match(self, pattern: re.Pattern[str], word: str) -> bool:
        found = pattern.match(self._text, self._at)
        return found is not None and self._part(word, len(found[0]))

    def _is_alone(self, size: int) -> bool:
        """Whether what stands here is a word by itself."""
        before = self._text[self._at - 1] if self._at else "\n"
        behind = self._text[self._at + size : self._at + size + 1]
        return before in " \t\n;&|(" and (not behind or behind in " \t\n;&|)")

    def _end_word(self, operator: str) -> bool:
        """Whether the word that ends here is alike."""
        word, self._word = self._word, ""
        if word:
            self._is_led |= self._is_target and "$" in word
            self._assigns |= re.match(r"[A-Za-z_][A-Za-z0-9_]*=", word) is not None
            self._is_target = False
            self._last = word
            self._exports |= word == "export"
            if word in _KEYWORDS or (word == "case" and self._depth):
                self._at -= len(word)
                return False
        if operator:
            self._last = operator
        return True

    def _is_plain_word(self) -> bool:
        """WHY: to bash `a+=b` is an assignment, to others the name of a program."""
        return re.match(r"[A-Za-z_][A-Za-z0-9_]*\+=", self._word) is None

    def _double(self) -> bool:
        self._part('"', 1)
        text = self._text
        while self._at < len(text):
            char = text[self._at]
            if char == '"':
                return self._take(1)
            if char == "\\":
                if self._at + 1 >= len(text):
                    return False
                self._take(2)
            elif char == "$":
                if not self._dollar(is_quoted=True):
                    return False
            else:
                found = _IN_DOUBLE.match(text, self._at)
                if found is None:
                    return False
                self._take(len(found[0]))
        return False

    def _dollar(self, *, is_quoted: bool) -> bool:
        text, at = self._text, self._at
        self._has_expansion |= not is_quoted
        for pattern in (_NAME, _BRACED):
            found = pattern.match(text, at)
            if found is not None:
                return self._part("$", len(found[0]))
        found = _SUM.match(text, at)
        if found is not None:
            return not re.search(r"\+\+|--|\*\*", found[1]) and self._part("$", len(found[0]))
        if text.startswith("$(", at) and not text.startswith(("$((", "$(<"), at):
            return self._inner(is_quoted=is_quoted)
        behind = text[at + 1 : at + 2]
        return (not behind or behind in (' \t\n"' if is_quoted else " \t\n")) and self._part("$", 1)

    def _inner(self, *, is_quoted: bool) -> bool:
        """A command inside a word, to its closing parenthesis."""
        inside = _Walk(self._text)
        inside._at, inside._depth, inside._last = self._at + 2, 1, "("
        while inside._at < len(inside._text) and inside._depth:
            if not inside._step():
                self._at = inside._at
                return False
        self._exports |= inside._exports
        self._assigns |= inside._assigns
        self._is_led |= inside._is_led
        self._has_expansion |= inside._has_expansion
        return not inside._depth and self._part("$", inside._at - self._at)

    def _redirect(self) -> bool:
        # WHY: more than one digit is the number of a file to bash, and a word to others.
        if self._word.isdigit() and len(self._word) > 1:
            return False
        found = _REDIRECT.match(self._text, self._at)
        if found is None:
            return False
        self._word = "" if self._word.isdigit() else self._word
        if not self._end_word("<"):
            return False
        self._is_target = "&" not in found[0]
        return self._take(len(found[0]))

    def _operator(self) -> bool:
        for operator in (";;", "&&", "||"):
            if self._text.startswith(operator, self._at):
                behind = self._text[self._at + 2 : self._at + 3]
                return behind not in tuple("&|;>") and self._end_word(operator) and self._take(2)
        char, behind = self._text[self._at], self._text[self._at + 1 : self._at + 2]
        return behind not in ("&", ">", "|") and self._end_word(char) and self._take(1)

    def _paren(self, char: str) -> bool:
        if char == ")":
            if not self._end_word(")"):
                return False
            self._depth = max(self._depth - 1, 0) if self._depth else 0
            return self._take(1)
        before = self._text[self._at - 1] if self._at else "\n"
        is_there = not self._word and (
            self._last in ("", "\n", ";", "&&", "||", "|", "(", ";;") or self._last in _BEFORE_GROUP
        )
        if not is_there or before not in " \t\n;&|(" or self._text.startswith("((", self._at):
            return False
        self._depth += 1 if self._depth else 0
        self._last = "("
        return self._take(1)

    def _brace(self) -> bool:
        if self._text.startswith("{}", self._at) and self._is_alone(2):
            return self._part("{}", 2)
        return not self._word and self._is_alone(1) and self._part(self._text[self._at], 1)

    def _bracket(self) -> bool:
        if self._is_alone(1):
            return self._part("[", 1)
        return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self._word) is None and self._match(_BRACKET, "[")
