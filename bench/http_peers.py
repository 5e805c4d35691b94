"""An answer of 2 KiB of JSON through Sallyport, with masks and without, beside nginx `proxy_pass`: `python -m bench http`.

Both proxies run on one core (nginx with one worker), what they stand before (another nginx, which answers from memory) and h2load on the
other one. All connections are kept, on both sides, and nothing is encrypted. Round by round one after the other; medians count. `rps` is what
came through with 32 connections, `p50_us` with one. Sallyport judges each request by 30 rules and writes its audit. The path of every request
of a run is the same, as with agents that look again and again; of `fresh` each is another one (a number in the query), so that each is
parsed and judged.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import servers
from bench.pgbench import processor_seconds
from bench.rules import folder_of_rules
from gateway.demo.cluster import free_port

PROXY_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 32
FRESH = 4000
"""Paths of a run in which each comes once or twice."""
KINDS = ("delete", "update", "create", "upgrade", "unknown")
RULES = """
allow contains {"code": "READ", "reason": "reading is open"} if {
	input.command.protocol == "http"
	"bench" in input.principal.groups
	input.command.complete
	every op in input.command.operations { op.effect == "read" }
}

mask contains {"code": "CARDS", "reason": "cards are hidden", "method": "redact", "paths": ["$..card"]} if {
	startswith(input.command.http.path, "/masked/")
}

mask contains {
	"code": "MAILS", "reason": "mails are shortened", "method": "partial", "params": {"keep_last": 4}, "paths": ["$..mail"],
} if {
	startswith(input.command.http.path, "/masked/")
}
"""
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {upstream}
    server {{
        listen 127.0.0.1:{port};
        location / {{ {location} }}
    }}
}}
"""
PROXIED = 'proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";'
WAYS = ("direct", "nginx", "plain", "masked", "fresh")
"""Without a proxy; through nginx; through Sallyport without masks, with them, and with them where each path is new."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where h2load asks for what, and whose processor time is looked at."""

    port: int
    paths: Path
    pids: tuple[int, ...]
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What one way did. `rps` with 32 connections, `cpu_us` of the proxy a request then; `p50_us`, `p99_us` with one."""

    way: str
    rps: float
    cpu_us: float
    p50_us: float
    p99_us: float

    @property
    def rate(self) -> float:
        """Requests a second of one core."""
        return 1e6 / self.cpu_us if self.cpu_us else 0.0


def page() -> bytes:
    """2 KiB of JSON as an API answers it."""
    orders = [
        {
            "id": 10_000 + number,
            "customer": {"name": f"Customer {number}", "mail": f"customer.{number}@example.org"},
            "card": f"4111 1111 1111 {1000 + number}",
            "total": 17.5 + number,
            "currency": "EUR",
            "paid": number % 2 == 0,
            "tags": ["web", "new"],
        }
        for number in range(12)
    ]
    made = json.dumps({"orders": orders, "next": None, "note": ""}, separators=(",", ":")).encode()
    return made[:-2] + b"x" * (2048 - len(made)) + made[-2:]


def pinned(core: int, *command: str) -> list[str]:
    return ["taskset", "-c", str(core), *command]


@contextmanager
def nginx(folder: Path, core: int, *, location: str, upstream: str = "") -> Iterator[tuple[int, tuple[int, ...]]]:
    """An nginx with one worker on a core; yields its port and its processes."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise servers.Missing("nginx is not installed (Debian: apt-get install nginx-light)")
    folder.mkdir()
    folder.chmod(0o755)
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port, location=location, upstream=upstream), encoding="utf-8")
    command = pinned(core, program, "-p", str(folder), "-c", str(settings), "-e", str(folder / "error.log"))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            servers.until_it_listens(port, process, folder / "error.log")
            listed, children = Path(f"/proc/{process.pid}/task/{process.pid}/children"), ""
            # WHY waited for: the port is open before there is a worker.
            while not children:
                children = listed.read_text(encoding="ascii")
            yield port, (process.pid, *map(int, children.split()))
        finally:
            process.terminate()
            process.wait(20)


def configuration(folder: Path, upstream: int, listen: str) -> Path:
    path = folder / "sallyport.toml"
    path.write_text(
        f"""
[policies]
path = "{folder_of_rules(folder, RULES, KINDS)}"
[store]
url = "sqlite:///{folder}/store.db"
[audit]
dir = "{folder}/audit"
[[resource]]
name = "bench"
protocol = "http"
address = "127.0.0.1:{upstream}"
tls = {{ mode = "disable" }}
[[listener]]
protocol = "http"
bind = "{listen}"
resource = "bench"
[[identity.principal]]
name = "ana"
groups = ["bench"]
token = "env:ANA"
""",
        encoding="utf-8",
    )
    return path


@contextmanager
def all_ways() -> Iterator[Mapping[str, Way]]:
    """The servers of every way, each looked at once."""
    for command in ("h2load", "taskset"):
        if shutil.which(command) is None:
            raise servers.Missing(f"{command} is not installed (h2load: apt-get install nghttp2-client)")
    if len(os.sched_getaffinity(0)) < 2:
        raise servers.Missing("two cores are needed: one for the proxy, one for the load")
    token = os.urandom(20).hex()
    with servers.run_folder() as folder, ExitStack() as stack:
        content = page().decode("ascii")
        said = f"default_type application/json; return 200 '{content}';"
        behind, _ = stack.enter_context(nginx(folder / "behind", LOAD_CORE, location=said))
        upstream = (
            f"upstream behind {{ server 127.0.0.1:{behind}; keepalive {CONNECTIONS}; keepalive_requests 100000000; }}"
        )
        proxy, workers = stack.enter_context(nginx(folder / "proxy", PROXY_CORE, location=PROXIED, upstream=upstream))
        listen = f"127.0.0.1:{free_port()}"
        config = configuration(folder, behind, listen)
        gateway = stack.enter_context(servers.sallyport(config, ready=listen, extra={"ANA": token}, core=PROXY_CORE))
        ours = int(listen.rpartition(":")[2])

        def paths(name: str, *texts: str) -> Path:
            made = folder / f"{name}.paths"
            made.write_text("\n".join(texts), encoding="ascii")
            return made

        ways = {
            "direct": Way(behind, paths("direct", "/plain/orders"), ()),
            "nginx": Way(proxy, paths("nginx", "/plain/orders"), workers),
            "plain": Way(ours, paths("plain", "/plain/orders"), (gateway.pid,), token),
            "masked": Way(ours, paths("masked", "/masked/orders"), (gateway.pid,), token),
            "fresh": Way(
                *(ours, paths("fresh", *(f"/masked/orders?page={number}" for number in range(FRESH)))),
                *((gateway.pid,), token),
            ),
        }
        for name, way in ways.items():
            look(name, way)
        yield ways


def look(name: str, way: Way) -> None:
    """See one answer, so that no refusal is counted as work, and masks are known to mask."""
    with socket.create_connection(("127.0.0.1", way.port), timeout=20) as asked:
        path = way.paths.read_text(encoding="ascii").split("\n")[0]
        proof = "" if way.token is None else f"Authorization: Bearer {way.token}\r\n"
        asked.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{proof}Connection: close\r\n\r\n".encode())
        said = b""
        while piece := asked.recv(65536):
            said += piece
    is_masked, is_whole = name in ("masked", "fresh"), said.count(b"4111 1111 1111") == 12
    if not said.startswith(b"HTTP/1.1 200 ") or is_whole is is_masked:
        raise servers.Missing(f"the way `{name}` answers something else: {said[:200]!r}")


def h2load(way: Way, connections: int, requests: int, log: Path | None = None) -> float:
    """Requests a second of one run of h2load; the time of each goes to `log`."""
    proof = () if way.token is None else ("-H", f"authorization: Bearer {way.token}")
    kept = () if log is None else (f"--log-file={log}",)
    command = pinned(
        *(
            LOAD_CORE,
            "h2load",
            "--h1",
            "-t",
            "1",
            "-c",
            str(connections),
            "-m",
            "1",
            "-n",
            str(requests),
            *proof,
            *kept,
        ),
        *("-i", str(way.paths), "-B", f"http://127.0.0.1:{way.port}"),
    )
    said = subprocess.run(command, capture_output=True, text=True, timeout=600)
    rate = re.search(r"([0-9.]+) req/s", said.stdout)
    good = re.search(r"status codes: (\d+) 2xx", said.stdout)
    if rate is None or good is None or int(good[1]) != requests:
        raise servers.Missing(f"h2load against port {way.port}: {said.stdout[-1200:]}{said.stderr[-200:]}")
    return float(rate[1])


def once(name: str, way: Way, seconds: float) -> Run:
    """One run of a way: how many come through, and how long one takes alone."""
    rate = h2load(way, CONNECTIONS, 500)
    rate = h2load(way, CONNECTIONS, max(500, round(rate * 0.4)))
    requests = max(500, round(rate * seconds))
    before = [processor_seconds(pid) or 0.0 for pid in way.pids]
    rps = h2load(way, CONNECTIONS, requests)
    used = sum((processor_seconds(pid) or 0.0) for pid in way.pids) - sum(before)
    with tempfile.NamedTemporaryFile("r", suffix=".h2load") as log:
        h2load(way, 1, max(300, round(rate * seconds / 8)), Path(log.name))
        times = sorted(int(line.split()[2]) for line in log)
    return Run(name, rps, used * 1e6 / requests, statistics.median(times), times[len(times) * 99 // 100])


def measure(seconds: int = 4, rounds: int = 3) -> list[Run]:
    """The median of each way; about `8 * rounds * seconds` seconds."""
    runs: dict[str, list[Run]] = {}
    with all_ways() as ways:
        for number in range(rounds):
            for name, way in ways.items():
                run = once(name, way, seconds)
                runs.setdefault(name, []).append(run)
                print(
                    f"round {number + 1}/{rounds} {name}: {run.rps:.0f} rps, {run.cpu_us:.0f} us of the processor,"
                    f" p50 {run.p50_us:.0f} us, p99 {run.p99_us:.0f} us",
                    file=sys.stderr,
                )
    return [middle(each) for each in runs.values()]


def middle(runs: list[Run]) -> Run:
    """The median of each figure."""
    figures = ("rps", "cpu_us", "p50_us", "p99_us")
    return Run(runs[0].way, *(round(statistics.median(getattr(run, name) for run in runs), 1) for name in figures))


def document(runs: list[Run]) -> dict[str, object]:
    """The JSON document of all figures."""
    return {"runs": [asdict(run) for run in runs]}


def promises(runs: list[Run]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Measured ratios and both figures, by the names of `budgets.toml`."""
    found = {run.way: run for run in runs}
    direct, peer = found["direct"], found["nginx"]
    measured: dict[str, float | None] = {}
    told = {}
    for name in ("masked", "plain", "fresh"):
        ours = found[name]
        measured[f"rate_{name}"] = ours.rps / peer.rps
        told[f"rate_{name}"] = f"nginx {peer.rps:.0f}, ours {ours.rps:.0f} requests a second"
        measured[f"core_{name}"] = ours.rate / peer.rate
        told[f"core_{name}"] = f"nginx {peer.cpu_us:.1f}, ours {ours.cpu_us:.1f} us of the processor"
        measured[f"added_p50_{name}"] = (ours.p50_us - direct.p50_us) / 1000
        told[f"added_p50_{name}"] = f"direct {direct.p50_us:.0f}, nginx {peer.p50_us:.0f}, ours {ours.p50_us:.0f} us"
    return measured, told
