"""The tables as Markdown: `docs/measured/agreement.md` and `docs/measured/shell_verdicts.md`, a section for each part.

A section takes the place of what stood there before, so that parts that take long are written when they were measured. Nothing
of a corpus but counts, and names of tools, may come here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.conformance.agreement.tally import Tally
from tests.conformance.agreement.values import Found, Scanned, Touched
from tests.shell_decisions import DANGEROUS, HARMLESS, Miss, Table

ROOT = Path(__file__).parents[3]
AGREEMENT = ROOT / "docs/measured/agreement.md"
VERDICTS = ROOT / "docs/measured/shell_verdicts.md"
ROW = re.compile(
    r"^\| `?([^|`]+?)`? \| (.+?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| (?:([\d,]+) of ([\d,]+))? \|$"
)
_MOST_TOOLS = 6


def section(page: Path, title: str, body: str) -> None:
    """Put a part of a page in the place of what stood there, or at its end."""
    text = page.read_text(encoding="utf-8")
    part = f"## {title}\n\n{body.rstrip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: f"{part}\n", text)
    else:
        text = f"{text.rstrip()}\n\n{part}"
    page.write_text(f"{text.rstrip()}\n", encoding="utf-8")


def tallies(found: Sequence[Tally]) -> str:
    """The rows, and below them every difference with its cause."""
    lines = [
        "| corpus | what is asked | cases | agree | explained | unexplained | refused of those that must be |",
        "|---|---|---|---|---|---|---|",
        *(_row(tally) for tally in found),
    ]
    explained: dict[tuple[str, str], list[int]] = {}
    for tally in found:
        for cause, count in tally.explained.most_common():
            explained.setdefault((_of(tally), _cell(cause)), []).append(count)
    if explained:
        lines += ["", "| of | differences explained | cases |", "|---|---|---|"]
        lines += [
            f"| {of} | {cause} | {' and '.join(f'{count:,}' for count in counts)} |"
            for (of, cause), counts in explained.items()
        ]
    return "\n".join(lines) + "\n"


def _row(tally: Tally) -> str:
    refused = f"{tally.refused:,} of {tally.must_refuse:,}" if tally.must_refuse else ""
    return (
        f"| {_of(tally)} | {_cell(tally.asked)} | {tally.cases:,} | {tally.agree:,} | {tally.explained.total():,}"
        f" | {len(tally.unexplained):,} | {refused} |"
    )


def _of(tally: Tally) -> str:
    return f"`{tally.corpus}`" if tally.corpus.replace("-", "").isalnum() else tally.corpus


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def categories(found: Mapping[str, tuple[Tally, Tally]]) -> str:
    """Coreruleset by category: it is a WAF's suite, so shares are stated and nothing is demanded but floors."""
    lines = [
        "| coreruleset | attacks | stopped | look-alikes | read | look-alikes refused by |",
        "|---|---|---|---|---|---|",
    ]
    for attacks, alike in found.values():
        codes = ", ".join(
            f"{cause.removeprefix('refused: ')} {count}" for cause, count in alike.explained.most_common()
        )
        name = attacks.asked.partition(":")[0]
        lines.append(f"| {name} | {attacks.cases} | {attacks.agree} | {alike.cases} | {alike.agree} | {codes} |")
    return "\n".join(lines) + "\n"


def scanned(found: Sequence[Scanned], touched: Touched) -> str:
    """Recall and precision: what is claimed, all of it, and by kind."""
    lines = ["| corpus | | labelled | found | recall | wrong | precision |", "|---|---|---|---|---|---|---|"]
    for one in found:
        lines += [_found(f"| `{one.what}` | all |", one.all), _found(f"| `{one.what}` | claimed |", one.claimed)]
    lines += [
        "",
        "Claimed are secrets, not names of machines and accounts, and personal data of a fixed form, not names, places or dates.",
    ]
    share = touched.benign / touched.total
    types = ", ".join(f"`{name}` {count}" for name, count in touched.types.most_common())
    lines += [
        "",
        f"`http-responses`: {touched.benign} of {touched.total:,} values masked that mean nothing, {share:.2%}: {types}.",
    ]
    for one in found:
        lines += [
            "",
            f"| `{one.what}`, by who or what labels it | labelled | found | recall | wrong |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {name} | {kind.labelled} | {kind.found} | {kind.recall:.1%} | {kind.wrong or ''} |"
            for name, kind in sorted(one.by_kind.items(), key=lambda item: (-item[1].labelled, item[0]))
        ]
    return "\n".join(lines) + "\n"


def _found(start: str, one: Found) -> str:
    # WHY no precision of what is claimed among secrets: a look-alike is labelled by no rule whose claim could be asked.
    precision = f"{one.wrong} | {one.precision:.1%}" if one.wrong else " | "
    return f"{start} {one.labelled:,} | {one.found:,} | {one.recall:.1%} | {precision} |"


def verdicts(table: Table) -> str:
    """Shares by corpus and label, and the promise on both halves."""
    lines = ["| corpus | label | counts as | cases | allow | hold | deny |", "|---|---|---|---|---|---|---|"]
    whole: dict[tuple[str, str], Counter[str]] = {}
    for (corpus, label, _), count in sorted(table.counts.items()):
        whole.setdefault((corpus, label), Counter()).update(count)
    for (corpus, label), count in whole.items():
        sort = (
            "dangerous"
            if label in DANGEROUS.get(corpus, ())
            else "harmless"
            if label in HARMLESS.get(corpus, ())
            else "neither"
        )
        shares = " | ".join(f"{count[verdict]:,}" for verdict in ("allow", "hold", "deny"))
        lines.append(f"| `{corpus}` | {label} | {sort} | {count.total():,} | {shares} |")
    lines += [
        "",
        "| | promised | all | half that the tables were written on | the other half |",
        "|---|---|---|---|---|",
        _shares("dangerous, stopped (deny or hold)", "97 %", table, "dangerous", {"deny", "hold"}),
        _shares("harmless, not denied", "95 %", table, "harmless", {"allow", "hold"}),
        _shares("harmless, allowed at once", "", table, "harmless", {"allow"}),
    ]
    return "\n".join(lines) + "\n"


def _shares(what: str, promised: str, table: Table, wanted: str, verdicts: set[str]) -> str:
    cells = " | ".join(f"{table.share(wanted, verdicts, half):.1%}" for half in (None, 0, 1))
    return f"| {what} | {promised} | {cells} |"


def misses(found: Iterable[Miss]) -> str:
    """Every miss, counted by cause; tools are named where that says more than the cause."""
    by_cause: dict[tuple[str, str], list[Miss]] = {}
    for miss in found:
        by_cause.setdefault((miss.why, miss.case.corpus), []).append(miss)
    lines = ["| cause | corpus | cases | tools, the most frequent first |", "|---|---|---|---|"]
    for (why, corpus), these in sorted(by_cause.items(), key=lambda item: (-len(item[1]), item[0])):
        lines.append(f"| {_cell(why)} | `{corpus}` | {len(these)} | {', '.join(_tools(these))} |")
    return "\n".join(lines) + "\n"


def _tools(these: Sequence[Miss]) -> Iterator[str]:
    counted = Counter(tool for miss in these for tool in miss.tools)
    for tool, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_MOST_TOOLS]:
        yield f"`{tool}`"


def rows_of(page: Path) -> dict[tuple[str, str], tuple[int, ...]]:
    """What a page says: (corpus, what is asked) -> cases, agree, explained, unexplained, refused, must refuse."""
    found = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        row = ROW.match(line)
        if row is not None:
            corpus, asked, *numbers = row.groups()
            found[corpus, asked] = tuple(int((number or "0").replace(",", "")) for number in numbers)
    return found
