"""Coverage as one page of HTML that needs nothing else: every policy's source, its conditions marked. Light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby

from engine.suite.coverage import ConditionCovered, Coverage, RuleCovered
from engine.suite.coverage_report import percent

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c1c1e;--dim:#6b6b70;--line:#e4e4e7;--both:#dcf5e3;--half:#fdf0c7;--none:#fbdcdc}
@media(prefers-color-scheme:dark){:root{--bg:#161618;--fg:#e8e8ea;--dim:#9a9aa2;--line:#2e2e33;--both:#173d25;--half:#4a3b0d;--none:#4d1d1d}}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1rem;margin:2rem 0 .5rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:left}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
pre{border:1px solid var(--line);border-radius:.4rem;font:13px/1.55 ui-monospace,monospace;overflow-x:auto;padding:.6rem 0;margin:0}
pre span.l{color:var(--dim);display:inline-block;padding-right:1rem;text-align:right;user-select:none;width:3.5rem}
mark{border-radius:.2rem;color:inherit;padding:.05rem 0}mark.both{background:var(--both)}mark.half{background:var(--half)}
mark.none{background:var(--none)}p.key mark{padding:.05rem .4rem}a{color:inherit}.no{color:var(--dim)}
"""


def coverage_page(coverage: Coverage, texts: Mapping[str, str]) -> str:
    """The page. `texts` are the sources by the names that coverage has for them."""
    files = sorted({one.file for one in coverage.conditions} | {one.file for one in coverage.rules})
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><title>Policy coverage</title>',
        f"<style>{_STYLE}</style></head><body><h1>Policy coverage</h1>",
        f"<p>Conditions {percent(coverage.share_of_conditions)} · rules {percent(coverage.share_of_rules)} · "
        f"policies {percent(coverage.share_of_policies)}</p>",
        '<p class="key"><mark class="both">seen true and false</mark> <mark class="half">seen one way only</mark> '
        '<mark class="none">never tried</mark></p>',
        '<table><tr><th>File</th><th class="n">Conditions</th><th class="n">Rules</th></tr>',
    ]
    parts += [_row(file, coverage) for file in files]
    parts.append("</table>")
    for file in files:
        own = [one for one in coverage.conditions if one.file == file]
        rules = [one for one in coverage.rules if one.file == file and not one.matched]
        parts += _file(file, texts.get(file, ""), own, rules)
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _row(file: str, coverage: Coverage) -> str:
    part = Coverage(
        tuple(one for one in coverage.rules if one.file == file),
        tuple(one for one in coverage.conditions if one.file == file),
    )
    return (
        f'<tr><td><a href="#{_id(file)}">{escape(file)}</a></td>'
        f'<td class="n">{percent(part.share_of_conditions)}</td><td class="n">{percent(part.share_of_rules)}</td></tr>'
    )


def _file(file: str, text: str, conditions: Sequence[ConditionCovered], rules: Sequence[RuleCovered]) -> list[str]:
    parts = [f'<h2 id="{_id(file)}">{escape(file)}</h2>']
    parts += [f'<p class="no">line {one.line}: rule {escape(one.name)} never matched</p>' for one in rules]
    marks = {line: list(group) for line, group in groupby(_leaves(conditions), key=lambda one: one.line)}
    lines = text.split("\n")
    shown = [
        f'<span class="l">{number}</span>{_marked(line, marks.get(number, ()))}' for number, line in enumerate(lines, 1)
    ]
    parts.append("<pre>" + "\n".join(shown) + "</pre>")
    return parts


def _leaves(conditions: Sequence[ConditionCovered]) -> list[ConditionCovered]:
    """In order, without those that begin in another one of their line: a mark cannot stand in a mark."""
    kept: list[ConditionCovered] = []
    for one in sorted(conditions):
        last = kept[-1] if kept else None
        if last is None or last.line != one.line or one.column >= _end(last):
            kept.append(one)
    return kept


def _end(one: ConditionCovered) -> int:
    """The column past what of a condition is marked: the part of it on its first line."""
    return one.end_column if one.end_line == one.line else 1 << 30


def _marked(line: str, conditions: Sequence[ConditionCovered]) -> str:
    parts, done = [], 0
    for one in conditions:
        start, end = one.column - 1, min(_end(one) - 1, len(line))
        kind = "both" if one.is_covered else "half" if one.was_true or one.was_false else "none"
        title = escape(one.missing or "seen true and false", quote=True)
        parts.append(escape(line[done:start]))
        parts.append(f'<mark class="{kind}" title="{title}">{escape(line[start:end])}</mark>')
        done = end
    parts.append(escape(line[done:]))
    return "".join(parts)


def _id(file: str) -> str:
    return "f-" + "".join(sign if sign.isalnum() else "-" for sign in file)
