"""On a phone: all that a table says is in sight, in whole words, and still a table to a reader."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import Page

from tests.browser.visit import DESKTOP, PHONE, VIEWS, Visitor, still

TABLES = ("/", "/policies/shop", "/why?target=shop/StatefulSet/cart")
ROLES = ("table", "rowgroup", "row", "columnheader", "rowheader", "cell")
_SPLIT = """
  ([within, pattern]) => {
    const found = [];
    for (const part of document.querySelectorAll(within)) {
      const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        if (text.parentElement.closest(".vh, svg")) continue;
        for (const word of text.data.matchAll(new RegExp(pattern, "g"))) {
          const range = document.createRange();
          range.setStart(text, word.index);
          range.setEnd(text, word.index + word[0].length);
          const lines = new Set([...range.getClientRects()].map((one) => one.top));
          if (lines.size > 1) found.push(word[0]);
        }
      }
    }
    return found;
  }
"""
_OUTSIDE = """
  cells => cells.filter((one) => {
    const box = one.getBoundingClientRect();
    return box.left < 0 || box.right > innerWidth;
  }).map((one) => one.innerText)
"""
_LABELS = """
  cells => cells.filter((one) => one.innerText).map(
    (one) => [one.dataset.label, getComputedStyle(one, "::before").content]
  )
"""


def roles(page: Page) -> Counter[str]:
    """How often the browser tells a screen reader of each part of a table."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    told = (one["role"]["value"] for one in tree["nodes"] if not one["ignored"])
    return Counter(role for role in told if role in ROLES)


@pytest.mark.parametrize("view", [*VIEWS, *TABLES[2:]])
def test_no_word_is_split(visitor: Visitor, view: str) -> None:
    """Not a figure, nor a header, nor the parts of a name."""
    page = visitor.opened(view, viewport=PHONE)
    assert page.evaluate(_SPLIT, ["main", r"[\w.:]{2,18}"]) == []


@pytest.mark.parametrize("view", TABLES)
def test_short_names_stay_on_one_line(visitor: Visitor, view: str) -> None:
    """On a desktop too, where columns with more words take what room there is."""
    page = visitor.opened(view, viewport=DESKTOP)
    assert page.evaluate(_SPLIT, [".brief, .narrow tbody th", r"\S+"]) == []


@pytest.mark.parametrize("view", TABLES)
def test_every_cell_is_in_sight(visitor: Visitor, view: str) -> None:
    """Nothing has to be scrolled for sideways, in no table."""
    page = visitor.opened(view, viewport=PHONE)
    cells = page.locator("main .scroll tbody :is(th, td)")
    assert cells.count() > 1
    assert cells.evaluate_all(_OUTSIDE) == []


def test_every_cell_has_its_label(visitor: Visitor) -> None:
    """Of a kill one sees what came of it, and how long that took."""
    page = visitor.opened("/", viewport=PHONE)
    labels = page.locator("#last tbody td").evaluate_all(_LABELS)
    assert {"When", "Policy", "Victim", "Outcome", "Recovery"} <= {label for label, _ in labels}
    # What a screen reader is told of it comes after the slash: nothing.
    assert all(shown == f'"{label}" / ""' for label, shown in labels)


@pytest.mark.parametrize("view", TABLES)
def test_tables_stay_tables(visitor: Visitor, view: str) -> None:
    """To a screen reader stacked rows have the same headers and cells."""
    page = still(visitor.tab(viewport=DESKTOP))
    page.goto(view)
    wide = roles(page)
    assert wide["columnheader"] > 1
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.locator("main .scroll thead").first.bounding_box()["width"] <= 1  # type: ignore[index]
    assert roles(page) == wide
