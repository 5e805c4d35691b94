"""The one way a policy is written."""

from __future__ import annotations

from textwrap import dedent

import pytest

from engine.dsl.parser import parse
from engine.dsl.printer import print_file
from engine.source import Source

CANONICAL = """\
# Who may do what in production.
policy postgres.prod "Production databases"
applies to postgres where resource.labels.environment == "prod"  # only there

import "lib/roles.gate"
import "lib/sql.gate"

define writing = any operation has effect in {write, create, delete}
define risky_kinds = {drop_table, truncate}

# Not by hand.
deny drop_objects "Dropping objects goes through migrations"
  when any operation has kind in risky_kinds
  hint "write a migration"
  detail "see the handbook"
  code "NO_DROP"

hold prod_writes "A DBA looks at every write"  # always
  # Bots too.
  when writing
    and not (
      principal.kind == "service"
      and principal.name in {"migrations", "backup", "replication"}
    )
  approvers group "dba", user "ana" quorum 2
  expires 15m
  requester may not withdraw
  remember 30m
  escalate after 5m to group "oncall"
  escalate after 10m to group "leads", user "chief" who may approve

mask card_numbers
  columns "billing.cards.pan", "*.*.card_number" with partial keep last 4
  unless principal in group "pci"

mask secrets_anywhere
  columns "a.b"  # these
  values secret.*, pii.email
  with hash key "k1"

limit row_cap rows 10000  # enough
  when command.complete

mask passwords columns "*.*.password" with redact

allow readers "Reading"
  when every operation has (
    effect read
    and no target has (
      schema == "billing"
      or relation like {"hr.*", "payroll.**"}
      or name == "x"
      or name == "and some longer name"
    )
  )
  unless between 18:00 and 09:00 in "Europe/Zurich" on weekdays

test "an analyst sees masked cards"
  given principal "ana" kind agent groups {"data-readers"},
    resource "orders" labels {environment: "prod", "a b": "c"} database "shop" role "app",
    now "2026-03-02T10:00:00Z"
  given context.ticket = "OPS-1"
  run postgres "SELECT pan FROM billing.cards"
  expect mask by card_numbers

# The end.
"""


def printed(text: str) -> str:
    parsed = parse(Source("p.gate", text))
    assert parsed.file is not None, parsed.diagnostics
    assert parsed.diagnostics == ()
    return print_file(parsed.file)


def test_what_is_written_canonically_stays_as_it_is() -> None:
    assert printed(CANONICAL) == CANONICAL


@pytest.mark.parametrize("blanks", ["\n", "\n\n   ", "\t"])
def test_any_other_layout_becomes_the_canonical_one(blanks: str) -> None:
    plain = "\n".join(line.split("  #")[0] for line in CANONICAL.splitlines() if not line.strip().startswith("#"))
    words = plain.replace("\n\n", blanks).replace("\n", blanks)
    assert printed(words) == printed(plain)


def test_long_sets_and_definitions_are_broken() -> None:
    many = ", ".join(f"function_number_{number:03}" for number in range(20))
    text = printed(f"policy p\ndefine x = {{{many}}}\ndefine y = any operation has kind in {{{many}}}\n")
    assert max(map(len, text.splitlines())) <= 100
    assert printed(text) == text


def test_needless_parentheses_go_and_needed_ones_stay() -> None:
    text = printed("policy p\ndeny a when ((a) and (b or (c))) or not (not (d))")
    assert text.splitlines()[-1] == "  when (a and (b or c)) or not not d"


def test_a_mask_of_many_columns_is_filled() -> None:
    many = ", ".join(f'"schema.table.column_{number:02}"' for number in range(12))
    text = printed(f"policy p\nmask m columns {many} with redact\n")
    assert text == dedent(text)
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[-1] == "  with redact"
    assert printed(text) == text
