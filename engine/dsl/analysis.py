"""What can be told of a condition without a request: whether it may be unknown, which variables it reads.

Called by `queries.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from engine.dsl import typed as m
from engine.dsl.types import Sort


def is_certain(condition: m.Condition) -> bool:
    """Whether a condition is never unknown."""
    match condition:
        case m.And(items=items) | m.Or(items=items):
            return all(is_certain(item) for item in items)
        case m.Not(item=item):
            return is_certain(item)
        case m.Quantified():
            return condition.list.certain and is_certain(condition.body)
        case m.Compare():
            return _certain(condition.left) and _certain(condition.right)
        case m.Contains():
            return condition.list.certain and _certain(condition.item)
        case m.Overlaps():
            return condition.list.certain
        case m.InSet(path=path) | m.Like(path=path) | m.Truth(path=path):
            return path.certain
        case m.Within():
            return False
        case m.Present() | m.Window():
            return True
        case _:
            assert_never(condition)


def merge(condition: m.Or) -> m.InSet | None:
    """`a == "x" or a in {"y"}` as `a in {"x", "y"}`, which the index of candidates can read."""
    path: m.Path | None = None
    found: dict[m.Constant, None] = {}
    for item in condition.items:
        match item:
            case m.Compare(left=m.Path() as here, operator="==", right=m.Constant() as constant):
                values: Sequence[m.Constant] = (constant,)
            case m.InSet(path=here, items=values):
                pass
            case _:
                return None
        if (path is not None and here != path) or here.type.sort is Sort.ANY:
            return None
        path = here
        found.update(dict.fromkeys(values))
    return None if path is None else m.InSet(path, tuple(found), place=condition.place)


def free_variables(condition: m.Condition) -> frozenset[str]:
    """The variables of quantifiers around a condition that it reads."""
    match condition:
        case m.And(items=items) | m.Or(items=items):
            return frozenset().union(*(free_variables(item) for item in items))
        case m.Not(item=item):
            return free_variables(item)
        case m.Quantified(list=over, variable=variable, body=body):
            return _free(over) | (free_variables(body) - {variable})
        case m.Compare(left=left, right=right):
            return _free(left) | _free(right)
        case m.Contains(list=over, item=inner):
            return _free(over) | _free(inner)
        case m.Overlaps(list=over):
            return _free(over)
        case m.InSet(path=path) | m.Like(path=path) | m.Within(path=path) | m.Truth(path=path) | m.Present(path=path):
            return _free(path)
        case m.Window():
            return frozenset()
        case _:
            assert_never(condition)


def _certain(term: m.Term) -> bool:
    match term:
        case m.Constant():
            return True
        case m.Path():
            return term.certain
        case m.Count() | m.Age():
            return term.path.certain
        case _:
            assert_never(term)


def _free(term: m.Term) -> frozenset[str]:
    match term:
        case m.Constant():
            return frozenset()
        case m.Path():
            return frozenset() if term.base == m.INPUT else frozenset({term.base})
        case m.Count() | m.Age():
            return _free(term.path)
        case _:
            assert_never(term)
