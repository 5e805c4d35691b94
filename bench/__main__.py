"""`python -m bench [AREA ...] [--json]`: measure the areas (all without a name), show them beside their promises.

Exit code 0 when every promise that was measured is kept, 1 when one is not, 3 when nothing could be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from bench import activity, audit, authoring, decide, grpc_peers, pgbench, replay, report, scan, servers, shell


def run_pgbench(arguments: argparse.Namespace) -> list[report.Line]:
    runs = pgbench.measure(arguments.seconds, arguments.rounds)
    if arguments.raw:
        json.dump(pgbench.document(runs), sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = pgbench.promises(runs)
    return report.judge("pgbench", measured, peers)


def run_grpc(arguments: argparse.Namespace) -> list[report.Line]:
    loads = grpc_peers.measure(arguments.seconds, arguments.rounds)
    if arguments.raw:
        json.dump(grpc_peers.document(loads), sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = grpc_peers.promises(loads)
    return report.judge("grpc", measured, peers)


def run_decide(arguments: argparse.Namespace) -> list[report.Line]:
    figures = decide.measure()
    if arguments.raw:
        json.dump(decide.document(figures), sys.stdout)
        sys.stdout.write("\n")
        return []
    if not arguments.json:
        decide.show(figures)
    measured, peers = decide.promises(figures)
    return report.judge("decide", measured, peers)


def run_replay(arguments: argparse.Namespace) -> list[report.Line]:
    found = replay.measure()
    if arguments.raw:
        json.dump({"replay": asdict(found)}, sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = replay.promises(found)
    return report.judge("replay", measured, peers)


def run_scan(arguments: argparse.Namespace) -> list[report.Line]:
    figures = scan.measure()
    if arguments.raw:
        json.dump(scan.document(figures), sys.stdout)
        sys.stdout.write("\n")
        return []
    if not arguments.json:
        scan.show(figures)
    measured, peers = scan.promises(figures)
    return report.judge("scan", measured, peers)


def run_authoring(arguments: argparse.Namespace) -> list[report.Line]:
    runs = authoring.measure(arguments.rounds)
    if arguments.raw:
        json.dump(authoring.document(runs), sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = authoring.promises(runs)
    return report.judge("authoring", measured, peers)


def run_shell(arguments: argparse.Namespace) -> list[report.Line]:
    found = shell.measure()
    if arguments.raw:
        json.dump({"shell": asdict(found)}, sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = shell.promises(found)
    return report.judge("shell", measured, peers)


def run_audit(arguments: argparse.Namespace) -> list[report.Line]:
    figures = audit.measure()
    if arguments.raw:
        json.dump(audit.document(figures), sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = audit.promises(figures)
    return report.judge("audit", measured, peers)


def run_activity(arguments: argparse.Namespace) -> list[report.Line]:
    figures = activity.measure()
    if arguments.raw:
        json.dump(activity.document(figures), sys.stdout)
        sys.stdout.write("\n")
        return []
    measured, peers = activity.promises(figures)
    return report.judge("activity", measured, peers)


AREAS = {
    "decide": run_decide,
    "authoring": run_authoring,
    "pgbench": run_pgbench,
    "grpc": run_grpc,
    "replay": run_replay,
    "scan": run_scan,
    "shell": run_shell,
    "audit": run_audit,
    "activity": run_activity,
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
            lines += AREAS[area](arguments)
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
