"""In-process decisions: on texts never seen, on those that say to the rules what none said before (`novel`), on texts that
differ in literals alone, on repeated ones; and what rules cost.

`python -m bench.decide [--json] [--texts N]`. Each figure is the p50 (and p99) of single calls of `Program.decide_text`, all
in: parse, candidates, evaluation, combining. `candidates` rules can concern the request in every indexable set, however
large it is. The sets that no index can use have the shapes of the peers' `make_rules.py`: equality on the resource's name
(for comparison), `startswith` on it, a substring of the command's text.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from rich.console import Console
from rich.table import Table

from engine import Principal, Program, Resource, Session, Source, TextQuestion, command_reader, compile_policies
from engine.suite.stated import Statements

CANDIDATES = 10
OF_A_PACKAGE = 100
SIZES = (100, 1_000, 10_000)
UNINDEXED = (10, 100, 1_000)
WARM = 200
REPEATED = 5_000
NOW = 1_767_614_400 * 10**9

RELATIONS = {
    "shop.orders": ["id", "customer_id", "placed_on", "total", "status"],
    "shop.customers": ["id", "name", "city"],
}
CATALOG = {"search_path": ["shop"], "relations": RELATIONS}
ASKED = TextQuestion(
    principal=Principal("ana", groups=("data-readers",)),
    session=Session("bench", job="job-1", application="psql"),
    resource=Resource("prod-orders", "postgres", database="shop", labels={"environment": "prod"}),
    protocol="postgres",
    text=b"",
    now=NOW,
    names=Statements().catalog(CATALOG),
)
KINDS = ("unseen", "novel", "alike", "repeated")
ONES = (("unseen", SIZES[0]), ("novel", SIZES[0]), ("novel", SIZES[-1]))
COLUMNS = ("customer_id", "placed_on", "total", "status")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured case, in microseconds."""

    case: str
    rules: int
    candidates: int
    texts: str
    p50_us: float
    p99_us: float
    cpu_p99_us: float


def indexed_rules(count: int) -> list[Source]:
    """`count` rules of which `CANDIDATES` can concern the question: one allow, denials, and a sprintf in their results."""
    packages: dict[int, list[str]] = {}
    for number in range(count):
        lines = packages.setdefault(number // OF_A_PACKAGE, [f"package policies.set{number // OF_A_PACKAGE}\n"])
        concerned = number < CANDIDATES
        name = "prod-orders" if concerned else f"res-{number}"
        if number == 0:
            lines.append(
                f'allow contains {{"code": "READ", "reason": "reading"}} if {{\n\tinput.resource.name == "{name}"\n'
                '\t"data-readers" in input.principal.groups\n\tinput.command.complete == true\n'
                '\tevery op in input.command.operations {\n\t\top.effect == "read"\n\t}\n}\n'
            )
            continue
        lines.append(
            f'deny contains {{"code": "D{number}", "reason": sprintf("%s may not", [input.principal.name])}} if {{\n'
            f'\tinput.resource.name == "{name}"\n\tsome op in input.command.operations\n'
            f'\tstartswith(op.kind, "drop_")\n\tcount(op.targets) > {number % 7}\n}}\n'
        )
    return [Source(f"set{package}.rego", "\n".join(lines)) for package, lines in packages.items()]


def peers_rules(shape: str, count: int) -> list[Source]:
    """`count` denials of which the last matches the name, in the shapes that the peers are measured with."""
    lines = ['package policies.peers\n\nallow contains {"code": "READ"} if count(input.command.sql.relations) > 0\n']
    for number in range(count):
        last = number == count - 1
        condition = {
            "equal": f'input.resource.name == "{"prod-orders" if last else f"res-{number}"}"',
            "prefix": f'startswith(input.resource.name, "{"prod-" if last else f"res{number}-"}")',
            "text": f'contains(input.command.text, "{"shop.orders" if last else f"tok{number}."}")',
        }[shape]
        lines.append(f'deny contains {{"code": "R{number}"}} if {{\n\t{condition}\n\tcount(input.session) > 0\n}}\n')
    return [Source("peers.rego", "\n".join(lines))]


def unseen() -> Iterator[bytes]:
    """Texts that differ in more than literals, for ever."""
    number = 0
    while True:
        number += 1
        first, second = COLUMNS[number % 4], COLUMNS[(number // 4) % 4]
        yield (
            f"SELECT o.{first}, c.city AS a{number} FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id "
            f"WHERE o.{second} IS NOT NULL AND o.id = {number} ORDER BY o.placed_on LIMIT 10"
        ).encode()


def novel() -> Iterator[bytes]:
    """Texts that differ in what the rules read, for ever: each has a table of its own, so each is evaluated."""
    for number, text in enumerate(unseen()):
        yield text.replace(b"shop.customers", b"shop.customers_%d" % number)


def alike() -> Iterator[bytes]:
    """Texts that differ in a number alone, as pgbench -S sends them."""
    number = 0
    while True:
        number += 1
        yield b"SELECT total FROM shop.orders WHERE id = %d" % number


def measure_texts(program: Program, texts: Iterator[bytes], count: int, clock: Callable[[], int]) -> list[float]:
    """Microseconds of each single decision, by a clock of nanoseconds."""
    questions = [replace(ASKED, text=next(texts)) for _ in range(count + WARM)]
    decide = program.decide_text
    for question in questions[:WARM]:
        decide(question)
    took = []
    gc.collect()
    gc.disable()
    try:
        for question in questions[WARM:]:
            begun = clock()
            decide(question)
            took.append((clock() - begun) / 1000)
    finally:
        gc.enable()
    return took


def figure(case: str, sources: Sequence[Source], texts: str, count: int) -> Figure:
    program = compile_policies(sources, reader=command_reader())
    source = {"unseen": unseen(), "novel": novel(), "alike": alike(), "repeated": itertools.repeat(next(unseen()))}[
        texts
    ]
    often = REPEATED if texts == "repeated" else count
    took = measure_texts(program, source, often, time.perf_counter_ns)
    # WHY also the processor's time: where others want the processor too, the slowest hundredth shows them, not us.
    alone = measure_texts(program, source, often, time.thread_time_ns)
    request = replace(ASKED, text=next(unseen()))
    candidates = len(program.candidates(program.as_request(request)))
    cut, cpu = statistics.quantiles(took, n=100), statistics.quantiles(alone, n=100)
    return Figure(case, len(program.rules), candidates, texts, cut[49], cut[98], cpu[98])


def measure(count: int = 2000) -> list[Figure]:
    """Every case once, the small sets first."""
    found = [figure("indexed", indexed_rules(SIZES[0]), texts, count) for texts in KINDS]
    found += [figure("indexed", indexed_rules(size), texts, count) for size in SIZES[1:] for texts in KINDS[:2]]
    for shape in ("equal", "prefix", "text"):
        found += [figure(f"peers: {shape}", peers_rules(shape, size), "novel", count // 2) for size in UNINDEXED]
    return found


def promises(figures: Sequence[Figure]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Ratios by the names of `budgets.toml`, with both figures."""
    found = {(each.case, each.texts, each.rules): each.p50_us for each in figures}
    unseen, small, large = (found["indexed", texts, rules] for texts, rules in ONES)
    repeated, shaped = found["indexed", "repeated", SIZES[0]], found["indexed", "alike", SIZES[0]]
    measured: dict[str, float | None] = {
        "flat": large / small,
        "unseen": unseen / small,
        "repeated": repeated / unseen,
        "alike": shaped / unseen,
    }
    peers = {
        "flat": f"{SIZES[0]} rules {small:.0f} us, {SIZES[-1]} rules {large:.0f} us",
        "unseen": f"new to the rules {small:.0f} us, to nobody but the parser {unseen:.0f} us",
        "repeated": f"unseen {unseen:.0f} us, repeated {repeated:.1f} us",
        "alike": f"unseen {unseen:.0f} us, of a known shape {shaped:.1f} us",
    }
    return measured, peers


def document(figures: Sequence[Figure]) -> dict[str, object]:
    return {"decide": [asdict(each) for each in figures]}


def show(figures: Sequence[Figure]) -> None:
    table = Table(title="a decision in process, all in (microseconds)")
    for column in ("rules of", "rules", "candidates", "texts", "p50", "p99", "p99 of CPU time"):
        table.add_column(column, justify="left" if column in ("rules of", "texts") else "right")
    for each in figures:
        table.add_row(
            each.case,
            f"{each.rules:,}",
            str(each.candidates),
            each.texts,
            f"{each.p50_us:.1f}",
            f"{each.p99_us:.1f}",
            f"{each.cpu_p99_us:.1f}",
        )
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.decide", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--texts", type=int, default=2000, help="texts of each case")
    arguments = parser.parse_args()
    figures = measure(arguments.texts)
    if arguments.json:
        json.dump(document(figures), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
