"""Comments: which line each speaks of."""

from __future__ import annotations

from engine.dsl import tree as t
from engine.dsl.comments import Comment, attach, find_comments, without_comments
from engine.dsl.parser import parse
from engine.source import Source


def file(text: str) -> t.File:
    parsed = parse(Source("p.gate", text))
    assert parsed.file is not None
    assert parsed.diagnostics == ()
    return parsed.file


def test_comments_are_found_with_their_lines_and_not_in_texts() -> None:
    assert find_comments('# one\ndeny a "# no" # two\n  #\n') == (
        Comment(1, "one", True),
        Comment(2, "two", False),
        Comment(3, "", True),
    )


def test_a_comment_above_and_one_beside() -> None:
    found = file(
        '# top\npolicy p # head\n# rule\ndeny a # name\n  # why\n  when principal.name == "x" # clause\n# end\n'
    )
    assert (found.header.above, found.header.beside) == (("top",), "head")
    (rule,) = found.items
    assert isinstance(rule, t.Rule)
    assert (rule.above, rule.beside) == (("rule",), "name")
    assert (rule.clauses[0].above, rule.clauses[0].beside) == (("why",), "clause")
    assert found.below == ("end",)


def test_a_comment_inside_a_condition_goes_above_its_clause() -> None:
    found = file(
        'policy p\ndeny a\n  when principal.name == "x"\n    # or somebody else\n    or principal.name == "y"\n'
    )
    (rule,) = found.items
    assert isinstance(rule, t.Rule)
    assert rule.clauses[0].above == ("or somebody else",)


def test_every_part_of_every_item_can_carry_one() -> None:
    text = """policy p
# a
applies to postgres # b
# c
import "x.gate" # d
# e
define y = {a} # f
mask m # g
  # h
  columns "a" # i
  # j
  with redact # k
limit l # l
  # m
  rows 5 # n
test "t" # o
  # p
  given principal "x" # q
  # r
  run postgres "SELECT 1" # s
  # t
  expect deny # u
"""
    found = file(text)
    carried: list[str] = []
    nodes: list[t.Commented] = [found.header]
    assert found.header.applies is not None
    nodes.append(found.header.applies)
    for item in found.items:
        nodes.append(item)
        match item:
            case t.Rule():
                nodes += [*item.fields, *filter(None, (item.method, item.limit)), *item.clauses]
            case t.Test():
                nodes += [*item.given, item.run, item.expect]
            case _:
                pass
    for node in nodes:
        carried += [*node.above, *([node.beside] if node.beside else [])]
    assert carried == [chr(number) for number in range(ord("a"), ord("u") + 1)]


def test_no_comment_leaves_the_file_as_it_is() -> None:
    found = file("policy p\n")
    assert attach(found, ()) is found


def test_a_piece_without_its_comments_keeps_its_texts() -> None:
    assert without_comments('a == "# no"  # yes\nand b') == 'a == "# no"  \nand b'
