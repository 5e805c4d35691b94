"""DO blocks in PL/pgSQL, cut up and put together again: no crash, no hang, and what runs in one is listed."""

from __future__ import annotations

import random
from functools import partial

import pytest

from tests.sql_commands import kinds, tree
from tests.time_bounds import within

WORDS = [
    "DECLARE",
    "BEGIN",
    "END",
    ";",
    ";",
    ";",
    "IF",
    "THEN",
    "ELSE",
    "ELSIF",
    "LOOP",
    "WHILE",
    "FOR",
    "IN",
    "REVERSE",
    "..",
    "EXECUTE",
    "'x'",
    "USING",
    "INTO",
    "STRICT",
    "x",
    "r",
    "rec",
    "c1",
    "CURSOR",
    "FOR",
    "SELECT",
    "1",
    "FROM",
    "t",
    "WHERE",
    "OPEN",
    "FETCH",
    "CLOSE",
    "MOVE",
    "RAISE",
    "NOTICE",
    "'%'",
    ",",
    "(",
    ")",
    ":=",
    "=",
    "RETURN",
    "NEXT",
    "QUERY",
    "PERFORM",
    "f(1)",
    "EXIT",
    "WHEN",
    "CASE",
    "EXCEPTION",
    "OTHERS",
    "NULL",
    "GET",
    "DIAGNOSTICS",
    "ROW_COUNT",
    "STACKED",
    "FOREACH",
    "SLICE",
    "ARRAY",
    "int",
    "record",
    "t%ROWTYPE",
    "t.a%TYPE",
    "CONSTANT",
    "DEFAULT",
    "ALIAS",
    "$1",
    "<<lbl>>",
    "ASSERT",
    "CALL",
    "COMMIT",
    "INSERT",
    "INTO",
    "t",
    "VALUES",
    "(1)",
    "[",
    "]",
    ".",
    "*",
    "E'\\''",
    '"Q"',
    "::",
    "integer[]",
    "--",
    "/*",
    "*/",
    "#",
    "#option",
]
BLOCKS = (
    "DECLARE x int := 1; r record; BEGIN FOR r IN SELECT * FROM t LOOP EXECUTE 'DELETE FROM ' || r.a; END LOOP; RAISE NOTICE '%', x; END",
    "BEGIN IF EXISTS (SELECT 1 FROM t) THEN INSERT INTO a VALUES (1); ELSIF x THEN PERFORM f(2); ELSE RETURN; END IF;"
    " EXCEPTION WHEN unique_violation THEN NULL; END",
    "DECLARE c CURSOR (k int) FOR SELECT a FROM t WHERE b = k; n int; BEGIN OPEN c(1); FETCH c INTO n; CLOSE c; CASE n WHEN 1 THEN NULL; END CASE; END",
    "<<o>> DECLARE a text[]; x text; BEGIN FOREACH x SLICE 1 IN ARRAY a LOOP CONTINUE o WHEN x > 1; EXIT; END LOOP; COMMIT; END o",
)


def mutant(chance: random.Random) -> str:
    words = chance.choice(BLOCKS).split(" ")
    for _ in range(chance.randrange(7)):
        at = chance.randrange(len(words) + 1)
        match chance.randrange(4):
            case 0:
                words.insert(at, chance.choice(WORDS))
            case 1:
                del words[at : at + 1]
            case 2:
                words[at : at + 1] = [chance.choice(WORDS)]
            case _:
                other = chance.choice(BLOCKS).split(" ")
                words[at:at] = other[chance.randrange(len(other)) :][:12]
    return " ".join(words)


def try_many(seed: int, count: int) -> int:
    chance, understood = random.Random(seed), 0
    for _ in range(count):
        text = f"DO $tag${mutant(chance)}$tag$"
        command = within(1.0, partial(tree, text), text)
        assert kinds(command)[0] in ("do", "unknown")
        understood += "opaque_code" not in command.features
    return understood


def test_no_block_crashes_or_hangs_the_parser() -> None:
    assert try_many(1, 1_500) > 50


@pytest.mark.long
def test_no_block_crashes_or_hangs_the_parser_for_long() -> None:
    assert try_many(2, 400_000) > 10_000


@pytest.mark.parametrize(
    "block",
    [
        "BEGIN {}; END",
        "DECLARE x int := 1; BEGIN IF true THEN {}; END IF; END",
        "BEGIN IF true THEN NULL; ELSIF false THEN {}; END IF; END",
        "BEGIN IF true THEN NULL; ELSE {}; END IF; END",
        "BEGIN CASE 1 WHEN 1 THEN {}; END CASE; END",
        "BEGIN CASE 1 WHEN 1 THEN NULL; ELSE {}; END CASE; END",
        "BEGIN LOOP {}; EXIT; END LOOP; END",
        "BEGIN WHILE false LOOP {}; END LOOP; END",
        "BEGIN FOR i IN 1..2 LOOP {}; END LOOP; END",
        "DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP {}; END LOOP; END",
        "DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1' LOOP {}; END LOOP; END",
        "DECLARE x int; BEGIN FOREACH x IN ARRAY ARRAY[1] LOOP {}; END LOOP; END",
        "BEGIN BEGIN {}; END; END",
        "BEGIN NULL; EXCEPTION WHEN OTHERS THEN {}; END",
        "DECLARE c refcursor; BEGIN OPEN c FOR SELECT 1; {}; END",
        "DECLARE c CURSOR FOR SELECT 1; r record; BEGIN FOR r IN c LOOP {}; END LOOP; END",
    ],
)
def test_a_statement_is_listed_wherever_it_stands_in_a_block(block: str) -> None:
    for statement in (
        "DELETE FROM cust",
        "EXECUTE 'DELETE FROM cust'",
        "WITH d AS (DELETE FROM cust) INSERT INTO orders VALUES (1)",
    ):
        command = tree(f"DO $tag${block.format(statement)}$tag$")
        assert "delete" in kinds(command), (block, statement)
        assert command.complete, command.problems


@pytest.mark.parametrize(
    "block",
    [
        "DECLARE x text := ({}); BEGIN END",
        "DECLARE x text; BEGIN x := ({}); END",
        "DECLARE x text[]; BEGIN x[1] := ({}); END",
        "BEGIN IF ({}) > '1' THEN NULL; END IF; END",
        "BEGIN WHILE ({}) > '1' LOOP NULL; END LOOP; END",
        "BEGIN FOR i IN 1..length(({})) LOOP NULL; END LOOP; END",
        "BEGIN CASE ({}) WHEN '1' THEN NULL; END CASE; END",
        "BEGIN CASE '1' WHEN ({}) THEN NULL; END CASE; END",
        "BEGIN RAISE NOTICE '%', ({}); END",
        "BEGIN RAISE EXCEPTION USING MESSAGE = ({}); END",
        "BEGIN ASSERT false, ({}); END",
        "BEGIN PERFORM ({}); END",
        "BEGIN EXECUTE 'SELECT $1' USING ({}); END",
        "BEGIN LOOP EXIT WHEN ({}) = '1'; END LOOP; END",
        "DECLARE c CURSOR FOR SELECT ({}); BEGIN OPEN c; END",
        "DECLARE c CURSOR (k text) FOR SELECT k; BEGIN OPEN c(({})); END",
        "DECLARE c refcursor; BEGIN OPEN c FOR SELECT ({}); END",
        "DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'SELECT $1' USING ({}); END",
        "DECLARE r record; BEGIN FOR r IN SELECT ({}) LOOP NULL; END LOOP; END",
        "DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT $1' USING ({}) LOOP NULL; END LOOP; END",
        "DECLARE c CURSOR FOR SELECT 1; x int; BEGIN OPEN c; FETCH RELATIVE length(({})) FROM c INTO x; END",
        "BEGIN CALL wipe(({})); END",
        "BEGIN RETURN; END; /* {} */",
    ],
)
def test_what_an_expression_of_a_block_reads_is_seen(block: str) -> None:
    command = tree(f"DO $tag${block.format('SELECT ssn FROM cust LIMIT 1')}$tag$")
    assert command.sql is not None
    if "/*" in block:
        assert command.sql.reads == ()
    else:
        assert "public.cust.ssn" in command.sql.reads or not command.complete
        assert "public.cust.ssn" in command.sql.reads or "CALL" in block
