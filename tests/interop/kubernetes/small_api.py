"""A small API server for CI, where the real one takes too long to build: HTTPS, discovery, objects of the core group, exec over SPDY.

It answers as the real one does in what kubectl needs to work, checks who speaks, and remembers every request. What only it has met
counts for little: the same tests and many more run against the real API server (`make long`).
"""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from adapters.kubernetes import spdy

VERBS = ["create", "delete", "get", "list", "patch", "watch"]
RESOURCES = [
    {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": VERBS, "shortNames": [short]}
    for name, kind, short in (("pods", "Pod", "po"), ("configmaps", "ConfigMap", "cm"), ("secrets", "Secret", "sec"))
]
KINDS = {"pods": "Pod", "configmaps": "ConfigMap", "secrets": "Secret"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    user: str
    groups: tuple[str, ...]
    content_type: str


class SmallApi:
    """Listens; `seen` is what reached it, `objects` what it keeps."""

    def __init__(self, certificate: Path, key: Path, token: str) -> None:
        api = self
        self.token = token
        self.seen: list[Seen] = []
        self.objects: dict[tuple[str, str], dict[str, object]] = {}

        class Handler(_Answers):
            owner = api

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: ClassVar[SmallApi]

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        groups = tuple(self.headers.get_all("impersonate-group") or ())
        user = self.headers.get("impersonate-user") or ""
        self.owner.seen.append(Seen(self.command, self.path, user, groups, self.headers.get("content-type") or ""))
        if self.headers.get("authorization") != f"Bearer {self.owner.token}" or not user:
            self._say(401, _status(401, "Unauthorized"))
            return
        parts = [one for one in urlsplit(self.path).path.split("/") if one]
        if parts[-1:] == ["exec"]:
            self._exec(parse_qs(urlsplit(self.path).query)["command"])
        elif parts[:3] == ["api", "v1", "namespaces"] and len(parts) >= 5:
            self._about(parts[4], parts[5] if len(parts) > 5 else "", body)
        else:
            self._about_the_server("/".join(parts))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

    def _about_the_server(self, path: str) -> None:
        known: dict[str, object] = {
            "version": {"major": "1", "minor": "20", "gitVersion": "v1.20.0"},
            "api": {"kind": "APIVersions", "versions": ["v1"]},
            "apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
            "api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": RESOURCES},
        }
        self._say(200, known[path]) if path in known else self._say(404, _status(404, "NotFound"))

    def _about(self, resource: str, name: str, body: bytes) -> None:
        objects, kind = self.owner.objects, KINDS.get(resource, "")
        if self.command == "POST":
            made = json.loads(body)
            objects[resource, made["metadata"]["name"]] = made
            self._say(201, made)
        elif not name:
            items = [one for (of, _), one in objects.items() if of == resource]
            self._say(
                200, {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}
            )
        elif (resource, name) not in objects:
            self._say(404, _status(404, "NotFound", f'{resource} "{name}" not found'))
        elif self.command == "DELETE":
            del objects[resource, name]
            self._say(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})
        else:
            self._say(200, objects[resource, name])

    def _say(self, code: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _exec(self, argv: list[str]) -> None:
        """Says which argv it was given, on the stream for output, and ends it well."""
        self.send_response(101)
        for name, value in (
            ("Connection", "Upgrade"),
            ("Upgrade", "SPDY/3.1"),
            ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
        ):
            self.send_header(name, value)
        self.end_headers()
        frames, headers, packed = spdy.FrameReader(), spdy.HeaderReader(), spdy.HeaderWriter()
        streams: dict[str, int] = {}
        self.connection.settimeout(20)
        while set(streams) < {"error", "stdout", "stderr"}:
            for one in frames.feed(self.connection.recv(4096)):
                if one.kind == spdy.SYN_STREAM:
                    streams[headers.read(one.payload[10:])["streamtype"]] = one.stream
                    reply = one.stream.to_bytes(4, "big") + packed.write({})
                    self.connection.sendall(spdy.control(spdy.SYN_REPLY, reply))
        said = json.dumps(argv).encode() + b"\n"
        for name, data in (("stdout", said), ("stderr", b""), ("error", b'{"metadata":{},"status":"Success"}')):
            self.connection.sendall(spdy.data_frame(streams[name], data, is_last=True))
        self.connection.recv(4096)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


def _status(code: int, reason: str, message: str = "") -> dict[str, object]:
    said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**said, "reason": reason, "message": message or reason, "code": code}
