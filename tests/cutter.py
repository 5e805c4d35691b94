"""A TCP proxy that cuts the connection after so many bytes one way, with a reset or with a polite end; or lets nothing through for a while."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, field
from enum import Enum

_NOW = struct.pack("ii", 1, 0)


class Way(Enum):
    UP = "to the server"
    DOWN = "to the client"


@dataclass
class Cutter:
    """Between whoever connects and a port of this machine. `after`: bytes that pass `way` before the cut; None: no cut."""

    target: int
    way: Way = Way.DOWN
    after: int | None = None
    resets: bool = False
    passed: dict[Way, bytearray] = field(default_factory=lambda: {way: bytearray() for way in Way})
    """What went through the connection made last."""
    longest: dict[Way, int] = field(default_factory=lambda: dict.fromkeys(Way, 0))
    """The most that went through one connection."""

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def is_quiet(self) -> bool:
        """Whether no connection is left."""
        return self.connections == 0

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return (len(self._open) + 1) // 2

    def stall(self) -> None:
        """Let nothing through, either way: who connects is accepted, and never answered."""
        self._flows.clear()

    def flow(self) -> None:
        """Let it through again, what came meanwhile first."""
        self._flows.set()

    def close(self) -> None:
        self._listening.close()
        self._flows.set()
        for end in list(self._open):
            self._drop(end)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                near.close()
                continue
            self.passed = {way: bytearray() for way in Way}
            with self._lock:
                self._open |= {near, far}
            for way, source, sink in ((Way.UP, near, far), (Way.DOWN, far, near)):
                arguments = (way, source, sink, self.passed[way])
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(self, way: Way, source: socket.socket, sink: socket.socket, passed: bytearray) -> None:
        try:
            while data := source.recv(1 << 16):
                self._flows.wait()
                if way is self.way and self.after is not None and len(passed) + len(data) >= self.after:
                    data = data[: self.after - len(passed)]
                    passed += data
                    sink.sendall(data)
                    break
                passed += data
                sink.sendall(data)
        except OSError:
            pass
        self.longest[way] = max(self.longest[way], len(passed))
        self._drop(source)
        self._drop(sink)

    def _drop(self, end: socket.socket) -> None:
        with self._lock:
            if end not in self._open:
                return
            self._open.discard(end)
        try:
            if self.resets:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
                # WHY: the other thread's recv keeps a closed socket alive.
                end.shutdown(socket.SHUT_RD)
            else:
                end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()
