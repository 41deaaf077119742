"""A browser for all of these tests, and a daemon in the sandbox that it looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from chaosd.cli.stage import Stage
from pictures.chromium import MISSING, chromium, running
from tests.browser.stages import recovered, staged
from tests.browser.visit import Visitor, visiting


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Without one the tests are skipped; in CI that is a failure."""
    found = chromium()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with running(found) as browser:
        yield browser


@pytest.fixture(scope="session")
def shop() -> Iterator[Stage]:
    """The demo, ten times as fast as real time, in which something has happened already."""
    with staged() as stage:
        recovered(stage, 1)
        yield stage


@pytest.fixture
def visitor(browser: Browser, shop: Stage) -> Iterator[Visitor]:
    """Somebody who looks at the demo."""
    with visiting(browser, shop.address) as visitor:
        yield visitor


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A demo of the test's own, to be halted, spoilt and ended."""
    with staged() as stage:
        recovered(stage, 1)
        yield stage


@pytest.fixture
def own(browser: Browser, stage: Stage) -> Iterator[Visitor]:
    """Somebody who looks at it."""
    with visiting(browser, stage.address) as visitor:
        yield visitor


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was measured and is no reason to fail."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
