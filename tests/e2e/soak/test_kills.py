"""kill -9 under load over SSH, Kubernetes and HTTP: nothing ran that the audit does not know, no answer is missing from it.

`make long` kills 200 times each (SALLYPORT_KILLS says otherwise), the ordinary run twice. PostgreSQL's are in `tests/e2e/audit/test_kill.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.soak import http_place, kubernetes_place, ssh_place
from tests.e2e.soak.harness import Soaked, Tally, Target
from tests.e2e.soak.kills import kill_many, nothing_is_missing, write

KILLS = int(os.environ.get("SALLYPORT_KILLS", "200"))
PLACES: dict[str, Callable[[], AbstractContextManager[Target]]] = {
    "SSH": ssh_place.prepared,
    "Kubernetes": kubernetes_place.prepared,
    "HTTP": http_place.prepared,
}


@pytest.mark.parametrize("name", PLACES)
def test_nothing_is_missing_from_the_audit_after_kill_9(name: str) -> None:
    nothing_is_missing(kill_many(2, 20261129, PLACES[name]))


@pytest.mark.long
@pytest.mark.parametrize("name", PLACES)
def test_nothing_is_missing_from_the_audit_after_hundreds_of_kills(name: str) -> None:
    began = time.monotonic()
    found = kill_many(KILLS, 7, PLACES[name])
    write(name, found, KILLS, (time.monotonic() - began) / 60)
    nothing_is_missing(found)


def test_what_is_missing_would_be_seen() -> None:
    good: dict[str, object] = {"seconds": 0.0, "tally": Tally(answered={"m1x1e"}), "ran": 1, "is_sealed": True}
    nothing_is_missing(Soaked(**good))  # type: ignore[arg-type]  # fields of a test
    for change in (
        {"forbidden": ["m1x1e"]},
        {"unrecorded": ["echo m1x1e"]},
        {"unanswered": ["m1x1e"]},
        {"is_sealed": False},
        {"ran": 0},
        {"tally": Tally()},
    ):
        with pytest.raises(AssertionError):
            nothing_is_missing(Soaked(**{**good, **change}))  # type: ignore[arg-type]  # fields of a test


def test_each_protocol_has_its_line_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "kill.md"
    for name, ran in (("SSH", 1), ("HTTP", 2), ("SSH", 3)):
        write(name, Soaked(0.0, Tally(), ran=ran), 9, 1.0, path)
    assert path.read_text().endswith(
        "|---|---|\n| HTTP | 9 | 1 | 2, 0 | 0, 0 | 0 |\n| SSH | 9 | 1 | 3, 0 | 0, 0 | 0 |\n"
    )
