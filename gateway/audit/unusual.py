"""What a decision's entry says of things that a kind of job never did before, in a sentence. Pure. For those who list entries."""

from __future__ import annotations

from gateway.audit.entry import Entry

MAX_LISTED = 3


def unusual(entry: Entry) -> str:
    """Why the command of an entry is unusual; empty when it is not, or when nobody counted.

    What a kind does of which nothing is known yet is no surprise: then the sentence says that.
    """
    activity = entry.context.get("activity")
    if not isinstance(activity, dict) or not isinstance(activity.get("unseen"), list):
        return ""
    unseen = [_use(one) for one in activity["unseen"] if isinstance(one, dict)]
    count = activity.get("unseen_count")
    if not unseen or not isinstance(count, int):
        return ""
    kind = activity.get("kind")
    who = f"jobs of kind {kind} of {entry.principal}" if kind else f"{entry.principal} without a named job"
    if not activity.get("known_uses"):
        return f"nothing is known yet of {who}"
    more = f" and {count - MAX_LISTED} more" if count > MAX_LISTED else ""
    return f"never done by {who}: {', '.join(unseen[:MAX_LISTED])}{more}"


def _use(stated: dict[str, object]) -> str:
    return " ".join(str(stated[name]) for name in ("operation", "object") if stated.get(name))
