"""Bytes that no client would send, to whole sessions: mutated requests, upgrades and frames. Nothing goes up that was not granted."""

from __future__ import annotations

import random

import pytest

from adapters.core.ports import Answer
from tests.strategies.kubernetes_frames import SpdyClient, web_frame
from tests.strategies.kubernetes_sessions import EXEC, SPDY, WEB_SOCKET, House, denying, granting, holding, request

SEED = 20261128
SHORT = 1_500
LONG = 100_000


def judge(text: bytes) -> Answer:
    line = text.split(b"\r\n")[0]
    return granting(text) if b"/ok/" in line else holding(text) if b"/hold/" in line else denying(text)


def seeds() -> list[bytes]:
    client = SpdyClient()
    opened = client.opened(1, "error") + client.opened(3, "stdout")
    typed = web_frame(9, b"p") + web_frame(2, b"\x00ls\n")
    pods = [request(f"GET /api/v1/namespaces/{name}/pods", "accept: a/b") for name in ("ok", "no", "hold")]
    binary = request(
        "POST /api/v1/namespaces/ok/pods", body=b"k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x04\x12\x02\x60\x01"
    )
    upgrades = [
        request(f"{method} {EXEC.replace('/t/', f'/{name}/')}", *lines) + behind
        for name in ("no", "hold")
        for method, lines, behind in (("GET", WEB_SOCKET, typed), ("POST", SPDY, opened))
    ]
    return [
        *pods,
        binary.replace(b"application/json", b"application/vnd.kubernetes.protobuf"),
        *upgrades,
        pods[0] + upgrades[0],
    ]


def mutated(chance: random.Random, seed: bytes) -> bytes:
    made = bytearray(seed)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(made))
        match chance.randrange(4):
            case 0:
                made[at] = chance.randrange(256)
            case 1:
                del made[at : at + chance.randrange(1, 9)]
            case 2:
                made[at:at] = chance.choice(
                    (b"\r\n", b"\n", b"\x00", b"%2f", b"..", b"/ok/", b"Impersonate-User: a\r\n", b"\x88\x80")
                )
            case _:
                made[at:at] = made[at : at + chance.randrange(1, 40)]
        made = made or bytearray(b"G")
    return bytes(made)


def run(rounds: int) -> None:
    chance, known = random.Random(SEED), seeds()
    for _ in range(rounds):
        wire, size = mutated(chance, chance.choice(known)), chance.choice((1, 7, 100, 100_000))
        house = House(judge=judge).client(wire, size)
        for sent in filter(None, house.up):
            line = sent.split(b"\r\n")[0]
            assert b"/ok/" in line, wire
            assert any(text.startswith(line) for text in house.asked), wire
            # WHY by lines: in the value of another header the same words say nothing about anybody.
            head = sent.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
            assert not any(b"\r" in one or b"\n" in one for one in head), wire
            said = [one for one in head if one.lower().startswith(b"impersonate-")]
            assert said.count(b"impersonate-user: ana") == 1, wire
            assert all(one == b"impersonate-user: ana" or one.startswith(b"impersonate-group: ") for one in said), wire


def test_mutated_bytes_run_nothing_that_was_not_granted() -> None:
    run(SHORT)


@pytest.mark.long
def test_many_more() -> None:
    run(LONG)
