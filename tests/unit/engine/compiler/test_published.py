"""The schema that was written down is the one that the types say."""

from __future__ import annotations

import msgspec

from engine.compiler.published import published_schema
from engine.schema import input_schema


def test_what_was_written_down_is_fresh() -> None:
    told = "run: sallyport schema --json > engine/compiler/input_schema.json"
    assert msgspec.msgpack.decode(published_schema()) == input_schema(), told
