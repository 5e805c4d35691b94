"""`docs/measured/soak.md`: a part of it for each protocol, written by its long soak."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from tests.e2e.soak.harness import WARM_SECONDS, Soaked, Wishes

PAGE = Path(__file__).parents[3] / "docs/measured/soak.md"


def write(name: str, found: Soaked, wishes: Wishes, path: Path = PAGE) -> None:
    """Put what came of a protocol's soak in the place of what stood there before."""
    text = path.read_text()
    part = f"## {name}\n\n{told(name, found, wishes)}"
    pattern = re.compile(rf"^## {re.escape(name)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: f"{part}\n", text)
    else:
        text = f"{text.rstrip()}\n\n{part}"
    path.write_text(f"{text.rstrip()}\n")


_FILES = {"PostgreSQL": "postgres"}


def told(name: str, found: Soaked, wishes: Wishes) -> str:
    """What was measured, for people."""
    tally = found.tally
    acts = "\n".join(f"| {act} | {count:,} |" for act, count in sorted(tally.done.items()))
    tenths = found.sizes[:: max(1, len(found.sizes) // 10)]
    growth = "not measured: too short" if found.growth is None else f"{found.growth:.1%}"
    sizes = ", ".join(f"{size / 1024:.0f}" for _, size in tenths)
    file = f"tests/e2e/soak/test_{_FILES.get(name, name.lower())}.py"
    command = f"SOAK_MINUTES={wishes.seconds / 60:g} SOAK_CLIENTS={wishes.clients} make long SELECT={file}"
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    return f"""`{command}`, {today}:
{wishes.clients} clients for {wishes.seconds / 60:g} minutes; a session is killed every {wishes.kill_every:g} s, the policies change every {wishes.reload_every:g} s.

| what clients did | times |
|---|---|
{acts}

| | |
|---|---|
| sessions killed; clients that were told so; that only saw the connection go | {tally.kills}; {tally.ended}; {tally.lost} |
| policies loaded anew; votes that came too late, and were not taken | {tally.reloads}; {tally.votes["too late"]} |
| sessions opened, closed in the audit | {found.sessions[0]:,}, {found.sessions[1]:,} |
| commands in the target's record; of them without a grant of their own in the audit | {found.ran:,}; {len(found.unrecorded)} |
| denied, refused, expired or cancelled commands in the target's record | {len(found.forbidden)} |
| answers that clients have and the audit does not; runs without an outcome | {len(found.unanswered)}; {len(found.unfinished)} |
| unexpected errors of clients, errors in the gateway's log | {len(tally.unexpected)}, {len(found.log)} |
| memory of the gateway at each tenth of the time | {sizes} MiB |
| growth after the {max(WARM_SECONDS, wishes.seconds / 5) / 60:.0f} minutes in which caches fill (medians) | {growth} |
| open files before and after | {found.files[0]}, {found.files[1]} |
"""
