"""Frames as clients of Kubernetes send them, over WebSocket and over SPDY."""

from __future__ import annotations

from adapters.kubernetes import spdy

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x01\x02\x03\x04"


def web_frame(opcode: int, payload: bytes) -> bytes:
    """A frame of a client: masked."""
    masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((0x80 | opcode,)) + length + MASK + masked


class SpdyClient:
    """Opens streams as kubectl does, and reads what it is told."""

    def __init__(self) -> None:
        self._packed, self._headers = spdy.HeaderWriter(), spdy.HeaderReader()
        self._frames = spdy.FrameReader()
        self.replied: list[int] = []
        self.ended: set[int] = set()
        self.got: dict[int, bytes] = {}
        self.others: list[spdy.Frame] = []

    def opened(self, stream: int, name: str) -> bytes:
        start = stream.to_bytes(4, "big") + bytes(6)
        return spdy.control(spdy.SYN_STREAM, start + self._packed.write({"streamtype": name}))

    def hear(self, data: bytes) -> None:
        for one in self._frames.feed(data):
            if one.kind is None:
                self.got[one.stream] = self.got.get(one.stream, b"") + one.payload
                if one.flags & spdy.FIN:
                    self.ended.add(one.stream)
            elif one.kind == spdy.SYN_REPLY:
                assert self._headers.read(one.payload[4:]) == {}
                self.replied.append(one.stream)
            else:
                self.others.append(one)
