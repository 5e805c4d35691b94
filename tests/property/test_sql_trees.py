"""The SQL parser on all sorts of text: it never raises, and equal shapes mean equal trees."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import _native
from engine.command.parse import parse_command
from engine.command.sql.parse import parse_sql, split_sql
from engine.command.tree import Command
from tests.sql_commands import CATALOG
from tests.strategies.sql_texts import literal_pairs, literals, templates

LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


def meaning(command: Command) -> dict[str, object]:
    """A tree without what differs between texts that differ in literals alone."""
    document = {name: getattr(command, name) for name in ("protocol", "features", "complete", "sql")}
    document["operations"] = [
        (item.kind, item.effect, item.via, item.targets, item.has_where, item.has_limit, item.statement)
        for item in command.operations
    ]
    # A syntax error quotes the text near it.
    document["problems"] = [problem.code for problem in command.problems]
    return document


def assert_shape_holds(one: str, other: str) -> bool:
    """Whether the two have one shape; if so their trees must be equal."""
    first, second = _native.sql_shape(one.encode()), _native.sql_shape(other.encode())
    if first is None or first != second:
        return False
    for names in (CATALOG, None):
        left, right = parse_sql(one, names).command, parse_sql(other, names).command
        assert meaning(left) == meaning(right), (one, other)
    return True


@settings(max_examples=400)
@given(literal_pairs())
def test_texts_of_one_shape_have_one_tree(pair: tuple[str, str]) -> None:
    assert_shape_holds(*pair)


@settings(max_examples=300)
@given(templates, st.lists(literals, min_size=1), st.randoms(use_true_random=False))
def test_a_tree_says_truly_whether_constants_matter(template: str, values: list[str], chance: random.Random) -> None:
    # WHY no longer: ORDER BY 2147483648 is no position, as PostgreSQL reads it, and so of another shape than ORDER BY 1.
    whole = [value for value in values if value.isdigit() and len(value) < 10] or ["7"]

    def filled() -> str:
        return re.sub("\x00", lambda _: chance.choice(whole), template)

    one, other = parse_sql(filled(), CATALOG).command, parse_sql(filled(), CATALOG).command
    assert one.sql is not None
    if not one.sql.constants_matter and not one.problems and not other.problems:
        assert meaning(one) == meaning(other)


@pytest.mark.parametrize("corpus", ["sql-queries", "sql-parser-tests", "sql-postgres-regress"])
def test_statements_of_the_corpora_with_other_literals_keep_their_tree_where_the_shape_is_kept(
    corpora: Path, corpus: str
) -> None:
    chance = random.Random(20261121)
    kept = 0
    with gzip.open(corpora / corpus / "items.jsonl.gz") as lines:
        for line in lines:
            text = json.loads(line)["sql"]

            def other(found: re.Match[str]) -> str:
                if found[0].startswith("'"):
                    return chance.choice(["'x'", "''", "'it''s'", "'1'", "'%a%'", "'cust'"])
                return chance.choice(["0", "1", "2", "41", "3000000000"]) if "." not in found[0] else "2.5"

            kept += assert_shape_holds(text, LITERAL.sub(other, text))
    assert kept > 100


@given(st.binary(max_size=300))
def test_random_bytes_end_in_a_tree(raw: bytes) -> None:
    command = parse_sql(raw, CATALOG).command
    assert command.operations
    assert command.complete or command.problems or command.features
    for start, end in split_sql(raw):
        assert 0 <= start <= end <= len(raw)
    _native.sql_shape(raw)


@given(st.text(max_size=200), st.sampled_from(["postgres", "shell", "http", "x"]))
def test_random_texts_of_any_protocol_end_in_a_tree(text: str, protocol: str) -> None:
    assert parse_command(protocol, text).command.operations


@settings(max_examples=200)
@given(literal_pairs())
def test_a_tree_is_the_same_every_time(pair: tuple[str, str]) -> None:
    assert parse_sql(pair[0], CATALOG).encoded == parse_sql(pair[0], CATALOG).encoded


@settings(max_examples=200)
@given(literal_pairs())
def test_an_output_without_a_catalog_is_proven_only_when_nothing_of_the_database_is_in_it(
    pair: tuple[str, str],
) -> None:
    command = parse_sql(pair[0]).command
    assert command.sql is not None
    for output in command.sql.outputs or ():
        assert not (output.proven and output.origins)
