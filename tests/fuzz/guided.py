"""Coverage-guided fuzzing: libFuzzer over the core's targets, atheris over Python's. `make fuzz TARGET=sql MINUTES=10`.

Each target runs alone from its seeds and from texts of the project; it ends after its minutes of the processor (those of the
clock say little where others work too), or at a crash, an input that takes more than a second of the processor, or 500 MB. What ran is written to `docs/measured/fuzzing.md`, a row a target; an
input that was too much is left in `results/fuzz/`.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.fuzz.targets import TARGETS, seeds

ROOT: Final = Path(__file__).parents[2]
CRATE: Final = ROOT / "engine/native/fuzz"
PAGE: Final = ROOT / "docs/measured/fuzzing.md"
RESULTS: Final = ROOT / "results/fuzz"
BINARY: Final = CRATE / "target/x86_64-unknown-linux-gnu/release/sallyport_fuzz"
RUST: Final = ("sql", "lineage", "wire", "mask", "shell", "scan", "output", "json", "lane", "rego", "tls")
ALL: Final = (*RUST, *TARGETS)
MORE: Final = {
    "rego": ("policies/**/*.rego",),
    "gate": ("policies/**/*.gate", "gateway/cli/starter/**/*.gate", "tests/conformance/dsl_mistakes/*.gate"),
    "documents": ("policies/**/*.yaml",),
}
"""Texts of the project that a target begins with besides its seeds."""
LONGEST: Final = {"scan": 8_192, "output": 8_192, "bundle": 8_192}
MOST_MB: Final = 500
POLL: Final = 2.0
"""How often it is looked how far a run is, in seconds."""
LONGEST_UNIT: Final = 300
"""Seconds of the clock after which libFuzzer calls an input endless. WHY so many: others may have the processor meanwhile; what an
input takes of it is measured where it is run, and a second is too much there."""
SANITIZER: Final = ("-fsanitize=fuzzer-no-link",)
COVERAGE: Final = (
    *("-Cpasses=sancov-module", "-Cllvm-args=-sanitizer-coverage-level=4"),
    *("-Cllvm-args=-sanitizer-coverage-inline-8bit-counters", "-Cllvm-args=-sanitizer-coverage-pc-table"),
    *("-Cllvm-args=-sanitizer-coverage-trace-compares", "--cfg=fuzzing"),
)
HEAD: Final = """# Coverage-guided fuzzing

Written by `make fuzz`; the last run of each target. libFuzzer drives the core's targets (`engine/native/tests/targets/mod.rs`),
atheris Python's (`tests/fuzz/targets.py`); both begin with `tests/fuzz/seeds/`. A run ends early at a crash, at an input that takes
more than a second of the processor, or at 500 MB. `busy` are the minutes that the processor gave, `minutes` those of the clock; a run is a
full one at ten busy minutes. Edges are those of the core's code and libpg_query's in the first ten rows (without clang, of the core's alone), of Python's bytecode in the others.

| target | when | executions | minutes | busy | edges | peak MB | slowest ms | ended |
|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run came to."""

    target: str
    executions: int
    minutes: float
    busy: float
    edges: int
    peak_mb: int
    slowest_ms: float
    ended: str

    def row(self) -> str:
        cells = (
            f"`{self.target}`",
            f"{datetime.now(UTC):%Y-%m-%d}",
            f"{self.executions:,}",
            f"{self.minutes:.1f}",
            f"{self.busy:.1f}",
            f"{self.edges:,}",
            str(self.peak_mb),
            f"{self.slowest_ms:.0f}",
            self.ended,
        )
        return f"| {' | '.join(cells)} |\n"


def build() -> None:
    """The one binary with the core's targets in it. With clang, libpg_query's C is watched as well."""
    environment = os.environ | {"RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": " ".join(COVERAGE)}
    if subprocess.run(["which", "clang"], capture_output=True).returncode == 0:
        environment |= {"CC": "clang", "CFLAGS": " ".join(SANITIZER)}
    command = ["cargo", "build", "--release", "--quiet", "--target", "x86_64-unknown-linux-gnu"]
    subprocess.run([*command, "--target-dir", "target"], cwd=CRATE, env=environment, check=True)


def corpus(name: str, place: Path) -> Path:
    """The folder that libFuzzer begins with and adds to."""
    place.mkdir(parents=True, exist_ok=True)
    texts = seeds(name) + [path.read_bytes() for glob in MORE.get(name, ()) for path in sorted(ROOT.glob(glob))]
    for number, text in enumerate(texts):
        (place / f"seed{number:04}").write_bytes(text)
    return place


def fuzz(name: str, minutes: float) -> Ran:
    """One run, with libFuzzer's progress on the terminal."""
    place = RESULTS / name
    slowest, log = place / "slowest", place / "log"
    begun = corpus(name, place / "corpus")
    slowest.unlink(missing_ok=True)
    arguments = [
        *(f"-rss_limit_mb={MOST_MB}", f"-malloc_limit_mb={MOST_MB}"),
        *(
            f"-timeout={LONGEST_UNIT}",
            f"-max_len={LONGEST.get(name, 4096)}",
            "-use_value_profile=1",
            "-print_final_stats=1",
        ),
        *(f"-artifact_prefix={place}/", "-reload=0", str(begun)),
    ]
    command = [str(BINARY)] if name in RUST else [sys.executable, "-m", "tests.fuzz.under_atheris", name]
    environment = os.environ | {"SALLYPORT_FUZZ_TARGET": name, "SALLYPORT_FUZZ_SLOWEST": str(slowest)}
    began, before = time.monotonic(), _busy()
    with log.open("wb") as kept:
        child = subprocess.Popen(
            [*command, *arguments], cwd=ROOT, env=environment, stdout=kept, stderr=subprocess.STDOUT
        )
        code = watched(child, log, minutes)
    ran = log.read_text("utf-8", "replace")
    took = float(slowest.read_bytes().partition(b"\n")[0]) / 1000 if slowest.exists() else 0.0
    return Ran(
        name,
        _last(r"stat::number_of_executed_units:\s*(\d+)", ran) or _last(r"^#(\d+)", ran),
        (time.monotonic() - began) / 60,
        (_busy() - before) / 60,
        _last(r" cov: (\d+)", ran),
        max(_last(r"stat::peak_rss_mb:\s*(\d+)", ran), _last(r" rss: (\d+)Mb", ran)),
        took,
        "in time" if code == 0 else _why(ran),
    )


def watched(child: subprocess.Popen[bytes], log: Path, minutes: float) -> int:
    """Waits until a run has had its minutes of the processor, with libFuzzer's progress on the terminal; its exit code.

    They count from where all seeds are read: what is watched is built before.
    """
    shown, begun = 0, float("inf")
    while True:
        try:
            code = child.wait(timeout=POLL)
        except subprocess.TimeoutExpired:
            code = None
        with log.open("rb") as written:
            written.seek(shown)
            for line in written:
                if b"INITED" in line:
                    begun = _used(child.pid)
                if b"pulse" in line or b"INITED" in line or not line.startswith((b"#", b'"')):
                    sys.stdout.write(line.decode("utf-8", "replace"))
            shown = written.tell()
        sys.stdout.flush()
        if code is not None:
            return code
        if _used(child.pid) - begun >= minutes * 60:
            # libFuzzer ends after the input under way, and tells its figures.
            child.send_signal(signal.SIGUSR1)


def _used(pid: int) -> float:
    """Seconds of the processor that a process under way has had; none when it is over."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _busy() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def _why(ran: str) -> str:
    found = re.search(r"ERROR: libFuzzer: ([^\n(]*)|an input took[^\n]*", ran)
    return f"**{found[0].removeprefix('ERROR: libFuzzer: ').strip()}**" if found else "**failed**"


def record(ran: Ran, page: Path) -> None:
    """Put a run's row where the target's last one was."""
    rows = dict.fromkeys(ALL, "")
    if page.exists():
        for line in page.read_text(encoding="utf-8").splitlines(keepends=True):
            if (found := re.match(r"\| `(\w+)` \|", line)) and found[1] in rows:
                rows[found[1]] = line
    rows[ran.target] = ran.row()
    page.write_text(HEAD + "".join(rows.values()), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("targets", nargs="*", choices=[*ALL, []], help="all, when none is named")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the processor, for each target")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the rows are kept")
    told = parser.parse_args()
    wanted = told.targets or list(ALL)
    if set(wanted) & set(RUST):
        build()
    done = []
    for name in wanted:
        print(f"--- {name}: {told.minutes:g} minutes of the processor", flush=True)
        done.append(fuzz(name, told.minutes))
        record(done[-1], told.page)
        print(done[-1].row(), flush=True)
    return 0 if all(ran.ended == "in time" for ran in done) else 1


if __name__ == "__main__":
    sys.exit(main())
