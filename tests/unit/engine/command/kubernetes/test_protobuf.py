"""Objects in protobuf are read whole, in one way, or refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.protobuf import read_protobuf


def varint(number: int) -> bytes:
    made = b""
    while number > 0x7F:
        made += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return made + bytes((number,))


def put(number: int, value: int | bytes | str) -> bytes:
    """One field on the wire."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & ((1 << 64) - 1))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(api_version: str, kind: str, inside: bytes, more: bytes = b"") -> bytes:
    return b"k8s\x00" + put(1, put(1, api_version) + put(2, kind)) + put(2, inside) + more


def test_a_pod_is_the_document_it_is_in_json() -> None:
    probe = put(1, put(2, put(2, put(1, 1) + put(3, "http"))))
    container = put(1, "a") + put(2, "busybox") + put(3, "sh") + put(3, "-c") + put(15, put(2, 1)) + put(10, probe)
    container += put(8, put(1, put(1, "cpu") + put(2, put(1, "100m"))))
    spec = (
        put(1, put(1, "h") + put(2, put(1, put(1, "/"))))
        + put(2, container)
        + put(12, 1)
        + put(7, put(1, "disk") + put(2, "ssd"))
    )
    pod = put(1, put(1, "way") + put(8, b"")) + put(2, spec)
    assert read_protobuf(envelope("v1", "Pod", pod)) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "way", "creationTimestamp": None},
        "spec": {
            "volumes": [{"name": "h", "hostPath": {"path": "/"}}],
            "containers": [
                {
                    "name": "a",
                    "image": "busybox",
                    "command": ["sh", "-c"],
                    "securityContext": {"privileged": True},
                    "livenessProbe": {"httpGet": {"port": "http"}},
                    "resources": {"limits": {"cpu": "100m"}},
                }
            ],
            "hostPID": True,
            "nodeSelector": {"disk": "ssd"},
        },
    }


def test_bytes_numbers_and_moments() -> None:
    secret = put(1, put(1, "s") + put(8, put(1, 1_767_614_400) + put(2, 5_000_000))) + put(
        2, put(1, "k") + put(2, b"\x00\xff")
    )
    assert read_protobuf(envelope("v1", "Secret", secret)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "creationTimestamp": "2026-01-05T12:00:00.005000Z"},
        "data": {"k": "AP8="},
    }
    options = read_protobuf(envelope("apps/v1", "DeleteOptions", put(1, 0) + put(5, "All")))
    assert (options["gracePeriodSeconds"], options["dryRun"]) == (0, ["All"])
    assert read_protobuf(envelope("apps/v1", "DeleteOptions", put(1, -1)))["gracePeriodSeconds"] == -1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"k8s\x00\xff",
        envelope("v1", "Nothing", b""),
        envelope("shop.test/v1", "Pod", b""),
        envelope("v1", "Pod", put(99, 1)),
        envelope("v1", "Pod", put(2, b"") + put(2, b"")),
        envelope("v1", "Pod", put(2, put(12, 0) + put(12, 1))),
        envelope("v1", "Pod", put(2, put(12, b"\x01"))),
        envelope("v1", "Pod", put(1, put(1, b"\xff"))),
        envelope("v1", "Pod", put(2, b"")[:-1] + b"\x05"),
        envelope("v1", "Pod", b"", put(3, "gzip")[:-4] + b"gzip" + put(9, 1)),
        envelope("v1", "Pod", b"\x0b\x0c"),
        envelope("v1", "Secret", put(2, put(1, "k") + put(2, b"a")) + put(2, put(1, "k") + put(2, b"b"))),
        envelope("v1", "Pod", b"")[:-1],
    ],
)
def test_what_two_readers_could_take_for_different_things_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        read_protobuf(raw)


@given(st.binary(max_size=200))
def test_garbage_is_a_document_or_a_refusal(data: bytes) -> None:
    for raw in (data, b"k8s\x00" + data, envelope("v1", "Pod", data)):
        with contextlib.suppress(Refused):
            assert isinstance(read_protobuf(raw), dict)
