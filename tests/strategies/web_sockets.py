"""Frames as clients and servers of WebSocket send them, and a session that was switched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.core.ports import Answer
from adapters.web.websocket.frames import Frame, FrameReader, accept_of, written
from engine.decision import Decision, MaskItem, Verdict
from tests.strategies.http_sessions import ALLOW, House, request

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x01\x02\x03\x04"
CARD = "4111111111111111"
BY_PATH = MaskItem(None, (), "redact", {}, ("p/M",), "$..card")
BY_VALUE = MaskItem(None, ("pii.credit_card",), "redact", {}, ("p/V",))
HANDSHAKE = ("upgrade: websocket", "connection: Upgrade", "sec-websocket-version: 13", f"sec-websocket-key: {KEY}")
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: "
    + accept_of(KEY).encode()
    + b"\r\n\r\n"
)


def masking(*items: MaskItem) -> Answer:
    return Answer(Decision(Verdict.MASK, None, mask_plan=items), "d-1")


def client_frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    return written(Frame(opcode, payload, is_final, MASK))


def server_frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    return written(Frame(opcode, payload, is_final))


def frames_in(data: bytes, *, is_client: bool = False) -> list[tuple[int, bytes, bool]]:
    """What stands on a wire: opcode, payload, whether it is the last of its message."""
    reader = FrameReader(is_client=is_client)
    found = [(one.opcode, one.payload, one.is_final) for one in reader.feed(data)]
    assert reader.rest == b""
    return found


@dataclass
class Switched:
    """A WebSocket that was granted and switched; what each side gets from then on."""

    house: House
    head: bytes
    sent: int

    @property
    def down(self) -> list[tuple[int, bytes, bool]]:
        return frames_in(self.house.down[len(self.head) :])

    @property
    def up(self) -> list[tuple[int, bytes, bool]]:
        return frames_in(self.house.up[-1][self.sent :], is_client=True)


def switched(
    judge: Callable[[bytes], Answer] = lambda text: ALLOW, *headers: str, answer: bytes = SWITCHED
) -> Switched:
    house = House(judge=judge, answers=False).client(request("GET /ws", *HANDSHAKE, *headers))
    house.upstream(answer)
    return Switched(house, house.down, len(house.up[-1]))
