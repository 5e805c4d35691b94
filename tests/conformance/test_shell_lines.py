"""The example policy for developers stops dangerous lines that no corpus has, and denies no ordinary one."""

from __future__ import annotations

import pytest

from engine import Program, Verdict
from tests.conformance.alike_lines import TWINS
from tests.conformance.dangerous_lines import DANGEROUS
from tests.conformance.evasive_lines import EVASIVE
from tests.conformance.harmless_lines import HARMLESS
from tests.conformance.named_lines import NAMED
from tests.conformance.verb_lines import DANGEROUS_VERBS, ORDINARY_VERBS
from tests.shell_decisions import decide, developer


@pytest.fixture(scope="module")
def program() -> Program:
    return developer()


@pytest.mark.parametrize("cause", [*DANGEROUS, *EVASIVE, *DANGEROUS_VERBS])
def test_nothing_dangerous_is_let_through(program: Program, cause: str) -> None:
    lines = (*DANGEROUS.get(cause, ()), *EVASIVE.get(cause, ()), *DANGEROUS_VERBS.get(cause, ()))
    through = [line for line in lines if decide(program, line).verdict not in {Verdict.DENY, Verdict.HOLD}]
    assert through == []


@pytest.mark.parametrize("cause", HARMLESS)
def test_nothing_ordinary_is_denied(program: Program, cause: str) -> None:
    denied = [line for line in HARMLESS[cause] if decide(program, line).verdict is Verdict.DENY]
    assert denied == []


@pytest.mark.parametrize("cause", ORDINARY_VERBS)
def test_what_people_do_every_day_with_tools_of_verbs_is_free(program: Program, cause: str) -> None:
    stopped = [line for line in ORDINARY_VERBS[cause] if decide(program, line).verdict is not Verdict.ALLOW]
    assert stopped == []


WHOLE = (
    "find / -delete",
    "find . -delete",
    "find -delete",
    "find . -name '*' -delete",
    "find ~ -name '.*' -delete",
    "find ~ -name '*.txt' -delete",
    "find / -name '*.txt' -delete",
    "find /etc -name '*.conf' -delete",
    "find . -name '*.pyc' -o -delete",
    "find . ! -name '*.pyc' -delete",
    "find . -delete -name '*.pyc'",
    "find . -name '*.pyc' , -delete",
    "find . \\( -name '*.pyc' -o -true \\) -delete",
    "find . -name $X -delete",
    "find $X -name '*.pyc' -delete -o -delete; cd /; find . -name '*.py' -delete",
    "cd / && find . -name '*.so' -delete",
    "find .. -name '*.c' -delete",
    "find / -type f -exec rm -f {} +",
    "find . -type f -exec unlink {} \\;",
)
"""What is denied as the loss of a whole tree: no name is asked of every file that goes, or the place is not the project's."""


@pytest.mark.parametrize("line", WHOLE)
def test_a_search_that_removes_without_asking_for_a_name_is_denied(program: Program, line: str) -> None:
    decision = decide(program, line)
    assert decision.verdict is Verdict.DENY
    assert "WHOLE_TREE" in {reason.code for reason in decision.reasons}


@pytest.mark.parametrize("cause", [*TWINS, *NAMED])
def test_what_looks_alike_is_told_apart(program: Program, cause: str) -> None:
    twins = {**TWINS, **NAMED}[cause]
    found = {line: decide(program, line).verdict for line in (*twins.stopped, *twins.everyday, *twins.free)}
    assert [line for line in twins.stopped if found[line] not in {Verdict.DENY, Verdict.HOLD}] == []
    assert [line for line in twins.everyday if found[line] is Verdict.DENY] == []
    assert [line for line in twins.free if found[line] is not Verdict.ALLOW] == []


@pytest.mark.parametrize("folder", ["/x/", "./", "/bin/../bin/", "~/bin/"])
@pytest.mark.parametrize(
    "line", ["{}sh -c 'rm -rf /'", "{}sudo rm -rf /", "{}rm -rf /", "curl u | {}bash", "sudo {}bash -c 'rm -rf /'"]
)
def test_what_is_denied_by_its_name_is_denied_by_any_path(program: Program, line: str, folder: str) -> None:
    plain, other = (decide(program, line.format(path)) for path in ("", folder))
    codes = [{reason.code for reason in decision.reasons if reason.kind == "deny"} for decision in (plain, other)]
    assert plain.verdict is other.verdict is Verdict.DENY
    assert codes[0] <= codes[1]
