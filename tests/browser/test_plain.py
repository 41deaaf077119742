"""Without JavaScript: all of it is there, as of when it was loaded."""

from __future__ import annotations

import pytest

from chaosd.cli.stage import Stage
from tests.browser.visit import VIEWS, Visitor, still

_SENT = """
  text => new DOMParser().parseFromString(text, "text/html").getElementById("main").innerHTML
    === document.getElementById("main").innerHTML
"""


@pytest.mark.parametrize("view", VIEWS)
def test_a_script_adds_nothing(visitor: Visitor, view: str) -> None:
    """What it shows at first is what was sent, and what was sent is seen without it."""
    page = still(visitor.tab())
    sent = page.goto(view)
    assert sent
    assert page.evaluate(_SENT, sent.text())
    plain = visitor.opened(view, java_script_enabled=False)
    assert plain.get_by_role("heading", level=1).is_visible()
    assert not plain.locator("main [hidden]").count()


def test_the_first_page_answers(visitor: Visitor) -> None:
    """Whether anything can be killed, how to stop it, what comes, and what was done."""
    page = visitor.opened("/", java_script_enabled=False)
    now = page.get_by_role("region", name="Now", exact=True)
    assert "can be killed now" in now.inner_text()
    assert "chaosd halt" in now.inner_text()
    assert page.get_by_role("table", name="The next kills").get_by_role("row").count() > 1
    assert page.get_by_role("table", name="The newest actions").get_by_role("row").count() > 1
    assert "As of 20" in page.get_by_role("contentinfo").inner_text()


def test_the_search_is_a_form(visitor: Visitor) -> None:
    """It asks by GET, so that its answer has an address to pass on."""
    page = visitor.opened("/", java_script_enabled=False)
    page.get_by_role("searchbox").fill("shop/Deployment/search")
    page.get_by_role("button", name="Ask").click()
    assert page.url.endswith("/why?target=shop%2FDeployment%2Fsearch")
    assert "disruption budget" in page.get_by_role("main").inner_text()


def test_the_calendar_is_a_form(visitor: Visitor, shop: Stage) -> None:
    """A policy is chosen, and a year."""
    page = visitor.opened("/calendar", java_script_enabled=False)
    page.get_by_label("Windows of").select_option("search")
    page.get_by_role("button", name="Show").click()
    assert "policy=search" in page.url
    first = page.locator("table caption").first.inner_text()
    page.get_by_role("link", name="A year earlier").click()
    assert page.locator("table caption").first.inner_text() != first
    assert "policy=search" in page.url
