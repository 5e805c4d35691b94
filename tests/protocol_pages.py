"""The part of `docs/protocols/postgres.md` that is drawn from the table of phases: `python -m tests.protocol_pages`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.postgres.session.phases import CLIENT_MAY_SEND, NEXT, Phase

PAGE = Path(__file__).parents[1] / "docs" / "protocols" / "postgres.md"
_BEGIN, _END = "<!-- phases -->\n", "<!-- /phases -->"


def drawn() -> str:
    """The diagram and what a client may send in each phase."""
    return "".join(_diagram()) + "\n" + "".join(_messages())


def _diagram() -> Iterator[str]:
    yield "```mermaid\nstateDiagram-v2\n    [*] --> opening\n"
    for phase in Phase:
        for after in sorted(NEXT[phase] - {Phase.CLOSED}):
            yield f"    {phase} --> {after}\n"
    yield f"    {Phase.READY} --> {Phase.CLOSED}\n    {Phase.CLOSED} --> [*]\n```\n"


def _messages() -> Iterator[str]:
    yield "| in phase | a client may send |\n|---|---|\n"
    yield f"| {Phase.OPENING} | SSLRequest, GSSENCRequest, CancelRequest, StartupMessage (they have no type byte) |\n"
    for phase in Phase:
        if phase in CLIENT_MAY_SEND:
            names = sorted(kind.name.replace("_", " ").title().replace(" ", "") for kind in CLIENT_MAY_SEND[phase])
            yield f"| {phase} | {', '.join(names)} |\n"
    yield "| all others | nothing: it has to wait |\n"


def renewed(page: str) -> str:
    """The page with its drawn part anew."""
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + drawn() + _END + rest.partition(_END)[2]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
