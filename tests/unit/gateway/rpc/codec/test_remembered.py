"""Remembered approvals through messages and back."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from gateway.rpc.codec import remembered
from gateway.rpc.refusals import CallRefused
from tests.rpc_stand_ins import StandInRemembered

ONE = StandInRemembered()


def test_one_comes_back_as_it_was() -> None:
    assert asdict(remembered.read_one(remembered.write_one(ONE))) == asdict(ONE)
    (listed,) = remembered.read_remembered(remembered.write_list([ONE]))
    assert asdict(listed) == asdict(ONE)


def test_requests() -> None:
    remembered.read_list(remembered.write_list_request())
    assert remembered.read_take_back(remembered.write_take_back_request("a-1")) == "a-1"


@pytest.mark.parametrize("given", ["", "a" * 3_000, "a\n"])
def test_what_names_none_is_refused(given: str) -> None:
    with pytest.raises(CallRefused):
        remembered.read_take_back(remembered.write_take_back_request(given))


def test_bytes_that_are_none_are_refused() -> None:
    for read in (remembered.read_list, remembered.read_take_back):
        with pytest.raises(CallRefused):
            read(b"\xff")
