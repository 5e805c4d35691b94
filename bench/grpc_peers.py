"""One decision over the network: Decide over a UNIX socket beside OPA's REST API and Cerbos' gRPC, all with decision logs on.

All three answer the same question about the same statement by the same policy, each pinned to core 0 and asked from core
1 by h2load, in turn, round by round; the medians count. Peers get the statement parsed, we get its text. `rate` is
requests per second of one core (1 / CPU time of a request), which other work on the machine disturbs least; `rps` is
what came through. Every answer is looked at once before it is counted.

The question is the same each time, as agents' often are, and ours is answered from the decision cache then. So a second
server of ours runs with a rule that reads the time, which no cache may keep: `fresh` evaluates every time, as peers do.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc

from bench import servers
from engine.request import Principal, Resource, Session
from gateway.demo.cluster import free_port
from gateway.rpc.client import Detail, Query, Raw
from gateway.rpc.codec.answers import read_answer
from gateway.rpc.codec.asking import write_question

SERVER_CORE, LOAD_CORE = "0", "1"
DECIDE = "/sallyport.decision.v1.DecisionService/Decide"
CERBOS = "/cerbos.svc.v1.CerbosService/CheckResources"
OPA = "/v1/data/gate/decision"
IN_FLIGHT = 32

# The peers' policy (tools/peers/policies) in our contract, rule by rule.
POLICY = """package policies.bench

roles := {"dev": ["read", "list"], "ops": ["read", "list", "exec"], "dba": ["read", "list", "write", "ddl"]}

perms contains p if { some g in input.principal.groups; some p in roles[g] }

is_admin if input.principal.name in {"alice", "root"}

is_prod if input.resource.labels.env == "prod"

is_prod if startswith(input.resource.name, "prod-")

is_write if { some op in input.command.operations; op.effect in {"write", "delete"} }

is_ddl if { some op in input.command.operations; op.effect == "create" }

sensitive := {"public.users", "public.cards", "hr.salaries"}

touches_sensitive if { some op in input.command.operations; some t in op.targets; t.name in sensitive }

business_hours if { input.context.hour >= 9; input.context.hour < 18 }

mfa_ok if input.principal.attributes.mfa_age < 3600

ticket_ok if regex.match(`^[A-Z]{2,5}-[0-9]+$`, input.context.ticket)

forbidden_function if {
	some op in input.command.operations
	some t in op.targets
	t.type == "function"
	regex.match(`^(pg_read_|lo_|dblink|pg_sleep)`, t.name)
}

forbidden_function if { some op in input.command.operations; op.kind == "copy_program" }

deny contains {"code": "FUNCTION", "reason": "forbidden function"} if forbidden_function

deny contains {"code": "WHERE", "reason": "write without where"} if {
	some op in input.command.operations
	op.kind in {"update", "delete"}
	op.has_where == false
}

deny contains {"code": "DDL", "reason": "ddl in prod"} if { is_ddl; is_prod; not is_admin }

deny contains {"code": "NETWORK", "reason": "outside network"} if not startswith(input.context.ip, "10.")

deny contains {"code": "MFA", "reason": "mfa too old"} if { is_prod; not mfa_ok }

deny contains {"code": "HOURS", "reason": "out of hours write"} if { is_write; is_prod; not business_hours }

deny contains {"code": "READ", "reason": "no permission"} if not "read" in perms

deny contains {"code": "WRITE", "reason": "no write permission"} if { is_write; not "write" in perms }

hold contains {"code": "PROD_WRITE", "reason": "prod write", "approvers": {"groups": ["dba"]}} if { is_write; is_prod }

hold contains {"code": "SENSITIVE", "reason": "sensitive", "approvers": {"groups": ["dba"]}} if {
	touches_sensitive
	not is_admin
	not ticket_ok
}

allow contains {"code": "OK", "reason": "permitted"} if { "read" in perms; input.command.complete }
"""

# What depends on the time is never kept.
TIMED = """
deny contains {"code": "EPOCH", "reason": "before there was time"} if input.context.now < "1971"
"""

PRINCIPAL = "bench-adapter"
OURS, FRESH = "sallyport", "fresh"


@dataclass(frozen=True, slots=True)
class Load:
    """What one server did in one run. `rate` is requests per second of one core; times are microseconds."""

    server: str
    in_flight: int
    rate: float
    rps: float
    p50_us: float
    p99_us: float
    cpu_us: float
    core_pct: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is asked, and how."""

    server: str
    pid: int
    address: str
    protocol: str
    path: str
    body: Path


def question(source: Mapping[str, object]) -> bytes:
    """The peers' input.json as our request."""
    subject, resource, context = (dict(_object(source, name)) for name in ("subject", "resource", "context"))
    groups = subject.pop("groups")
    labels = {**dict(_object(resource, "labels")), "env": resource["env"]}
    query = Query(
        Resource(str(resource["name"]), "postgres", labels={str(key): str(value) for key, value in labels.items()}),
        Principal(
            str(subject.pop("id")),
            groups=tuple(str(group) for group in groups) if isinstance(groups, list) else (),
            attributes={
                "email": str(subject["email"]),
                "mfa_age": int(str(subject["mfa_age"])),
                "idp": str(subject["idp"]),
            },
        ),
        Session(str(subject["session"])),
        {
            "ip": str(context["ip"]),
            "hour": int(str(context["hour"])),
            "ticket": str(context["ticket"]),
            "client": str(context["client"]),
            "trace": str(context["trace"]),
        },
        detail=Detail.REASONS,
    )
    return write_question(Raw("postgres", str(_object(source, "action")["text"]).encode()), query)


def _object(source: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = source[name]
    if not isinstance(found, dict):
        raise servers.Missing(f"input.json of the peers has no object `{name}`")
    return found


def configuration(folder: Path, policy: str) -> Path:
    """The gateway's configuration: one socket, our policy, the audit as it is by default."""
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "bench.rego").write_text(policy, encoding="utf-8")
    path = folder / "sallyport.toml"
    path.write_text(
        f"""
[policies]
path = "{folder}/policies"

[store]
url = "sqlite:///{folder}/store.db"

[audit]
dir = "{folder}/audit"

[[identity.principal]]
name = "{PRINCIPAL}"
kind = "service"
roles = ["adapter"]

[[rpc.socket]]
path = "{folder}/run/s.sock"
principal = "{PRINCIPAL}"
""",
        encoding="utf-8",
    )
    return path


@contextmanager
def ours(name: str, folder: Path, body: Path, policy: str) -> Iterator[Place]:
    """`sallyport serve`, pinned; yields once it answers."""
    config, path = configuration(folder, policy), folder / "run" / "s.sock"
    log = folder / "serve.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)],
            cwd=servers.ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _accepts(path):
                if process.poll() is not None:
                    raise servers.Missing(f"sallyport ended at once: {log.read_text(encoding='utf-8')[-600:]}")
            yield Place(name, process.pid, f"unix:{path}", "grpc", DECIDE, body)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


@contextmanager
def peers(folder: Path) -> Iterator[list[Place]]:
    """OPA and Cerbos with decision logs on, both pinned and on UNIX sockets."""
    scripts = servers.tools() / "peers"
    for command in ("h2load", "taskset", "go"):
        if shutil.which(command) is None:
            raise servers.Missing(f"{command} is not installed (h2load: apt-get install nghttp2-client)")
    bodies, run = folder / "bodies", folder / "peers"
    run.mkdir()
    servers.script(scripts / "build.sh")
    subprocess.run([sys.executable, str(scripts / "make_bodies.py"), str(bodies)], check=True)
    extra = {"SERVER_CORE": SERVER_CORE, "HTTP_PORT": str(free_port())}
    try:
        servers.script(scripts / "start_opa.sh", run, f"unix://{run}/opa.sock", "", "log", extra=extra)
        servers.script(scripts / "start_cerbos.sh", run, f"unix:{run}/cerbos.sock", "", "log", extra=extra)
        yield [
            Place("opa", _pid(run / "opa.pid"), f"unix:{run}/opa.sock", "h1", OPA, bodies / "opa.json"),
            Place("cerbos", _pid(run / "cerbos.pid"), f"unix:{run}/cerbos.sock", "grpc", CERBOS, bodies / "cerbos.bin"),
        ]
    finally:
        servers.script(scripts / "stop.sh", run)


def _pid(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))


def look(place: Place) -> str:
    """One answer in one word, so that no refusal is counted as work."""
    if place.protocol == "h1":
        said = _over_unix(place.address.removeprefix("unix:"), place.path, place.body.read_bytes())
        return str(json.loads(said)["result"]["effect"])
    with grpc.insecure_channel(place.address, options=(("grpc.default_authority", "localhost"),)) as channel:
        answer = channel.unary_unary(place.path, None, None)(place.body.read_bytes()[5:], timeout=30)
    if place.server == "cerbos":
        return f"{len(answer)} bytes"
    decision, _ = read_answer(answer)
    if not decision.is_granted:
        raise servers.Missing(f"the policy of this measurement denies it: {decision.reasons}")
    return decision.verdict.value


def _over_unix(path: str, target: str, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(path)
    connection.request("POST", target, body, {"content-type": "application/json"})
    said = connection.getresponse().read()
    connection.close()
    return said


def load(place: Place, in_flight: int, seconds: int) -> Load:
    """One run of h2load against one server."""
    clients = 8 if in_flight >= 8 else in_flight
    extra = {
        "CLIENTS": str(clients),
        "STREAMS": str(in_flight // clients),
        "SECONDS_EACH": str(seconds),
        "LOAD_CORE": LOAD_CORE,
    }
    words = (place.server, place.pid, place.address, place.protocol, place.path, place.body)
    said = json.loads(servers.script(servers.tools() / "peers" / "load.sh", *words, extra=extra))
    if said["failed"]:
        raise servers.Missing(f"{place.server}: {said['failed']} requests failed")
    cpu = float(said["server_cpu_us"])
    return Load(
        place.server,
        in_flight,
        1e6 / cpu,
        float(said["rps"]),
        float(said["p50_us"]),
        float(said["p99_us"]),
        cpu,
        float(said["server_core_pct"]),
        float(said["rss_mb"]),
    )


def measure(seconds: int = 4, rounds: int = 3) -> list[Load]:
    """The median of each server at one and at many in flight; about `24 * rounds * seconds` seconds."""
    if len(os.sched_getaffinity(0)) < 2:
        raise servers.Missing("two cores are needed: one for the server, one for the load")
    with servers.run_folder() as folder, ExitStack() as stack:
        places = stack.enter_context(peers(folder))
        source = json.loads((servers.tools() / "peers" / "input.json").read_text(encoding="utf-8"))
        message = question(source)
        body = folder / "ours.bin"
        body.write_bytes(b"\0" + struct.pack(">I", len(message)) + message)
        for name, policy in ((FRESH, POLICY + TIMED), (OURS, POLICY)):
            places.insert(0, stack.enter_context(ours(name, folder / name, body, policy)))
        for place in places:
            print(f"{place.server} answers: {look(place)}", file=sys.stderr)
        runs: dict[tuple[str, int], list[Load]] = {}
        for number in range(rounds):
            for in_flight in (1, IN_FLIGHT):
                for place in places:
                    run = load(place, in_flight, seconds)
                    runs.setdefault((place.server, in_flight), []).append(run)
                    print(
                        f"round {number + 1}/{rounds} {place.server} x{in_flight}: {run.rps:.0f} rps,"
                        f" {run.rate:.0f} a core-second, p50 {run.p50_us:.0f} us",
                        file=sys.stderr,
                    )
        return [middle(each) for each in runs.values()]


def middle(runs: list[Load]) -> Load:
    """The median of each figure."""

    def of(figure: Callable[[Load], float]) -> float:
        return statistics.median(figure(run) for run in runs)

    cpu = of(lambda run: run.cpu_us)
    return Load(
        runs[0].server,
        runs[0].in_flight,
        round(1e6 / cpu),
        of(lambda run: run.rps),
        of(lambda run: run.p50_us),
        of(lambda run: run.p99_us),
        cpu,
        of(lambda run: run.core_pct),
        of(lambda run: run.rss_mb),
    )


def document(loads: list[Load]) -> dict[str, object]:
    """The JSON document of all figures."""
    return {"loads": [asdict(each) for each in loads]}


def promises(loads: list[Load]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Measured ratios and both figures, by the names of `budgets.toml`."""
    found = {(each.server, each.in_flight): each for each in loads}
    mine, many, fresh = found[OURS, 1], found[OURS, IN_FLIGHT], found[FRESH, IN_FLIGHT]
    measured: dict[str, float | None] = {}
    peer = {}
    for name in ("opa", "cerbos"):
        one, other = found[name, 1], found[name, IN_FLIGHT]
        measured[f"p50_{name}"] = mine.p50_us / one.p50_us
        peer[f"p50_{name}"] = f"{name} {one.p50_us:.0f} us, ours {mine.p50_us:.0f} us"
        measured[f"rate_{name}"] = many.rate / other.rate
        measured[f"rate_{name}_fresh"] = fresh.rate / other.rate
        peer[f"rate_{name}_fresh"] = f"{name} {other.rate:.0f}, ours without the decision cache {fresh.rate:.0f} a core"
        peer[f"rate_{name}"] = (
            f"{name} {other.rate:.0f} ({other.rps:.0f} rps), ours {many.rate:.0f} ({many.rps:.0f} rps) a core"
        )
    return measured, peer
