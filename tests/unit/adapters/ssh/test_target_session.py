"""The target's end of what runs there."""

from __future__ import annotations

from unittest.mock import Mock

from adapters.ssh.target_session import TargetSession


def test_it_passes_everything_on_and_tells_the_end_once_it_began() -> None:
    runner, channel = Mock(), Mock()
    session = TargetSession(runner)
    session.connection_made(channel)
    session.session_started()
    session.data_received(b"x", None)
    session.pause_writing()
    session.resume_writing()
    assert session.eof_received()
    session.exit_status_received(3)
    session.exit_signal_received("TERM", False, "", "")
    session.connection_lost(None)
    assert [call[0] for call in runner.method_calls] == [
        "attach",
        "show",
        "target_is_full",
        "target_is_full",
        "target_ended",
    ]
    runner.target_ended.assert_called_once_with(3, ("TERM", False, "", ""))


def test_what_never_began_tells_nobody() -> None:
    runner = Mock()
    TargetSession(runner).connection_lost(None)
    assert runner.method_calls == []
