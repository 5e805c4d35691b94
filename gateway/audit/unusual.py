"""What a decision's entry says of things that a kind of job never did before, in a sentence. Pure. For those who list entries."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.audit.entry import Entry

MAX_LISTED = 3


def unusual(entry: Entry) -> str:
    """Why the command of an entry is unusual; empty when it is not, or when nobody counted.

    What a kind does of which nothing is known yet is no surprise: then the sentence says that.
    """
    return unusual_in(entry.context.get("activity"), entry.principal)


def unusual_in(activity: object, principal: str, *, of_known: bool = False) -> str:
    """The same of what a principal did lately, as a context has it. `of_known`: only where something is known of that kind."""
    if not isinstance(activity, dict) or not isinstance(activity.get("unseen"), list):
        return ""
    unseen = [_use(one) for one in activity["unseen"] if isinstance(one, dict)]
    count = activity.get("unseen_count")
    if not unseen or not isinstance(count, int):
        return ""
    kind = activity.get("kind")
    who = f"jobs of kind {kind} of {principal}" if kind else f"{principal} without a named job"
    if not activity.get("known_uses"):
        return "" if of_known else f"nothing is known yet of {who}"
    more = f" and {count - MAX_LISTED} more" if count > MAX_LISTED else ""
    return f"never done by {who}: {', '.join(unseen[:MAX_LISTED])}{more}"


def numbers_in(activity: object, names: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """The numbers of that name, in order; an empty name is all that are not 0. What is no number is left out."""
    if not isinstance(activity, dict):
        return ()
    all_of: dict[str, int] = {}
    for prefix, part in (("", activity), ("job.", activity.get("job"))):
        for name, value in part.items() if isinstance(part, dict) else ():
            if isinstance(value, int) and name != "job":
                all_of[f"{prefix}{name}"] = int(value)
    wanted = set(names)
    return tuple(
        (name, value)
        for name, value in sorted(all_of.items())
        if name in wanted or ("job" in wanted and name.startswith("job.")) or ("" in wanted and value)
    )


def _use(stated: dict[str, object]) -> str:
    return " ".join(str(stated[name]) for name in ("operation", "object") if stated.get(name))
