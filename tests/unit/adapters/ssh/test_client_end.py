"""A client's terminal: recorded, then shown."""

from __future__ import annotations

from unittest.mock import Mock

from adapters.errors import RecorderFailed
from adapters.ssh.client_end import MAX_SIDE, Display, cooked, screen_of


def test_what_is_shown_was_recorded_first() -> None:
    order: list[str] = []
    client, recording = Mock(), Mock()
    client.is_closing.return_value = False
    client.write.side_effect = lambda data: order.append("shown")
    recording.output.side_effect = lambda data: order.append("recorded")
    display = Display(client, recording, Mock(), cooks=False)
    display.write(b"a\n")
    display.write_stderr(b"b\n")
    display.write(b"")
    assert order == ["recorded", "shown"] * 2
    assert [call.args[0] for call in client.write.call_args_list] == [b"a\n", b"b\r\n"]
    assert display.shown == 5


def test_what_is_not_recorded_is_not_shown_and_failure_is_told_once() -> None:
    client, recording, failed = Mock(), Mock(), Mock()
    recording.output.side_effect = RecorderFailed("no", code="X")
    display = Display(client, recording, failed, cooks=True)
    display.write(b"a")
    display.write(b"b")
    display.write_stderr(b"c")
    display.fail()
    assert client.write.call_count == 0
    failed.assert_called_once_with()


def test_a_client_that_is_gone_is_not_written_to() -> None:
    client = Mock()
    client.is_closing.return_value = True
    Display(client, None, Mock(), cooks=True).write(b"a")
    assert client.write.call_count == 0


def test_the_rest_goes_to_the_channel() -> None:
    client = Mock()
    display = Display(client, None, Mock(), cooks=True)
    display.exit(3)
    display.exit_with_signal("TERM", True, "x")
    display.pause_reading()
    display.resume_reading()
    assert display.is_closing() is client.is_closing()
    client.exit.assert_called_once_with(3)
    client.exit_with_signal.assert_called_once_with("TERM", True, "x")


def test_lines_are_made_once_and_sizes_are_bounded() -> None:
    assert cooked(b"a\nb\r\nc") == b"a\r\nb\r\nc"
    assert screen_of("xterm", 0, 10**9).columns == 80
    assert screen_of("xterm", 0, 10**9).rows == MAX_SIDE
