"""Policies and requests that go where a Rego evaluator goes wrong: absent fields, wrong types, failing builtins, loops in
loops, `else` after a loop, several values for one rule. Texts, drawn line by line; not every policy makes sense."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KINDS = ("deny", "hold", "mask", "limit", "allow")
NAMES = ("a", "b", "c")
GROUPS = ("dba", "dev", "pci")
OPERATIONS = ("read", "write", "drop")

_name = st.sampled_from(NAMES)
_group = st.sampled_from(GROUPS)
_operation = st.sampled_from(OPERATIONS)
_number = st.integers(-1, 3)

HELPERS = """
default env := "none"

env := input.resource.labels.env

writing if {
	some op in input.command.operations
	op.kind == "write"
}

night if input.context.hour > 20

f(x) := x.name if x.name != "a"

else := "other" if x.labels.env == "prod"

else := "none"

g(x) := count(x.command.operations)

h(x) := 1 if x > 0

h(x) := 2 if x > 1

pick := v if {
	some v in input.numbers
	v > 1
} else := 0

table[op.kind] := op.n if some op in input.command.operations

members contains m if {
	some m in input.principal.groups
	m != "dev"
}

first := x if {
	some x in input.numbers
}
"""


@st.composite
def _condition(draw: st.DrawFn, n: int, *, is_inner: bool = False) -> str:
    """One line, or several, of a rule's body. `n` makes the names of its locals."""
    name, group, kind, number = draw(_name), draw(_group), draw(_operation), draw(_number)
    inner = f"input.context.hour > {number}"
    if not is_inner and draw(st.booleans()):
        inner = draw(_condition(n + 10, is_inner=True)).replace("\n", "; ")
    choices = [
        f'input.resource.name == "{name}"',
        f'"{name}" == input.resource.name',
        f'input.resource.name in {{"{name}", "b"}}',
        f'input.resource.name != "{name}"',
        f'"{group}" in input.principal.groups',
        f'not "{group}" in input.principal.groups',
        'not input.resource.labels.env != "prod"',
        'input.resource.labels["env"] == "prod"',
        f'some op{n} in input.command.operations\n\top{n}.kind == "{kind}"',
        f'some op{n} in input.command.operations\n\top{n}.kind in {{"{kind}", "drop"}}\n\top{n}.n == {number}',
        f'some i{n}, op{n} in input.command.operations\n\top{n}.kind == "{kind}"\n\ti{n} < 2',
        f'input.command.operations[_].kind == "{kind}"',
        f'every op{n} in input.command.operations {{ op{n}.kind == "{kind}" }}',
        f"every op{n} in input.command.operations {{ op{n}.n > {number} }}",
        f'x{n} := input.resource\n\tx{n}.name == "{name}"',
        f'x{n} := input.resource.labels.env\n\tnot x{n} in {{"prod", "{name}"}}',
        f"x{n} := input.absent\n\tnot x{n} in [1]",
        f"[p{n}, q{n}] := input.pair\n\tp{n} != q{n}",
        f"count([o{n} | some o{n} in input.command.operations; {inner}]) >= {number}",
        f'count({{o{n}.n | some o{n} in input.command.operations; o{n}.kind == "{kind}"}}) > {number}',
        f"count([y{n} | y{n} := input.context.hour; y{n} > {number}]) == 0",
        f"some op{n} in input.command.operations\n\tys{n} := [z{n} | z{n} := op{n}.n; z{n} > {number}]\n\tcount(ys{n}) == 0",
        f"some op{n} in input.command.operations\n\tm{n} := {{k{n}: v{n} | some k{n}, v{n} in op{n}; v{n} != {number}}}\n\tcount(m{n}) > 0",
        f"not count([1 | {inner}]) == {number}",
        "writing",
        "not writing",
        "night",
        "not night",
        f'env == "{name}"',
        f'f(input.resource) == "{name}"',
        "not f(input.absent)",
        f"g(input) == {number}",
        f"h(input.context.hour) == {number}",
        f"pick > {number}",
        f"not pick == {number}",
        f'table["{kind}"] == {number}',
        f'"{group}" in members',
        f"first == {number}",
        f"to_number(input.resource.size) > {number}",
        f"input.context.hour / {number} > 1",
        f"input.context.hour - {number} == 1",
        f'startswith(input.resource.name, "{name}")',
        f'object.get(input.resource, "name", "a") == "{name}"',
        f'sprintf("%v", [input.resource.name]) == "{name}"',
        f"input.numbers[{number}] == 1" if number >= 0 else "input.numbers[0] == 1",
        f"some x{n} in input.numbers\n\tx{n} + 1 > {number}",
        f'lib.near(input.resource, "{name}")',
        f'not lib.near(input.absent, "{name}")',
        f"input.tls == {draw(st.sampled_from(['true', 'false', 'null']))}",
        "input.tls",
        "not input.tls",
    ]
    return draw(st.sampled_from(choices))


_head = st.sampled_from(
    [
        '"plain"',
        '{"code": "C", "who": input.principal.id}',
        '{"code": "C", "env": env}',
        'sprintf("%v", [input.resource.name])',
        "[n | some n in input.numbers]",
        "input.resource.name",
    ]
)


@st.composite
def policy(draw: st.DrawFn, number: int) -> str:
    """One policy module with helpers and a few rules of different kinds."""
    lines = [f"package policies.m{number}\n\nimport data.lib\n{HELPERS}"]
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(KINDS))
        conditions = [draw(_condition(place)) for place in range(draw(st.integers(1, 3)))]
        body = "\n\t".join(conditions)
        lines.append(f"{kind} contains {draw(_head)} if {{\n\t{body}\n}}\n")
    return "\n".join(lines)


LIBRARY = """package lib

near(x, e) if x.labels.env == e

near(x, e) if x.name == e
"""


@st.composite
def policies(draw: st.DrawFn) -> list[tuple[str, str]]:
    """A set of policies: file names and texts."""
    texts = [(f"m{number}.rego", draw(policy(number))) for number in range(draw(st.integers(1, 2)))]
    return [("lib.rego", LIBRARY), *texts]


_value: st.SearchStrategy[Any] = st.one_of(
    st.integers(-1, 3), st.sampled_from(["a", "prod", "5", ""]), st.none(), st.booleans()
)


def _sometimes(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly the right type, sometimes another."""
    return st.one_of(value, value, value, value, _value)


_an_operation = st.fixed_dictionaries({}, optional={"kind": _sometimes(_operation), "n": _sometimes(_number)})

requests: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "principal": _sometimes(
            st.fixed_dictionaries(
                {}, optional={"id": st.just("ana"), "groups": _sometimes(st.lists(_group, max_size=2))}
            )
        ),
        "resource": _sometimes(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": _sometimes(_name),
                    "size": _value,
                    "labels": _sometimes(
                        st.fixed_dictionaries({}, optional={"env": _sometimes(st.sampled_from(["prod", "dev"]))})
                    ),
                },
            )
        ),
        "command": _sometimes(
            st.fixed_dictionaries(
                {}, optional={"operations": _sometimes(st.lists(_sometimes(_an_operation), max_size=3))}
            )
        ),
        "context": _sometimes(st.fixed_dictionaries({}, optional={"hour": _sometimes(st.integers(0, 23))})),
        "numbers": _sometimes(st.lists(_sometimes(_number), max_size=3)),
        "pair": _sometimes(st.lists(_value, min_size=1, max_size=3)),
        "tls": _value,
    },
)
"""Inputs: every field may be absent or of a wrong type."""
