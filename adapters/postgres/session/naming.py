"""Prepared statements and cursors that SQL itself makes, uses and ends: they share their names with the protocol's own."""

from __future__ import annotations

from adapters.postgres.facts import Piece, Sort, outline
from adapters.postgres.messages import query
from adapters.postgres.messages.frames import Front
from adapters.postgres.session import refusals
from adapters.postgres.session.names import ALL, NOT_KNOWN, Change, Cursor, NameChange, Names, Statement, Use

_SPEAKS_OF_PREPARED = b"execute"
_FETCH = b"fetch"


def may_execute(text: bytes) -> bool:
    """Whether a text could run a prepared statement: if it holds the word. The gate is then told what names stand for."""
    return _SPEAKS_OF_PREPARED in text.lower()


def is_fetch(text: bytes) -> bool:
    """Whether a text begins as FETCH does. The gate is then told of which query. One behind a comment is not found: nobody knows its."""
    return text.lstrip()[: len(_FETCH)].lower() == _FETCH


def fetched(text: bytes, names: Names) -> object | None:
    """What names meant, the cursor's too, when that of a FETCH was declared; None where nobody knows."""
    pieces = outline(text) or ()
    name = pieces[0].name if len(pieces) == 1 and pieces[0].sort is Sort.FETCH else None
    cursor = names.cursors.get(name) if name is not None and name not in names.portals else None
    return None if cursor is None or names.is_any_moving else cursor.meaning


USES_PREPARED = frozenset({Sort.EXECUTE, Sort.DEALLOCATE, Sort.PREPARE})


def used_name(kind: int, body: bytes) -> bytes | None:
    """The prepared statement without which a message of the client's would mean something else; None where there is none such. A Parse
    counts where it names one: it fails when there is one of that name."""
    if kind == Front.BIND:
        return query.decode_bind(body).statement
    if kind == Front.PARSE:
        return query.decode_parse(body).name or None
    if kind == Front.DESCRIBE and body[:1] == b"S":
        return query.decode_named(body).name
    return None


def change_of(piece: Piece, cursor: Cursor = NOT_KNOWN) -> NameChange | None:
    """What a statement changes about names when it succeeds. `cursor`: what is known of the one that it declares."""
    match piece.sort:
        case Sort.PREPARE:
            return NameChange(Change.STATEMENT, piece.name, Statement(piece.inner, in_sql=True))
        case Sort.DEALLOCATE:
            return NameChange(Change.NO_STATEMENT, piece.name)
        case Sort.DEALLOCATE_ALL:
            return NameChange(Change.NO_STATEMENTS, ALL)
        case Sort.DISCARD_ALL:
            return NameChange(Change.NOTHING_LEFT, ALL)
        case Sort.DECLARE:
            return NameChange(Change.CURSOR, piece.name, cursor)
        case Sort.CLOSE:
            return NameChange(Change.NO_PORTAL, piece.name)
        case Sort.CLOSE_ALL:
            return NameChange(Change.NO_PORTALS, ALL)
        case _:
            return None


def use_of(piece: Piece, names: Names) -> Use | None:
    """What a statement will run by its name."""
    match piece.sort:
        case Sort.EXECUTE:
            return Use(piece.name, False, names.statements.get(piece.name))
        case Sort.FETCH:
            return Use(piece.name, True, names.cursors.get(piece.name))
        case _:
            return None


def refusal_of(piece: Piece, names: Names) -> bytes | None:
    """The error for a statement that would reach around a mask or the parser, or None."""
    if piece.sort is Sort.SET_LEXER:
        return refusals.lexer_setting()
    portal = names.portals.get(piece.name)
    if piece.sort is Sort.FETCH and portal is not None and portal.run.masks:
        # WHY: the rows of a masked portal would come as the rows of a FETCH, which has no plan of its own.
        return refusals.unsupported("FETCH from a portal with masked columns is not supported", "use the portal itself")
    return None
