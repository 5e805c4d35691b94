"""From entries, and from what is looked for, to the numbers the index keeps: short hashes, never a text. Pure.

What belongs to a content is hashed with a key that is derived from the content's, and is found by nobody once that is destroyed.
A hash that two share costs a look at the log, never a wrong answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from gateway.audit.entry import Entry
from gateway.audit.index.sought import Facts, Sought, folded, rule_names, words_of


def terms_of(entry: Entry, facts: Facts, words_key: bytes) -> set[int]:
    """Everything an entry is found by. `words_key`: of its content; empty for one in clear."""
    found = {_plain("kind", entry.kind.value)}
    for name in ("principal", "resource", "job", "session", "verdict"):
        value = getattr(entry, name)
        if value:
            found.add(_plain(name, value))
    found.update(_plain("rule", name) for name in rule_names(entry))
    found.update(_keyed(words_key, "effect", name) for name in facts.effects)
    found.update(_keyed(words_key, "object", name) for name in facts.objects)
    found.update(_keyed(words_key, "word", word) for word in words_of(entry.text))
    return found


def metadata_terms(sought: Sought) -> list[int]:
    """What each entry that is looked for has, the rarest first. Empty: only its kind and time are said."""
    found = []
    for name in ("session", "job", "principal", "rule", "resource", "verdict"):
        value = getattr(sought, name)
        if value is not None:
            found.append(_plain(name, folded(value) if name == "rule" else value))
    return [*found, _plain("kind", sought.kind.value)]


def content_terms(sought: Sought, words_key: bytes) -> Iterator[int]:
    """What each has of its content, under one key; in the same order for every key."""
    yield from (_keyed(words_key, "word", word) for word in sorted(words_of(sought.text), key=len, reverse=True))
    if sought.object is not None:
        yield _keyed(words_key, "object", folded(sought.object))
    if sought.effect is not None:
        yield _keyed(words_key, "effect", sought.effect)


def _plain(name: str, value: str) -> int:
    return _keyed(b"", name, value)


def _keyed(key: bytes, name: str, value: str) -> int:
    text = f"{name}\0{value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, key=key, digest_size=8).digest(), signed=True)
