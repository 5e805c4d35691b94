"""Messages are framed as RFC 5425 says, over TLS that is verified; a connection that ended is made anew."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.export.events import Event, Severity, SinkFailed
from gateway.audit.export.syslog import SyslogSink
from tests.certificates import Authority
from tests.receivers import SyslogReceiver


def event(number: int, size: int = 10) -> Event:
    return Event(number, f"log/{number}", 1_800_000_000_123_456_789, "decision", Severity.WARNING, b"x" * size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place: Path = tmp_path_factory.mktemp("tls")
    authority = Authority()
    issued = authority.issue("localhost", "dns:localhost")
    (place / "server.pem").write_bytes(issued.certificate + issued.key)
    (place / "ca.pem").write_bytes(authority.pem)
    (place / "other.pem").write_bytes(Authority().pem)
    return place


@pytest.fixture
def receiver(folder: Path) -> Iterator[SyslogReceiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    made = SyslogReceiver(context)
    yield made
    made.stop()


def test_a_message_is_what_the_standards_say(folder: Path, receiver: SyslogReceiver) -> None:
    sink = SyslogSink("localhost", receiver.port, folder / "ca.pem")
    sink.send([event(1)])
    sink.close()
    receiver.stop()
    (message,) = receiver.messages
    # 13 (log audit) * 8 + 4 (warning)
    assert re.fullmatch(rb"<108>1 2027-01-15T08:00:00\.123456Z \S+ sallyport \d+ decision - x{10}", message), message
    assert receiver.farewells == 1


def test_many_and_large_ones_come_whole_and_in_order(folder: Path, receiver: SyslogReceiver) -> None:
    sink = SyslogSink("localhost", receiver.port, folder / "ca.pem")
    sizes = [number * 301 % sink.max_body for number in range(200)]
    for start in range(0, 200, 50):
        sink.send([event(number, sizes[number]) for number in range(start, start + 50)])
    sink.close()
    receiver.stop()
    assert [message.count(b"x") for message in receiver.messages] == sizes


def test_a_connection_that_ended_is_made_anew(folder: Path, receiver: SyslogReceiver) -> None:
    sink = SyslogSink("localhost", receiver.port, folder / "ca.pem")
    sink.send([event(1)])
    assert receiver.has_some.wait(10)
    receiver.cut()

    def until_it_is_seen() -> None:
        for _ in range(50):
            sink.send([event(2)])

    with pytest.raises(SinkFailed):
        until_it_is_seen()
    sink.send([event(3, 33)])
    sink.close()
    receiver.stop()
    assert any(message.endswith(b" " + b"x" * 33) for message in receiver.messages)


def test_a_receiver_nobody_vouches_for_gets_nothing(folder: Path, receiver: SyslogReceiver) -> None:
    sink = SyslogSink("localhost", receiver.port, folder / "other.pem")
    with pytest.raises(SinkFailed) as caught:
        sink.send([event(1)])
    assert not caught.value.is_final
    receiver.stop()
    assert receiver.messages == []


def test_nobody_there_is_told(folder: Path, receiver: SyslogReceiver) -> None:
    receiver.stop()
    with pytest.raises(SinkFailed, match="refused"):
        SyslogSink("localhost", receiver.port, folder / "ca.pem").send([event(1)])
