from tests.wire import settings


def test_no_key_shows_in_printed_settings() -> None:
    shown = repr(settings(cancel_key=b"hunter", own_name=b"hunter"))
    assert "hunter" not in shown
