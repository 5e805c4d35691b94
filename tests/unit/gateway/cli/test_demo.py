from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import build
from gateway.demo import playing
from gateway.demo.binaries import DemoUnavailable

RUN = CliRunner()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, bool]]:
    seen: list[tuple[Path, bool]] = []

    def play(checkout: Path, environment: object, say: object, *, check: bool, everything: bool) -> bool:
        seen.append((checkout, check))
        return not check

    monkeypatch.setattr(playing, "play", play)
    return seen


def test_it_plays_from_the_checkout_it_lies_in(asked: list[tuple[Path, bool]]) -> None:
    assert RUN.invoke(build(), ["demo"]).exit_code == 0
    ((checkout, check),) = asked
    assert (checkout / "policies" / "examples" / "demo").is_dir()
    assert not check


def test_a_check_that_saw_a_difference_ends_with_one(asked: list[tuple[Path, bool]]) -> None:
    assert RUN.invoke(build(), ["demo", "--check"]).exit_code == 1


def test_a_missing_component_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(*given: object, **options: object) -> bool:
        raise DemoUnavailable("no PostgreSQL", help="install it")

    monkeypatch.setattr(playing, "play", play)
    found = RUN.invoke(build(), ["demo"])
    assert isinstance(found.exception, DemoUnavailable)
