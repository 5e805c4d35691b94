"""Connections through a target with the real client: whole, and no faster than whoever reads them."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.interop.ssh.place import WAIT, Place

MIB = 1 << 20
SIZE = 64 * MIB
PIECE = 1 << 16
UNDERWAY = 24 * MIB
"""What the windows and sockets between the two ends may hold; a gateway that hears more than it can pass on holds nearly all."""
STILL_SECONDS = 1.0


@dataclass
class Sender:
    """Sends to whoever connects, and closes."""

    port: int
    sent: int = 0
    digest: str = ""
    received: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def until_still(self) -> int:
        """How much was sent once no more is."""
        before = -1
        while self.sent != before:
            before = self.sent
            threading.Event().wait(STILL_SECONDS)
        return before


@contextmanager
def sender(*, is_heard: bool = False) -> Iterator[Sender]:
    """`is_heard`: it hears all that is said to it first, instead."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = Sender(server.getsockname()[1])

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                hashed = hashlib.sha256()
                while is_heard and (data := taken.recv(PIECE)):
                    hashed.update(data)
                    one.received += len(data)
                while not is_heard and one.sent < SIZE:
                    data = os.urandom(PIECE)
                    taken.sendall(data)
                    hashed.update(data)
                    one.sent += len(data)
                one.digest = hashed.hexdigest()
            one.done.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield one
        thread.join(WAIT)


@pytest.mark.timeout(180)
def test_what_nobody_reads_stays_where_it_is_and_comes_whole_all_the_same(place: Place) -> None:
    with sender() as far:
        words = place.command(options=["-W", f"127.0.0.1:{far.port}"])
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            hashed = hashlib.sha256(client.stdout.read(1))
            assert far.until_still() < UNDERWAY
            while data := client.stdout.read(PIECE):
                hashed.update(data)
            assert client.wait(WAIT) == 0
        assert far.done.wait(WAIT)
        assert (far.sent, hashed.hexdigest()) == (SIZE, far.digest)


@pytest.mark.timeout(180)
def test_what_is_sent_up_comes_whole(place: Place) -> None:
    sent = os.urandom(SIZE)
    with sender(is_heard=True) as far:
        words = place.command(options=["-W", f"127.0.0.1:{far.port}"])
        done = subprocess.run(words, input=sent, capture_output=True, timeout=WAIT)
        assert (done.returncode, done.stderr) == (0, b"")
        assert far.done.wait(WAIT)
        assert (far.received, far.digest) == (SIZE, hashlib.sha256(sent).hexdigest())
