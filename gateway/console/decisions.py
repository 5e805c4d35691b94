"""Decisions: the list, found by what somebody remembers of one, and one of them with the reason why.

The reason is found by asking the policies that decide now once more, with the recorded question, rule by rule; where they are
other policies than those that decided, or the question was not kept whole, the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from engine.errors import EngineError
from engine.evaluator.explain import Explained, explain
from engine.evaluator.program import TextQuestion
from engine.request import Request
from engine.suite.replay import TOLD, Gap
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.entry import Entry, Kind
from gateway.audit.recent import entry_at
from gateway.audit.recorded import Reader
from gateway.console.calls import PAGE, Call, CallRefused, Page, Reply, not_here
from gateway.console.searching import before_in, number_in, search
from gateway.console.showing import Decided
from gateway.judge import Judge

LIVE = "log"
MAX_RULES = 200
MAX_FOLLOWING = 2_000
"""Entries after a decision in which its outcome is looked for."""
_TEXTS = ("principal", "resource", "rule", "text", "job")
_VERDICTS = ("allow", "mask", "hold", "deny")
MAX_FILTER = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; empty fields want nothing."""

    principal: str = ""
    resource: str = ""
    rule: str = ""
    text: str = ""
    job: str = ""
    verdict: str = ""

    def admits(self, entry: Entry) -> bool:
        """Whether an entry is one of those."""
        return (
            entry.kind is Kind.DECISION
            and _has(self.principal, entry.principal)
            and _has(self.resource, entry.resource)
            and _has(self.job, entry.job or "")
            and (not self.verdict or entry.verdict == self.verdict)
            and (not self.rule or any(_has(self.rule, rule) for rule, _ in entry.rules))
            and _has(self.text, entry.text)
        )

    def link(self, before: int) -> str:
        """The same, further back."""
        fields = {name: getattr(self, name) for name in (*_TEXTS, "verdict")}
        return f"?{urlencode({**{name: value for name, value in fields.items() if value}, 'before': str(before)})}"


def _has(part: str, whole: str) -> bool:
    return not part or part.casefold() in whole.casefold()


class Decisions:
    """The pages of decisions."""

    def __init__(self, directory: Path, current: Callable[[], Judge | None]) -> None:
        self._directory = directory
        self._current = current

    def list(self, call: Call) -> Reply:
        """The newest that are wanted; of one's own only, for who is no auditor."""
        wanted = _wanted(call.query)
        own = None if call.viewer.may_audit else call.viewer.name
        before = before_in(call.query)
        found = search(
            self._directory,
            lambda entry: wanted.admits(entry) and (own is None or entry.principal == own),
            PAGE,
            before,
        )
        return Page(
            "decisions.html",
            {
                "decisions": [Decided(entry) for entry in found.entries],
                "older": None if found.older is None else wanted.link(found.older),
                "looked": found.looked,
                "wanted": wanted,
                "verdicts": _VERDICTS,
                "is_filtered": wanted != Wanted(),
                "is_own": own is not None,
            },
            live="" if before is not None else LIVE,
        )

    def one(self, call: Call) -> Reply:
        """One decision, and why."""
        seq = number_in(call.path.get("seq"))
        entry = None if seq is None else entry_at(self._directory, seq)
        viewer = call.viewer
        if entry is None or entry.kind is not Kind.DECISION:
            raise not_here()
        if not viewer.may_audit and entry.principal != viewer.name:
            raise not_here()
        # WHY not to the requester: what the planner expects is made of statistics that they may not see.
        sees_estimates = viewer.may_audit and entry.principal != viewer.name
        following = [one for one in self._following(entry) if sees_estimates or one.step != "estimated"]
        fields: dict[str, object] = {
            "decided": Decided(entry),
            "following": [one for one in following if not one.takes_back],
            "lost": {one.takes_back for one in following if one.takes_back},
            "why": None,
            "problem": "",
        }
        # WHY auditors alone: conditions and values tell what a policy looks for, and how to get around it.
        if viewer.may_audit:
            fields.update(self._why(entry))
        return Page("decision.html", fields)

    def _following(self, entry: Entry) -> Sequence[Entry]:
        """What became of it: its outcome and the steps of its ticket, in order."""
        upto = entry.seq + MAX_FOLLOWING + 1
        found = search(self._directory, lambda other: _is_about(other, entry), 20, upto, MAX_FOLLOWING)
        return sorted((one for one in found.entries if one.seq > entry.seq), key=lambda one: one.seq)

    def _why(self, entry: Entry) -> Mapping[str, object]:
        judge = self._current()
        if judge is None:
            return {"problem": "No policy is loaded at the moment."}
        recorded = Reader(KeptCatalogs(self._directory)).recorded(entry)
        if isinstance(recorded, Gap):
            return {"problem": f"This decision cannot be made again: {TOLD[recorded]}."}
        try:
            rules = _explained(judge, recorded.asked)
        except EngineError:
            return {"problem": "The policies that decide now cannot judge this command."}
        return {
            "why": rules[:MAX_RULES],
            "is_same": judge.revision == entry.revision,
            "revision": judge.revision,
            "hidden": max(0, len(rules) - MAX_RULES),
        }


def _explained(judge: Judge, asked: TextQuestion | Request) -> Sequence[Explained]:
    if isinstance(asked, Request):
        return explain(judge.program, asked)
    command = judge.program.reader.read(asked.protocol, asked.text, asked.names)
    return explain(
        judge.program,
        Request(asked.principal, asked.session, asked.resource, command, asked.now, asked.context, asked.approval),
    )


def _is_about(other: Entry, entry: Entry) -> bool:
    if other.kind is Kind.OUTCOME:
        return other.decision_id == entry.decision_id
    return other.kind is Kind.APPROVAL and entry.ticket is not None and other.ticket == entry.ticket


def _wanted(query: Mapping[str, str]) -> Wanted:
    texts = {name: query.get(name, "").strip()[:MAX_FILTER] for name in _TEXTS}
    verdict = query.get("verdict", "")
    if verdict and verdict not in _VERDICTS:
        raise CallRefused(400, "There is no such verdict", "A decision is allow, mask, hold or deny.")
    return Wanted(**texts, verdict=verdict)
