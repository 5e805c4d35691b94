"""What a syntax error says: Lark's exceptions as diagnostics in the words of the language.

Not here: where reading goes on after a mistake (`parser.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from engine.source import Diagnostic, Span

_TERMINALS = {
    "NAME": "a name",
    "STRING": "a text in double quotes",
    "NUMBER": "a number",
    "DURATION": "a duration such as `15m`",
    "SIZE": "a size such as `10MB`",
    "TIME": "a time such as `09:00`",
    "PATTERN": "a pattern such as `secret.*`",
    "CMP": "`==`",
    "$END": "the end",
}
_ITEMS = frozenset({"import", "define", "deny", "hold", "allow", "mask", "limit", "test"})
_CLAUSES = frozenset(
    {
        *("when", "unless", "hint", "detail", "code", "approvers", "expires", "requester", "remember", "escalate"),
        *("permits",),
    }
)
_RELATIONS = frozenset({"CMP", "in", "not", "overlaps", "like", "within", "is"})
_CONDITION = frozenset({"not", "any", "every", "no", "(", "count", "age", "between"})
_VALUES = frozenset({"STRING", "NUMBER", "DURATION", "SIZE", "true", "false"})
_GROUPS: tuple[tuple[frozenset[str], frozenset[str], str], ...] = (
    (_CONDITION, _CONDITION | _VALUES | {"NAME"}, "a condition"),
    (_RELATIONS - {"not"}, _RELATIONS, "a comparison (`==`, `in`, `like`, `is present`, ...)"),
    (_VALUES | {"NAME"}, _VALUES | {"NAME"}, "a value"),
    (_VALUES, _VALUES, "a constant"),
    (_CLAUSES, _CLAUSES, "a clause (`when`, `unless`, ...)"),
    (_ITEMS, _ITEMS | {"$END"}, "the next rule"),
    (frozenset({"deny", "hold", "mask", "allow"}), frozenset({"deny", "hold", "mask", "allow"}), "a verdict"),
)
"""A set of tokens that is named by one word when all of its first part may come: (all of these, stands for, word)."""

_HINTS: tuple[tuple[str, str], ...] = (
    (r"=(?!=)", "values are compared with `==`"),
    (r"'", "texts stand in double quotes"),
    (r"&", "conditions are joined by `and`"),
    (r"\|", "conditions are joined by `or`"),
    (r"!", "a condition is turned round by `not`"),
    (r"//|/\*|--", "comments begin with `#`"),
    (r";", "nothing ends a line or a rule; leave it out"),
    (r"\[", "sets stand in braces: `{a, b}`"),
    (r"(null|nil|none|None)\b", "for a missing field write `is absent`"),
    (r"(if|where)\b", "the conditions of a rule begin with `when`"),
    (r"then\b", "write the word of the rule first: `deny NAME when ...`"),
    (r"all\b", "for all of a list write `every`, for one of it `any`"),
    (r"elif\b|else\b", "there is no other branch: write a second rule"),
    (r"\d:\d\d|\d{2}:\d(?!\d)", "a time has two digits on each side: `09:00`"),
    (
        r"\d+(\.\d+)?[A-Za-z]",
        "a duration is a whole number and `ms`, `s`, `m`, `h` or `d`; a size ends in `KB`, `MB` or `GB`",
    ),
)
_HEADER = "`library` or `policy`"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LAST_WORD = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)\s*$")
_AMOUNT = re.compile(r"-?\d[\w.:]*")
_BAD_ESCAPE = re.compile(r'\\(?!["\\nrt]|u[0-9a-fA-F]{4})')
_STRING_START = re.compile(r'"(?:\\.|[^"\\])*')


def explain(error: UnexpectedInput, text: str, source: str, first_line: int, words: Mapping[str, str]) -> Diagnostic:
    """The diagnostic of a syntax error in `text`, which begins on line `first_line` of `source`.

    `words` maps Lark's names of terminals to the keywords and signs they stand for.
    """
    match error:
        case UnexpectedEOF():
            return _at_end(text, source, first_line, _expected(_accepts(error), words))
        case UnexpectedCharacters():
            return _character(error, text, source, first_line, words)
        case UnexpectedToken() if error.token.type == "$END":
            return _at_end(text, source, first_line, _expected(_accepts(error), words))
        case UnexpectedToken():
            return _token(error, text, source, first_line, words)
        case _:
            return Diagnostic("SYNTAX", "this cannot be read", source, Span(first_line, 1, first_line, 2))


def _accepts(error: UnexpectedInput) -> set[str]:
    state: object = error.interactive_parser
    return set(state.accepts()) if isinstance(state, InteractiveParser) else set()  # type: ignore[no-untyped-call]  # Lark's own


def _at_end(text: str, source: str, first_line: int, expected: str) -> Diagnostic:
    if expected == _HEADER:
        help_ = "a file begins with `policy NAME`, or with `library` when it only defines names"
        return Diagnostic("SYNTAX", "there is no policy here", source, Span(first_line, 1, first_line, 1), help=help_)
    lines = text.rstrip().split("\n")
    line, column = first_line + len(lines) - 1, len(lines[-1]) + 1
    return Diagnostic(
        "SYNTAX", f"something is missing at the end: expected {expected}", source, Span(line, column, line, column)
    )


def _token(error: UnexpectedToken, text: str, source: str, first_line: int, words: Mapping[str, str]) -> Diagnostic:
    token = error.token
    line = first_line + (token.line or 1) - 1
    column = token.column or 1
    accepted = _accepts(error)
    span = Span(line, column, line, column + len(token))
    message = f"unexpected `{_short(token)}`, expected {_expected(accepted, words)}"
    at = token.start_pos or 0
    help_ = _help(text[at:], accepted, words) or _before(text[:at], words)
    return Diagnostic("SYNTAX", message, source, span, help=help_)


def _character(
    error: UnexpectedCharacters, text: str, source: str, first_line: int, words: Mapping[str, str]
) -> Diagnostic:
    at = error.pos_in_stream or 0
    rest = text[at:].split("\n", 1)[0].rstrip("\r")
    line, column = first_line + error.line - 1, error.column
    if rest.startswith('"'):
        return _text(rest, source, line, column)
    amount = _AMOUNT.match(rest)
    if amount is not None:
        span = Span(line, column, line, column + len(amount[0]))
        hint = _hint(rest)
        return Diagnostic(
            "AMOUNT", f"`{_short(amount[0])}` is no number, duration, size or time", source, span, help=hint
        )
    span = Span(line, column, line, column + 1)
    accepted = _accepts(error)
    sign = rest[:1]
    shown = f"`{sign}`" if sign.isprintable() else f"character U+{ord(sign or chr(0)):04X}"
    message = f"unexpected {shown}, expected {_expected(accepted, words)}"
    return Diagnostic("SYNTAX", message, source, span, help=_help(rest, accepted, words))


def _text(rest: str, source: str, line: int, column: int) -> Diagnostic:
    """A text that is none: no end on its line, an escape nobody knows, a control character."""
    begun = _STRING_START.match(rest)
    inside = begun[0] if begun else rest
    if len(inside) == len(rest):
        span = Span(line, column, line, column + len(rest))
        return Diagnostic(
            "UNTERMINATED",
            "this text does not end",
            source,
            span,
            help='end it on its line with `"`; `\\n` is a line break',
        )
    escape = _BAD_ESCAPE.search(inside)
    if escape is not None:
        at = column + escape.start()
        wrong = inside[escape.start() : escape.start() + 2]
        return Diagnostic(
            "ESCAPE",
            f"`{wrong}` means nothing in a text",
            source,
            Span(line, at, line, at + len(wrong)),
            help='the escapes are `\\"` `\\\\` `\\n` `\\r` `\\t` `\\uXXXX`; a backslash itself is `\\\\`',
        )
    bad = next((i for i, sign in enumerate(inside) if sign < " "), 0)
    at = column + bad
    return Diagnostic(
        "ESCAPE",
        f"character U+{ord(inside[bad]):04X} cannot stand in a text",
        source,
        Span(line, at, line, at + 1),
        help="write it as `\\uXXXX`",
    )


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _help(rest: str, accepted: set[str], words: Mapping[str, str]) -> str:
    word = _WORD.match(rest)
    if word is not None:
        possible = [words[name] for name in accepted if _WORD.fullmatch(words.get(name, ""))]
        near = get_close_matches(word[0].lower(), possible, 1, 0.7)
        if near:
            return f"did you mean `{near[0]}`?"
    return _hint(rest)


def _before(text: str, words: Mapping[str, str]) -> str:
    """Whether the word before a mistake is almost one of the language: it was then taken for a name."""
    word = _LAST_WORD.search(text)
    if word is None or word[1] in words.values():
        return ""
    near = get_close_matches(word[1], [one for one in words.values() if _WORD.fullmatch(one)], 1, 0.7)
    return f"did you mean `{near[0]}` instead of `{word[1]}`?" if near else ""


def _hint(rest: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.match(pattern, rest)), "")


def _expected(accepted: Iterable[str], words: Mapping[str, str]) -> str:
    """What may come, in words: whole groups by their name, then what is left over."""
    left = {words.get(name, name) for name in accepted}
    found: list[str] = []
    for needed, covered, word in _GROUPS:
        if needed <= left:
            left -= covered
            found.append(word)
    found += [_TERMINALS.get(name, f"`{name}`") for name in sorted(left)]
    if len(found) > 6:
        found = [*found[:6], "..."]
    if len(found) <= 1:
        return found[0] if found else "something else"
    return f"{', '.join(found[:-1])} or {found[-1]}"
