"""Suites become whole cases, or mistakes with their places."""

from __future__ import annotations

import pytest

from engine.decision import DenyKind, Verdict
from engine.errors import SuiteInvalid
from engine.source import Source
from engine.suite.cases import Case, Expected, Suites, case_of, read_suites

FIXTURES = Source(
    "fixtures.yaml",
    """
principals:
  ana: {name: ana, groups: [readers]}
  bo: {name: bo}
resources:
  orders: {name: orders, protocol: postgres}
commands:
  read: {protocol: postgres, text: "SELECT 1"}
catalogs:
  shop: {search_path: [public]}
contexts:
  night: {hour: 3}
sessions:
  job: {id: s, job: j}
""",
)
HEAD = "suite: s\nfixtures: ../fixtures.yaml\n"


def suites(text: str, *more: Source) -> Suites:
    return read_suites([Source("pg/a_suite.yaml", text), FIXTURES, *more])


def cases(text: str) -> tuple[Case, ...]:
    got = suites(text)
    assert got.mistakes == ()
    return got.cases


def test_a_case_has_its_fixtures_by_name() -> None:
    (case,) = cases(
        HEAD
        + """cases:
  - name: one
    principal: ana
    resource: orders
    command: read
    session: job
    context: night
    catalog: shop
    now: 2026-01-05T12:00:00Z
    approval: {rules: [a/B]}
    expect: {verdict: hold, rules: [a/B], masks: {pan: partial}, obligations: {rows: 5}}
"""
    )
    assert (case.suite, case.name, case.source, case.line) == ("s", "one", "pg/a_suite.yaml", 4)
    assert case.stated.principal == {"name": "ana", "groups": ["readers"]}
    assert case.stated.command == {"protocol": "postgres", "text": "SELECT 1"}
    assert (case.stated.session, case.stated.context) == ({"id": "s", "job": "j"}, {"hour": 3})
    assert (case.stated.catalog, case.stated.now) == ({"search_path": ["public"]}, "2026-01-05T12:00:00Z")
    assert case.stated.approval == {"rules": ["a/B"]}
    assert case.expected == Expected(Verdict.HOLD, None, ("a/B",), {"pan": "partial"}, {"rows": 5})


def test_what_is_not_expected_in_writing_is_expected_to_be_denied() -> None:
    text = "cases:\n  - {name: one, principal: ana, resource: orders, command: read}\n"
    assert cases(HEAD + text)[0].expected == Expected(Verdict.DENY)
    text = "cases:\n  - {name: one, principal: ana, resource: orders, command: read, expect: {deny_kind: NO_MATCH}}\n"
    assert cases(HEAD + text)[0].expected == Expected(Verdict.DENY, DenyKind.NO_MATCH)


def test_parts_may_be_written_out_and_defaults_stand_in() -> None:
    text = """defaults: {principal: ana, resource: {name: x, protocol: ssh}}
cases:
  - {name: one, command: read}
  - {name: two, principal: {name: cy}, command: {protocol: shell, text: ls}}
"""
    one, two = cases(HEAD + text)
    assert one.stated.principal == {"name": "ana", "groups": ["readers"]}
    assert two.stated.principal == {"name": "cy"}
    assert two.stated.resource == {"name": "x", "protocol": "ssh"}


MATRIX = """matrix:
  principals: [ana, bo]
  resources: [orders]
  commands:
    read: {protocol: postgres, text: "SELECT 1"}
    drop: {protocol: postgres, text: "DROP TABLE t"}
  verdicts:
    - {principal: ana, command: [read], verdict: allow}
    - {principal: bo, verdict: hold}
"""


def test_a_matrix_asks_every_cell_and_what_it_does_not_list_is_denied() -> None:
    got = {case.name: case.expected.verdict for case in cases(HEAD + MATRIX)}
    assert got == {
        "ana · orders · read": Verdict.ALLOW,
        "ana · orders · drop": Verdict.DENY,
        "bo · orders · read": Verdict.HOLD,
        "bo · orders · drop": Verdict.HOLD,
    }


def test_files_without_a_suite_are_left_alone() -> None:
    assert read_suites([FIXTURES, Source("data.yaml", "a: 1"), Source("empty.yaml", "")]) == Suites((), ())


WRONG = [
    ("suite: s\n", 1, "neither"),
    ("suite: s\nfixtures: nowhere.yaml\ncases: []\n", 1, "nowhere.yaml"),
    ("suite: s\nfixtures: ../../etc.yaml\ncases: []\n", 1, "etc.yaml"),
    ("suite: ''\ncases: []\n", 1, "suite"),
    ("suite: s\ncase: []\n", 1, "did you mean `cases`"),
    (HEAD + "cases: {}\n", 1, "cases"),
    (HEAD + "cases:\n  - one\n", 4, "mapping"),
    (HEAD + "cases:\n  - {principal: ana}\n", 4, "name"),
    (HEAD + "cases:\n  - {name: n, principel: ana}\n", 4, "did you mean `principal`"),
    (HEAD + "cases:\n\n  - {name: n, principal: anna}\n", 5, "did you mean `ana`"),
    (HEAD + "cases:\n  - {name: n, principal: zoe}\n", 4, "no fixture `zoe`"),
    (HEAD + "cases:\n  - {name: n, expect: allow}\n", 4, "expect"),
    (HEAD + "cases:\n  - {name: n, expect: {verdict: alow}}\n", 4, "verdict"),
    (HEAD + "cases:\n  - {name: n, expect: {deny_kind: NOPE}}\n", 4, "deny_kind"),
    (HEAD + "cases:\n  - {name: n, expect: {rules: a/B}}\n", 4, "rules"),
    (HEAD + "cases:\n  - {name: n, expect: {rulez: [a/B]}}\n", 4, "did you mean `rules`"),
    (HEAD + "cases:\n  - {name: n, expect: {masks: [pan]}}\n", 4, "masks"),
    (HEAD + "matrix: []\n", 1, "matrix"),
    (HEAD + "matrix: {principals: [], resources: [orders], commands: [read]}\n", 1, "principals"),
    (HEAD + "matrix: {principals: [zoe], resources: [orders], commands: [read]}\n", 1, "zoe"),
    (HEAD + MATRIX.replace("hold", "maybe"), 1, "verdict"),
    (HEAD + MATRIX.replace("bo, verdict", "zoe, verdict"), 1, "zoe"),
    (HEAD + MATRIX.replace("principal: bo", "principal: ana"), 1, "two verdicts"),
    (HEAD + "cases: [", 3, ""),
]


@pytest.mark.parametrize(("text", "line", "named"), WRONG)
def test_a_mistake_is_told_with_its_place_and_the_suite_is_not_run(text: str, line: int, named: str) -> None:
    got = suites(text)
    assert got.cases == ()
    (mistake,) = got.mistakes
    assert mistake.source == "pg/a_suite.yaml"
    assert mistake.span is not None
    assert mistake.span.line >= line
    assert named in mistake.message


def test_a_mistake_in_fixtures_is_told_where_it_stands() -> None:
    text = "suite: s\nfixtures: [../fixtures.yaml, more.yaml]\ncases: []\n"
    (mistake,) = suites(text, Source("pg/more.yaml", "principals: {ana: {name: other}}")).mistakes
    assert (mistake.source, "ana" in mistake.message) == ("pg/more.yaml", True)
    (mistake,) = suites(text, Source("pg/more.yaml", "people: {}")).mistakes
    assert "people" in mistake.message


def test_one_broken_suite_does_not_hide_another() -> None:
    good = Source("b.yaml", "suite: t\nfixtures: fixtures.yaml\n" + MATRIX)
    got = suites("suite: s\n", good)
    assert len(got.cases) == 4
    assert len(got.mistakes) == 1


def test_a_case_of_another_file_is_read_by_the_same_rules() -> None:
    case = case_of({"name": "n", "principal": {"name": "ana"}, "expect": {"verdict": "allow"}}, "s", "a.gate", 7)
    assert (case.line, case.expected.verdict) == (7, Verdict.ALLOW)
    with pytest.raises(SuiteInvalid):
        case_of({"nam": "n"}, "s", "a.gate", 7)
