"""A pod behind a session that is played: a real bash of this machine runs what the API server is asked to run; and a client on a terminal."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.effects import Effect
from adapters.core.events import Event, Side
from adapters.kubernetes.channels import message
from adapters.web.websocket import frames as websockets
from engine.command.http.path import parse_query
from tests.strategies.kubernetes_frames import web_frame
from tests.strategies.kubernetes_sessions import WEB_SOCKET, House, request

SHELL = "/api/v1/namespaces/t/pods/web/exec?command=bash&stdin=true&stdout=true&tty=true"
BASH = shutil.which("bash") or "/bin/bash"


def argv_in(up: bytes) -> list[str]:
    """The words that an exec asks for."""
    return list(parse_query(up.split(b" ")[1].decode().partition("?")[2])["command"])


@dataclass
class PodHouse(House):
    """Runs each exec as it goes up. `freezes`: answers of the API server wait for `thaw`."""

    answers: bytes | None = None
    freezes: bool = False
    has_bash: bool = True
    frozen: list[bytes] = field(default_factory=list)
    ran: list[list[str]] = field(default_factory=list)
    typed: bytes = b""
    protocol: str = "v5.channel.k8s.io"

    def _do(self, effect: Effect) -> Event | None:
        before = bool(self.up and self.up[-1])
        made = super()._do(effect)
        if isinstance(effect, do.Send) and effect.side is Side.UPSTREAM:
            if before:
                self.typed += effect.data
                return made
            answer = self._run(effect.data)
            if not self.freezes:
                return saw.BytesReceived(Side.UPSTREAM, answer)
            self.frozen.append(answer)
        return made

    def thaw(self) -> PodHouse:
        while self.frozen:
            self.upstream(self.frozen.pop(0))
        return self

    def _run(self, head: bytes) -> bytes:
        argv = argv_in(head)
        self.ran.append(argv)
        if argv[0].endswith("bash") and not self.has_bash:
            return self.switched(head) + said(b"", b"exec: /bin/bash: no such file", 127)
        done = subprocess.run(
            [BASH if argv[0].endswith("bash") else "/bin/sh", *argv[1:]],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            timeout=30,
            check=False,
        )
        return self.switched(head) + said(done.stdout, done.stderr, done.returncode)

    def switched(self, head: bytes) -> bytes:
        key = next(line for line in head.split(b"\r\n") if line.startswith(b"sec-websocket-key: ")).split(b": ")[1]
        lines = ["HTTP/1.1 101 x", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Accept: {websockets.accept_of(key.decode())}"]
        lines += [f"Sec-WebSocket-Protocol: {self.protocol}"]
        return "\r\n".join((*lines, "", "")).encode()

    # --- the client

    def begun(self, path: str = SHELL) -> PodHouse:
        self.client(request(f"GET {path}", *WEB_SOCKET))
        return self

    def type(self, text: str, size: int | None = None) -> PodHouse:
        self.client(web_frame(websockets.BINARY, b"\0" + text.encode()), size)
        return self

    def line(self, text: str) -> str:
        """What a line shows, up to the next prompt."""
        before = len(self.recorded)
        self.type(text + "\r")
        said = self.recorded[before:].decode("utf-8", "replace").partition("\x1b[?2004l\r\n")[2]
        return said.rpartition("\x1b[?2004h")[0].replace("\r\n", "\n")

    @property
    def texts(self) -> list[str]:
        """The texts of lines that were asked about, with what stands before them."""
        return [argv_in(text)[-1] for text in self.asked[1:]]

    @property
    def status(self) -> dict[str, object]:
        """What the error stream said."""
        at = self.down.rindex(b"\x03{")
        said = json.JSONDecoder().raw_decode(self.down[at + 1 :].decode("latin-1"))[0]
        assert isinstance(said, dict)
        return said


def said(out: bytes, err: bytes = b"", status: int = 0) -> bytes:
    """What the API server says of a command, to its end."""
    made = b"".join(message(1, out[at : at + 60_000]) for at in range(0, len(out), 60_000))
    made += message(2, err) if err else b""
    return made + message(3, ended(status)) + websockets.goodbye()


def ended(status: int) -> bytes:
    if status == 0:
        return b'{"metadata":{},"status":"Success"}'
    causes = [{"reason": "ExitCode", "message": str(status)}]
    said = {"status": "Failure", "reason": "NonZeroExitCode", "message": "x", "details": {"causes": causes}}
    return json.dumps(said).encode()
