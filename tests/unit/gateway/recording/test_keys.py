"""What recordings' keys are wrapped with."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid, RecordingBroken, RecordingUnavailable
from gateway.recording.frames import Head
from gateway.recording.keys import KEY_FILE, WrappingKeys, own_secret
from tests.unit.gateway.recording.test_frames import head

OLD, NEW = b"o" * 32, b"n" * 32


def wrapped_head(keys: WrappingKeys, key: bytes) -> Head:
    """The head of a recording whose key this is."""
    name, wrapped = keys.wrap(key, "r-1")
    return head(key=name, wrapped=wrapped)


def test_the_first_wraps_and_all_unwrap() -> None:
    old, both = WrappingKeys([OLD]), WrappingKeys([NEW, OLD])
    assert both.name != old.name
    was, now = wrapped_head(old, b"k" * 32), wrapped_head(both, b"j" * 32)
    assert (was.key, now.key) == (old.name, both.name)
    assert (both.unwrap(was), both.unwrap(now)) == (b"k" * 32, b"j" * 32)
    with pytest.raises(RecordingBroken) as found:
        old.unwrap(now)
    assert found.value.code == "NO_KEY"


@pytest.mark.parametrize("wrapped", [b"", b"x" * 60])
def test_what_was_altered_is_not_unwrapped(wrapped: bytes) -> None:
    keys = WrappingKeys([NEW])
    with pytest.raises(RecordingBroken):
        keys.unwrap(head(key=keys.name, wrapped=wrapped))
    with pytest.raises(RecordingBroken):
        keys.unwrap(head(id="r-2", key=keys.name, wrapped=keys.wrap(b"k" * 32, "r-1")[1]))


def test_short_secrets_are_refused() -> None:
    with pytest.raises(ConfigInvalid):
        WrappingKeys([b"short"])
    with pytest.raises(ConfigInvalid):
        WrappingKeys([])


def test_a_secret_of_its_own_is_made_once_for_us_alone(tmp_path: Path) -> None:
    made = own_secret(tmp_path / "new")
    assert own_secret(tmp_path / "new") == made
    assert len(made) >= 32
    assert (tmp_path / "new" / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingUnavailable):
        own_secret(tmp_path / "file" / "x")


def test_another_key_takes_over_from_one_that_is_kept_behind_it() -> None:
    keys, old = WrappingKeys([OLD]), WrappingKeys([OLD]).name
    was = wrapped_head(keys, b"k" * 32)
    assert not keys.take_over(WrappingKeys([OLD, NEW]))
    assert keys.take_over(WrappingKeys([NEW, OLD]))
    now = wrapped_head(keys, b"j" * 32)
    assert now.key != old
    assert (keys.unwrap(was), keys.unwrap(now)) == (b"k" * 32, b"j" * 32)
    # The old one goes once another wraps: what was made with it is closed then.
    assert not keys.take_over(WrappingKeys([NEW]))
    with pytest.raises(RecordingBroken):
        keys.unwrap(was)


def test_the_key_that_wraps_is_not_left_out() -> None:
    keys = WrappingKeys([OLD])
    was = wrapped_head(keys, b"k" * 32)
    with pytest.raises(ConfigInvalid, match="not among"):
        keys.take_over(WrappingKeys([NEW]))
    assert keys.unwrap(was) == b"k" * 32
    assert wrapped_head(keys, b"j" * 32).key == was.key
