"""Which policies decide: revision, the last good ones, what is wrong with newer ones, what their tests try, and where a candidate would
differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.entry import Entry, Kind
from gateway.console.calls import Call, CallRefused, Goto, Page, Reply, for_auditors
from gateway.console.measuring import Measured, Measuring, Subject
from gateway.console.searching import search
from gateway.policy_store.current import PolicyStatus

MAX_LOADS = 15
MAX_SHADOWS = 25
MAX_BARS = 12
MAX_UNTRIED = 25


@dataclass(frozen=True, slots=True)
class Standing:
    """How one set of policies stands. `age`: seconds since its origin confirmed it."""

    origin: str
    status: PolicyStatus
    age: float
    is_stale: bool = False


class Policies:
    """The page of policies."""

    def __init__(
        self,
        directory: Path,
        current: Callable[[], Standing],
        candidate: Callable[[], Standing | None],
        tallies: Callable[[], Sequence[tuple[str, int]]],
        measuring: Measuring,
    ) -> None:
        """`tallies`: how often a candidate came to what, since this program started."""
        self._measuring = measuring
        self._directory = directory
        self._current = current
        self._candidate = candidate
        self._tallies = tallies

    def show(self, call: Call) -> Reply:
        """The page."""
        for_auditors(call.viewer)
        loads = search(self._directory, lambda entry: entry.kind is Kind.POLICY, MAX_LOADS)
        candidate = self._candidate()
        shadows: Sequence[Entry] = ()
        if candidate is not None:
            shadows = search(self._directory, lambda entry: entry.kind is Kind.SHADOW, MAX_SHADOWS).entries
        return Page(
            "policies.html",
            {
                "standing": self._current(),
                "candidate": candidate,
                "tallies": self._tallies(),
                "loads": loads.entries,
                "shadows": shadows,
                "coverage": covered(self._measuring.last(Subject.COVERAGE)),
                "can_cover": self._measuring.can(Subject.COVERAGE),
                "impact": impact_of(self._measuring.last(Subject.IMPACT)),
                "can_replay": self._measuring.can(Subject.IMPACT),
            },
            live="log",
        )

    def measure(self, call: Call) -> Reply:
        """Begin to measure what the form asks for; what is under way goes on."""
        for_auditors(call.viewer)
        try:
            subject = Subject(call.path.get("subject", ""))
        except ValueError:
            raise CallRefused(404, "There is nothing here", "Only coverage and impact are measured.") from None
        if not self._measuring.can(subject):
            raise CallRefused(
                409, "Nothing was measured", "It is measured where these policies are made: see the page."
            )
        self._measuring.begin(subject, call.viewer.name)
        return Goto(f"/policies#{subject.value}")


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart: its name, how many, and of how many."""

    name: str
    count: int
    most: int


@dataclass(frozen=True, slots=True)
class Covered:
    """What the tests of a set of policies try. Shares are 0 to 1; `untried` are conditions with what was never seen."""

    run: Measured
    passed: int = 0
    failed: int = 0
    conditions: float = 0.0
    rules: float = 0.0
    unmatched: Sequence[str] = ()
    untried: Sequence[tuple[str, str, str]] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Impacted:
    """What a candidate would change of the recorded decisions; `charts` are titles with their bars."""

    run: Measured
    decided: int = 0
    same: int = 0
    flipped: int = 0
    charts: Sequence[tuple[str, Sequence[Bar]]] = ()
    gaps: Sequence[tuple[str, int]] = ()


def covered(run: Measured | None) -> Covered | None:
    """A run of the tests as it is shown."""
    if run is None or run.figures is None:
        return None if run is None else Covered(run)
    found = _mapping(run.figures.get("coverage"))
    untried = [
        _untried(one)
        for one in map(_mapping, _list(found.get("condition_list")))
        if not (one.get("true") and one.get("false"))
    ]
    rules = [_mapping(one) for one in _list(found.get("rule_list"))]
    return Covered(
        run,
        passed=_count(run.figures.get("passed")),
        failed=_count(run.figures.get("failed")),
        conditions=_share(found.get("conditions")),
        rules=_share(found.get("rules")),
        unmatched=[str(one.get("rule")) for one in rules if not one.get("matched")][:MAX_UNTRIED],
        untried=untried[:MAX_UNTRIED],
        more=max(0, len(untried) - MAX_UNTRIED),
    )


def impact_of(run: Measured | None) -> Impacted | None:
    """A replay as it is shown."""
    if run is None or run.figures is None:
        return None if run is None else Impacted(run)
    said = run.figures
    gaps = [_mapping(one) for one in _mapping(said.get("not_decided")).values()]
    return Impacted(
        run,
        decided=_count(said.get("decided")),
        same=_count(said.get("same")),
        flipped=_count(said.get("flipped")),
        charts=[(title, _bars(_mapping(counts))) for title, counts in _mapping(said.get("by")).items() if counts],
        gaps=[(str(one.get("why")), _count(one.get("count"))) for one in gaps],
    )


def _bars(counts: Mapping[str, object]) -> list[Bar]:
    rows = sorted(((_count(count), name) for name, count in counts.items()), reverse=True)[:MAX_BARS]
    return [Bar(name, count, rows[0][0]) for count, name in rows]


def _untried(one: Mapping[str, object]) -> tuple[str, str, str]:
    seen = (bool(one.get("true")), bool(one.get("false")))
    missing = {(True, False): "never false", (False, True): "never true"}.get(seen, "never tried")
    return f"{one.get('file')}:{one.get('line')}", str(one.get("text")), missing


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _share(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
