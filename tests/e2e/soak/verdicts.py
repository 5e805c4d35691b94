"""What must hold of every soak, whatever its protocol and its length."""

from __future__ import annotations

import os

from tests.e2e.soak.harness import POOLED, Soaked, Wishes

MINUTES = float(os.environ.get("SOAK_MINUTES", "30"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "50"))
MOST_GROWTH = 0.05


def short(acts: int) -> Wishes:
    """A few seconds of it. `acts`: how many kinds there are; one or two may have been cut off each time."""
    return Wishes(seconds=8, clients=12, pause=0.1, kill_every=1.0, reload_every=3.0, kinds=acts - 2)


def long(acts: int) -> Wishes:
    return Wishes(seconds=MINUTES * 60, clients=CLIENTS, kinds=acts)


def nothing_is_wrong(found: Soaked) -> None:
    """What holds for every length."""
    tally = found.tally
    assert tally.unexpected == [], tally.unexpected[:10]
    assert tally.ended + tally.lost <= tally.kills, [act for act in tally.done if act.startswith("lost")]
    assert found.forbidden == [], "these were denied, and ran"
    assert found.unrecorded == [], f"these ran, and the audit has no grant of them: {found.unrecorded[:3]}"
    assert found.unanswered == [], "a client has an answer to these, and the audit has nothing"
    assert found.unfinished == [], f"these ran, and the audit has no outcome of them: {found.unfinished[:3]}"
    assert found.sessions[0] == found.sessions[1] > 0, "a session is open for ever in the audit"
    assert found.is_sealed
    assert found.log == [], found.log[:10]
    assert found.files[1] <= found.files[0] + 5, found.files
    assert found.store_files <= POOLED
    assert found.ran > 0


def everything_happened(found: Soaked, wishes: Wishes) -> None:
    """That people voted, sessions were killed, and what was wished for was tried."""
    assert found.tally.kills > 3
    assert found.tally.votes["do-approve"] > 0
    assert found.tally.kinds >= wishes.kinds, sorted(found.tally.done)


def it_did_not_grow(found: Soaked) -> None:
    """Only a long one can say so."""
    assert found.growth is None or found.growth < MOST_GROWTH, f"{found.growth:.1%}"
