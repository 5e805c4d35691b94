"""HTTP for a soak: the gateway before an nginx that writes down every request."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.e2e.behind.http import HttpWorld, http_world
from tests.e2e.soak.audited import Audited, Ran
from tests.e2e.soak.harness import PEOPLE, RULES, Runs, Tally
from tests.e2e.soak.http_clients import HttpClient

POLICY = f"""{RULES}
mask contains {{"code": "CARDS", "reason": "cards are hidden", "method": "redact", "paths": ["$..card"]}} if {{
	some path in {{"/people/", "/events", "/chat"}}
	startswith(input.command.http.path, path)
}}
"""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """The web server behind the gateway."""

    gateway: HttpWorld
    policy: str = POLICY

    def client(self, number: int, tally: Tally, chance: random.Random, pause: float) -> Runs:
        return HttpClient(number, self.gateway, tally, chance, pause)

    def said(self, text: str) -> str:
        return " ".join(text.split(" ")[:2])

    def ran(self, audit: Audited) -> Iterable[Ran]:
        for request in self.gateway.requests():
            yield Ran(request, request)

    def wrong(self) -> Iterable[str]:
        return ()


@contextlib.contextmanager
def prepared() -> Iterator[HttpTarget]:
    """The place, running."""
    with http_world(POLICY, PEOPLE) as here:
        here.start()
        yield HttpTarget(here)
