"""Whether sqlglot's words are the server's words: where a quote or a comment ends, what is a space, what is in no tree.

INVARIANT: what is quoted and what is a comment is found here a second time, by the vendors' documents alone. Where the two
disagree, or the text has characters whose reading we do not know, there is a doubt, and the command is not complete.

Not here: where a statement of SQL Server begins (`batches`). Called by `dialects` alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

Doubt = tuple[str, str]
"""Code and message of a problem."""

_BLOCK = r"(?P<comment>/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|{line})|"
_QUOTED = {
    "mysql": _BLOCK.format(line=r"(?:#|--(?=[\x00-\x20\x7f]|\Z))[^\n]*")
    + r"""(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`)""",
    "tsql": _BLOCK.format(line=r"--[^\n]*") + r"""(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\])""",
    "bigquery": _BLOCK.format(line=r"(?:#|--)[^\n]*")
    + r"""(?P<quoted>'{3}(?:[^\\]|\\.)*?'{3}|"{3}(?:[^\\]|\\.)*?"{3}"""
    + r"""|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\\n]|\\.)*`)""",
    "snowflake": _BLOCK.format(line=r"(?:--|//)[^\n]*")
    + r"""(?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|\$\$(?:[^$]|\$(?!\$))*\$\$)""",
}
_SPANS = {dialect: re.compile(pattern, re.DOTALL) for dialect, pattern in _QUOTED.items()}
_BLANK = re.compile(r"[ \t\n\r]*\Z")
_NEWLINES = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What may end a line to one reader and not to the other."""
_HIDDEN = re.compile(r"/\*(?:M?!|\+)", re.IGNORECASE)
"""A comment that MySQL runs, and a hint, which may set a variable."""
_WORD = re.compile(r"[\w@#$]+")
_NUMBER = re.compile(r"(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?(?:\Z|[^\w.$@#])", re.IGNORECASE)
"""A number and what stands behind it: nothing that might belong to it."""
_CURRENCY = re.compile(r"\$(?!action\Z|[0-9]+\Z)", re.IGNORECASE)
_OPENERS = frozenset("'\"`[$")


def doubts(dialect: str, text: str, tokens: list[Token]) -> Iterator[Doubt]:
    """Where the server may read the text in another way than sqlglot does."""
    comments: list[tuple[int, int]] = []
    quoted: dict[int, int] = {}
    for match in _SPANS[dialect].finditer(text):
        if match["comment"] is not None:
            comments.append(match.span())
        else:
            quoted[match.start()] = match.end()
    yield from _comments(dialect, text, comments)
    yield from _extents(text, tokens, comments, quoted)
    for before, token in zip([None, *tokens], tokens, strict=False):
        yield from _word(dialect, text, token, before)
        if token.token_type is TokenType.NUMBER and not _NUMBER.match(text, token.start, token.end + 2):
            yield "lexer", "a number may end elsewhere"


def _comments(dialect: str, text: str, comments: list[tuple[int, int]]) -> Iterator[Doubt]:
    for start, end in comments:
        if dialect == "mysql" and _HIDDEN.match(text, start):
            yield "hidden_text", "a comment that the server may run or obey"
        # Comments stand in one another to some servers.
        if text.find("/*", start + 1, end) >= 0 and text.startswith("/*", start):
            yield "hidden_text", "a comment in a comment"
        if not text.startswith("/*", start) and _NEWLINES.search(text, start, end):
            yield "hidden_text", "a comment that may end earlier"


def _extents(
    text: str, tokens: list[Token], comments: list[tuple[int, int]], quoted: dict[int, int]
) -> Iterator[Doubt]:
    """Quotes and comments have to end where the tokens say, and between the tokens is nothing else."""
    at, where, seen = 0, 0, 0
    for start, end in [*((token.start, token.end + 1) for token in tokens), (len(text), len(text))]:
        while where < len(comments) and comments[where][0] < start:
            left, right = comments[where]
            if left < at or right > start or not _BLANK.match(text[at:left]):
                yield "lexer", "a comment that may be another"
            at, where = right, where + 1
        if not _BLANK.match(text[at:start]):
            yield "lexer", "what stands between two words may be more than a space"
        at = end
        raw = text[start:end]
        found = next((place for place in range(start, min(start + 3, end)) if place in quoted), None)
        if found is not None:
            seen += 1
            if quoted[found] != end:
                yield "lexer", "a quote may end elsewhere"
        elif any(mark in raw for mark in "'\"`"):
            yield "lexer", "a quote may begin elsewhere"
    if seen != len(quoted):
        yield "lexer", "quotes may stand elsewhere"


def _word(dialect: str, text: str, token: Token, before: Token | None) -> Iterator[Doubt]:
    raw = text[token.start : token.end + 1]
    kind = token.token_type
    if dialect == "mysql":
        if raw.startswith("-") and before is not None and before.end + 1 == token.start and before.text == "-":
            yield "hidden_text", "two minus signs without a space behind them are no comment to the server"
        if raw.startswith('"') or ("\\" in raw and not raw.startswith("`")):
            # ANSI_QUOTES and NO_BACKSLASH_ESCAPES decide; nobody tells us.
            yield "lexer_setting", "quotes and backslashes mean what a setting of the session says"
    if any(mark in raw[:3] for mark in "'\"`") or raw.startswith(("[", "$$")):
        return
    if kind is TokenType.IDENTIFIER:
        yield "lexer", f"`{raw[:40]}` may be several words"
    if dialect == "tsql" and _CURRENCY.match(raw):
        yield "lexer", f"`{raw[:40]}` may be a number and a word"
    if raw.isascii():
        if not raw.isprintable() and not raw.split():
            yield "lexer", "a control character"
        if any(not (mark.isprintable() or mark in "\t\n\r") for mark in raw):
            yield "lexer", "a control character"
    elif kind is not TokenType.HINT and (
        not _WORD.fullmatch(raw) or unicodedata.normalize("NFKC", raw) != raw or raw.upper().isascii()
    ):
        yield "lexer", "letters that may be others, or none, to the server"


_SWALLOWED = """absent action add after against all anti any array as asc ascii at auto based before before_and_after block both by bypass
    cascade cascaded chain change changes check checksum clone close cluster clustered collate column columns comment compression concurrently connect_by_root
    constraint content cross current data date date_part database day dayofweek dayofyear days dd default deferred define delete
    desc description disable distinct document dow doy duplicate dw dy each elements else empty enable encoding end enforced
    engine error escape except exclude exclusive explicit extended extract false fast filter first following for force format
    foreign from full fulltext function generated global grants group groups hash hh high_priority history hour hours identity if ignore immediate
    in include include_null_values index information indexes inner input insert instead into invisible iso_week isodow isolation isoweek isowk
    isoww isoyear json keep key keys kind label language last lateral left level like limit list local location locked logged loop
    low_priority mark matched materialized maxdop maxrecursion mcs measures merge method mi microsecond microseconds millisecond
    milliseconds minute minutes mm mode modify month months ms n name names nanosecond national natural new next no nolock nonclustered none
    not nothing nowait ns null nulls object of off offset old on only option options or order ordinal ordinality others out outer output over
    overwrite parameterization partial partition partitions path pattern per percent plan policy preceding precision preserve primary prior
    privileges procedure q qq qualify quarter quarters quick range read recompile recursive references regexp rename repeatable replace
    required respect restart restrict returning returns right robust role rollup root row rowcount rows s safe safe_offset safe_ordinal sample savepoint schema scope second seconds
    security select semi separator serializable session set sets share show silent simple skip source ss start statistics storage strict
    structure system system_time table tablesample target temporary text then ties time timezone tinyint to top tran transaction
    trailing transient truncate try type tz tzoffset unbounded uncommitted unicode union unique unknown unlogged unpivot unsigned update uncompressed
    user using utf8 value values variable varying version view views visible week weekday weekiso weeks when where window with within
    without without_array_wrapper wk work write ww xml xsinil y year years yy yyyy zone"""
_SOFT = frozenset(_SWALLOWED.split())
"""Words that the grammars swallow; no name is told from them."""


def lost(dialect: str, tokens: list[Token], statements: list[exp.Expr]) -> Iterator[Doubt]:
    """Names and queries of the text that are in no tree: sqlglot's builders drop what they have no use for."""
    parser = Dialect.get_or_raise(dialect).parser_class
    kept: Counter[str] = Counter()
    queries = 0
    for statement in statements:
        for node in statement.walk():
            queries += isinstance(node, exp.Select)
            if isinstance(node, exp.Literal) and node.is_string:
                continue
            for value in node.args.values():
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, str):
                        kept.update(_words(item))
    wanted: Counter[str] = Counter()
    for at, token in enumerate(tokens):
        queries -= token.token_type is TokenType.SELECT
        name = token.text.upper()
        follows = tokens[at + 1].token_type if at + 1 < len(tokens) else None
        called = follows is TokenType.L_PAREN and (name in parser.FUNCTIONS or name in parser.FUNCTION_PARSERS)
        if token.token_type is TokenType.IDENTIFIER or (
            token.token_type is TokenType.VAR and not called and token.text.lower() not in _SOFT
        ):
            wanted.update(_words(token.text))
    if queries < 0:
        yield "lost_text", "a query of the text is in no tree"
    for name in sorted(wanted - kept)[:3]:
        yield "lost_text", f"`{name[:40]}` is in no tree"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower()) or ([text] if text.strip() else [])
