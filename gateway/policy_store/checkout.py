"""Which git commit a policy folder stands at, if any. For people: decisions depend on contents, never on this."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

GIT_SECONDS = 5.0


def commit_of(folder: Path) -> str | None:
    """The commit (12 digits, `+` when files differ from it), or None where git does not know or is not there."""
    # WHY first: starting a program keeps every other thread of this one waiting, and most folders are no checkout.
    head = _git(folder, "rev-parse", "--verify", "HEAD") if _may_be_checkout(folder) else None
    if head is None:
        return None
    changes = _git(folder, "status", "--porcelain", "--", ".")
    return head.strip()[:12] + ("+" if changes is None or changes.strip() else "")


def committed_at(folder: Path) -> int | None:
    """When that commit was made, in seconds since 1970; None as above. Grows along a branch, in shallow clones too."""
    said = _git(folder, "log", "-1", "--format=%ct", "HEAD")
    return int(said) if said is not None and said.strip().isdigit() else None


def _may_be_checkout(folder: Path) -> bool:
    try:
        real = folder.resolve()
    except (OSError, RuntimeError):
        return False
    return any((place / ".git").exists() or (place / "HEAD").exists() for place in (real, *real.parents))


def _git(folder: Path, *arguments: str) -> str | None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            # WHY: a folder of somebody else must not run hooks or monitors of its own through our question.
            ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "-C", str(folder), *arguments],
            env=environment | {"GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
