"""What label and field selectors leave out: whether the objects they pick can be fewer than all of a kind.

Not here: which name a field selector asks for (`request_info`), whether the server takes a selector at all. Called for raw
requests and for kubectl.
"""

from __future__ import annotations

import re

_NEGATIVE_LABELS = re.compile(r"\s*!|.*!=|\s*[^\s=!<>(]+\s+notin\s*\(", re.DOTALL)
_FOLDED = re.compile(r"\([^)]*\)")


def narrows(labels: str | None, fields: str | None) -> bool:
    """Whether the selectors of one request ask for something that an object has to have.

    What only leaves objects out (`!x`, `x!=y`, `x notin (y)`) can leave out none, and every object of a collection is in
    its namespace: neither counts.
    """
    return _labels_narrow(labels or "") or any(
        operator != "!=" and field != "metadata.namespace" for field, operator, _ in field_terms(fields or "")
    )


def _labels_narrow(selector: str) -> bool:
    # WHY folded: the values of `in (a,b)` have commas of their own.
    parts = _FOLDED.sub("()", selector).split(",")
    return any(part.strip() and _NEGATIVE_LABELS.match(part) is None for part in parts)


def field_terms(selector: str) -> list[tuple[str, str, str]]:
    """The terms of a field selector: field, operator, value; none at all when one of them cannot be read."""
    found = []
    for text in re.findall(r"(?:[^,\\]|\\.|\\$)+", selector, re.DOTALL):
        term = re.fullmatch(r"((?:[^=!\\]|\\.)*?)(!=|==|=)((?:[^\\=,]|\\[\\,=])*)", text, re.DOTALL)
        if term is None:
            return []
        found.append((term[1], term[2], re.sub(r"\\(.)", r"\1", term[3])))
    return found
