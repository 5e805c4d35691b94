"""Authors' mistakes kept as files: for each, exactly what is told - code, place, message, help.

Each mistake is a file, or a folder of files, beside a `.txt` with what is told. Used by the tests of both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.source import Diagnostic, Source, decode_source

AT_LEAST = 60


def shown(found: Sequence[Diagnostic]) -> str:
    lines: list[str] = []
    for one in found:
        span = one.span
        place = "" if span is None else f":{span.line}:{span.column}-{span.end_line}:{span.end_column}"
        lines.append(f"{one.source}{place} {one.severity} {one.code}: {one.message}")
        if one.help:
            lines.append(f"  help: {one.help}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of a folder, and what finds them."""

    folder: Path
    diagnose: Callable[[Sequence[Source]], Sequence[Diagnostic]]

    @property
    def paths(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.suffix != ".txt")

    def told(self, path: Path) -> list[Diagnostic]:
        """Everything that is told about a mistake."""
        files = [path] if path.is_file() else sorted(path.iterdir())
        decoded = [decode_source(file.name, file.read_bytes()) for file in files]
        sources = [one for one in decoded if isinstance(one, Source)]
        return [*(one for one in decoded if isinstance(one, Diagnostic)), *self.diagnose(sources)]

    def expected(self, path: Path) -> Path:
        return self.folder / f"{path.stem}.txt"

    def check(self, path: Path) -> None:
        """What is told of a mistake is what its `.txt` says."""
        found = self.told(path)
        assert found, "nothing is told"
        assert shown(found) == self.expected(path).read_text(encoding="utf-8")

    def write(self) -> None:
        """Write every `.txt` anew."""
        for path in self.paths:
            self.expected(path).write_text(shown(self.told(path)), encoding="utf-8")


def is_one_line(diagnostic: Diagnostic, longest: int) -> bool:
    """Whether a message is short, in one line and without a final stop."""
    said = diagnostic.message
    return "\n" not in said + diagnostic.help and len(said) < longest and not said.endswith(".")
