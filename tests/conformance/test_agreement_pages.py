"""`docs/measured/agreement.md` and `shell_verdicts.md`: each row is one that is computed, and no figure is worse than it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.conformance.agreement import __main__ as command
from tests.conformance.agreement import http, kubernetes, page, shell, sql, values
from tests.conformance.agreement.tally import Tally
from tests.conformance.corpus import program
from tests.shell_decisions import Case, Miss, Table, measure

ROWS: dict[str, Callable[[Path], list[Tally]]] = {
    "shell": shell.rows,
    "sql": sql.rows,
    "kubernetes": kubernetes.rows,
    "http": http.rows,
}


@cache
def rows(part: str, corpora: Path) -> list[Tally]:
    return ROWS[part](corpora)


@pytest.fixture(scope="module")
def table(corpora: Path) -> Table:
    return measure(corpora)


def named(tally: Tally) -> tuple[str, str]:
    return tally.corpus, tally.asked


@pytest.mark.parametrize("part", ROWS)
def test_every_row_is_on_the_page_and_no_figure_got_worse(corpora: Path, part: str) -> None:
    said = page.rows_of(page.AGREEMENT)
    for tally in rows(part, corpora):
        cases, agree, explained, unexplained, refused, must_refuse = said[named(tally)]
        now = (tally.cases, tally.must_refuse)
        assert now == (cases, must_refuse), f"{named(tally)}: write the page anew"
        assert tally.agree >= agree, (named(tally), tally.explained)
        assert tally.refused >= refused == must_refuse, (named(tally), tally.passed)
        assert len(tally.unexplained) <= unexplained == 0, (named(tally), tally.unexplained)
        assert agree + explained == cases


def test_no_row_of_the_page_is_of_something_that_nobody_computes(corpora: Path) -> None:
    computed = {named(tally) for part in ROWS for tally in rows(part, corpora)}
    assert set(page.rows_of(page.AGREEMENT)) == computed


def test_coreruleset_stands_there_as_it_is_computed(corpora: Path) -> None:
    text = page.AGREEMENT.read_text(encoding="utf-8")
    for attacks, alike in http.coreruleset(corpora, program("developer")).values():
        row = re.search(
            rf"^\| {re.escape(attacks.asked.partition(':')[0])} \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", text, re.M
        )
        assert row is not None, attacks.asked
        cases, stopped, alikes, read = map(int, row.groups())
        assert (attacks.cases, alike.cases) == (cases, alikes)
        assert attacks.agree >= stopped
        assert alike.agree >= read


def test_recall_and_precision_are_no_worse_than_they_stand_there(corpora: Path) -> None:
    text = page.AGREEMENT.read_text(encoding="utf-8")
    said = {
        (name.strip("`"), kind): tuple(int((number or "0").replace(",", "")) for number in numbers)
        for name, kind, *numbers in re.findall(
            r"^\| (`[\w, -]+`) \| (all|claimed) \| ([\d,]+) \| ([\d,]+) \| [\d.]+% \| (\d*) \|", text, re.M
        )
    }
    assert len(said) == 4
    for scanned in (values.labelled_secrets(corpora), values.labelled_persons(corpora)):
        for kind, now in (("all", scanned.all), ("claimed", scanned.claimed)):
            labelled, found, wrong = said[scanned.what, kind]
            assert now.labelled == labelled, "write the page anew"
            assert now.found >= found, (scanned.what, kind, now)
            assert now.wrong <= wrong, (scanned.what, kind, now)
        for name, one in scanned.by_kind.items():
            assert f"| {name} | {one.labelled} |" in text, f"{name}: write the page anew"
    touched = re.search(r"`http-responses`: (\d+) of ([\d,]+) values", text)
    now_touched = values.ordinary_answers(corpora)
    assert touched is not None
    assert now_touched.total == int(touched[2].replace(",", ""))
    assert now_touched.benign <= int(touched[1])


def test_verdicts_of_the_page_are_bounds_and_every_miss_is_counted(table: Table) -> None:
    text = page.VERDICTS.read_text(encoding="utf-8")
    for what, wanted, verdicts in (
        ("dangerous, stopped (deny or hold)", "dangerous", {"deny", "hold"}),
        ("harmless, not denied", "harmless", {"allow", "hold"}),
    ):
        row = re.search(rf"^\| {re.escape(what)} \| (\d+) % \| ([\d.]+)% \|", text, re.M)
        assert row is not None
        promised, said = float(row[1]), float(row[2])
        assert said >= promised
        assert 100 * table.share(wanted, verdicts) >= said - 0.1, what
    for title, misses in (("Dangerous and let through", table.misses), ("Harmless and denied", table.denied)):
        part = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        assert part is not None
        counts = [int(count) for count in re.findall(r"^\| .+ \| `[\w-]+` \| (\d+) \|", part[1], re.M)]
        assert len(misses) <= sum(counts) + 5, f"{title}: write the page anew"


def test_nothing_of_a_corpus_is_on_the_pages(table: Table) -> None:
    pages = page.AGREEMENT.read_text(encoding="utf-8") + page.VERDICTS.read_text(encoding="utf-8")
    assert [
        miss.case.text for miss in (*table.misses, *table.denied) if " " in miss.case.text and miss.case.text in pages
    ] == []


def test_a_part_takes_the_place_of_what_stood_there(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("# Title\n\n## One\n\nold\n\n## Two\n\nkept\n")
    page.section(file, "One", "new\n")
    page.section(file, "Three", "added")
    assert file.read_text() == "# Title\n\n## One\n\nnew\n\n## Two\n\nkept\n\n## Three\n\nadded\n"


def test_rows_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    tally = Tally("a-corpus", "whether | stands")
    tally.compare(True, None, "x")
    tally.compare(False, "a cause with a | in it", "y")
    tally.demand(True, "z")
    file = tmp_path / "page.md"
    file.write_text(page.tallies([tally, Tally("(none)", "nothing")]))
    assert list(page.rows_of(file).values()) == [(2, 1, 1, 0, 1, 1), (0, 0, 0, 0, 0, 0)]
    assert "a cause with a \\| in it | 1 |" in file.read_text()


def test_misses_are_counted_by_cause_and_corpus() -> None:
    case = Case("shell-tldr", "benign-documented", "a b", 0)
    text = page.misses([Miss(case, "why", ("a", "b")), Miss(case, "why", ("a",)), Miss(case, "other", ())])
    assert "| why | `shell-tldr` | 2 | `a`, `b` |" in text
    assert "| other | `shell-tldr` | 1 |  |" in text


def test_what_nobody_explains_is_told_by_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], corpora: Path
) -> None:
    tally = Tally("k8s-kubectl", "something")
    tally.compare(False, None, "a line of it")
    monkeypatch.setitem(command.PARTS, "sql", lambda _: command.of_tallies("SQL", [tally]))  # type: ignore[arg-type]  # a dict
    monkeypatch.setattr(sys, "argv", ["agreement", "sql", "--json"])
    assert command.main() == 1
    said = capsys.readouterr()
    assert '"unexplained": 1' in said.out
    assert "a line of it" not in said.out + said.err
