"""How a reference to a secret is written. Read by the checks; fetched by `gateway.credentials`."""

from __future__ import annotations

import re

SECRET = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|exec:.+)", re.DOTALL)
REFERENCE_EXPECTED = "expected `env:NAME`, `file:PATH` or `exec:COMMAND`"
