"""Fields behind a body: which go on, and to whom."""

from __future__ import annotations

import pytest

from adapters.web.trailers import are_read, passed
from engine.command.http.wire import read_head


@pytest.mark.parametrize(("line", "is_said"), [(b"te: trailers", True), (b"te: Trailers", True), (b"x: y", False)])
def test_they_are_for_clients_that_say_so(line: bytes, is_said: bool) -> None:
    assert are_read(read_head(b"GET / HTTP/1.1\r\n" + line)) is is_said


def test_what_frames_routes_or_signs_in_stays_here() -> None:
    fields = [(b"grpc-status", b"0"), (b"x", b"a secret"), (b"content-length", b"5"), (b"set-cookie", b"a=b")]
    fields += [(b"sallyport-decision", b"d-9"), (b"transfer-encoding", b"chunked"), (b"x-accel-redirect", b"/")]
    assert passed(fields, lambda value: value.replace(b"secret", b"***")) == b"grpc-status: 0\r\nx: a ***\r\n"
