"""What is wrong with a page that looks right."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """What axe finds, of any impact, each with its first elements."""
    found = Axe().run(page).response["violations"]
    return [f"{one['impact']} {one['id']}: {one['help']}: {_elements(one)}" for one in found]


def wider_than_the_screen(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    found: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return found


def _elements(violation: dict[str, Any]) -> str:
    shown = violation["nodes"][:3]
    return " | ".join(f"{one['html']} ({one['failureSummary']})" for one in shown)
