"""SSH for a soak: the gateway before an sshd that writes down every command, file and connection."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.recording.shelf import Wanted, heads, state_of
from tests.e2e.behind.ssh import SshWorld, ssh_world
from tests.e2e.soak.audited import Audited, Ran
from tests.e2e.soak.harness import PEOPLE, RULES, Runs, Tally
from tests.e2e.soak.ssh_clients import SshClient

POLICY = f"""{RULES}
limit contains {{"code": "KEPT", "reason": "kept", "type": "record", "value": true}} if contains(input.command.text, "keep-this")

limit contains {{"code": "SHOWN", "reason": "kept", "type": "record", "value": true}} if {{
	some op in input.command.operations
	op.kind in {{"raw_shell", "terminal"}}
}}

mask contains {{"code": "MAILS", "reason": "mails are hidden", "method": "redact", "values": ["pii.email"]}} if {{
	contains(input.command.text, "mask-me")
}}
"""


@dataclass(frozen=True, slots=True)
class SshTarget:
    """The sshd behind the gateway."""

    gateway: SshWorld
    policy: str = POLICY

    def client(self, number: int, tally: Tally, chance: random.Random, pause: float) -> Runs:
        return SshClient(number, self.gateway, tally, chance, pause)

    def said(self, text: str) -> str:
        return text

    def ran(self, audit: Audited) -> Iterable[Ran]:
        for text, line in self.gateway.ran():
            yield Ran(text, line)

    def wrong(self) -> Iterable[str]:
        for path, head in heads(self.gateway.folder / "recordings", Wanted()):
            if trouble := state_of(path).trouble:
                yield f"recording {head.id}: {trouble}"


@contextlib.contextmanager
def prepared() -> Iterator[SshTarget]:
    """The place, running."""
    with ssh_world({"world.rego": POLICY}, PEOPLE) as here:
        here.start()
        yield SshTarget(here)
