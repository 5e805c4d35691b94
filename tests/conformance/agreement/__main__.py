"""`python -m tests.conformance.agreement [PART ...] [--json] [--write]`: what commands as trees come to on cases from outside.

Parts: `shell`, `verdicts`, `sql`, `kubernetes`, `http`, `values`, `lineage`; all but `lineage` without a name, which takes a
real PostgreSQL and minutes (`--queries`). Tables for people, `--json` for machines, `--write` into `docs/measured/`. `--show` also
prints what nobody explained. Exit code 0, 1 where something is unexplained or not refused, 3 without the corpora.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from bench import shell as speed
from tests.conformance.agreement import http, kubernetes, lineage, page, shell, sql, values
from tests.conformance.agreement.tally import Tally
from tests.conformance.corpus import program
from tests.conftest import shared
from tests.shell_decisions import Miss, Table, measure


@dataclass(frozen=True, slots=True)
class Part:
    """What one part came to: a document for machines, sections of a page, what nobody could explain."""

    document: Mapping[str, object]
    sections: Mapping[str, str]
    file: Path = page.AGREEMENT
    unsound: tuple[str, ...] = ()


def of_tallies(title: str, found: list[Tally], more: str = "") -> Part:
    unsound = tuple(text for tally in found for text in (*tally.unexplained, *tally.passed))
    text = page.tallies(found) + (f"\n{more}" if more else "")
    return Part({"rows": [tally.document() for tally in found]}, {title: text}, unsound=unsound)


def of_http(corpora: Path) -> Part:
    rules = http.coreruleset(corpora, program("developer"))
    part = of_tallies("HTTP", http.rows(corpora), page.categories(rules))
    crs = {
        number: {"attacks": attacks.document(), "look_alikes": alike.document()}
        for number, (attacks, alike) in rules.items()
    }
    return Part({**part.document, "coreruleset": crs}, part.sections, unsound=part.unsound)


def of_shell(corpora: Path) -> Part:
    part = of_tallies("Shell", shell.rows(corpora))
    took = speed.measure()
    says = (
        f"`python -m bench shell` over {took.lines:,} lines: one line to its tree in {took.parse_p50_us:.1f} us (p50) and"
        f" {took.parse_p99_us:.0f} us (p99) of the processor; promised are 40 us. `shlex.split` of the same lines: {took.split_p50_us:.1f} us."
    )
    times = {"p50_us": took.parse_p50_us, "p99_us": took.parse_p99_us, "split_p50_us": took.split_p50_us}
    return Part({**part.document, "parse": times}, {**part.sections, "Time of a parse": says}, unsound=part.unsound)


def of_verdicts(corpora: Path) -> Part:
    table = measure(corpora)
    sections = {
        "Verdicts": page.verdicts(table),
        "Dangerous and let through": page.misses(table.misses),
        "Harmless and denied": page.misses(table.denied),
    }
    return Part(verdict_document(table), sections, page.VERDICTS)


def verdict_document(table: Table) -> Mapping[str, object]:
    def listed(found: list[Miss]) -> list[Mapping[str, object]]:
        return [{"corpus": one.case.corpus, "cause": one.why, "tools": list(one.tools)} for one in found]

    return {
        "dangerous_stopped": table.share("dangerous", {"deny", "hold"}),
        "harmless_not_denied": table.share("harmless", {"allow", "hold"}),
        "harmless_allowed": table.share("harmless", {"allow"}),
        "counts": [
            {"corpus": corpus, "label": label, "half": half, **count}
            for (corpus, label, half), count in sorted(table.counts.items())
        ],
        "let_through": listed(table.misses),
        "denied": listed(table.denied),
    }


def of_values(corpora: Path) -> Part:
    found = [values.labelled_secrets(corpora), values.labelled_persons(corpora)]
    touched = values.ordinary_answers(corpora)
    document = {
        "scanned": [one.document() for one in found],
        "http_responses": {"values": touched.total, "masked_benign": touched.benign},
    }
    return Part(document, {"Secrets and personal data": page.scanned(found, touched)})


PARTS: Mapping[str, Callable[[Path], Part]] = {
    "shell": of_shell,
    "verdicts": of_verdicts,
    "sql": lambda corpora: of_tallies("SQL", sql.rows(corpora)),
    "kubernetes": lambda corpora: of_tallies("Kubernetes", kubernetes.rows(corpora)),
    "http": of_http,
    "values": of_values,
}


def of_lineage(queries: int) -> Part:
    tally = lineage.measure(queries)
    return Part(lineage.document(tally), {"Lineage": lineage.told(tally)}, unsound=tuple(tally.wrong))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.agreement", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of: {', '.join([*PARTS, 'lineage'])}")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/measured/")
    parser.add_argument("--queries", type=int, default=5_000, help="generated queries of `lineage`")
    parser.add_argument("--show", action="store_true", help="also print what nobody explained")
    said = parser.parse_args()
    if unknown := set(said.parts) - {*PARTS, "lineage"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    corpora = shared("corpora", "SALLYPORT_CORPORA")
    if corpora is None:
        print("the folder of corpora is missing (SALLYPORT_CORPORA)", file=sys.stderr)
        return 3
    found: dict[str, Part] = {}
    for name in said.parts or PARTS:
        print(f"{name} ...", file=sys.stderr)
        found[name] = of_lineage(said.queries) if name == "lineage" else PARTS[name](corpora)
        if said.write:
            for title, body in found[name].sections.items():
                page.section(found[name].file, title, body)
    if said.json:
        json.dump({name: part.document for name, part in found.items()}, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        console = Console()
        for part in found.values():
            for title, body in part.sections.items():
                console.print(Markdown(f"## {title}\n\n{body}"))
    unsound = [text for part in found.values() for text in part.unsound]
    if said.show:
        for text in unsound:
            print(repr(text), file=sys.stderr)
    return 1 if unsound else 0


if __name__ == "__main__":
    sys.exit(main())
