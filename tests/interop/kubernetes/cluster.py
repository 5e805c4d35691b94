"""A real API server with etcd and one node, a whole gateway before it, and kubectl: made for a test session, gone afterwards.

The cluster is the one of the folder of tools (`kube/start.sh`), which has to be built before: that takes minutes. The gateway
is the one of `gateway.app`, in a thread of its own, so that a test can read its audit and answer its holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import uvloop

from gateway.app.assembly import Gateway
from gateway.approvals.states import Approved, Person, Refused, State, Ticket
from gateway.audit.entry import Entry
from gateway.audit.read import read
from gateway.cli import main
from gateway.config import load_config
from gateway.demo.cluster import free_port
from tests.certificates import Authority
from tests.conftest import missing, shared

WAIT = 60
T = TypeVar("T")
POLICIES = """\
package policies.place

reads if every op in input.command.operations { op.effect == "read" }

changes if every op in input.command.operations {
	op.kind in {"create", "patch", "apply", "update", "delete", "ephemeral_container", "scale"}
}

allow contains {"code": "READ", "reason": "reading is open"} if reads

allow contains {"code": "CHANGE", "reason": "changes are open"} if changes

allow contains {"code": "RUN", "reason": "programs may run"} if {
	some op in input.command.operations
	op.kind in {"exec", "attach", "port_forward"}
}

allow contains {"code": "GUARDED", "reason": "each line is looked at"} if {
	some op in input.command.operations
	op.kind in {"guarded_shell", "raw_shell"}
}

limit contains {"code": "RECORDED", "reason": "a terminal is recorded", "type": "record", "value": true} if {
	some op in input.command.operations
	op.kind == "raw_shell"
	"--norc" in op.kubernetes.argv
}

limit contains {"code": "RECORDED_TOO", "reason": "a terminal is recorded", "type": "record", "value": true} if {
	some op in input.command.operations
	op.kind == "raw_shell"
	op.kubernetes.name == "attended-kept"
}

limit contains {"code": "KEPT", "reason": "this is kept", "type": "record", "value": "results"} if {
	contains(input.command.text, "keep-me")
}

deny contains {"code": "MARKED", "reason": "the mark says no", "hint": "leave the mark away"} if {
	contains(input.command.text, "no-go")
}

deny contains {"code": "TOUCHES", "reason": "nothing is touched in a container"} if {
	some op in input.command.operations
	op.shell.program in {"touch", "rm"}
}

hold contains {"code": "LOOK", "reason": "somebody looks first", "approvers": {"groups": ["leads"]}, "expires": "10m"} if {
	contains(input.command.text, "please-hold")
}

mask contains {"code": "SAID", "reason": "mails are hidden", "method": "redact", "values": ["pii.email", "pii.credit_card"]} if {
	contains(input.command.text, "mask-me")
	some op in input.command.operations
	op.kind in {"exec", "attach"}
}

mask contains {"code": "LOGGED", "reason": "numbers are hidden", "method": "redact", "values": ["pii.credit_card"]} if {
	contains(input.command.text, "/4539578763621486/")
	some op in input.command.operations
	op.kind in {"attach", "logs"}
}

mask contains {
	"code": "SECRETS", "reason": "values of secrets are hidden", "method": "redact", "paths": ["$.data.*", "$.stringData.*"],
} if {
	some op in input.command.operations
	op.kubernetes.resource == "secrets"
	reads
}

mask contains {
	"code": "WRITTEN", "reason": "values of secrets are hidden", "method": "redact", "paths": ["$.data.*", "$.stringData.*"],
} if {
	some op in input.command.operations
	op.kubernetes.resource == "secrets"
	changes
}
"""
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"nodeName": "node1", "containers": [{"name": "main", "image": "none"}]},
}


@dataclass(slots=True)
class Cluster:
    """A cluster and a gateway before it. `kubectl` is as a user has it; `admin` goes straight to the API server."""

    folder: Path
    tool: str
    environment: Mapping[str, str]
    token: str = field(repr=False)
    gateway: Gateway | None = None
    port: int = 0
    open_port: int = 0
    """Of the listener where the Host header names the cluster: `prod`, or `dev`, which is the same one under another label."""
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "ana.kubeconfig"

    def admin(self, *arguments: str, data: bytes | None = None) -> bytes:
        """kubectl with every right and without the gateway."""
        return self._run(
            self.folder / "cluster" / "admin.kubeconfig", arguments, data, tool=self.tool, check=True
        ).stdout

    def kubectl(
        self, *arguments: str, data: bytes | None = None, spdy: bool = False, tool: str | None = None, who: str = "ana"
    ) -> subprocess.CompletedProcess[bytes]:
        """kubectl as ana, through the gateway; with `spdy` over SPDY/3.1 instead of WebSocket."""
        more = (
            {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"} if spdy else {}
        )
        return self._run(self.folder / f"{who}.kubeconfig", arguments, data, tool=tool or self.tool, more=more)

    def command(self, *arguments: str) -> list[str]:
        return [self.tool, "--kubeconfig", str(self.kubeconfig), "-n", "t", *arguments]

    def _run(
        self,
        config: Path,
        arguments: Sequence[str],
        data: bytes | None,
        *,
        tool: str,
        check: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [tool, "--kubeconfig", str(config), "-n", "t", *arguments],
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            timeout=WAIT,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **(more or {})},
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    def ask(self, line: str, *headers: str, body: bytes = b"") -> bytes:
        """A request as bytes, as ana, over TLS; all that is answered until the end."""
        lines = [f"{line} HTTP/1.1", "Host: prod", f"Authorization: Bearer {self.token}", "Connection: close", *headers]
        return self.send("\r\n".join((*lines, "", "")).encode("latin-1") + body, port=self.port, seconds=WAIT)

    def send(self, data: bytes, *, port: int, seconds: float) -> bytes:
        """Bytes to a listener; what comes until it closes, or until nothing comes for so long."""
        context = ssl.create_default_context(cafile=str(self.folder / "gateway.pem"))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return _exchange(context, port, data, seconds)

    def send_past(self, data: bytes) -> bytes:
        """Bytes straight to the API server, signed in with every right; the beginning of what it answers."""
        folder = self.folder / "cluster"
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
        port = int((folder / "address").read_text().strip().rpartition(":")[2])
        return _exchange(context, port, data, 1.0, enough=12)

    # --- the gateway

    def start(self) -> None:
        self.gateway = Gateway(load_config(self.folder / "sallyport.toml", {}), self.environment)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self.gateway.start(listeners=True), self._loop)
        self.open_port, self.port = (int(place.rpartition(":")[2]) for place in started.result(WAIT)[-2:])

    def stop(self) -> None:
        if self.gateway is None or self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self.gateway.stop(1), self._loop).result(WAIT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.gateway.close()
        self.gateway = None

    def entries(self) -> list[Entry]:
        assert self.gateway is not None
        return list(read(self.gateway.config.at(self.gateway.config.audit.dir)))

    def decisions(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.kind.value == "decision"]

    def ticket(self) -> Ticket:
        """The one ticket that is open, waited for."""
        assert self.gateway is not None
        approvals = self.gateway.approvals
        return self.wait_for(lambda: next(iter(approvals.recent((State.REQUESTED,), 10, None)), None))

    def approve(self, ticket: Ticket) -> None:
        assert self.gateway is not None
        self.gateway.gate.advance(ticket.id, Approved(Person("lea", ("leads",)), "go"))

    def refuse(self, ticket: Ticket) -> None:
        assert self.gateway is not None
        self.gateway.gate.advance(ticket.id, Refused(Person("lea", ("leads",)), "no"))

    def wait_for(self, look: Callable[[], T | None]) -> T:
        """What a look finds, as soon as it finds something."""
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            found = look()
            if found is not None and found is not False:
                return found
            threading.Event().wait(0.02)
        raise AssertionError("it did not come about")

    # --- what really happened

    def requests(self) -> list[dict[str, object]]:
        """What the API server saw, by its own audit."""
        return [json.loads(line) for line in (self.folder / "cluster" / "audit.log").read_text().splitlines()]

    @property
    def container(self) -> Path:
        """The folder that the container of the pod `web` is."""
        return self.folder / "cluster" / "pods" / "t" / "web" / "main"


def _exchange(context: ssl.SSLContext, port: int, data: bytes, seconds: float, enough: int | None = None) -> bytes:
    plain = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
    got = b""
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure, contextlib.suppress(OSError):
        secure.sendall(data)
        secure.settimeout(seconds)
        while (enough is None or len(got) < enough) and (piece := secure.recv(65536)):
            got += piece
    return got


def built() -> Path | None:
    """The folder with kubectl and the rest; None when nobody built it."""
    cache = Path(
        os.environ.get("SALLYPORT_TOOLS_CACHE")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sallyport-tools"
    )
    return cache / "kube" if (cache / "kube" / ".built").exists() else None


CERTIFICATE = """\
credential = "file:cluster/gateway.key"
certificate = "cluster/gateway.crt"
[resource.tls]
ca_file = "cluster/ca.crt"
"""


def configuration(address: str, signing_in: str = CERTIFICATE) -> str:
    return f"""
[policies]
path = "policies"
watch_seconds = 0
[audit]
low_water_bytes = 1048576
[[resource]]
name = "prod"
protocol = "kubernetes"
address = "{address}"
{signing_in}
[resource.labels]
environment = "prod"
[[resource]]
name = "dev"
protocol = "kubernetes"
address = "{address}"
{signing_in}
[resource.labels]
environment = "dev"
[[listener]]
protocol = "kubernetes"
bind = "127.0.0.1:0"
[listener.tls]
certificate = "gateway.pem"
key = "gateway-key.pem"
[[listener]]
protocol = "kubernetes"
bind = "127.0.0.1:{free_port()}"
resource = "prod"
[listener.tls]
certificate = "gateway.pem"
key = "gateway-key.pem"
client_ca = "people.pem"
[[identity.principal]]
name = "ana"
groups = ["developers"]
token = "env:ANA"
[[identity.principal]]
name = "bob"
groups = ["nobodies"]
[[identity.principal]]
name = "lea"
groups = ["leads"]
"""


def _rights() -> list[dict[str, object]]:
    def bound(name: str, role: str, kind: str, who: str) -> dict[str, object]:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": who}],
        }

    impersonator = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "impersonator"},
        "rules": [{"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}],
    }
    return [
        impersonator,
        bound("gateway", "impersonator", "User", "sallyport-gateway"),
        bound("developers", "cluster-admin", "Group", "developers"),
    ]


@contextmanager
def placed(policies: Mapping[str, str] | None = None, *, with_gateway: bool = True) -> Iterator[Cluster]:
    """Everything running. `policies`: file names and texts; without, the small ones above."""
    tools, binaries = shared("tools", "SALLYPORT_TOOLS"), built()
    if tools is None or binaries is None:
        missing("a built Kubernetes (tools/kube/build.sh)")
        raise AssertionError
    folder = Path(tempfile.mkdtemp(prefix="sallyport-kube-"))
    kube = tools / "kube"
    try:
        ports = [str(free_port()) for _ in range(3)]
        started = subprocess.run(
            [str(kube / "start.sh"), str(folder / "cluster"), *ports],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert started.returncode == 0, started.stderr
        certify(folder)
        yield from _running(folder, binaries, policies, with_gateway=with_gateway)
    finally:
        subprocess.run([str(kube / "stop.sh"), str(folder / "cluster")], capture_output=True, timeout=60, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def certify(folder: Path) -> None:
    """The certificates of the gateway and of ana, from one authority."""
    authority = Authority()
    (folder / "people.pem").write_bytes(authority.pem)
    for name, issued in (
        ("gateway", authority.issue("gateway", "dns:localhost", "ip:127.0.0.1")),
        ("ana", authority.issue("ana")),
    ):
        (folder / f"{name}.pem").write_bytes(issued.certificate)
        (folder / f"{name}-key.pem").write_bytes(issued.key)
        (folder / f"{name}-key.pem").chmod(0o600)


def _running(
    folder: Path, binaries: Path, policies: Mapping[str, str] | None, *, with_gateway: bool
) -> Iterator[Cluster]:
    for name, text in (policies or {"place.rego": POLICIES}).items():
        (folder / "policies" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "policies" / name).write_text(text)
    address = (folder / "cluster" / "address").read_text().strip().removeprefix("https://")
    (folder / "sallyport.toml").write_text(configuration(address))
    token = secrets.token_hex(20)
    (folder / "token").write_text(token)
    (folder / "wrong").write_text(token[::-1])
    here = Cluster(folder, str(binaries / "kubectl"), {"ANA": token}, token)
    here.admin("create", "namespace", "t")
    here.admin("create", "serviceaccount", "default")
    for one in [*_rights(), POD]:
        here.admin("apply", "-f", "-", data=json.dumps(one).encode())
    if with_gateway:
        here.start()
    try:
        write_kubeconfigs(here)
        here.wait_for(lambda: b"Running" in here.admin("get", "pod", "web"))
        yield here
    finally:
        here.stop()


def write_kubeconfigs(here: Cluster) -> None:
    """As `sallyport kubeconfig` prints them: ana by token, `cert` by certificate."""
    base = ["kubeconfig", "prod", "--config", str(here.folder / "sallyport.toml")]
    for name, proof in (
        ("ana", ["--token-file", str(here.folder / "token")]),
        ("eve", ["--token-file", str(here.folder / "wrong")]),
        ("cert", ["--certificate", str(here.folder / "ana.pem"), "--key", str(here.folder / "ana-key.pem")]),
    ):
        printed = io.StringIO()
        with redirect_stdout(printed):
            assert main([*base, *proof]) == 0
        (here.folder / f"{name}.kubeconfig").write_text(printed.getvalue())
