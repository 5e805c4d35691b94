"""A tree as text: everything that matters is on it, and a command cannot draw on the terminal."""

from __future__ import annotations

from engine.command.parse import parse_command
from engine.command.show import MAX_LISTED, tree_text
from tests.sql_commands import tree


def test_operations_targets_columns_and_features_are_shown() -> None:
    text = tree_text(tree("WITH d AS (DELETE FROM cust RETURNING *) SELECT upper(ssn) AS s, cust FROM d, cust"))
    for part in (
        "delete (delete) via top > cte  [no where]",
        "delete table public.cust",
        "execute function pg_catalog.upper",
        "features: whole_row",
        "reads: public.cust.amt",
        "s from public.cust.ssn through upper",
    ):
        assert part in text, text


def test_problems_are_shown_with_their_place() -> None:
    assert "problem: syntax_error at byte 14" in tree_text(tree("SELECT 1 FROM FROM x"))


def test_what_could_not_be_traced_says_so() -> None:
    text = tree_text(parse_command("postgres", "SELECT * FROM t").command)
    assert "(not in the catalog)" in text
    assert "not proven" in text
    assert "result: nobody can know" in tree_text(tree("FETCH c"))


def test_control_characters_are_escaped() -> None:
    text = tree_text(tree('SELECT "\x1b[2J\u202e" FROM cust -- \r\x07'))
    assert all(char.isprintable() or char == "\n" for char in text)


def test_long_lists_are_cut() -> None:
    text = tree_text(tree("DROP TABLE " + ", ".join(f"t{number}" for number in range(MAX_LISTED + 7))))
    assert "... and 7 more" in text


def test_commands_of_other_protocols_have_no_sql_part() -> None:
    text = tree_text(parse_command("shell", "ls").command)
    assert "unknown (unknown) via top" in text
    assert "result" not in text
