"""Texts for the audit with their literals replaced, for commands that carry a secret. Pure.

Deliberately blunt: it reads quotes only, and whatever it is unsure about it hides to the end. Nothing is decided from
its output. Called by the gate for trees with the feature `secret_literal`, and for texts that no grammar could read.
"""

from __future__ import annotations

import re

HIDDEN = "'***'"

_LITERAL = re.compile(
    r"""
      (?<![A-Za-z0-9_$\u0080-\uffff])
      (?P<dollar> \$ (?P<tag> (?: [A-Za-z_\u0080-\uffff] [A-Za-z0-9_\u0080-\uffff]* )? ) \$ .*? (?: \$ (?P=tag) \$ | \Z ) )
    | (?P<quoted> (?: \b (?: [eEbBxXnN] | [uU]& ) )? ' (?: [^'] | '' )* (?: ' | \Z ) )
    | (?P<name> " (?: [^"] | "" )* (?: " | \Z ) )
    | (?P<line> -- [^\n]* )
    | (?P<block> /\* .*? (?: \*/ | \Z ) )
    """,
    re.VERBOSE | re.DOTALL,
)
_FIRST_QUOTE = re.compile(r"""['"$]|--|/\*""")
_NAME = re.compile(r'"[A-Za-z_][A-Za-z0-9_$ ]{0,62}"')


def redact_sql(text: str, *, is_understood: bool = True) -> str:
    """The text with every quoted constant and every comment replaced; identifiers stay readable.

    `is_understood` false: a grammar refused the text, so nobody knows where a quote ends; all from the first one on is hidden.

    >>> redact_sql("ALTER ROLE ana PASSWORD 'hunter2'")
    "ALTER ROLE ana PASSWORD '***'"
    """
    # WHY: whether a backslash escapes depends on a session setting, and block comments nest; both move where quotes end.
    if not is_understood or "\\" in text or text.count("/*") > 1:
        first = _FIRST_QUOTE.search(text)
        return text if first is None else f"{text[: first.start()]}{HIDDEN}"
    return _LITERAL.sub(_replace, text)


def _replace(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "name":
            # WHY: typos put secrets into double quotes; what does not look like a name is hidden.
            return match.group() if _NAME.fullmatch(match.group()) else '"***"'
        case "line":
            return "-- ***"
        case "block":
            return "/* *** */"
        case _:
            return HIDDEN
