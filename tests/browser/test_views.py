"""Each view in each size and colour: whole, readable, and without a complaint of the browser."""

from __future__ import annotations

import pytest

from tests.browser.judged import violations, wider_than_the_screen
from tests.browser.visit import DESKTOP, PHONE, VIEWS, Visitor

ZOOMED = {"width": 640, "height": 450}
"""The desktop at 200%."""
PAPER = {"width": 718, "height": 1000}
"""A4 in CSS pixels, without its margins."""
MISSING = "/nothing/of/that/name"


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


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_page_that_is_not_there_is_a_page(visitor: Visitor, colours: str) -> None:
    """It leads back to what is there, in the same clothes."""
    page = visitor.opened(MISSING, viewport=PHONE, color_scheme=colours)
    assert visitor.expected("404")
    assert violations(page) == []
    page.get_by_role("main").get_by_role("link").click()
    page.wait_for_url("**/")
    assert page.get_by_role("region", name="Now", exact=True).is_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_zoomed_to_200_percent(visitor: Visitor, view: str) -> None:
    """Text that is twice as large wraps; nothing is scrolled sideways."""
    page = visitor.opened(view, viewport=ZOOMED, device_scale_factor=2)
    assert wider_than_the_screen(page) <= 0


@pytest.mark.parametrize("view", VIEWS)
def test_printed_nothing_is_cut_off(visitor: Visitor, view: str) -> None:
    """Paper can't be scrolled: everything fits its width, and what only a screen needs is gone."""
    page = visitor.opened(view, viewport=PAPER)
    page.emulate_media(media="print")
    assert wider_than_the_screen(page) <= 0
    cut = page.locator("main .scroll").evaluate_all(
        "boxes => boxes.filter(one => one.scrollWidth > one.clientWidth).length"
    )
    assert cut == 0
    assert not page.get_by_role("navigation", name="Pages").is_visible()


@pytest.mark.parametrize("view", VIEWS)
def test_it_is_not_framed(visitor: Visitor, view: str) -> None:
    """Nobody lays the page under something else to be clicked."""
    page = visitor.opened("/why")
    address = page.url.removesuffix("/why") + view
    page.evaluate(
        """address => new Promise(done => {
             const frame = document.createElement("iframe");
             frame.src = address;
             frame.onload = done;
             document.body.append(frame);
           })""",
        address,
    )
    assert all(not frame.url.startswith("http") for frame in page.frames[1:])
    assert visitor.expected("default-src|frame-ancestors|frame-src|BLOCKED_BY_CSP|CSP")
