"""Kubernetes for a soak: the gateway before an API server that writes down every request."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.recording.shelf import Wanted, heads, state_of
from tests.e2e.behind.kubernetes import KubernetesWorld, kubernetes_world, said
from tests.e2e.soak.audited import Audited, Ran
from tests.e2e.soak.harness import PEOPLE, RULES, Runs, Tally
from tests.e2e.soak.kubernetes_clients import KubernetesClient

POLICY = f"""{RULES}
mask contains {{
	"code": "SECRETS", "reason": "values of secrets are hidden", "method": "redact", "paths": ["$.data.*", "$.stringData.*"],
}} if {{
	some op in input.command.operations
	op.kubernetes.resource == "secrets"
}}

mask contains {{"code": "MAILS", "reason": "mails are hidden", "method": "redact", "values": ["pii.email"]}} if {{
	contains(input.command.text, "mask-me")
}}
"""
ROLES = PEOPLE.replace('[[identity.principal]]\nname = "lea"\ngroups = ["leads"]\nroles = ["approver"]\n', "")
"""Of the people lea is there already, who only lacks her role."""
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "key", "labels": {"app": "soak"}},
    "stringData": {"word": "swordfish"},
}


@dataclass(frozen=True, slots=True)
class KubernetesTarget:
    """The cluster behind the gateway."""

    gateway: KubernetesWorld
    policy: str = POLICY

    def client(self, number: int, tally: Tally, chance: random.Random, pause: float) -> Runs:
        return KubernetesClient(number, self.gateway, tally, chance, pause)

    def said(self, text: str) -> str:
        return said(text)

    def ran(self, audit: Audited) -> Iterable[Ran]:
        for text, line in self.gateway.ran():
            yield Ran(text, line)

    def wrong(self) -> Iterable[str]:
        for path, head in heads(self.gateway.folder / "recordings", Wanted()):
            if trouble := state_of(path).trouble:
                yield f"recording {head.id}: {trouble}"


@contextlib.contextmanager
def prepared() -> Iterator[KubernetesTarget]:
    """The place, running, with a secret to read."""
    with kubernetes_world(POLICY, ROLES) as here:
        here.config.write_text(
            here.config.read_text().replace('groups = ["leads"]', 'groups = ["leads"]\nroles = ["approver"]')
        )
        here.cluster.admin("apply", "-f", "-", data=json.dumps(SECRET).encode())
        here.start()
        yield KubernetesTarget(here)
