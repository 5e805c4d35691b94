"""The value scanner: megabytes a second of one core, beside google-re2 and a plain loop over the same patterns.

CPU time of this process is what counts, so that a busy machine does not. Peers have twenty of the commonest patterns;
the scanner has all of its detectors.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import ModuleType

from bench import texts
from engine import _native

SIZE = 10_000_000
PART = 1_000_000
ROUNDS = 3
PATTERNS = (
    r"AKIA[0-9A-Z]{16}",
    r"ASIA[0-9A-Z]{16}",
    r"gh[pousr]_[A-Za-z0-9]{36}",
    r"github_pat_[A-Za-z0-9_]{82}",
    r"glpat-[A-Za-z0-9_-]{20}",
    r"xox[bpars]-[0-9]{10,13}-[A-Za-z0-9-]{20,40}",
    r"sk_live_[A-Za-z0-9]{24}",
    r"rk_live_[A-Za-z0-9]{24}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"ya29\.[A-Za-z0-9_-]{20,100}",
    r"npm_[A-Za-z0-9]{36}",
    r"hf_[A-Za-z]{34}",
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"eyJ[A-Za-z0-9_-]{12,200}\.eyJ[A-Za-z0-9_-]{12,200}\.[A-Za-z0-9_-]{12,200}",
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,100}\.[A-Za-z]{2,20}",
    r"\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b",
    r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    r"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b",
    r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Megabytes a CPU second; None for a peer that is not installed."""

    detect: Mapping[str, float]
    spans: Mapping[str, float]
    re2_detect: float | None
    re2_spans: float | None
    naive_spans: float


def measure() -> Figures:
    """Run everything on the same texts, one after the other."""
    mixed = texts.mixed(SIZE)
    samples = {
        "mixed": mixed,
        "accented": texts.of_words(texts.ACCENTED, PART),
        "cjk": texts.of_words(texts.CJK, PART),
        **{f"adversarial: {kind}": texts.adversarial(kind, PART) for kind in texts.ADVERSARIAL},
        **{f"searched: {kind}": texts.searched(kind, PART) for kind in texts.SEARCHED},
    }
    _native.scan_types(b"")
    part = mixed[:PART]
    re2 = _re2()
    return Figures(
        detect={name: _rate(_native.scan_types, text) for name, text in samples.items()},
        spans={name: _rate(_native.scan_spans, text) for name, text in samples.items()},
        re2_detect=None if re2 is None else _rate(_re2_detect(re2), part),
        re2_spans=None if re2 is None else _rate(_re2_spans(re2), part),
        naive_spans=_rate(_naive, part),
    )


def _rate(work: Callable[[bytes], object], text: bytes) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        work(text)
        best = min(best, time.process_time() - before)
    return len(text) / max(best, 1e-9) / 1e6


def _re2() -> ModuleType | None:
    try:
        return importlib.import_module("re2")
    except ImportError:
        return None


def _re2_detect(re2: ModuleType) -> Callable[[bytes], object]:
    patterns = re2.Set.SearchSet(_options(re2))
    for pattern in PATTERNS:
        patterns.Add(pattern)
    patterns.Compile()
    return lambda text: patterns.Match(text)


def _re2_spans(re2: ModuleType) -> Callable[[bytes], object]:
    compiled = [re2.compile(pattern.encode(), _options(re2)) for pattern in PATTERNS]
    return lambda text: [match.span() for pattern in compiled for match in pattern.finditer(text)]


def _options(re2: ModuleType) -> object:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return options


def _naive(text: bytes) -> object:
    return [match.span() for pattern in PATTERNS for match in re.finditer(pattern.encode(), text)]


def promises(figures: Figures) -> tuple[dict[str, float | None], dict[str, str]]:
    """The ratios of `budgets.toml`, and what each is against."""
    searched = [name for name in figures.detect if name.startswith("searched: ")]
    others = [name for name in figures.detect if name != "mixed" and name not in searched]
    slowest = lambda rates, names: min(names, key=lambda name: rates[name])  # noqa: E731
    worst, worst_spans = slowest(figures.detect, others), slowest(figures.spans, others)
    least, least_spans = slowest(figures.detect, searched), slowest(figures.spans, searched)
    over = lambda mine, peer: None if peer is None else mine / peer  # noqa: E731
    measured = {
        "detect_re2": over(figures.detect["mixed"], figures.re2_detect),
        "spans_re2": over(figures.spans["mixed"], figures.re2_spans),
        "spans_naive": figures.spans["mixed"] / figures.naive_spans,
        "detect_worst": figures.detect[worst] / figures.detect["mixed"],
        "spans_worst": figures.spans[worst_spans] / figures.spans["mixed"],
        "detect_searched": figures.detect[least] / figures.detect["mixed"],
        "spans_searched": figures.spans[least_spans] / figures.spans["mixed"],
    }
    peers = {
        "detect_re2": f"{figures.detect['mixed']:.0f} MB/s here",
        "spans_re2": f"{figures.spans['mixed']:.0f} MB/s here",
        "spans_naive": f"re: {figures.naive_spans:.0f} MB/s",
        "detect_worst": f"{worst}: {figures.detect[worst]:.0f} MB/s",
        "spans_worst": f"{worst_spans}: {figures.spans[worst_spans]:.0f} MB/s",
        "detect_searched": f"{least}: {figures.detect[least]:.0f} MB/s",
        "spans_searched": f"{least_spans}: {figures.spans[least_spans]:.0f} MB/s",
    }
    return measured, peers


def document(figures: Figures) -> dict[str, object]:
    """Everything measured, for machines."""
    return asdict(figures)


def show(figures: Figures) -> None:
    """Everything measured, for people."""
    for name in figures.detect:
        print(f"{name:28} {figures.detect[name]:8.1f} MB/s which  {figures.spans[name]:8.1f} MB/s where")
