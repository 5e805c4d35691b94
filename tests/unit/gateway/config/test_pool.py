"""The pool of a resource: only before PostgreSQL, and in sizes and times that make sense."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.check import find_misfits
from gateway.config.model import Config, Listener, Resource, ResourceProtocol
from gateway.config.pool import Pool, PoolMode

MAIN = Resource("main", ResourceProtocol.POSTGRES, "10.0.0.1:5432", role="app", pool=Pool(10))


@pytest.fixture
def good(tmp_path: Path) -> Config:
    (tmp_path / "policies").mkdir()
    listener = Listener(ResourceProtocol.POSTGRES, "127.0.0.1:0", resource="main")
    return Config(resource=(MAIN,), listener=(listener,), folder=tmp_path)


def test_a_good_one_has_no_misfits_and_serves_session_by_session(good: Config) -> None:
    assert list(find_misfits(good)) == []
    assert Pool(10).mode is PoolMode.SESSION


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"size": 0}, "size"),
        ({"size": 10_001}, "size"),
        ({"idle_seconds": 0.5}, "idle_seconds"),
        ({"lifetime_seconds": 86_401}, "lifetime_seconds"),
        ({"wait_seconds": -1}, "wait_seconds"),
        ({"wait_seconds": 16}, "wait_seconds"),
    ],
)
def test_what_is_out_of_range_is_named(good: Config, changes: dict[str, float], key: str) -> None:
    resource = replace(MAIN, pool=replace(Pool(10), **changes))  # type: ignore[arg-type]  # fields of tests
    assert [path for path, _ in find_misfits(replace(good, resource=(resource,)))] == [("resource", 0, "pool", key)]


def test_nobody_else_has_a_pool(good: Config) -> None:
    web = Resource("web", ResourceProtocol.HTTP, "10.0.0.1:443", pool=Pool(10))
    assert [path for path, _ in find_misfits(replace(good, resource=(MAIN, web)))] == [("resource", 1, "pool")]


def test_a_pool_may_work_by_transaction(good: Config) -> None:
    resource = replace(MAIN, pool=Pool(10, mode=PoolMode("transaction")))
    assert list(find_misfits(replace(good, resource=(resource,)))) == []
