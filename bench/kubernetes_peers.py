"""Kubernetes through Sallyport beside the same API server without it: `python -m bench kubernetes`.

Bulk: kubectl's exec of `head -c 100000000 /dev/zero` in a container, MB a second from the start of kubectl to its end. A GET of a pod: on one
connection that is kept, TLS on every leg. An exec of `echo item-N`, N new each time: over WebSocket (`v4.channel.k8s.io`), from the request on
an open connection to the status on its error channel. GETs and execs go three ways in turn, in blocks: the API server; the gateway; and the
gateway without a judge (`bench.ungated`: the same connections and streams, but nothing is parsed, evaluated or recorded). What the judge adds
is timed in the gateway (`bench.timed`); the gateway's median less that of the one without a judge is shown beside it.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.web.websocket.frames import BINARY, CLOSE, FrameReader
from bench import servers
from bench.rules import folder_of_rules
from bench.timed import times_of
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import free_port

BYTES = 100_000_000
BLOCK, BLOCKS = 20, 8
OUTPUT, STATUS = b"\x01", b"\x03"
"""Channels of an exec over WebSocket."""
KINDS = ("delete", "deletecollection", "scale", "evict", "impersonate", "token", "unknown")
RULES = """
allow contains {"code": "READ", "reason": "reading is open"} if {
	"bench" in input.principal.groups
	input.command.complete
	every op in input.command.operations { op.effect == "read" }
}

allow contains {"code": "RUN", "reason": "programs may run"} if {
	"bench" in input.principal.groups
	some op in input.command.operations
	op.kind == "exec"
}
"""
START_SECONDS = 60.0
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"nodeName": "node1", "containers": [{"name": "main", "image": "none"}]},
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "bench"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "bench"}],
}
PODS = "/api/v1/namespaces/t/pods/web"


@dataclass(frozen=True, slots=True)
class Way:
    """Where one way leads: kubectl's configuration, and the same for sockets."""

    kubeconfig: Path
    port: int
    tls: ssl.SSLContext
    token: str | None = None

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(plain, server_hostname="127.0.0.1")

    def head(self, target: str, *lines: str) -> bytes:
        proof = () if self.token is None else (f"Authorization: Bearer {self.token}",)
        return "\r\n".join((f"GET {target} HTTP/1.1", "Host: prod", *proof, *lines, "", "")).encode("ascii")


@dataclass(frozen=True, slots=True)
class Found:
    """MB a second of exec by way, and milliseconds of a GET and of an exec (medians)."""

    bulk: Mapping[str, float]
    get_ms: Mapping[str, float]
    exec_ms: Mapping[str, float]
    judged_ms: Mapping[str, float]
    """What a GET and an exec wait for their judge."""


def configuration(folder: Path, cluster: Path, address: str, listen: str) -> Path:
    folder.mkdir()
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
protocol = "kubernetes"
address = "{address}"
credential = "file:{cluster}/admin.key"
certificate = "{cluster}/admin.crt"
tls = {{ ca_file = "{cluster}/ca.crt" }}
[[listener]]
protocol = "kubernetes"
bind = "{listen}"
resource = "bench"
tls = {{ certificate = "{cluster}/ours.crt", key = "{cluster}/ours.key" }}
[[identity.principal]]
name = "ana"
groups = ["bench"]
token = "env:ANA"
""",
        encoding="utf-8",
    )
    return path


@contextmanager
def all_ways() -> Iterator[tuple[Mapping[str, Way], str]]:
    """The cluster with one pod, the gateway, the gateway without a judge; and where kubectl is."""
    scripts = servers.tools() / "kube"
    with servers.run_folder() as folder, ExitStack() as stack:
        cluster, tool = folder / "c", servers.script(scripts / "build.sh") + "/kubectl"
        stack.callback(servers.script, scripts / "stop.sh", cluster)
        api = servers.script(scripts / "start.sh", cluster, free_port(), free_port(2), free_port())
        address, admin = api.removeprefix("https://"), cluster / "admin.kubeconfig"
        for words in (("create", "namespace", "t"), ("create", "serviceaccount", "default")):
            kubectl(tool, admin, *words)
        for one in (BINDING, POD):
            kubectl(tool, admin, "apply", "-f", "-", data=json.dumps(one).encode())
        deadline = time.monotonic() + START_SECONDS
        while b"Running" not in kubectl(tool, admin, "get", "pod", "web"):
            if time.monotonic() > deadline:
                raise servers.Missing("the pod of the cluster does not run")
            time.sleep(0.1)
        direct = ssl.create_default_context(cafile=str(cluster / "ca.crt"))
        direct.verify_flags &= ~ssl.VERIFY_X509_STRICT
        direct.load_cert_chain(cluster / "admin.crt", cluster / "admin.key")
        ways = {"direct": Way(admin, int(address.rpartition(":")[2]), direct)}
        made = loopback_certificate(datetime.now(UTC))
        (cluster / "ours.crt").write_bytes(made.certificate)
        (cluster / "ours.key").write_bytes(made.key)
        token = os.urandom(20).hex()
        for name, module in (("gateway", "bench.timed"), ("ungated", "bench.ungated")):
            listen = f"127.0.0.1:{free_port()}"
            config = configuration(folder / name, cluster, address, listen)
            stack.enter_context(servers.sallyport(config, ready=listen, extra={"ANA": token}, module=module))
            ours = ssl.create_default_context(cafile=str(cluster / "ours.crt"))
            ways[name] = Way(kubeconfig(folder / name, cluster, listen, token), int(listen[10:]), ours, token)
        yield ways, tool


def kubeconfig(folder: Path, cluster: Path, listen: str, token: str) -> Path:
    path = folder / "kubeconfig"
    said = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "c", "cluster": {"server": f"https://{listen}", "certificate-authority": f"{cluster}/ours.crt"}}
        ],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def kubectl(tool: str, config: Path, *words: str, data: bytes | None = None, to_nowhere: bool = False) -> bytes:
    done = subprocess.run(
        [tool, "--kubeconfig", str(config), "-n", "t", *words],
        input=data,
        stdin=None if data is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if to_nowhere else subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=300,
        env={"PATH": os.environ["PATH"], "HOME": str(config.parent)},
    )
    if done.returncode != 0:
        raise servers.Missing(f"kubectl {' '.join(words)}: {done.stderr.decode(errors='replace')[-300:]}")
    return done.stdout or b""


def bulk(ways: Mapping[str, Way], tool: str, rounds: int) -> dict[str, float]:
    """MB a second of an exec's output, the median of the rounds."""
    found: dict[str, list[float]] = {name: [] for name in ways if name != "ungated"}
    for number in range(rounds):
        for name, rates in found.items():
            began = time.perf_counter()
            words = ("exec", "web", "--", "head", "-c", str(BYTES), "/dev/zero")
            kubectl(tool, ways[name].kubeconfig, *words, to_nowhere=True)
            rates.append(BYTES / 1e6 / (time.perf_counter() - began))
            print(f"round {number + 1}/{rounds} {name}: {rates[-1]:.0f} MB/s", file=sys.stderr)
    return {name: round(statistics.median(rates), 1) for name, rates in found.items()}


def read_answer(connection: ssl.SSLSocket, *, has_body: bool = True) -> bytes:
    """The head of an answer; its body is read and left out. What is behind a head without one is given too."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += received(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    if not has_body:
        return got
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None)
    while not (body.endswith(b"\r\n0\r\n\r\n") if length is None else len(body) >= int(length.partition(b":")[2])):
        body += received(connection)
    return head


def received(connection: ssl.SSLSocket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise servers.Missing("a connection ended too early")
    return piece


def get(way: Way, connection: ssl.SSLSocket) -> float:
    """Milliseconds of a GET of the pod."""
    began = time.perf_counter()
    connection.sendall(way.head(PODS, "Accept: application/json"))
    head = read_answer(connection)
    took = (time.perf_counter() - began) * 1000
    if not head.startswith(b"HTTP/1.1 200 "):
        raise servers.Missing(f"a GET is answered {head[:200]!r}")
    return took


def execute(way: Way, number: int) -> float:
    """Milliseconds of an exec, from the request on an open connection to the status of the command."""
    target = f"{PODS}/exec?command=echo&command=item-{number}&stderr=true&stdout=true"
    lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    asked = way.head(
        *(target, *lines, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        *("Sec-WebSocket-Protocol: v4.channel.k8s.io",),
    )
    with way.connect() as connection:
        get(way, connection)
        began = time.perf_counter()
        connection.sendall(asked)
        head, _, rest = read_answer(connection, has_body=False).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise servers.Missing(f"an exec is answered {head[:300]!r}")
        frames, said, status = FrameReader(is_client=False), b"", b""
        while not status:
            for frame in frames.feed(rest):
                channel, payload = frame.payload[:1], frame.payload[1:]
                if frame.opcode == CLOSE and not status:
                    raise servers.Missing("an exec ended without a status")
                if frame.opcode == BINARY and channel == OUTPUT:
                    said += payload
                if frame.opcode == BINARY and channel == STATUS:
                    status = payload
            rest = b"" if status else received(connection)
        took = (time.perf_counter() - began) * 1000
    if b'"Success"' not in status or said != f"item-{number}\n".encode():
        raise servers.Missing(f"an exec ended with {status[:300]!r}, and said {said[:100]!r}")
    return took


def in_turn(ways: Mapping[str, Way], one: Callable[[str, int], float]) -> dict[str, float]:
    """The median of what `one` takes each way, the ways in turn; the first block is thrown away."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    number = 0
    for block in range(BLOCKS + 1):
        for name, times in took.items():
            for _ in range(BLOCK):
                number += 1
                spent = one(name, number)
                if block:
                    times.append(spent)
    return {name: round(statistics.median(times), 3) for name, times in took.items()}


def measure(rounds: int = 3) -> Found:
    """All figures; about a minute with three rounds, once the cluster is built."""
    with all_ways() as (ways, tool):
        with ExitStack() as stack:
            open_ones = {name: stack.enter_context(way.connect()) for name, way in ways.items()}
            gets = in_turn(ways, lambda name, number: get(ways[name], open_ones[name]))
        print(f"GET: {gets}", file=sys.stderr)
        execs = in_turn(ways, lambda name, number: execute(ways[name], number))
        print(f"exec: {execs}", file=sys.stderr)
        config = ways["gateway"].kubeconfig.with_name("sallyport.toml")
        judged = {"get": times_of(config, "/pods/web HTTP"), "exec": times_of(config, "/pods/web/exec?")}
        print(f"of which the judge: {judged}", file=sys.stderr)
        return Found(bulk(ways, tool, rounds), gets, execs, judged)


def document(found: Found) -> dict[str, object]:
    """The JSON document of all figures."""
    return asdict(found)


def promises(found: Found) -> tuple[dict[str, float | None], dict[str, str]]:
    """Measured ratios and both figures, by the names of `budgets.toml`."""
    measured: dict[str, float | None] = {"bulk": found.bulk["gateway"] / found.bulk["direct"]}
    told = {"bulk": f"API server {found.bulk['direct']:.0f}, ours {found.bulk['gateway']:.0f} MB/s"}
    for name, took in (("exec", found.exec_ms), ("get", found.get_ms)):
        measured[f"{name}_judged_p50"] = found.judged_ms[name]
        told[f"{name}_judged_p50"] = f"one without a judge {took['ungated']:.2f}, with {took['gateway']:.2f} ms"
        measured[f"{name}_added_p50"] = took["gateway"] - took["direct"]
        told[f"{name}_added_p50"] = f"API server {took['direct']:.2f}, ours {took['gateway']:.2f} ms"
    return measured, told
