"""A tree as text: everything that matters is on it, and a command cannot draw on the terminal."""

from __future__ import annotations

import pytest

from engine.command.parse import parse_command
from engine.command.show import MAX_LINES, MAX_LISTED, Role, tree_lines, tree_text
from engine.command.tree import Command
from tests.sql_commands import tree


def parts(command: Command, role: Role) -> str:
    return " ".join(text.strip() for line in tree_lines(command) for text, of in line if of is role)


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
    assert "└─ exec (execute) via top\n" in shown
    assert "   │  namespace: a\n" in shown
    assert "   │  container: c\n" in shown
    assert "   │  argv: ls '/x\\x1b'\n" in shown
    assert "   │  tty\n" in shown
    assert "   └─ inspect (read) via top > exec\n" in shown


def test_facts_of_a_body_stand_further_in() -> None:
    shown = tree_text(parse_command("kubernetes", "kubectl run a --image=i --privileged").command)
    assert "      pods:\n        privileged\n        images: i\n" in shown


def test_facts_of_an_http_request_stand_at_the_end() -> None:
    shown = tree_text(parse_command("http", "GET /a?b=1&b=2 HTTP/1.1\r\nHost: x\r\n\r\n").command)
    assert "http:\n  method: GET\n  path: /a\n  host: x\n  query: b=1 2\n  headers: host\n" in shown
    assert "http\n  | GET /a?b=1&b=2 HTTP/1.1\n  | Host: x\n" in shown


def test_a_text_of_many_lines_is_cut() -> None:
    shown = tree_text(parse_command("shell", "ls\n" * (MAX_LINES + 3)).command)
    assert "... and more lines" in shown
    assert shown.count("  | ls\n") == MAX_LINES


def test_words_redirections_and_variables_are_shown_as_they_are_written() -> None:
    shown = tree_text(parse_command("shell", "A=1 B=$x tar -cf 'a b' $y 2>&1 >> log").command)
    assert "argv: tar -cf 'a b' ?\n" in shown
    assert "env: A=1 B=?\n" in shown
    assert "redirects: 2>& 1 >> log\n" in shown


def test_operations_stand_below_what_they_stand_inside_of_and_others_beside_it() -> None:
    shown = tree_text(parse_command("shell", "ls /a; a | b; docker exec c rm /x; ls /b").command)
    titles = [line.partition(" via")[0] for line in shown.splitlines() if " via " in line]
    assert titles[0] == "├─ inspect (read)"
    assert titles[-1] == "└─ inspect (read)"
    assert "│  └─ delete_file (delete)" in titles
    assert sum(title.startswith("├─ ") for title in titles) == 4


@pytest.mark.parametrize(
    ("protocol", "text", "unseen"),
    [
        ("shell", "$x -a", "unknown"),
        ("shell", "rm $x", "?"),
        ("shell", "rm /srv/$x", "/srv/${x}"),
        ("shell", "rm $(cat y)", "$()"),
        ("shell", "curl x | sh", "(unknown)"),
        ("postgres", "SELECT * FROM t", "(not in the catalog)"),
        ("postgres", "FETCH c", "nobody can know"),
        ("postgres", "SELECT a FROM t", "(not proven)"),
        ("kubernetes", "GET /api/v1/../x HTTP/1.1\r\nHost: x\r\n\r\n", "no, some of it could not be seen"),
        ("http", "GET /%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n", "problem: noncanonical_path"),
    ],
)
def test_what_nobody_could_see_is_marked_as_such(protocol: str, text: str, unseen: str) -> None:
    assert unseen in parts(parse_command(protocol, text).command, Role.UNSEEN)


def test_effects_and_signs_have_their_roles() -> None:
    command = parse_command("shell", "ls; echo x > a; rm -rf /").command
    assert "(read)" in parts(command, Role.LOOKS)
    assert "(write)" in parts(command, Role.CHANGES)
    assert "(delete)" in parts(command, Role.GRAVE)
    assert "whole_tree" in parts(command, Role.SIGN)
    assert "[no where]" in parts(tree("DELETE FROM cust"), Role.GRAVE)


def test_no_part_has_a_line_break_or_another_control_character() -> None:
    for protocol, text in (
        ("shell", "echo 'a\nb\x1b[2J' > $'\\x1b'; A=$'\\n' x \u202e"),
        ("http", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n\x1b]0;a\x07\x85b"),
        ("kubernetes", "kubectl exec a -- sh -c 'echo \x9b'"),
    ):
        for line in tree_lines(parse_command(protocol, text).command):
            assert all(char.isprintable() for part, _ in line for char in part), line
