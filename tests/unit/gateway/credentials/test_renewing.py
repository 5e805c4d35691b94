"""A credential with an end is had again before it is needed, once for all, and used no longer than it lives."""

from __future__ import annotations

import asyncio
import threading

import pytest

from adapters.core.ports import Target
from gateway.credentials.answers import Fetched
from gateway.credentials.renewing import EARLY, PAUSE, Renewing
from gateway.errors import GatewayError


class Helper:
    def __init__(self, life: float | None = 100.0) -> None:
        self.now = 1_000.0
        self.life = life
        self.runs = 0
        self.is_broken = False
        self.may_end = threading.Event()
        self.may_end.set()
        self.made = Renewing("orders", self.fetch, self.build, self.fetch(), lambda: self.now)

    def fetch(self) -> Fetched:
        self.runs += 1
        assert self.may_end.wait(30)
        if self.is_broken:
            raise GatewayError("the helper ended with 1", code="CREDENTIAL_UNAVAILABLE")
        return Fetched(f"secret {self.runs}", None, None, None if self.life is None else self.now + self.life)

    def build(self, found: Fetched) -> Target:
        return Target("db", 5432, "gateway", found.secret)


async def test_it_is_had_again_when_its_end_is_near_and_not_before() -> None:
    helper = Helper()
    assert (await helper.made.fresh()).password == "secret 1"
    helper.now += 89
    assert helper.made.is_ready
    helper.now += 1
    assert not helper.made.is_ready, "a tenth of its life before its end"
    assert (await helper.made.fresh()).password == "secret 2"
    assert helper.made.lasts == 90
    helper.life = 10_000
    helper.now += 95
    await helper.made.make_ready()
    assert helper.made.lasts == 10_000 - EARLY
    assert helper.made.target.password == "secret 3"


async def test_who_comes_while_it_is_had_waits_for_the_same() -> None:
    helper = Helper()
    helper.now += 95
    helper.may_end.clear()
    asking = [asyncio.create_task(helper.made.fresh()) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    helper.may_end.set()
    done = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError), "who leaves ends nothing for the others"
    assert {one.password for one in done[1:] if isinstance(one, Target)} == {"secret 2"}
    assert helper.runs == 2


async def test_where_it_cannot_be_had_the_old_one_is_used_to_its_end_and_no_longer() -> None:
    helper = Helper()
    helper.is_broken = True
    helper.now += 95
    assert (await helper.made.fresh()).password == "secret 1"
    assert helper.made.is_ready, "not tried again at once"
    assert helper.runs == 2
    helper.now += PAUSE
    assert not helper.made.is_ready
    helper.now += 5
    assert helper.made.trouble
    with pytest.raises(ConnectionError) as caught:
        await helper.made.fresh()
    assert "secret" not in str(caught.value)
    assert helper.runs == 3
    helper.is_broken = False
    with pytest.raises(ConnectionError):
        await helper.made.fresh()
    helper.now += PAUSE
    assert (await helper.made.fresh()).password == "secret 4"


async def test_one_that_has_no_end_this_time_stays() -> None:
    helper = Helper()
    helper.life = None
    helper.now += 95
    assert (await helper.made.fresh()).password == "secret 2"
    assert helper.made.lasts is None
    helper.now += 1e9
    assert helper.made.is_ready


def test_one_that_is_over_already_is_none() -> None:
    with pytest.raises(GatewayError) as caught:
        Helper(life=-1)
    assert caught.value.code == "CREDENTIAL_UNAVAILABLE"


def test_two_of_the_same_place_are_one_for_what_is_known_of_it() -> None:
    helper = Helper()
    before = helper.made.target
    helper.made._use(Fetched("another", "other", None, helper.now + 5))
    assert before.place == helper.made.target.place
    assert before != helper.made.target
    assert Target("db", 1, "a", "b").place == Target("db", 1, "a", "b")
