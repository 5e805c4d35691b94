"""What a request over HTTP costs the gateway with connections to the target that are kept, against one for each: `python -m bench.web`.

One client on one connection asks a small JSON page again and again, with TLS to the target and without; the target is an nginx. Both ways in turns in
one run; processor time is that of this process (gateway and client, of which the client is the same both ways).
"""

from __future__ import annotations

import asyncio
import datetime
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from adapters.core.kept import KeptConnections
from gateway.app.assembly import Gateway
from gateway.config import load_config
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import free_port

REQUESTS = 300
TURNS = 6
TOKEN, SECRET = "t" * 40, "s" * 40
POLICY = (
    'package policies.shop\n\nallow contains {"code": "READ", "reason": "open"} if input.command.protocol == "http"\n'
)
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_requests 100000;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{secure} ssl;
        ssl_certificate {folder}/site.crt; ssl_certificate_key {folder}/site.key;
        location / {{ default_type application/json; return 200 '{page}'; }}
    }}
}}
"""
PAGE = json.dumps([{"id": number, "name": "x" * 30} for number in range(40)])


def main() -> int:
    """Measure and print."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        print("nginx is not here")
        return 1
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        plain, secure = free_port(), free_port()
        made = loopback_certificate(datetime.datetime.now(datetime.UTC))
        (folder / "site.crt").write_bytes(made.certificate)
        (folder / "site.key").write_bytes(made.key)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, plain=plain, secure=secure, page=PAGE))
        with subprocess.Popen(
            [program, "-p", name, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        ) as nginx:
            try:
                for what, port, tls in (("plain", plain, False), ("TLS", secure, True)):
                    print(asyncio.run(measured(folder / what, folder, what, port, tls=tls)))
            finally:
                nginx.terminate()
    return 0


async def measured(here: Path, folder: Path, what: str, port: int, *, tls: bool) -> str:
    """One line: medians of both ways, and their ratios."""
    (here / "policies").mkdir(parents=True)
    (here / "policies" / "shop.rego").write_text(POLICY)
    mode = f'ca_file = "{folder}/site.crt"' if tls else 'mode = "disable"'
    (here / "sallyport.toml").write_text(f"""
[policies]
path = "policies"
watch_seconds = 0
[audit]
low_water_bytes = 1048576
[[resource]]
name = "shop"
protocol = "http"
address = "127.0.0.1:{port}"
credential = "env:SHOP"
[resource.tls]
{mode}
[[listener]]
protocol = "http"
bind = "127.0.0.1:0"
resource = "shop"
[[identity.principal]]
name = "ana"
token = "env:ANA"
""")
    gateway = Gateway(load_config(here / "sallyport.toml", {}), {"ANA": TOKEN, "SHOP": SECRET})
    places = await gateway.start(listeners=True)
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    try:
        at = int(places[-1].rpartition(":")[2])
        await until_up(at)
        for turn in range(TURNS + 1):
            for is_kept in (True, False):
                KeptConnections.take = TAKE if is_kept else _nothing  # type: ignore[method-assign,assignment]  # the other way
                one = await asked(at)
                if turn:
                    found[is_kept].append(one)
    finally:
        KeptConnections.take = TAKE  # type: ignore[method-assign]
        await gateway.stop(1)
        gateway.close()
    (new_wall, new_cpu), (old_wall, old_cpu) = (
        tuple(statistics.median(values) for values in zip(*found[is_kept], strict=True)) for is_kept in (True, False)
    )
    return (
        f"{what}: p50 {new_wall * 1e6:.0f} us kept, {old_wall * 1e6:.0f} us each its own ({new_wall / old_wall:.2f}x); "
        f"processor {new_cpu * 1e6:.0f} us, {old_cpu * 1e6:.0f} us a request ({new_cpu / old_cpu:.2f}x)"
    )


TAKE = KeptConnections.take


def _nothing(self: KeptConnections, key: object, hearer: object) -> None:
    """No connection was kept."""


async def until_up(port: int) -> None:
    """Until the whole way answers."""
    for _ in range(100):
        try:
            await asked(port, 1)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
        else:
            return


async def asked(port: int, requests: int = REQUESTS) -> tuple[float, float]:
    """The median of a request's time, and the processor time of one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /x HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    took, cpu = [], time.process_time()
    for _ in range(requests):
        began = time.perf_counter()
        writer.write(head)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise OSError(answer)
        length = next(line for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        took.append(time.perf_counter() - began)
    cpu = (time.process_time() - cpu) / requests
    writer.close()
    return statistics.median(took), cpu


if __name__ == "__main__":
    sys.exit(main())
