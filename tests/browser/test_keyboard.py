"""Without a mouse: everything is reached in order, and one sees where one is."""

from __future__ import annotations

import pytest

from tests.browser.visit import DESKTOP, PHONE, VIEWS, Visitor, still

_STOPS = """
  () => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']"
  )].map((one, nth) => { one.dataset.nth = nth; return nth; })
"""
_HERE = """
  () => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    return {
      nth: one === document.body ? -1 : Number(one.dataset.nth),
      outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      seen: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    };
  }
"""
_MOST = 400


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("view", VIEWS)
def test_tab_reaches_everything(visitor: Visitor, view: str, screen: dict[str, int]) -> None:
    """In the order in which it is read, once, each in sight and with an outline."""
    # Where the focus goes, the page is at once, without gliding there.
    page = visitor.tab(viewport=screen, reduced_motion="reduce")
    still(page)
    page.goto(view)
    stops = page.evaluate(_STOPS)
    reached = []
    for _ in range(_MOST):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here["nth"] == -1 or here["nth"] in reached:
            break
        assert here["outlined"], page.evaluate("document.activeElement.outerHTML")
        assert here["seen"], page.evaluate("document.activeElement.outerHTML")
        reached.append(here["nth"])
    assert reached == stops


@pytest.mark.parametrize("view", VIEWS)
def test_the_first_link_skips_what_is_the_same_everywhere(visitor: Visitor, view: str) -> None:
    """Tab, Enter, Tab: one is past the head of the page."""
    page = visitor.tab()
    still(page)
    page.goto(view)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('header')")


def test_a_question_is_asked_with_enter(visitor: Visitor) -> None:
    """From the first page to the reasons, by keys alone."""
    page = visitor.opened("/")
    page.get_by_role("searchbox").focus()
    page.keyboard.type("shop/Deployment/search")
    page.keyboard.press("Enter")
    page.wait_for_url("**/why?target=*")
    assert page.get_by_role("heading", name="shop/Deployment/search").is_visible()
    assert "disruption budget" in page.get_by_role("main").inner_text()
