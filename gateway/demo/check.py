"""Plays the demonstration with a real psql and tells, verdict by verdict, whether it showed what it promises.

The hold is approved as a person would: by the command line, in another process. After each scene the database itself is
asked what became of the data; what psql shows is not taken for what happened.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.decision import Verdict
from gateway.demo.parts.part import Act
from gateway.demo.sample import Rows
from gateway.demo.scenes import Scene, Seen, differences, held_order

#: No scene takes longer than this, in seconds, on a busy machine.
SCENE_DEADLINE = 60.0

MAX_SUMMARY = 150
"""Characters of what is told of what was seen."""
_TICKET = re.compile(r"\bsallyport approve (\S+)")


@dataclass(frozen=True, slots=True)
class Stage:
    """What the scenes are played on.

    `service_file` is what PGSERVICEFILE names, `approve` the words of the command line before the ticket,
    `configuration` what SALLYPORT_CONFIG names; `look` asks the database directly and returns one value.
    """

    psql: Path
    service_file: Path
    approve: tuple[str, ...]
    configuration: Path
    look: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Result:
    """One scene, played."""

    scene: Scene
    seen: str
    differences: tuple[str, ...]


def play_all(stage: Stage, scenes: Sequence[Scene], rows: Sequence[Rows]) -> tuple[Result, ...]:
    """Play every scene and look at the database after each."""
    return tuple(_play_one(stage, scene, rows) for scene in scenes)


def play_acts(stage: Stage, acts: Sequence[Act]) -> tuple[Result, ...]:
    """Play every line of the parts beside the database, and look at its target after each."""
    return tuple(_play_act(stage, act) for act in acts)


def _play_act(stage: Stage, act: Act) -> Result:
    found: list[str] = []
    process = _start(stage, act.scene)
    held = act.scene.verdict is Verdict.HOLD
    if held:
        found += _approve_what_waits(stage, act, process)
    seen = _finish(process)
    found += differences(act.scene, seen)
    if act.happened is not None and act.happened() is not held:
        found.append("what was asked for was not done" if held else "what was denied was done")
    return Result(act.scene, _summary(seen), tuple(found))


def _approve_what_waits(stage: Stage, act: Act, process: subprocess.Popen[str]) -> list[str]:
    """Wait for the ticket of a line as somebody does whom its client tells nothing: by what waits."""
    deadline = time.monotonic() + SCENE_DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        waiting = json.loads(_sallyport(stage, "holds", "--json").stdout or "[]")
        if not waiting:
            continue
        found = ["it was done before it was approved"] if act.happened is not None and act.happened() else []
        approved = _sallyport(stage, "approve", str(waiting[0]["id"]))
        if approved.returncode != 0:
            process.terminate()
            found.append(f"`sallyport approve` ended with {approved.returncode}: {approved.stderr.strip()}")
        return found
    process.terminate()
    return ["nothing waited"]


def _sallyport(stage: Stage, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*stage.approve[:-1], *words],
        capture_output=True,
        text=True,
        timeout=SCENE_DEADLINE,
        env={**os.environ, "SALLYPORT_CONFIG": str(stage.configuration)},
        check=False,
    )


def table(results: Sequence[Result]) -> str:
    """The results for people: verdict, what was expected, what was seen."""
    lines = [("", "verdict", "expected", "seen")]
    lines += [
        ("ok" if not result.differences else "DIFFERS", str(result.scene.verdict), result.scene.expected, result.seen)
        for result in results
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    text = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]) for line in lines
    ]
    text += [f"  {result.scene.verdict}: {difference}" for result in results for difference in result.differences]
    return "\n".join(text)


def _play_one(stage: Stage, scene: Scene, rows: Sequence[Rows]) -> Result:
    held = scene.verdict is Verdict.HOLD
    _, orders, _ = rows
    found: list[str] = []
    if held:
        seen, found = _play_held(stage, scene, orders)
    else:
        seen = _finish(_start(stage, scene))
    found += differences(scene, seen)
    left = stage.look("SELECT count(*) FROM shop.orders")
    if left != str(len(orders.rows)):
        found.append(f"{left} orders are left of {len(orders.rows)}")
    return Result(scene, _summary(seen), tuple(found))


def _play_held(stage: Stage, scene: Scene, orders: Rows) -> tuple[Seen, list[str]]:
    """Start a command, wait for its ticket, approve it elsewhere, wait for the end."""
    look = f"SELECT status FROM shop.orders WHERE id = {held_order(orders)}"  # noqa: S608  # a number of our own
    found = []
    process = _start(stage, scene)
    guard = threading.Timer(SCENE_DEADLINE, process.kill)
    guard.start()
    try:
        said, ticket = _await_ticket(process)
        if ticket is None:
            return _finish(process, said), ["no ticket was announced"]
        if stage.look(look) != "open":
            found.append("the held command ran before it was approved")
        approved = _sallyport(stage, stage.approve[-1], ticket)
        if approved.returncode != 0:
            found.append(f"`sallyport approve` ended with {approved.returncode}: {approved.stderr.strip()}")
            process.terminate()
        seen = _finish(process, said)
    finally:
        guard.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    if stage.look(look) != "paid":
        found.append("the approved command changed nothing")
    return seen, found


def _await_ticket(process: subprocess.Popen[str]) -> tuple[str, str | None]:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        announced = _TICKET.search(line)
        if announced:
            return said, announced[1]
    return said, None


def _start(stage: Stage, scene: Scene) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.Popen(
        list(scene.argv) if scene.argv else [str(stage.psql), *scene.words()[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"PGSERVICEFILE": str(stage.service_file), "PAGER": "cat"},
    )


def _finish(process: subprocess.Popen[str], said: str = "") -> Seen:
    try:
        stdout, stderr = process.communicate(timeout=SCENE_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        stderr += f"(no end within {SCENE_DEADLINE:.0f} s)"
    return Seen(process.returncode, stdout, said + stderr)


def _summary(seen: Seen) -> str:
    """One line of what was seen: the last line of the output that says something, else the first message."""
    for line in (*reversed(seen.stdout.splitlines()), *seen.stderr.splitlines()):
        if line.strip() and not re.fullmatch(r"\(\d+ rows?\)", line.strip()):
            return line.strip()[:MAX_SUMMARY]
    return f"exit status {seen.exit_status}"
