"""Where a statement of SQL Server begins: it needs no semicolon between two, and `SELECT 1 SHUTDOWN` is two statements.

sqlglot reads such a word as an alias or a column. INVARIANT: each of these words, unquoted and outside of brackets, is a
doubt unless it stands where the grammar of the statement wants it. Called by `dialects` alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import Token, TokenType

_STARTING_WORDS = """ALTER BACKUP BEGIN BREAK BULK CALL CHECKPOINT CLOSE COMMIT CONTINUE CREATE DBCC DEALLOCATE DECLARE DELETE DENY DROP DUMP
    ELSE EXEC EXECUTE FETCH GOTO GRANT IF INSERT KILL LINENO LOAD MERGE OPEN PRINT RAISERROR READTEXT RECEIVE RECONFIGURE
    RESTORE RETURN REVERT REVOKE ROLLBACK SAVE SELECT SEND SET SETUSER SHUTDOWN THROW TRUNCATE UPDATE UPDATETEXT USE WAITFOR
    WHILE WRITETEXT"""
_STARTERS = frozenset(_STARTING_WORDS.split())
_PAIRS = {
    "ADD": ("SIGNATURE", "COUNTER", "SENSITIVITY"),
    "COPY": ("INTO",),
    "DISABLE": ("TRIGGER",),
    "ENABLE": ("TRIGGER",),
    "END": ("CONVERSATION",),
    "GET": ("CONVERSATION",),
    "MOVE": ("CONVERSATION",),
    "RENAME": ("OBJECT", "DATABASE"),
}
"""Words that begin a statement with these behind them only."""
_BEFORE_A_QUERY = frozenset({"AS", "ALL", "UNION", "EXCEPT", "INTERSECT"})
_CHANGES = frozenset({"UPDATE", "DELETE", "INSERT", "MERGE", "SELECT"})
_JOINED = frozenset({"INNER", "LEFT", "RIGHT", "FULL", "OUTER"})


def hidden_starts(tokens: list[Token]) -> Iterator[str]:
    """The words that may begin a statement of their own, in the order of the text."""
    depth, main = 0, ""
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.SEMICOLON:
            depth, main = 0, ""
            continue
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if kind in (TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER):
            continue
        word = token.text.upper()
        if not main:
            main = word
            continue
        before, after = _beside(tokens, at)
        if (main, before, word, depth) == ("CREATE", "AS", "WITH", 0):
            main = word
        starts = word in _STARTERS or after in _PAIRS.get(word, ())
        if not starts or (before == "." and tokens[at - 2].token_type is not TokenType.NUMBER):
            continue
        if depth > 0:
            # Only a query stands in brackets, or (in FROM) a change whose OUTPUT is read.
            if word in ("UPDATE", "DELETE", "INSERT", "MERGE") and before == "(" and after not in ("JOIN", "UNION"):
                yield word
            continue
        if main == "WITH" and word in _CHANGES and before == ")":
            main = word
        elif not _belongs(main, word, before, after):
            yield word
            main = word
        elif (main, word) == ("INSERT", "SELECT"):
            main = "SELECT"


def _beside(tokens: list[Token], at: int) -> tuple[str, str]:
    def text(place: int) -> str:
        if not 0 <= place < len(tokens) or tokens[place].token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            return ""
        return tokens[place].text.upper()

    following = text(at + 1)
    if text(at) == "FETCH" and following in ("NEXT", "FIRST"):
        number = tokens[at + 2].token_type if at + 2 < len(tokens) else None
        following = "NEXT" if number in (TokenType.NUMBER, TokenType.L_PAREN, TokenType.PARAMETER) else "FROM"
    return text(at - 1), following


def _belongs(main: str, word: str, before: str, after: str) -> bool:
    """Whether a word that can begin a statement is a part of the one that stands before it."""
    match word:
        case "SELECT":
            return before in _BEFORE_A_QUERY or main == "INSERT"
        case "SET":
            return main in ("UPDATE", "MERGE") or (main in ("ALTER", "CREATE") and before in ("DELETE", "UPDATE"))
        case "UPDATE" | "DELETE" | "INSERT":
            return (main == "MERGE" and before == "THEN") or (main in ("ALTER", "CREATE") and before == "ON")
        case "MERGE":
            return before in _JOINED and after == "JOIN"
        case "FETCH":
            return before in ("ROW", "ROWS") and after == "NEXT"
        case "IF":
            return main in ("DROP", "ALTER", "CREATE") and after == "EXISTS"
        case "ELSE":
            return True  # of CASE: the ELSE of an IF stands behind an IF, which is a doubt
        case "DROP" | "ALTER":
            return main == "ALTER" or (main == "CREATE" and before == "OR")
        case _:
            return False
