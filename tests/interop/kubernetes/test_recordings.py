"""Requests to a real API server that a policy wants recorded, by kubectl: masked as kubectl sees them; what cannot be recorded is refused."""

from __future__ import annotations

import base64
import secrets
import threading
import time

from gateway.errors import RecordingBroken
from gateway.recording import shelf
from gateway.recording.exchanges import Asked, Done, Line, Shown, read_line
from tests.interop.kubernetes.cluster import Cluster


def recorded(cluster: Cluster) -> bytes:
    """All lines of all recordings of exchanges, as far as they go."""
    gateway = cluster.gateway
    assert gateway is not None
    found: list[bytes] = []
    for path in shelf.files(gateway.config.at(gateway.config.recording.dir)):
        try:
            lines = list(shelf.lines(path, gateway._recording_keys))
        except RecordingBroken:
            continue
        if lines and b'"is":"' in lines[0]:
            found += lines
    return b"".join(found)


def until(cluster: Cluster, word: str) -> list[Line]:
    """The lines, once a request with this word in it is over."""
    deadline, pause = time.monotonic() + 20, threading.Event()
    while True:
        found = [read_line(line) for line in recorded(cluster).splitlines()]
        names = {one.id for one in found if isinstance(one, Asked) and word in one.text}
        if names and names <= {one.id for one in found if isinstance(one, Done)}:
            return found
        assert time.monotonic() < deadline, found
        pause.wait(0.05)


def test_a_request_and_its_masked_answer_are_recorded(cluster: Cluster) -> None:
    password = secrets.token_hex(12)
    cluster.admin("create", "secret", "generic", "keep-me", f"--from-literal=password={password}")
    try:
        done = cluster.kubectl("get", "secret", "keep-me", "-o", "yaml")
        assert done.returncode == 0, done.stderr
        found = until(cluster, "/secrets/keep-me")
    finally:
        cluster.admin("delete", "secret", "keep-me")
    asked = [one for one in found if isinstance(one, Asked) and "/secrets/keep-me" in one.text][-1]
    assert (asked.protocol, asked.verdict) == ("kubernetes", "mask")
    shown = "".join(one.text for one in found if isinstance(one, Shown) and one.id == asked.id)
    assert '"kind":"Secret"' in shown
    plain = recorded(cluster)
    for canary in (password, base64.b64encode(password.encode()).decode(), cluster.token):
        assert canary.encode() not in plain
        assert canary.encode() not in done.stdout


def test_a_change_is_recorded_with_its_body(cluster: Cluster) -> None:
    made = cluster.kubectl("create", "configmap", "keep-me", "--from-literal=word=body-canary")
    try:
        assert made.returncode == 0, made.stderr
        found = until(cluster, "POST /api/v1/namespaces/t/configmaps")
    finally:
        cluster.admin("delete", "configmap", "keep-me")
    asked = [one for one in found if isinstance(one, Asked) and one.text.startswith("POST ")][-1]
    assert "body-canary" in asked.text
    assert cluster.token not in asked.text


def test_an_exec_that_nobody_can_record_is_refused(cluster: Cluster) -> None:
    done = cluster.kubectl("exec", "web", "--", "echo", "keep-me")
    assert done.returncode != 0
    assert b"record" in done.stderr
