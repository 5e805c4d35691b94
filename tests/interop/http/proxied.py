"""A gateway that is a forward proxy before real servers of HTTP and HTTPS, and names that only this process can look up."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.interop.http.running import Running, Target, gateway_before

POLICY = """\
package policies.web

hosts := {"shop.test", "secure.test"}

reads if every op in input.command.operations { op.effect == "read" }

allow contains {"code": "READ", "reason": "these may be read"} if {
	input.command.http.host in hosts
	input.command.http.scheme in {"http", "https"}
	input.command.complete == true
	reads
}

allow contains {"code": "SOCKETS", "reason": "and listened to"} if {
	input.command.http.host in hosts
	input.command.http.path in {"/echo", "/feed"}
}

allow contains {"code": "TUNNEL", "reason": "its program trusts nobody else's authority"} if {
	every op in input.command.operations { op.kind == "connect" }
	input.command.http.host in {"pinned.test", "inner.test"}
}

hold contains {
	"code": "ORDERS", "reason": "orders are looked at", "approvers": {"groups": ["leads"]}, "expires": "10m",
} if {
	input.command.http.host in hosts
	input.command.http.path == "/orders"
}

mask contains {"code": "CARDS", "reason": "cards are hidden", "method": "redact", "paths": ["$..card"]} if {
	startswith(input.command.http.path, ["/cards", "/feed"][_])
}
"""
NAMES = {
    **{name: ["127.0.0.1"] for name in ("shop.test", "secure.test", "pinned.test", "other.test")},
    "inner.test": ["10.0.0.7"],
    "both.test": ["127.0.0.1", "10.0.0.7"],
    "cloud.test": ["169.254.169.254"],
}


@dataclass
class Proxied:
    """`plain` and `secure` are the targets; `looked_up` the names that were, in order; `names` what they are."""

    running: Running
    plain: Target
    secure: Target
    folder: Path
    names: dict[str, list[str]] = field(default_factory=lambda: dict(NAMES))
    looked_up: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://ana:{self.running.token}@127.0.0.1:{self.running.port}"

    def http(self, host: str = "shop.test", path: str = "/x") -> str:
        return f"http://{host}:{self.plain.port}{path}"

    def https(self, host: str = "secure.test", path: str = "/x") -> str:
        return f"https://{host}:{self.secure.port}{path}"

    def seen(self) -> list[str]:
        return self.plain.paths() + self.secure.paths()

    def forget(self) -> None:
        self.plain.seen.clear()
        self.secure.seen.clear()
        self.looked_up.clear()

    def curl(self, url: str, *more: str, proxy: str | None = None, trusts: str = "proxy.crt") -> tuple[int, str]:
        """Real curl through the proxy; exit code and what it printed."""
        done = subprocess.run(
            [
                *("curl", "-sS", "-m", "20", "--noproxy", "", "--proxy", proxy or self.url),
                *("--cacert", str(self.folder / trusts), *more, url),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    def raw(self, line: str, *headers: str, body: bytes = b"") -> bytes:
        """Bytes to the proxy, with the token; what it answers until it closes or waits."""
        lines = [f"{line} HTTP/1.1", f"Proxy-Authorization: Bearer {self.running.token}", *headers]
        return self.running.raw("\r\n".join((*lines, "", "")).encode() + body, seconds=2)


def secured(folder: Path, authority: Authority) -> Target:
    issued = authority.issue("secure.test", "dns:secure.test", "dns:pinned.test", "dns:shop.test")
    (folder / "target.pem").write_bytes(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "target.pem")
    target = Target()
    target.server.socket = context.wrap_socket(target.server.socket, server_side=True, do_handshake_on_connect=False)
    return target


@contextmanager
def proxied(
    folder: Path, *ports: int, listener: str = "", opens: bool = True, more: Mapping[str, str] | None = None
) -> Iterator[Proxied]:
    """A running proxy, to its targets and more `ports`. `opens`: TLS ends in it, but for `pinned.test`."""
    web, own = Authority(), Authority()
    for name, data in (("web.crt", web.pem), ("proxy.crt", own.pem), ("proxy.key", own.key)):
        (folder / name).touch(0o600)
        (folder / name).write_bytes(data)
    plain, secure = Target(), secured(folder, web)
    opening = 'ca_certificate = "proxy.crt"\nca_key = "file:proxy.key"\nopaque = ["pinned.test"]' if opens else ""
    resource = f"""
[resource.tls]
ca_file = "{folder}/web.crt"
[resource.proxy]
ports = {[plain.port, secure.port, *ports]}
inside = ["127.0.0.1"]
{opening}
"""
    real = socket.getaddrinfo
    with (
        pytest.MonkeyPatch.context() as patch,
        gateway_before(
            folder, "*", credential=False, resource=resource, policy=POLICY, listener=listener, more=more
        ) as running,
    ):
        made = Proxied(running, plain, secure, folder)

        def look_up(host: object, port: object, *arguments: object, **named: object) -> object:
            if not isinstance(host, str) or not host.endswith(".test"):
                return real(host, port, *arguments, **named)  # type: ignore[arg-type]  # handed on as they came
            made.looked_up.append(host)
            if host not in made.names:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in made.names[host]]

        patch.setattr(socket, "getaddrinfo", look_up)
        try:
            yield made
        finally:
            plain.close()
            secure.close()
