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
    text = tree_text(parse_command("telnet", "ls").command)
    assert "unknown (unknown) via top" in text
    assert "result" not in text


def test_facts_of_a_kubernetes_request_stand_below_its_operation() -> None:
    shown = tree_text(parse_command("kubernetes", "kubectl -n a exec -it web -c c -- ls '/x\x1b'").command)
    assert "  exec (execute) via top\n" in shown
    assert "    namespace: a\n" in shown
    assert "    container: c\n" in shown
    assert "    argv: ls /x\\x1b\n" in shown
    assert "    tty\n" in shown


def test_facts_of_a_body_stand_further_in() -> None:
    shown = tree_text(parse_command("kubernetes", "kubectl run a --image=i --privileged").command)
    assert "    pods:\n      privileged\n      images: i\n" in shown


def test_facts_of_an_http_request_stand_at_the_end() -> None:
    shown = tree_text(parse_command("http", "GET /a?b=1&b=2 HTTP/1.1\r\nHost: x\r\n\r\n").command)
    assert "http:\n  method: GET\n  path: /a\n  host: x\n  query: b=1 2\n  headers: host\n" in shown
