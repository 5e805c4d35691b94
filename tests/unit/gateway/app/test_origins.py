"""Each way of saying where policies come from leads to its origin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.origins import candidate_of, is_remote, is_web, origin_of
from gateway.config import Config
from gateway.config.model import Policies
from gateway.policy_store.git_branch import GitOrigin
from gateway.policy_store.origins import BundleFileOrigin, FolderOrigin
from gateway.policy_store.signing import KeyUnusable, make_key
from gateway.policy_store.web_bundle import WebBundleOrigin


def config(folder: Path, **fields: object) -> Config:
    return replace(Config(), policies=Policies(**fields), folder=folder)  # type: ignore[arg-type]  # fields of a test


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "k.pub").write_bytes(make_key()[1])
    return "k.pub"


def test_each_origin_is_the_one_that_is_meant(tmp_path: Path, key: str) -> None:
    assert origin_of(config(tmp_path)).name == str(tmp_path / "policies")
    assert isinstance(origin_of(config(tmp_path, path="p")), FolderOrigin)
    assert isinstance(origin_of(config(tmp_path, bundle="p.bundle")), BundleFileOrigin)
    web = config(tmp_path, bundle="https://h/p.bundle", key=(key,), ca_file="ca.pem")
    assert isinstance(origin_of(web), WebBundleOrigin)
    git = config(tmp_path, git="ssh://git@h/p.git", ssh_key="k", known_hosts="h")
    assert isinstance(origin_of(git), GitOrigin)
    assert isinstance(origin_of(config(tmp_path, git="file:///r")), GitOrigin)


def test_only_some_ask_another_machine(tmp_path: Path) -> None:
    assert [
        is_remote(config(tmp_path, **fields))
        for fields in ({}, {"bundle": "p"}, {"bundle": "http://h/p"}, {"git": "x"})
    ] == [
        False,
        False,
        True,
        True,
    ]
    assert not is_web("httpsomething")


def test_a_candidate_is_a_folder_a_bundle_or_none(tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    assert candidate_of(config(tmp_path)) is None
    assert isinstance(candidate_of(config(tmp_path, candidate="next")), FolderOrigin)
    assert isinstance(candidate_of(config(tmp_path, candidate="p.bundle")), BundleFileOrigin)
    assert isinstance(candidate_of(config(tmp_path, candidate="https://h/p")), WebBundleOrigin)


def test_a_key_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text("no key")
    with pytest.raises(KeyUnusable):
        origin_of(config(tmp_path, bundle="p.bundle", key=("k.pub",)))
