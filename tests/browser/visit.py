"""Tabs of the browser that remember everything that went wrong in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

VIEWS = ("/", "/policies", "/policies/shop", "/calendar", "/why", "/why?target=shop/Deployment/web")
"""Each kind of page there is."""
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
PATIENCE = 60_000.0
"""Milliseconds after which something counts as never happening."""

_BEGIN = datetime(2026, 3, 4, 12, tzinfo=UTC)


def still(page: Page) -> Page:
    """Stops the clock of the pages that a tab opens from now on: no timer goes off by itself.

    (Playwright's clock that is only installed goes on as the machine's does.)
    """
    page.clock.install(time=_BEGIN)
    page.clock.pause_at(_BEGIN + timedelta(hours=1))
    return page


class Visitor:
    """Opens tabs at one address; ``troubles`` are what browsers complain about in any of them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self._contexts: list[BrowserContext] = []
        self.troubles: list[str] = []

    def tab(self, **options: Any) -> Page:
        """A new tab in a context of its own; ``options`` are those of ``Browser.new_context``."""
        sized = {"viewport": DESKTOP, "base_url": self._address, **options}
        context = self._browser.new_context(**sized)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        return page

    def opened(self, path: str, **options: Any) -> Page:
        """A new tab that shows a page."""
        page = self.tab(**options)
        page.goto(path)
        return page

    def expected(self, pattern: str) -> list[str]:
        """Takes away the troubles that a test provoked."""
        found = [one for one in self.troubles if re.search(pattern, one)]
        self.troubles = [one for one in self.troubles if one not in found]
        return found

    def leave(self) -> None:
        """Close all tabs."""
        for context in self._contexts:
            context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # Leaving a page ends what it was asking for.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"request failed: {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"answered {response.status}: {response.url}")


@contextmanager
def visiting(browser: Browser, address: str) -> Iterator[Visitor]:
    """A visitor; anything wrong in its tabs that the test did not expect fails the test."""
    visitor = Visitor(browser, address)
    try:
        yield visitor
    finally:
        visitor.leave()
    assert visitor.troubles == []
