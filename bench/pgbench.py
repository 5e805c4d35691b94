"""pgbench -S directly, through pgbouncer (session mode) and through Sallyport, in turn, in one run.

TLS and SCRAM-SHA-256 on every leg of every way. Sallyport judges by 30 rules and writes its audit. Each round runs the
three ways one after another; the median of the rounds counts, so that a slow minute of the machine hits all three. Where
Linux tells it, also the processor's time that pgbouncer and the gateway take for a transaction, all their threads together.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import servers
from gateway.demo.cluster import free_port

MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 10)
WAYS = ("direct", "pgbouncer", "sallyport")
RULES = 30


@dataclass(frozen=True, slots=True)
class Run:
    """One mode at one number of clients; transactions per second by way, what Sallyport adds to the median, and the
    processor's microseconds a transaction of those in the middle (None where nobody says)."""

    mode: str
    clients: int
    direct_tps: float
    pgbouncer_tps: float
    sallyport_tps: float
    added_p50_ms: float
    pgbouncer_us: float | None = None
    sallyport_us: float | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """Where pgbench connects, to which database, and which process is in the middle."""

    address: str
    database: str
    pid: int | None = None


def policies(folder: Path) -> Path:
    """A folder of `RULES` rules: the allow that decides, and denials of the sorts a real set has."""
    place = folder / "policies"
    place.mkdir()
    rules = [
        'allow contains {"code": "READ", "reason": "reading"} if {\n'
        '\tinput.command.protocol == "postgres"\n'
        '\t"bench" in input.principal.groups\n'
        "\tinput.command.complete\n"
        '\tevery op in input.command.operations { op.effect in {"read", "session"} }\n}\n'
    ]
    kinds = ("drop_table", "truncate", "alter_table", "grant", "copy", "do", "create_function")
    for number in range(RULES - 1):
        kind = kinds[number % len(kinds)]
        rules.append(
            f'deny contains {{"code": "D{number}", "reason": "not here"}} if {{\n'
            f'\tinput.resource.name == "{"bench" if number % 3 == 0 else f"other-{number}"}"\n'
            f'\tsome op in input.command.operations\n\top.kind == "{kind}"\n}}\n'
        )
    (place / "bench.rego").write_text("package policies.bench\n\n" + "\n".join(rules), encoding="utf-8")
    return place


def configuration(
    folder: Path,
    listen: str,
    upstream: str,
    *,
    rules: Path | None = None,
    users: Sequence[str] = ("postgres",),
    more: str = "",
) -> Path:
    """The gateway's configuration for a measurement: with these policies (`policies` without any), for these users, and what else there is."""
    principals = "".join(
        f'\n[[identity.principal]]\nname = "{user}"\ngroups = ["bench", "{user}"]\npassword = "env:BENCH_PASSWORD"\n'
        for user in users
    )
    text = f"""
[policies]
path = "{rules or policies(folder)}"

[store]
url = "sqlite:///{folder}/store.db"

[audit]
dir = "{folder}/audit"

[[resource]]
name = "bench"
protocol = "postgres"
address = "{upstream}"
database = "postgres"
role = "postgres"
credential = "env:BENCH_PASSWORD"
tls = {{ ca_file = "{folder}/server.crt" }}

[[listener]]
protocol = "postgres"
bind = "{listen}"
auth = "scram"
tls = {{ certificate = "{folder}/server.crt", key = "{folder}/server.key" }}
{principals}{more}"""
    path = folder / "sallyport.toml"
    path.write_text(text, encoding="utf-8")
    return path


def pgbench(
    address: str, database: str, password: str, mode: str, clients: int, seconds: int, log: Path | None
) -> float:
    """Transactions per second of one run; the latencies of each transaction go to `log` when given."""
    host, port = address.rsplit(":", 1)
    command = ["pgbench", "-n", "-S", "-M", mode, "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds)]
    if log is not None:
        command += ["-l", f"--log-prefix={log}"]
    said = subprocess.run(
        [*command, "-h", host, "-p", port, "-U", "postgres", database],
        env={**os.environ, "PGPASSWORD": password, "PGSSLMODE": "require"},
        capture_output=True,
        text=True,
        timeout=seconds + 120,
    )
    found = re.search(r"tps = ([0-9.]+) \(without initial", said.stdout)
    if said.returncode != 0 or found is None:
        raise servers.Missing(f"pgbench {mode} x{clients} against {address} failed: {said.stderr.strip()[-300:]}")
    return float(found[1])


def latencies(log: Path) -> list[int]:
    """Microseconds of each transaction, then the files are gone."""
    values = []
    for path in log.parent.glob(log.name + ".*"):
        values += [int(line.split()[2]) for line in path.read_text(encoding="ascii").splitlines()]
        path.unlink()
    return values


def measure(seconds: int = 4, rounds: int = 3, scale: int = 10) -> list[Run]:
    """All runs, about `9 * 3 * seconds * rounds` seconds."""
    with all_ways(scale) as (ways, password, folder):
        return [one(ways, password, mode, clients, seconds, rounds, folder) for mode in MODES for clients in CLIENTS]


@contextmanager
def all_ways(scale: int = 10) -> Iterator[tuple[Mapping[str, Way], str, Path]]:
    """The servers of every way, with pgbench's tables in them; the password, and a folder for what is measured."""
    with (
        servers.run_folder() as folder,
        servers.postgres(folder, pgbouncer=True, conf="max_connections = 60") as place,
    ):
        password = place["password"]
        listen = f"127.0.0.1:{free_port()}"
        extra = {"BENCH_PASSWORD": password}
        host, port = place["direct"].rsplit(":", 1)
        subprocess.run(
            ["pgbench", "-i", "-q", "-s", str(scale), "-h", host, "-p", port, "-U", "postgres", "postgres"],
            env={**os.environ, "PGPASSWORD": password, "PGSSLMODE": "require"},
            capture_output=True,
            check=True,
        )
        with servers.sallyport(configuration(folder, listen, place["direct"]), ready=listen, extra=extra) as gateway:
            yield (
                {
                    "direct": Way(place["direct"], "postgres"),
                    "pgbouncer": Way(
                        place["pgbouncer"], "postgres", int((folder / "pgbouncer.pid").read_text(encoding="ascii"))
                    ),
                    "sallyport": Way(listen, "bench", gateway.pid),
                },
                password,
                folder,
            )


def processor_seconds(pid: int | None) -> float | None:
    """What the threads of a process have had of the processor; None where it is not told."""
    places = [] if pid is None else list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(place.read_text(encoding="ascii").split()[0]) for place in places) / 1e9 if places else None


def one(
    ways: Mapping[str, Way], password: str, mode: str, clients: int, seconds: int, rounds: int, folder: Path
) -> Run:
    """One mode at one number of clients, the ways in turn."""
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    times: dict[str, list[int]] = {way: [] for way in WAYS}
    costs: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for name in WAYS:
            way, log = ways[name], folder / f"log-{name}"
            before = processor_seconds(way.pid)
            rates[name].append(pgbench(way.address, way.database, password, mode, clients, seconds, log))
            after, found = processor_seconds(way.pid), latencies(log)
            times[name] += found
            if before is not None and after is not None and found:
                costs[name].append((after - before) * 1e6 / len(found))
            print(f"{mode} x{clients} round {number + 1}/{rounds} {name}: {rates[name][-1]:.0f} tps", file=sys.stderr)
    tps = {name: statistics.median(values) for name, values in rates.items()}
    cost = {name: round(statistics.median(values), 1) if values else None for name, values in costs.items()}
    added = (statistics.median(times["sallyport"]) - statistics.median(times["direct"])) / 1000
    return Run(
        *(mode, clients, round(tps["direct"]), round(tps["pgbouncer"]), round(tps["sallyport"]), round(added, 4)),
        *(cost["pgbouncer"], cost["sallyport"]),
    )


def document(runs: list[Run]) -> dict[str, object]:
    """The JSON document outside programs read."""
    return {"runs": [asdict(run) for run in runs]}


def promises(runs: list[Run]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Measured ratios and the peers' figures, by the names of `budgets.toml`."""
    measured: dict[str, float | None] = {}
    peers = {}
    for run in runs:
        name = f"{run.mode}_c{run.clients}"
        measured[name] = run.sallyport_tps / run.pgbouncer_tps
        peers[name] = (
            f"pgbouncer {run.pgbouncer_tps:.0f}, ours {run.sallyport_tps:.0f}, direct {run.direct_tps:.0f} tps"
        )
        if run.pgbouncer_us is not None and run.sallyport_us is not None:
            peers[name] += f"; processor {run.pgbouncer_us:.0f} and {run.sallyport_us:.0f} us a transaction"
        if run.mode == "simple" and run.clients == 1:
            measured["added_p50"] = run.added_p50_ms
    return measured, peers
