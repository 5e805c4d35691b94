"""How the impact of a change of policies looks: text, JSON, CSV, and one HTML page with its chart. Pure.

The page needs nothing from anywhere: no script, no font, no network. It follows the reader's light or dark. Commands come
from hostile people: every text is escaped, control characters are shown, and no cell of the CSV is a formula.
"""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from engine.suite.replay import TOLD, Answer, Flip, Impact
from gateway.cli.output import plain

MAX_SHOWN = 20
"""Flips, and lines of a group, that people are shown; JSON and CSV have all that were kept."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def impact_text(impact: Impact, revision: str, seconds: float) -> str:
    """For a terminal."""
    lines = [
        f"{impact.decided} decisions made again by {revision[:12]} in {seconds:.1f} s: "
        f"{impact.same} the same, {impact.reasons} for other reasons, {impact.flipped} flip"
    ]
    for gap, count in impact.gaps.most_common():
        lines.append(f"  not decided again: {count}, {TOLD[gap]}")
    for title, counted in _groups(impact):
        if counted:
            lines.append(f"by {title}")
            lines += [f"  {count:>7}  {plain(name)}" for name, count in counted.most_common(MAX_SHOWN)]
            lines += [f"           and {len(counted) - MAX_SHOWN} more"] if len(counted) > MAX_SHOWN else []
    for flip in impact.flips[:MAX_SHOWN]:
        lines.append(f"{_moment(flip.time)}  {flip.transition:<14}  {plain(flip.principal)}@{plain(flip.resource)}")
        lines.append(f"    {plain(' '.join(flip.text.split()))}")
        lines.append(f"    {plain(', '.join(flip.rules))}")
    if impact.flipped > MAX_SHOWN:
        lines.append(f"and {impact.flipped - MAX_SHOWN} more; `--format csv` lists them")
    return "\n".join(lines) + "\n"


def impact_json(impact: Impact, revision: str) -> str:
    """For machines: one document."""
    document = {
        "revision": revision,
        "decided": impact.decided,
        "same": impact.same,
        "other_reasons": impact.reasons,
        "flipped": impact.flipped,
        "not_decided": {gap.value: {"count": count, "why": TOLD[gap]} for gap, count in sorted(impact.gaps.items())},
        "by": {title: dict(counted.most_common()) for title, counted in _groups(impact)},
        "flips": [_flip(flip) for flip in impact.flips],
    }
    return msgspec.json.encode(document).decode() + "\n"


def impact_csv(impact: Impact) -> str:
    """One line for each flip."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("time", "decision", "principal", "resource", "change", "before", "after", "rules", "command"))
    for flip in impact.flips:
        row = (flip.principal, flip.resource, flip.change.value, flip.before.verdict, flip.after.verdict)
        cells = (_moment(flip.time), flip.id, *row, " ".join(flip.rules), " ".join(flip.text.split()))
        writer.writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def impact_html(impact: Impact, revision: str) -> str:
    """One page, complete in itself."""
    cards = (
        ("decided again", impact.decided),
        ("the same", impact.same),
        ("other reasons", impact.reasons),
        ("flipped", impact.flipped),
        ("not decided again", impact.gaps.total()),
    )
    shown = "".join(f"<div><b>{count:,}</b><span>{title}</span></div>" for title, count in cards)
    groups = "".join(_chart(f"by {title}", counted) for title, counted in _groups(impact) if counted)
    gaps = "".join(f"<li>{count:,}: {_escaped(TOLD[gap])}</li>" for gap, count in impact.gaps.most_common())
    rows = "".join(_row(flip) for flip in impact.flips[:1_000])
    more = impact.flipped - min(len(impact.flips), 1_000)
    return _PAGE.format(
        style=_STYLE,
        revision=_escaped(revision[:12]),
        cards=shown,
        groups=groups or "<p>Nothing flips: every decision that could be made again comes out as it did.</p>",
        gaps=f"<h2>Not decided again</h2><ul>{gaps}</ul>" if gaps else "",
        flips=_TABLE.format(rows=rows) if rows else "",
        more=f"<p>and {more:,} more</p>" if more > 0 else "",
    )


def _groups(impact: Impact) -> Iterator[tuple[str, Counter[str]]]:
    yield "change", impact.transitions
    yield "rule", impact.rules
    yield "person", impact.principals
    yield "resource", impact.resources


def _chart(title: str, counted: Counter[str]) -> str:
    """Bars, the longest first. Each has its number in text, so nothing is told by length or colour alone."""
    rows = counted.most_common(MAX_SHOWN)
    most, height = rows[0][1], 22
    bars = []
    for place, (name, count) in enumerate(rows):
        y, wide = place * height, max(2, round(380 * count / most))
        label = _escaped(name if len(name) <= 44 else f"{name[:43]}…")
        bars.append(
            f'<text x="290" y="{y + 15}" text-anchor="end">{label}</text>'
            f'<rect x="300" y="{y + 4}" width="{wide}" height="14" rx="2"/>'
            f'<text x="{306 + wide}" y="{y + 15}">{count:,}</text>'
        )
    size = len(rows) * height
    more = f"<p>and {len(counted) - MAX_SHOWN} more</p>" if len(counted) > MAX_SHOWN else ""
    drawn = f'<svg viewBox="0 0 760 {size}" role="img" aria-label="{_escaped(title)}">{"".join(bars)}</svg>'
    return f"<h2>{_escaped(title)}</h2>{drawn}{more}"


def _row(flip: Flip) -> str:
    cells = (_moment(flip.time), flip.transition, flip.principal, flip.resource, ", ".join(flip.rules))
    return (
        f"<tr>{''.join(f'<td>{_escaped(cell)}</td>' for cell in cells)}<td><code>{_escaped(flip.text)}</code></td></tr>"
    )


def _flip(flip: Flip) -> dict[str, object]:
    return {
        "id": flip.id,
        "time": _moment(flip.time),
        "principal": flip.principal,
        "resource": flip.resource,
        "text": flip.text,
        "change": flip.change.value,
        "rules": list(flip.rules),
        "before": _answer(flip.before),
        "after": _answer(flip.after),
    }


def _answer(answer: Answer) -> dict[str, object]:
    return {
        "verdict": answer.verdict,
        "deny_kind": answer.deny_kind,
        "rules": [rule for rule, _ in answer.rules],
        "limits": dict(answer.limits),
        "masks": [[None if output < 0 else output, method] for output, method in answer.masks],
    }


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _escaped(text: str) -> str:
    return html.escape(plain(text))


def _cell(text: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it begins with."""
    visible = plain(text)
    return f"'{visible}" if visible.startswith(_FORMULA) else visible


_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de; --bar: #0b6bcb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9da7b1; --line: #30363d; --bar: #58a6ff; }
}
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; }
.cards div { border: 1px solid var(--line); border-radius: 6px; padding: .6rem 1rem; }
.cards b { display: block; font-size: 1.6rem; }
.cards span, th { color: var(--soft); }
svg { width: 100%; max-width: 760px; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg rect { fill: var(--bar); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
code { font: 13px ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_TABLE = """<h2>Flips</h2><div class="wide"><table><thead><tr><th scope="col">time (UTC)</th><th scope="col">change</th>
<th scope="col">person</th><th scope="col">resource</th><th scope="col">rules</th><th scope="col">command</th></tr></thead>
<tbody>{rows}</tbody></table></div>"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Impact of policies {revision}</title><style>{style}</style></head>
<body><h1>Impact of policies {revision}</h1><div class="cards">{cards}</div>
{groups}
{gaps}
{flips}{more}
</body></html>
"""
