"""From a page and its fields to HTML: templates that escape everything, and the few filters they use. Called by `server`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.console.visible import Look, count_odd, one_line, pieces

TEMPLATES = Path(__file__).parent / "templates"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


class Renderer:
    """The templates, read once."""

    def __init__(self) -> None:
        # INVARIANT: everything is escaped; a field that nobody gave is an error and never an empty place.
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            visible=visible,
            json=json,
            moment=moment,
            span=span,
            one_line=one_line,
            odd=count_odd,
            number=number,
            short=short,
        )

    def render(self, template: str, fields: Mapping[str, object]) -> str:
        """The page as HTML."""
        return self._environment.get_template(template).render(fields)


def visible(text: str) -> Markup:
    """A text of strangers as HTML in which every character shows."""
    return Markup("").join(
        escape(piece.text)
        if piece.look is Look.PLAIN
        else Markup('<span class="odd odd-{}" title="{}">{}</span>').format(piece.look.value, piece.name, piece.text)
        for piece in pieces(text)
    )


def moment(nanoseconds: int) -> Markup:
    """A time as people read it, in UTC."""
    when = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    iso = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{} UTC"><span class="day">{}</span> {}</time>').format(
        iso, when.strftime("%Y-%m-%d %H:%M:%S"), when.strftime("%Y-%m-%d"), when.strftime("%H:%M:%S")
    )


def span(nanoseconds: int) -> str:
    """How long: the two largest units."""
    left = max(0, nanoseconds) // 10**9
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count} {unit}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"


def number(value: int) -> str:
    """A number with its thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def json(value: object) -> str:
    """A value as JSON. WHY not Jinja's own: that writes quotes for scripts, and nobody here is one."""
    return msgspec.json.encode(value).decode()


def short(digest: str) -> str:
    """The beginning of a digest, enough to tell two apart."""
    return digest[:12]
