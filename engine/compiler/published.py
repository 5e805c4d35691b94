"""The schema of the input as it was written down: whoever only compiles need not build it from the types of requests.

`input_schema.json` beside this file is what `sallyport schema --json` prints; a test holds it fresh. Called by `stages.py`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("input_schema.json")


@cache
def published_schema() -> bytes:
    """The schema in msgpack, for the core's check of the paths that policies read."""
    return msgspec.msgpack.encode(msgspec.json.decode(FILE.read_bytes()))
