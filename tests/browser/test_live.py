"""A page that stays open: it follows what happens, and leaves people where they are."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from chaosd.cli.stage import Stage
from chaosd.daemon.run import answers
from tests.browser.judged import violations
from tests.browser.stages import annotated
from tests.browser.visit import Visitor, still

HEADLINE = "() => document.querySelector('h1').textContent"
_WATCH_THE_HEADLINE = """
  () => {
    window.heard = [];
    new MutationObserver(() => window.heard.push(document.querySelector("h1").textContent))
      .observe(document.getElementById("headline"),
               {subtree: true, childList: true, characterData: true});
  }
"""


def newest(page: Page) -> str:
    """When the newest kill was, as the page says."""
    found = page.locator("#last tbody time").first.get_attribute("datetime")
    assert found
    return found


def updated(page: Page, times: int = 1) -> None:
    """Wait until the page has shown a newer state so many times."""
    for _ in range(times):
        before = page.locator("#live").inner_text()
        page.wait_for_function(
            "before => document.getElementById('live').innerText !== before", arg=before
        )


def test_a_kill_appears_by_itself(visitor: Visitor) -> None:
    """A new row, without the page being loaded again."""
    page = visitor.opened("/")
    page.evaluate("window.stayed = true")
    before = newest(page)
    page.wait_for_function(
        "before => document.querySelector('#last tbody time').dateTime > before", arg=before
    )
    assert page.evaluate("window.stayed")
    assert newest(page) > before


def test_what_is_being_typed_stays(visitor: Visitor) -> None:
    """Text, cursor and focus."""
    page = visitor.opened("/")
    field = page.get_by_role("searchbox")
    field.focus()
    page.keyboard.type("shop/Deployment/web")
    page.keyboard.press("Home")
    updated(page, 2)
    page.keyboard.type("my")
    assert field.input_value() == "myshop/Deployment/web"


def test_the_focus_stays_on_a_link_whose_part_is_new(visitor: Visitor) -> None:
    """The element is another one, and has the focus and the outline again."""
    page = visitor.opened("/")
    link = page.locator("#policies h3 a").nth(1)
    link.focus()
    page.evaluate("window.old = document.activeElement")
    page.wait_for_function("() => !window.old.isConnected")
    assert link.evaluate("one => one === document.activeElement")


def test_what_is_looked_at_stays_where_it_is(visitor: Visitor) -> None:
    """Parts above grow and shrink by rows; what is on the screen does not move."""
    page = visitor.opened("/", viewport={"width": 1280, "height": 500}, reduced_motion="reduce")
    page.locator("#policies").evaluate("one => one.scrollIntoView()")
    page.evaluate("window.scrollBy(0, -20)")
    place = "document.getElementById('policies').getBoundingClientRect().top"
    where = page.evaluate(place)
    height = "document.getElementById('policies').offsetTop"
    before = page.evaluate(height)
    # Only while a kill recovers there is a row more, and the page looks now and then.
    page.wait_for_function(f"before => {height} !== before", arg=before, timeout=150_000)
    assert page.evaluate(place) == pytest.approx(where, abs=2)


def test_a_wide_table_stays_scrolled(visitor: Visitor) -> None:
    """With names too long for the screen, what was scrolled sideways stays so."""
    page = visitor.opened("/", bypass_csp=True)
    page.add_style_tag(content=".scroll table { width: 200vw }")
    page.evaluate("document.querySelector('#last .scroll').scrollLeft = 60")
    page.evaluate("window.old = document.querySelector('#last tbody tr')")
    page.wait_for_function("() => !window.old.isConnected")
    assert page.evaluate("document.querySelector('#last .scroll').scrollLeft") == 60


def test_the_headline_is_read_out_when_it_changes(own: Visitor, stage: Stage) -> None:
    """And by kubectl alone it changes: a halt by an annotation is in the banner, with its reason.
    What stays the same is not said again at every look."""
    annotated(stage, {"chaosd.io/halt": "a drill"})
    page = own.opened("/")
    page.wait_for_function(f"{HEADLINE} === 'Nothing can be killed now'")
    page.evaluate(_WATCH_THE_HEADLINE)
    updated(page, 2)
    assert page.evaluate("window.heard") == []
    annotated(stage, {"chaosd.io/halt": None})
    page.wait_for_function(f"{HEADLINE}.startsWith('Pods can')")
    annotated(stage, {"chaosd.io/halt": "smoke in the cellar"})
    page.wait_for_function(f"{HEADLINE}.startsWith('Nothing')")
    now = page.get_by_role("region", name="Now", exact=True)
    now.get_by_text("smoke in the cellar").first.wait_for()
    heard = page.evaluate("window.heard")
    assert heard == list(dict.fromkeys(heard))
    assert page.locator("#headline").get_attribute("aria-live") == "polite"


def test_a_page_that_nobody_sees_asks_for_nothing(visitor: Visitor) -> None:
    """In the background no timer goes off; in front again, it looks at once."""
    page = still(visitor.tab())
    page.goto("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hidden = (
        "() => {Object.defineProperty(document, 'hidden', {get: () => %s, configurable: true});"
    )
    tell = "document.dispatchEvent(new Event('visibilitychange'));}"
    page.evaluate(hidden % "true" + tell)
    page.clock.run_for(600_000)
    assert [one for one in asked if "/static/" not in one] == []
    with page.expect_response("**/"):
        page.evaluate(hidden % "false" + tell)
    page.get_by_text("Updated as it happens").wait_for()


def test_a_daemon_that_is_gone_and_comes_back(own: Visitor, stage: Stage) -> None:
    """Nobody takes an old page for the truth: it says so in sight, and until when it was right."""
    page = own.opened("/")
    updated(page)
    port = int(stage.address.rpartition(":")[2])
    stage.process.stop_serving()
    alert = page.get_by_role("alert")
    alert.get_by_text("does not answer").wait_for()
    assert "UTC" in alert.inner_text()
    due = page.locator("#because .due").all_inner_texts()
    assert all(text.startswith("The next attempt was due then") for text in due)
    assert violations(page) == []
    assert page.locator(".banner-calm, .banner-live").count() == 0
    page.keyboard.press("End")
    assert alert.evaluate("one => one.getBoundingClientRect().top >= 0")
    assert own.expected("ERR_CONNECTION|ERR_EMPTY|Failed to load")
    pages = answers(stage.process, stage.context, stage.connection, stage.metrics, stage.reporter)
    stage.process.serve(pages, "127.0.0.1", port)
    alert.wait_for(state="hidden")
    assert page.locator(".banner-old").count() == 0
    own.expected("ERR_CONNECTION|ERR_EMPTY|Failed to load")
