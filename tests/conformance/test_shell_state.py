"""The example policy for developers follows the folder of a shell, what its variables may hold and what commands are given."""

from __future__ import annotations

import pytest

from engine import Program, Verdict
from tests.conformance.state_lines import AS_JOINED, DANGEROUS, ORDINARY
from tests.shell_commands import command
from tests.shell_decisions import decide, developer


@pytest.fixture(scope="module")
def program() -> Program:
    return developer()


@pytest.mark.parametrize("cause", DANGEROUS)
def test_nothing_dangerous_is_let_through(program: Program, cause: str) -> None:
    through = [line for line in DANGEROUS[cause] if decide(program, line).verdict not in {Verdict.DENY, Verdict.HOLD}]
    assert through == []


def test_ordinary_twins_are_allowed(program: Program) -> None:
    stopped = [line for line in ORDINARY if decide(program, line).verdict is not Verdict.ALLOW]
    assert stopped == []


@pytest.mark.parametrize("line", AS_JOINED)
def test_what_names_a_folder_by_cd_is_judged_as_what_names_it_in_words(program: Program, line: str) -> None:
    assert decide(program, line).verdict is decide(program, AS_JOINED[line]).verdict


def test_a_cd_that_may_have_failed_leaves_the_folder_where_it_was(program: Program) -> None:
    lines = ("cd build; rm -rf *", "cd build || true; rm -rf *", "! cd build && rm -rf *", "cd build && make; rm -rf *")
    assert [line for line in lines if decide(program, line).verdict is not Verdict.DENY] == []


def test_what_is_looked_at_again_is_one_operation_that_touches_more() -> None:
    (operation,) = command("for d in a b c; do mkdir -p $d; done").operations
    assert [target.name for target in operation.targets] == ["a", "b", "c"]
    assert command("for i in 1 2 3; do echo $i; done").operations[0].span == (19, 26)


def test_more_texts_than_are_followed_are_not_seen_to_the_bottom() -> None:
    words = " ".join(f"w{number}" for number in range(65))
    assert not command(f"for f in {words}; do cat $f; done").complete
    assert command(f"for f in {words[:40]}; do cat $f; done").complete
