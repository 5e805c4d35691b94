"""A gateway whose policy lets approvals be remembered, and a browser for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.console.house import POLICY, House, new_context, running_browser, running_house

REMEMBERING = POLICY.replace('"expires": "10m",', '"expires": "10m", "remember": "30m",')


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house(REMEMBERING) as found:
        yield found


@pytest.fixture(autouse=True)
def _nobody_waits_for_ever(house: House) -> Iterator[None]:
    yield
    house.abandon()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = new_context(browser)
    yield made
    made.close()
