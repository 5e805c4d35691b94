"""A folder and a bundle in a file: looked at cheaply, read whole, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import PolicyUnusable
from gateway.policy_store.bundle import pack
from gateway.policy_store.origins import BundleFileOrigin, FolderOrigin, read_bundle_file
from gateway.policy_store.signing import TrustedKeys

RAW = pack({"a.rego": b"package a"}, revision="r", sequence=3, commit="abc")


def test_a_folder_shows_a_change_and_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text("one")
    origin = FolderOrigin(tmp_path)
    before = origin.look()
    assert origin.read().folder.sources[0].text == "one"
    assert origin.read().bundle is None
    (tmp_path / "b.rego").write_text("two")
    assert origin.look() != before
    origin.keep()
    assert origin.kept() is None
    assert (origin.name, origin.settles) == (str(tmp_path), True)


def test_a_bundle_shows_a_change_and_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.bundle"
    file.write_bytes(RAW)
    origin = BundleFileOrigin(file, None)
    before = origin.look()
    loaded = origin.read()
    assert (loaded.folder.sources[0].name, loaded.commit) == ("a.rego", "abc")
    assert loaded.bundle is not None
    assert loaded.bundle.manifest.sequence == 3
    file.write_bytes(RAW + b" ")
    assert origin.look() != before
    assert origin.name == str(file)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.bundle").write_bytes(RAW)
    with pytest.raises(PolicyUnusable) as told:
        BundleFileOrigin(tmp_path / "p.bundle", TrustedKeys([])).read()
    assert told.value.code == "BUNDLE_UNSIGNED"
    gone = BundleFileOrigin(tmp_path / "gone", None)
    for attempt in (gone.look, gone.read, lambda: read_bundle_file(tmp_path)):
        with pytest.raises(PolicyUnusable, match="cannot be read"):
            attempt()
