"""What does not fit together in how long contents of the audit are kept. Called by `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.config.model import Config
from gateway.config.places import Path

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DEFAULT = "default"
MOST_DAYS = 36_500


def find_retention_misfits(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`."""
    if not 0 <= config.audit.keep_days <= MOST_DAYS:
        yield ("audit", "keep_days"), f"is out of range; expected 0 (for ever) to {MOST_DAYS}"
    known = {resource.name for resource in config.resource}
    for index, rule in enumerate(config.audit.retention):
        path: Path = ("audit", "retention", index)
        # WHY such names: each is a folder of keys.
        if not NAME.fullmatch(rule.name):
            yield (*path, "name"), "is no name; expected small letters, digits, `_`, `-`"
        elif rule.name == DEFAULT:
            yield (*path, "name"), "is the name of what no rule says; `[audit] keep_days` is its time"
        if not 0 <= rule.keep_days <= MOST_DAYS:
            yield (*path, "keep_days"), f"is out of range; expected 0 (for ever) to {MOST_DAYS}"
        if not rule.resources and not rule.labels:
            yield path, "is about nothing; expected `resources` or `labels`"
        for place, name in enumerate(rule.resources):
            if name not in known:
                yield (*path, "resources", place), "is no [[resource]]"
