"""One gateway for all tests here, and a browser for each file (its loop must end before other files' tests have theirs)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.console.house import House, new_context, running_browser, running_house


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with running_house() as found:
        yield found


@pytest.fixture(autouse=True)
def _nobody_waits_for_ever(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "house" in request.fixturenames:
        request.getfixturevalue("house").abandon()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = new_context(browser)
    yield made
    made.close()
