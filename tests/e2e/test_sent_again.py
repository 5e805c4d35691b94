"""A GET on a connection that was kept, which nginx closes without a word: it goes up once more under its one grant, and the audit says so."""

from __future__ import annotations

import subprocess

import pytest

from gateway.audit.entry import Entry, Kind
from gateway.audit.read import read
from tests.e2e.behind.http import HttpWorld, http_world

POLICY = """\
package policies.world

allow contains {"code": "ALL", "reason": "everything"} if input.principal.name == "ana"
"""
COUNTING = """
hold contains {"code": "MANY", "reason": "a lot", "approvers": {"groups": ["dba"]}, "expires": "10m"} if {
	input.context.activity.rows_last_hour > 1000000
}
"""


def get(here: HttpWorld, *paths: str) -> list[str]:
    """The statuses of some requests, one after the other on one connection of curl."""
    words = ["curl", "-sS", "--cacert", str(here.ca), "-H", f"Authorization: Bearer {here.token}"]
    urls = [f"https://127.0.0.1:{here.port}{path}" for path in paths]
    outputs = [word for _ in urls for word in ("-o", "/dev/null")]
    done = subprocess.run([*words, "-w", "%{http_code}\n", *outputs, *urls], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def outcome_of(here: HttpWorld, path: str) -> Entry:
    entries = list(read(here.audit))
    (decision,) = [one for one in entries if one.kind is Kind.DECISION and one.text.startswith(f"GET {path} ")]
    (outcome,) = [one for one in entries if one.kind is Kind.OUTCOME and one.decision_id == decision.decision_id]
    return outcome


@pytest.mark.parametrize("policy", [POLICY, POLICY + COUNTING], ids=["plain", "counting"])
def test_a_request_that_goes_up_twice_says_so_in_its_outcome(policy: str) -> None:
    with http_world(policy) as here:
        here.start()
        assert get(here, "/first", "/breaks/x", "/second", "/third") == ["200"] * 4
        here.stop()
        seen = here.requests()
        assert seen.count("GET /breaks/x") == 2, seen
        assert (seen.count("GET /first"), seen.count("GET /third")) == (1, 1)
        again = outcome_of(here, "/breaks/x")
        assert (again.sent_again, again.error) == (1, None)
        assert again.bytes
        assert [outcome_of(here, path).sent_again for path in ("/first", "/second", "/third")] == [0, 0, 0]
        assert here.verify_audit() == 0
