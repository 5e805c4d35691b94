"""`python -m bench [AREA ...] [--json]`: measure the areas (all without a name), show them beside their promises.

Exit code 0 when every promise that was measured is kept, 1 when one is not, 3 when nothing could be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bench import (
    activity,
    audit,
    authoring,
    decide,
    grpc_peers,
    http_peers,
    kubernetes_peers,
    pgbench,
    recorder,
    replay,
    report,
    rows,
    scan,
    servers,
    shell,
    ssh_peers,
)

F = TypeVar("F")

Promises = tuple[Mapping[str, float | None], Mapping[str, str]]


@dataclass(frozen=True)
class Area(Generic[F]):
    """What one area measures, and how that is told: as JSON, beside its promises, and by a picture of its own where it has one."""

    measure: Callable[[argparse.Namespace], F]
    document: Callable[[F], object]
    promises: Callable[[F], Promises]
    show: Callable[[F], None] | None = None

    def run(self, name: str, arguments: argparse.Namespace) -> list[report.Line]:
        """Measure; the lines of its promises, or none where the raw figures were asked for and are printed."""
        figures = self.measure(arguments)
        if arguments.raw:
            json.dump(self.document(figures), sys.stdout)
            sys.stdout.write("\n")
            return []
        if self.show is not None and not arguments.json:
            self.show(figures)
        return report.judge(name, *self.promises(figures))


AREAS: Mapping[str, Area[Any]] = {
    "decide": Area(lambda said: decide.measure(), decide.document, decide.promises, decide.show),
    "authoring": Area(lambda said: authoring.measure(said.rounds), authoring.document, authoring.promises),
    "pgbench": Area(lambda said: pgbench.measure(said.seconds, said.rounds), pgbench.document, pgbench.promises),
    "rows": Area(lambda said: rows.measure(said.rounds), rows.document, rows.promises),
    "grpc": Area(lambda said: grpc_peers.measure(said.seconds, said.rounds), grpc_peers.document, grpc_peers.promises),
    "http": Area(lambda said: http_peers.measure(said.seconds, said.rounds), http_peers.document, http_peers.promises),
    "replay": Area(lambda said: replay.measure(), replay.document, replay.promises),
    "scan": Area(lambda said: scan.measure(), scan.document, scan.promises, scan.show),
    "shell": Area(lambda said: shell.measure(), shell.document, shell.promises),
    "ssh": Area(lambda said: ssh_peers.measure(said.rounds), ssh_peers.document, ssh_peers.promises),
    "kubernetes": Area(
        lambda said: kubernetes_peers.measure(said.rounds), kubernetes_peers.document, kubernetes_peers.promises
    ),
    "audit": Area(lambda said: audit.measure(), audit.document, audit.promises),
    "activity": Area(lambda said: activity.measure(), activity.document, activity.promises),
    "recorder": Area(lambda said: recorder.measure(), recorder.document, recorder.promises),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("areas", nargs="*", help=f"of: {', '.join(AREAS)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--raw", action="store_true", help="print the area's own JSON document instead of promises")
    parser.add_argument("--seconds", type=int, default=4, help="seconds of one run")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; their median counts")
    arguments = parser.parse_args()
    if unknown := set(arguments.areas) - set(AREAS):
        parser.error(f"no such area: {', '.join(sorted(unknown))}")
    lines: list[report.Line] = []
    done = 0
    for area in arguments.areas or AREAS:
        try:
            lines += AREAS[area].run(area, arguments)
            done += 1
        except servers.Missing as error:
            print(f"{area}: not measured: {error}", file=sys.stderr)
    if arguments.json:
        report.dump(lines)
    elif lines:
        report.show(lines)
    if not done:
        return 3
    return 1 if any(line.kept is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
