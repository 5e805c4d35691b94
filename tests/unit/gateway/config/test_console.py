"""What does not fit together in `[console]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.console import is_origin
from gateway.config.model import Config, Console, ServerTls


def found(console: Console, folder: Path) -> list[str]:
    config = Config(console=console, folder=folder)
    return [".".join(str(part) for part in path) for path, _ in find_misfits(config) if path[0] == "console"]


def test_what_fits(tmp_path: Path) -> None:
    for name in ("c", "k"):
        (tmp_path / name).write_text("")
    tls = ServerTls("c", "k")
    for console in (
        Console(),
        Console("127.0.0.1:8080"),
        Console("[::1]:8080", url="https://console.example"),
        Console("0.0.0.0:8443", tls, "https://console.example:8443/"),
    ):
        assert found(console, tmp_path) == []


@pytest.mark.parametrize(
    ("console", "key"),
    [
        (Console("nowhere"), "console.bind"),
        (Console("0.0.0.0:8080"), "console.bind"),
        (Console("0.0.0.0:8443", ServerTls("missing", "missing")), "console.tls.certificate"),
        (Console(url="https://console.example/path"), "console.url"),
        (Console(idle_minutes=0), "console.idle_minutes"),
        (Console(trusted_proxies=("10.0.0.0/8", "0.0.0.0/0")), "console.trusted_proxies.1"),
        (Console(trusted_proxies=("proxy.internal",)), "console.trusted_proxies.0"),
        (Console(session_hours=1_000), "console.session_hours"),
    ],
)
def test_what_does_not(console: Console, key: str, tmp_path: Path) -> None:
    assert key in found(console, tmp_path)


def test_an_origin_is_a_site_and_nothing_more() -> None:
    assert is_origin("https://console.example")
    assert is_origin("http://127.0.0.1:8080/")
    for wrong in (
        *("console.example", "ftp://console.example", "https://", "https://a@b", "https://a?x", "https://a#x"),
        *("https://a/b", "https://a:x", "https://a b", "https://a;x", "https://a\n"),
    ):
        assert not is_origin(wrong), wrong
