"""Keys are there before they are used, one for a rule and day, and gone for everybody once they are destroyed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.audit.content import DAY, close_entry
from gateway.audit.content_keys import FOLDER, ContentKeys, Opener
from gateway.audit.entry import Entry, Kind, decode, encode
from gateway.errors import AuditUnavailable

NOW = 1_795_000_000 * 10**9


def closed(keys: ContentKeys, text: str, rule: str = "default") -> Entry:
    return close_entry(Entry(kind=Kind.DECISION, time=NOW, text=text), keys.current(rule, NOW))


def test_a_rule_has_one_key_a_day_and_whoever_comes_later_finds_it(tmp_path: Path) -> None:
    keys = ContentKeys(tmp_path)
    key = keys.current("default", NOW)
    assert keys.current("default", NOW) is key
    assert ContentKeys(tmp_path).current("default", NOW) == key
    others = {keys.current("orders", NOW).id, keys.current("default", NOW + DAY).id}
    assert key.id not in others
    assert len(others) == 2
    assert sorted(keys.all()) == sorted({key.id, *others})
    assert keys.find(key.id) == key
    (path,) = (tmp_path / FOLDER).glob(f"{key.id}.key")
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_entry_reads_until_its_key_is_destroyed_and_another_is_made_then(tmp_path: Path) -> None:
    keys, opener = ContentKeys(tmp_path), Opener(tmp_path)
    entry = closed(keys, "secret")
    assert opener.open(entry).text == "secret"
    key = keys.current("default", NOW)
    before = os.stat(tmp_path / FOLDER / f"{key.id}.key").st_ino
    keys.destroy(key.id)
    keys.destroy(key.id)
    assert opener.open(entry).unreadable
    assert keys.find(key.id) is None
    assert keys.current("default", NOW) != key
    assert before
    assert opener.open(closed(keys, "more")).text == "more"


def test_a_key_that_somebody_removed_by_hand_is_used_no_more(tmp_path: Path) -> None:
    keys = ContentKeys(tmp_path)
    key = keys.current("default", NOW)
    (tmp_path / FOLDER / f"{key.id}.key").unlink()
    assert keys.current("default", NOW) != key


@pytest.mark.parametrize("left", [b"", b"short", bytes(32)])
def test_what_a_crash_leaves_of_a_key_is_none(tmp_path: Path, left: bytes) -> None:
    keys = ContentKeys(tmp_path)
    key = keys.current("default", NOW)
    (tmp_path / FOLDER / f"{key.id}.key").write_bytes(left)
    assert keys.find(key.id) is None
    assert ContentKeys(tmp_path).current("default", NOW) != key


@pytest.mark.parametrize("name", ["", "default", "../x/2026-11-21." + "a" * 32, "default/2026-11-21." + "a" * 31])
def test_what_is_no_name_of_a_key_leads_to_no_file(tmp_path: Path, name: str) -> None:
    keys = ContentKeys(tmp_path)
    assert keys.find(name) is None
    keys.destroy(name)


def test_lines_are_opened_as_the_log_would_have_them(tmp_path: Path) -> None:
    keys, opener = ContentKeys(tmp_path), Opener(tmp_path)
    line = encode(closed(keys, "secret"), 7)
    opened = decode(opener.open_line(line))
    assert (opened.seq, opened.text, opened.content) == (7, "secret", b"")
    plain = encode(Entry(kind=Kind.STARTED, time=1), 8)
    assert opener.open_line(plain) is plain
    assert opener.open_line(b'broken "content_key":\n') == b'broken "content_key":\n'


def test_an_altered_content_is_an_alarm_and_no_text(tmp_path: Path) -> None:
    entry = closed(ContentKeys(tmp_path), "secret")
    with pytest.raises(AuditUnavailable) as caught:
        Opener(tmp_path).open(decode(encode(entry, 3).replace(b'"time":', b'"time":1')))
    assert caught.value.code == "AUDIT_ALTERED"


def test_a_folder_nobody_may_write_closes_nothing(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(AuditUnavailable):
        ContentKeys(tmp_path).current("default", NOW)
