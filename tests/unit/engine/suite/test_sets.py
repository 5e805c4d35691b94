"""Which files are one set of policies."""

from __future__ import annotations

import pytest

from engine.source import Source
from engine.suite.sets import policy_sets, root_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.rego", ""),
        ("postgres/a.rego", ""),
        ("examples/a.rego", ""),
        ("examples/demo/a.rego", "examples/demo"),
        ("examples/demo/deep/a.rego", "examples/demo"),
        ("x/examples/y/a.rego", "x/examples/y"),
    ],
)
def test_a_folder_below_examples_is_a_set_of_its_own(name: str, expected: str) -> None:
    assert root_of(name) == expected


def test_files_are_sorted_into_their_sets() -> None:
    policies = [Source("examples/demo/a.rego", ""), Source("lib/b.rego", "")]
    suites = [Source("examples/demo/a.yaml", ""), Source("c.yaml", "")]
    got = policy_sets(policies, suites)
    assert [(one.root, [s.name for s in one.sources], [s.name for s in one.suites]) for one in got] == [
        ("", ["lib/b.rego"], ["c.yaml"]),
        ("examples/demo", ["examples/demo/a.rego"], ["examples/demo/a.yaml"]),
    ]
