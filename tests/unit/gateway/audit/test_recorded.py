"""A question comes back only when it is the one that was asked; else its gap says why."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import parse_command
from engine.request import Request
from engine.suite.replay import Gap, Recorded
from gateway.audit import recorded as module
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.entry import Entry, Kind
from gateway.audit.recorded import Reader

SELECT = "SELECT 1"
DIGEST = hashlib.sha256(b"postgres\0" + SELECT.encode()).hexdigest()
ENTRY = Entry(
    kind=Kind.DECISION,
    time=7,
    decision_id="d-1",
    principal="ana",
    principal_kind="user",
    session="s",
    resource="orders",
    resource_protocol="postgres",
    protocol="postgres",
    digest=DIGEST,
    text=SELECT,
    verdict="allow",
    revision="r1",
)


def read_back(folder: Path, **fields: Any) -> Recorded | Gap:
    return Reader(KeptCatalogs(folder)).recorded(msgspec.structs.replace(ENTRY, **fields))


def test_the_whole_question_comes_back(tmp_path: Path) -> None:
    found = read_back(tmp_path, ticket="h-1", approvers=("dora",), granted=("p/W",), granted_at=5)
    assert isinstance(found, Recorded)
    assert (found.id, found.text, found.asked.now, found.asked.principal.name) == ("d-1", SELECT, 7, "ana")
    assert found.asked.approval is not None
    assert (found.asked.approval.ticket, found.asked.approval.granted_at) == ("h-1", 5)


def test_a_ready_made_tree_comes_back_as_one(tmp_path: Path) -> None:
    tree = parse_command("postgres", SELECT)
    found = read_back(tmp_path, is_tree=True, tree=tree.encoded, redacted=True)
    assert isinstance(found, Recorded)
    assert isinstance(found.asked, Request)
    assert found.asked.command == tree


@pytest.mark.parametrize(
    ("fields", "gap"),
    [
        ({"overruled": True}, Gap.OVERRULED),
        ({"revision": ""}, Gap.OVERRULED),
        ({"deny_kind": "TIMEOUT"}, Gap.TIMEOUT),
        ({"deny_kind": "INPUT_INVALID"}, Gap.INPUT),
        ({"resource_protocol": ""}, Gap.INPUT),
        ({"redacted": True}, Gap.REDACTED),
        ({"is_tree": True}, Gap.TREE),
        ({"text": "SELECT 2"}, Gap.TEXT),
        ({"digest": ""}, Gap.TEXT),
        ({"had_catalog": True}, Gap.CATALOG),
        ({"had_catalog": True, "catalog": "a" * 64}, Gap.CATALOG),
    ],
)
def test_what_is_not_known_is_not_guessed(tmp_path: Path, fields: dict[str, Any], gap: Gap) -> None:
    assert read_back(tmp_path, **fields) is gap


def test_who_comes_again_is_the_same_object_and_many_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    reader = Reader(KeptCatalogs(tmp_path))
    first, again = (reader.recorded(ENTRY) for _ in range(2))
    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert first.asked.principal is again.asked.principal
    for number in range(5):
        other = reader.recorded(msgspec.structs.replace(ENTRY, principal=f"u{number}", labels={"n": str(number)}))
        assert isinstance(other, Recorded)
        assert (other.asked.principal.name, other.asked.resource.labels) == (f"u{number}", {"n": str(number)})
