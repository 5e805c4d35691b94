"""A gateway as a process before a real nginx that writes down every request, and behind that a server of aiohttp's with some pages."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import secrets
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import WSMsgType, web

from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import free_port
from tests.conftest import missing
from tests.e2e.world import GatewayProcess
from tests.interop.http.nginx import Nginx, has_nginx, nginx_over

CARD = "4111 1111 1111 1111"
LARGE = 1 << 20
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
    log_format one '$request_method $request_uri $status';
    access_log {folder}/access.log one;
    client_max_body_size 64m;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    map $http_upgrade $how {{ default upgrade; '' ''; }}
    server {{
        listen 127.0.0.1:{port};
        merge_slashes off;
        location /breaks {{
            # A connection that served another request is closed without a word when this comes on it.
            if ($connection_requests != 1) {{ return 444; }}
            proxy_pass http://127.0.0.1:{target};
        }}
        location / {{
            proxy_pass http://127.0.0.1:{target};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $how;
            proxy_buffering off;
            proxy_request_buffering off;
        }}
    }}
}}
"""


@dataclass(slots=True)
class HttpWorld(GatewayProcess):
    """The gateway, TLS on its listener. `token` is ana's, `ca` what clients trust."""

    nginx: Nginx
    token: str = field(repr=False)

    @property
    def ca(self) -> Path:
        return self.folder / "server.crt"

    def environment(self) -> dict[str, str]:
        return {**GatewayProcess.environment(self), "ANA": self.token, "SHOP": self.token[::-1]}

    def requests(self) -> list[str]:
        """`METHOD URI` of every request that the target was sent, in the order in which they ended."""
        return [line.rpartition(" ")[0] for line in self.nginx.requests()]


def configuration(world: HttpWorld) -> str:
    return f"""
[policies]
path = "policies"

[store]
url = "sqlite:///store.db"

[audit]
dir = "audit"
low_water_bytes = 1048576

[recording]
dir = "recordings"
low_water_bytes = 1048576

[[resource]]
name = "shop"
protocol = "http"
address = "127.0.0.1:{world.nginx.port}"
credential = "env:SHOP"
tls = {{ mode = "disable" }}

[[listener]]
protocol = "http"
bind = "127.0.0.1:{world.port}"
resource = "shop"
tls = {{ certificate = "server.crt", key = "server.key" }}

[[identity.principal]]
name = "ana"
groups = ["readers"]
token = "env:ANA"
"""


async def _things(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    return web.json_response({"path": request.path_qs, "length": len(body)})


async def _person(request: web.Request) -> web.StreamResponse:
    return web.json_response({"id": int(request.match_info["number"]), "name": "somebody", "card": CARD})


async def _large(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"x" * LARGE)


async def _slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(float(request.query["seconds"]))
    return web.json_response({"path": request.path_qs})


async def _events(request: web.Request) -> web.StreamResponse:
    """Events, twenty a second, with a card in each."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # WHY: whoever listened has left
        for number in range(int(request.query["events"])):
            await response.write(f"data: {json.dumps({'n': number, 'card': CARD})}\n\n".encode())
            await asyncio.sleep(0.05)
        await response.write_eof()
    return response


async def _chat(request: web.Request) -> web.StreamResponse:
    """Says back what it is told, with a card behind it."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(json.dumps({"said": message.data, "card": CARD}))
    return socket


def _pages() -> web.Application:
    pages = web.Application(client_max_size=64 << 20)
    routes: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        "/people/{number}": _person,
        "/large": _large,
        "/slow": _slow,
        "/events": _events,
        "/chat": _chat,
        "/{rest:.*}": _things,
    }
    for path, handler in routes.items():
        pages.router.add_route("*", path, handler)
    return pages


@contextlib.contextmanager
def _serving(port: int) -> Iterator[None]:
    """The pages, on a loop of their own."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(_pages(), access_log=None, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def http_world(policy: str, more: str = "") -> Iterator[HttpWorld]:
    """A configured gateway, not yet started, before what it is for; gone afterwards. `more`: of the configuration."""
    if not has_nginx():
        missing("nginx")
    folder = Path(tempfile.mkdtemp(prefix="sallyport-http-"))
    folder.chmod(0o755)
    certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
    (folder / "policies").mkdir()
    (folder / "policies" / "world.rego").write_text(policy)
    (folder / "server.crt").write_bytes(certificate.certificate)
    key = folder / "server.key"
    key.touch(0o600)
    key.write_bytes(certificate.key)
    port = free_port()
    try:
        (folder / "nginx").mkdir()
        with _serving(port), nginx_over(folder / "nginx", port, NGINX) as nginx:
            here = HttpWorld(folder, free_port(), nginx, secrets.token_urlsafe(24))
            here.config.write_text(configuration(here) + more)
            try:
                yield here
            finally:
                here.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
