"""Each view in each size and colour: whole, readable, and without a complaint of the browser."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.visit import DESKTOP, PHONE, VIEWS, Visitor

MISSING = "/nothing/of/that/name"


def wider_than_the_screen(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    found: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return found


def violations(page: Page, **options: Any) -> list[str]:
    """What axe finds, each with the elements."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options})
    return [
        f"{one['impact']} {one['id']}: {one['help']}: "
        + " | ".join(f"{node['html']} ({node['failureSummary']})" for node in one["nodes"][:5])
        for one in found.response["violations"]
    ]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(
    visitor: Visitor, view: str, screen: dict[str, int], colours: str
) -> None:
    """No violation of any impact, contrast included, and nothing to scroll sideways."""
    page = visitor.opened(view, viewport=screen, color_scheme=colours)
    assert violations(page) == []
    assert wider_than_the_screen(page) <= 0
