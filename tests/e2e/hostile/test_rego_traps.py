"""Policies and inputs that kill, hang or fool a Rego engine. Each ends in a refusal or an error (so a deny), in time.

A trap runs in a process of its own: a stack overflow or an abort cannot be caught, and its memory is measured there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
MAX_RSS_MB = 300
SECONDS = 10.0

CHILD = """
import json, re, sys, time
import msgspec
from engine._native import NativeError
from engine.compiler.stages import compile_policies
from engine.errors import EngineError, PolicyRefused
from engine.source import Source

asked = json.load(sys.stdin)
started = time.monotonic()
try:
    policies = compile_policies([Source("a.rego", asked["policy"])], has_schema=False)
    compiled = time.monotonic()
    answer = msgspec.msgpack.decode(policies.core.evaluate(msgspec.msgpack.encode(asked["input"]), 0))
    said = {"results": [value for _, value in answer["results"]], "errors": [error["message"] for error in answer["errors"]]}
    said["seconds"] = time.monotonic() - compiled
except PolicyRefused as error:
    said = {"refused": [(one.code, one.span.line if one.span else 0) for one in error.diagnostics]}
except (EngineError, NativeError) as error:
    said = {"refused": [(error.code, 0)]}
said["total"] = time.monotonic() - started
said["rss_mb"] = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps(said))
"""


def spring(policy: str, document: Any = None) -> dict[str, Any]:
    """Compile and evaluate in a child; what it said. Dying, hanging and eating memory fail here."""
    asked = json.dumps({"policy": policy, "input": document if document is not None else {}})
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=asked,
        capture_output=True,
        text=True,
        timeout=SECONDS * 3,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, f"the process died with {done.returncode}: {done.stderr[-500:]}"
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["total"] < SECONDS, said
    assert said["rss_mb"] < MAX_RSS_MB, said
    return said


def body(condition: str, helpers: str = "") -> str:
    return f'package policies.a\n\n{helpers}\ndeny contains "x" if {{\n\t{condition}\n}}\n'


BIG = 'x := concat("", [c | some i in numbers.range(1, 20000); c := "aaaaaaaaaa"])'


@pytest.mark.parametrize(
    "condition",
    [
        "count(numbers.range(0, 100000000)) > 1",
        "count(numbers.range(0, 1000000000000)) > 1",
        "count(numbers.range(-9000000000000000000, 9000000000000000000)) > 1",
        "count(numbers.range_step(0, 1000000000000, 1)) > 1",
        'count(net.cidr_expand("10.0.0.0/8")) > 1',
        'count(net.cidr_expand("fe80::/16")) > 1',
        'sprintf("%1000000000d", [1]) != ""',
        'sprintf("%.999999999f", [1.5]) != ""',
        'sprintf("%*d", [1000000000, 1]) != ""',
        "bits.lsh(1, 100000000000) > 0",
        f'{BIG}\n\tcount(replace(x, "a", x)) > 0',
        f'{BIG}\n\tcount(concat(x, [y | some i in numbers.range(1, 5000); y := "b"])) > 0',
        f'{BIG}\n\tcount(strings.replace_n({{"a": x}}, x)) > 0',
        'regex.match(concat("", ["(", concat("|", [sprintf("x{%d}", [i]) | some i in numbers.range(1, 4000)]), ")"]), "x")',
        'regex.match("(((x{100}){100}){100}){100}", "x")',
        'json.unmarshal(concat("", [x | some i in numbers.range(1, 50000); x := "["])) != null',
        'yaml.unmarshal(concat("", [x | some i in numbers.range(1, 5000); x := "["])) != null',
        'to_number(concat("", [x | some i in numbers.range(1, 90000); x := "9"])) > 1',
        'units.parse(concat("", [x | some i in numbers.range(1, 90000); x := "9"])) > 1',
    ],
)
def test_a_builtin_that_is_asked_for_too_much_fails_at_once(condition: str) -> None:
    said = spring(body(condition))
    assert said["errors"], said
    assert not said["results"]
    assert said["seconds"] < 1.0


@pytest.mark.parametrize(
    "condition",
    [
        "count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a * b == 7]) > 1",
        "count([1 | some a in numbers.range(1, 99999); some b in numbers.range(1, 99999); a == b]) > 1",
        "count([x | some a in numbers.range(1, 1000); x := [y | some y in numbers.range(1, 1000)]]) > 1",
        "every a in numbers.range(1, 99999) { every b in numbers.range(1, 99999) { a + b > 0 } }",
    ],
)
def test_nested_loops_end_with_the_time(condition: str) -> None:
    said = spring(body(condition))
    assert said["errors"], said
    assert said["errors"][0].startswith(("TIMEOUT", "LIMIT"))
    assert said["seconds"] < 2.0


@pytest.mark.parametrize(
    ("helpers", "code"),
    [
        ("f(n) := f(n + 1)\n", "RECURSION"),
        ("f(n) := g(n + 1)\n\ng(n) := f(n)\n", "RECURSION"),
        ("f(n) := 0 if n == 0\n\nf(n) := f(n - 1) + 1 if n > 0\n", "RECURSION"),
        ("f(n) := data.policies.a[k] if k := n\n", "RECURSION"),
        ("".join(f"r{n} := r{n + 1}\n\n" for n in range(2000)) + "r2000 := 1\n\nf(n) := r0\n", "TOO_DEEP"),
    ],
)
def test_recursion_and_long_chains_are_refused(helpers: str, code: str) -> None:
    assert code in [one[0] for one in spring(body("f(0) == 1", helpers))["refused"]]


@pytest.mark.parametrize("brackets", ["[]", "{}", "()"])
def test_deep_literals_are_refused_before_they_are_parsed(brackets: str) -> None:
    deep = brackets[0] * 60 + "1" + brackets[1] * 60
    said = spring(body(f"{deep} != 1"))
    assert [one[0] for one in said["refused"]] == ["TOO_DEEP"]
    assert said["total"] < 1.0


def test_many_deep_literals_are_refused_too() -> None:
    literal = "[" * 15 + "1" + "]" * 15
    said = spring("package policies.a\n\n" + "\n\n".join(f"x{n} := {literal}" for n in range(3000)))
    assert [one[0] for one in said["refused"]] == ["TOO_DEEP"]
    assert said["total"] < 1.0


def test_a_long_expression_does_not_overflow_the_stack() -> None:
    for operator in ("+", "*", "==", "|"):
        for length in (300, 3_000, 30_000):
            text = f" {operator}\n".join(["input.a"] * length)
            said = spring(body(f"x := {text}\n\tx == 1"), {"a": 1})
            assert "refused" in said or "errors" in said


def test_a_long_reference_does_not_overflow_the_stack() -> None:
    said = spring(body("x := input" + "\n\t\t.a" * 15_000 + "\n\tx == 1"), {"a": 1})
    assert "refused" in said or "errors" in said
    assert "refused" in spring(body("not " * 3000 + "input.a"))


def test_a_deep_input_is_refused() -> None:
    document: Any = 1
    for _ in range(200):
        document = [document]
    assert spring(body("input.a"), {"a": document})["refused"] == [["INPUT_INVALID", 0]]


def test_a_long_text_is_refused() -> None:
    assert [one[0] for one in spring("package policies.a\n\n# " + "x" * (2 << 20))["refused"]] == ["TOO_LONG"]
    assert spring('package policies.a\n\nx := "' + "y" * 9000 + '"\n')["refused"]
    assert spring("package policies.a\n" + "\n" * 30_000)["refused"]


def test_garbage_is_refused() -> None:
    for text in (
        "\0",
        "package",
        "package \u202e",
        "\ufeffpackage policies.a",
        "}{",
        '"',
        "`",
        "$" * 100,
        "package policies.a\n\ndeny contains",
    ):
        assert spring(text)["refused"]


FAILS: tuple[tuple[str, dict[str, Any]], ...] = (
    ('to_number("abc") > 1', {}),
    ("1 / 0 == 1", {}),
    ("input.n % 0 == 1", {"n": 1}),
    ("input.n / input.z == 1", {"n": 1, "z": 0}),
    ("input.n + 1 > 0", {"n": "a"}),
    ("input.n < 5", {"n": "a"}),
    ("input.n < 5", {"n": None}),
    ("input.n - 1 == 0", {"n": [1]}),
    ("some x in input.n; x != 1", {"n": "text"}),
    ("some x in input.n; x != 1", {"n": None}),
    ("every x in input.n { x == 1 }", {"n": "text"}),
    ('startswith(input.n, "a")', {"n": 5}),
    ('lower(input.n) == "a"', {"n": ["a"]}),
    ("count(input.n) == 1", {"n": 5}),
    ('regex.match("(", input.n)', {"n": "a"}),
    ("time.parse_rfc3339_ns(input.n) > 0", {"n": "yesterday"}),
    ("json.unmarshal(input.n) == 1", {"n": "{"}),
    ('glob.match("[", [], input.n)', {"n": "a"}),
    ("v == 1", {"a": 1, "b": 1}),
    ("w == 1", {"xs": [1, 2]}),
    ("f(1) == 1", {"a": 1, "b": 1}),
    ("m.k == 1", {"xs": [1, 2]}),
    ('count({j: y | j := "a"; some y in input.xs}) == 1', {"xs": [1, 2]}),
)
"""Conditions that fail, and not because they are false. A guard with one must not be passed over."""

HELPERS = """
v := 1 if input.a

v := 2 if input.b

w := x if some x in input.xs

f(x) := x if input.a

f(x) := x + 1 if input.b

m[k] := x if {
	k := "k"
	some x in input.xs
}
"""


@pytest.mark.parametrize(("condition", "document"), FAILS)
def test_a_failing_guard_is_an_error_and_not_a_guard_that_did_not_match(condition: str, document: Any) -> None:
    for text in (condition, f"not {condition}" if ";" not in condition and "every" not in condition else condition):
        said = spring(body(text, HELPERS), document)
        assert said["errors"], said


@pytest.mark.parametrize(
    ("condition", "document", "matches"),
    [
        ('x := input.absent; not x in ["a"]', {}, False),
        ('e := input.env; not e == "prod"', {}, False),
        ("[a, b] := input.pair; a == b", {}, False),
        ("count([y | y := input.a]) == 0", {}, True),
        ("count([input.a | true]) == 0", {}, True),
        ('{"<undefined>"} == {y | y := input.a}', {}, False),
        ("count({k: input.a | k := 1}) == 0", {}, True),
        ("f(input.absent) == 2", {}, False),
        ("not f(input.absent)", {}, True),
        ("every x in input.absent { x == 1 }", {}, False),
        ("every x in input.xs { x == 1 }", {"xs": []}, True),
        ("some x in input.xs; count([z | z := x; z > 5]) == 0", {"xs": [3, 7]}, True),
        ("some x in input.xs; [z | z := x; z > 5] == []", {"xs": [7]}, False),
        ("pick == 0", {"xs": [1]}, True),
        ('object.get(input, "a", input.absent) == 1', {"a": 1}, False),
    ],
)
def test_undefined_and_loops_mean_what_rego_says(condition: str, document: Any, matches: bool) -> None:
    helpers = "f(x) := 2\n\npick := x if {\n\tsome x in input.xs\n\tx == 5\n} else := 0\n"
    said = spring(body(condition, helpers), document)
    assert not said["errors"]
    assert bool(said["results"]) is matches


@pytest.mark.parametrize(
    "builtin",
    [
        'http.send({"url": "x"})',
        "io.jwt.decode(input.t)",
        "opa.runtime()",
        'rand.intn("a", 5)',
        'uuid.rfc4122("a")',
        'net.lookup_ip_addr("x")',
        'trace("x")',
    ],
)
def test_a_builtin_outside_the_list_is_a_compile_error_with_its_line(builtin: str) -> None:
    assert spring(body(f"x := {builtin}\n\tx != 1"))["refused"] == [["BUILTIN_NOT_ALLOWED", 5]]


def test_a_rule_that_decides_may_not_use_with() -> None:
    assert ["WITH_IN_POLICY", 6] in spring(body("input.a == 1\n\tinput.b == 2 with input.b as 2"))["refused"]
