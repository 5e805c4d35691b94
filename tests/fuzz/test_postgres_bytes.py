"""Random and nearly right bytes on a running gateway's PostgreSQL port, in every phase of a connection, over real sockets.

What may come of it: well-formed messages, errors with a code, the end of the connection. What may not: an error of our own
(`session failed` in the log), a dead process, a connection that stays, memory that grows, a psql that does not get in.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.postgres.scram import ScramClient
from tests.e2e.world import USER, World, world
from tests.wire import FLUSH, SYNC, bind, close, describe, execute, message, packet, parse, query, startup

SEED = 20_261_128
PATIENCE = 0.05
"""Seconds a client waits for an answer to garbage; what waits for more bytes gives none."""
MOST_MEMORY = 300 << 20
SSL_REQUEST = packet(struct.pack("!I", 80877103))
CANCEL = packet(struct.pack("!II", 80877102, 77) + b"secret--")
STARTUP = startup(user=USER, database="world", application_name="fuzz")
PROOF = message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", 24) + b"n,,n=,r=fuzz-nonce-12345")
KINDS = b"RKSZTDCEN123nIstdcGHWAv"
"""Types of messages that servers send."""

Chance = random.Random
DIALOGUES: tuple[tuple[bytes, ...], ...] = (
    (query("select 1"),),
    (query("begin; select 1; commit"),),
    (query("select 1; select 2"), query("copy (select 1) to stdout")),
    (parse("select $1::int", "n"), SYNC, bind("n", parameters=(b"1",)), describe(), execute(), SYNC),
    (parse("select 1"), bind(), describe(), execute(), SYNC),
    (parse("select generate_series(1, 9)"), bind(), execute(limit=2), execute(limit=2), close("P"), SYNC),
    (parse("select 1"), describe("S"), FLUSH, close(), SYNC),
    (query("copy t from stdin"), message("d", b"1\n"), message("c")),
    (message("F", struct.pack("!IhhhH", 1, 0, 0, 0, 0)),),
    (query("select 'x"), message("f", b"no\0"), message("p", b"again\0")),
)


def damaged(data: bytes, chance: Chance) -> bytes:
    """Nearly the same bytes."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(6):
            case 0 if out:
                out[at % len(out)] ^= 1 << chance.randrange(8)
            case 1:
                out[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                del out[at : at + chance.randint(1, 8)]
            case 3:
                del out[at:]
            case 4:
                out += out[: chance.randint(0, 64)]
            case _:
                lie = chance.choice([0, 3, 4, 5, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 16, 1 << 26])
                out[at : at + 4] = struct.pack("!I", lie)
    return bytes(out)


def garbage(chance: Chance) -> bytes:
    """Bytes without sense, or one message without."""
    body = chance.randbytes(chance.choice([0, 1, 7, 60, 2_000]))
    return body if chance.random() < 0.5 else message(chance.choice("QPBDECHSFXdcfp?\0"), body)


def spoken(chance: Chance) -> list[bytes]:
    """A dialogue as clients hold them, some of its messages damaged, swapped or replaced."""
    told = [one for _ in range(chance.randint(1, 3)) for one in chance.choice(DIALOGUES)]
    if chance.random() < 0.3:
        chance.shuffle(told)
    return [damaged(one, chance) if chance.random() < 0.4 else one for one in told] + (
        [garbage(chance)] if chance.random() < 0.3 else []
    )


class Attacker:
    """Opens connections from an address of its own, so that the patience with wrong logins is not what is tested."""

    def __init__(self, place: World, chance: Chance) -> None:
        self.place = place
        self.chance = chance
        self.told: dict[str, int] = {}
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    @contextlib.contextmanager
    def plain(self, address: str = "") -> Iterator[socket.socket]:
        where = address or f"127.0.{self.chance.randint(1, 200)}.{self.chance.randint(1, 250)}"
        with socket.create_connection(("127.0.0.1", self.place.port), 10, source_address=(where, 0)) as opened:
            yield opened

    @contextlib.contextmanager
    def secure(self, address: str = "") -> Iterator[ssl.SSLSocket]:
        with self.plain(address) as opened:
            opened.sendall(SSL_REQUEST)
            assert opened.recv(1) == b"S"
            with self._tls.wrap_socket(opened) as wrapped:
                yield wrapped

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[ssl.SSLSocket]:
        with self.secure("127.0.0.1") as opened:
            opened.sendall(STARTUP)
            scram, first = ScramClient(b"fuzz-nonce"), b""
            buffer = b""
            while True:
                buffer += opened.recv(1 << 16)
                while len(buffer) > 4 and len(buffer) > (length := int.from_bytes(buffer[1:5])):
                    kind, body, buffer = buffer[:1], buffer[5 : length + 1], buffer[length + 1 :]
                    assert kind != b"E", body
                    if kind == b"Z":
                        yield opened
                        return
                    if kind == b"R" and body[:4] == struct.pack("!I", 10):
                        first = scram.first()
                        opened.sendall(message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
                    elif kind == b"R" and body[:4] == struct.pack("!I", 11):
                        challenge = scram.challenge(body[4:])
                        key = hashlib.pbkdf2_hmac(
                            "sha256", self.place.password.encode(), challenge.salt, challenge.iterations
                        )
                        opened.sendall(message("p", scram.final(key)))

    def talk(self, opened: socket.socket, parts: list[bytes], phase: str) -> None:
        """Say it, perhaps in pieces, and look at what is said back. Being cut off is an answer."""
        heard = b""
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            opened.settimeout(10)
            for part in parts:
                cut = self.chance.randint(0, len(part))
                for piece in (part[:cut], part[cut:]):
                    if piece:
                        opened.sendall(piece)
            opened.settimeout(PATIENCE)
            while piece := opened.recv(1 << 16):
                heard += piece
                opened.settimeout(PATIENCE)
        self.told[phase] = self.told.get(phase, 0) + 1
        check_answer(heard, phase)


def check_answer(heard: bytes, phase: str) -> None:
    """What is said back is messages of the protocol, the last perhaps cut off, and each error has a code."""
    at = 1 if phase == "first" and heard[:1] in (b"S", b"N") and heard[1:2] in (b"", b"E", b"R") else 0
    while len(heard) - at >= 5:
        kind, (length,) = heard[at], struct.unpack_from("!I", heard, at + 1)
        assert kind in KINDS, (phase, heard[:200])
        assert length >= 4, (phase, heard[:200])
        body = heard[at + 5 : at + 1 + length]
        if kind == ord("E") and len(heard) >= at + 1 + length:
            assert re.search(rb"\0C[0-9A-Z]{5}\0", b"\0" + body), body
            assert b"\0CXX000\0" not in b"\0" + body, body
        at += 1 + length


def attacks(attacker: Attacker) -> tuple[Callable[[], None], ...]:
    """One connection each, by the phase that is attacked."""
    chance = attacker.chance

    def first() -> None:
        with attacker.plain() as opened:
            said = chance.choice([SSL_REQUEST, CANCEL, STARTUP, SSL_REQUEST + STARTUP])
            attacker.talk(opened, [damaged(said, chance) if chance.random() < 0.7 else garbage(chance)], "first")

    def tls() -> None:
        with attacker.plain() as opened:
            opened.sendall(SSL_REQUEST)
            assert opened.recv(1) == b"S"
            with contextlib.suppress(ConnectionError, TimeoutError):
                opened.sendall(
                    b"\x16\x03\x01" + chance.randbytes(40) if chance.random() < 0.5 else garbage(chance) + b"\0"
                )
                opened.settimeout(PATIENCE)
                opened.recv(1 << 16)
            attacker.told["tls"] = attacker.told.get("tls", 0) + 1

    def start() -> None:
        with attacker.secure() as opened:
            attacker.talk(opened, [damaged(STARTUP, chance)], "startup")

    def proof() -> None:
        with attacker.secure() as opened:
            said = damaged(PROOF, chance) if chance.random() < 0.7 else garbage(chance)
            attacker.talk(opened, [STARTUP, said, damaged(PROOF, chance)], "proof")

    def ready() -> None:
        with attacker.signed_in() as opened:
            attacker.talk(opened, spoken(chance), "ready")

    return first, tls, start, proof, ready, ready


def memory_of(pid: int) -> int:
    """The most memory a process ever had, in bytes."""
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kib) * 1024


def sockets_of(pid: int) -> int:
    """How many sockets a process has open."""
    count = 0
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            count += os.readlink(f"/proc/{pid}/fd/{descriptor}").startswith("socket:")
    return count


def psql(place: World) -> str:
    said = subprocess.run(
        ["psql", "-X", "-A", "-t", "-c", "select 40 + 2", place.conninfo()], capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def fuzz(seconds: float) -> dict[str, int]:
    """Attack a running gateway for so long; how many connections each phase saw."""
    with world() as place:
        process = place.start()
        assert psql(place) == "42"
        deadline = time.monotonic() + 30
        before = sockets_of(process.pid)
        attacker = Attacker(place, random.Random(SEED))
        chosen = attacks(attacker)
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end or number < 2 * len(chosen):
            chosen[number % len(chosen)]()
            number += 1
            assert process.poll() is None, "the gateway died"
        deadline = time.monotonic() + 30
        while sockets_of(process.pid) > before:
            assert time.monotonic() < deadline, "connections stay after their clients have left"
        assert psql(place) == "42"
        assert memory_of(process.pid) < MOST_MEMORY
        log = (place.folder / "gateway.log").read_text(errors="replace")
        assert "session failed" not in log, log[-3_000:]
        assert "Traceback" not in log, log[-3_000:]
        return attacker.told


def test_garbage_on_the_wire_ends_cleanly_and_harms_nobody() -> None:
    told = fuzz(5)
    assert told.keys() == {"first", "tls", "startup", "proof", "ready"}


@pytest.mark.long
def test_a_minute_of_garbage_on_the_wire_harms_nobody() -> None:
    told = fuzz(60)
    assert sum(told.values()) > 500
