"""Keys are found on their lines whatever stands around them."""

from __future__ import annotations

import tomllib

from gateway.config.places import places

TEXT = '''\
# first
title = "x # no comment [[no.header]]"

[policies]
path = "p"   # why
"odd key" = 1
tls.mode = "require"

[[resource]]
name = "a"
labels = {environment = "prod", tier = "1"}
names = [
  "one = 1",   # [not.a.header]
  "two",
]
text = """
[audit]
inside = 1
"""
after = 1

[resource.tls]
mode = "x"

[[resource]]
name = "b"

[[identity.principal]]
name = "c"
'''


def test_each_key_is_on_its_line() -> None:
    tomllib.loads(TEXT)
    found = places(TEXT)
    assert found[("title",)] == 2
    assert found[("policies",)] == 4
    assert found[("policies", "odd key")] == 6
    assert found[("policies", "tls", "mode")] == 7
    assert found[("resource", 0)] == 9
    assert found[("resource", 0, "labels")] == 11
    assert found[("resource", 0, "text")] == 16
    assert found[("resource", 0, "after")] == 20
    assert found[("resource", 0, "tls", "mode")] == 23
    assert found[("resource", 1, "name")] == 26
    assert found[("identity", "principal", 0, "name")] == 29
    assert ("audit",) not in found
    assert not any("one" in path for path in found)
