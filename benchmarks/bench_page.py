"""The status page of 15,000 workloads in the system's Chromium, against that of a few.

Each view is opened in a new tab with nothing kept from before: what it weighs with everything that
it loads, and when something is seen first (First Contentful Paint, https://w3c.github.io/paint-timing/).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Browser

from benchmarks.crowd import crowded, surveyed
from benchmarks.figures import Figure
from benchmarks.lab import Lab, Scale
from chaosd.cli.stage import Stage
from pictures.chromium import MISSING, chromium, running

VIEWS = (
    "/",
    "/policies",
    "/policies/team-001",
    "/calendar",
    "/why?target=ns-001/Deployment/app-00001",
)
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]"
MEASURED = f"""
  () => ({{
    paint: {PAINTED}.startTime,
    bytes: performance.getEntries()
      .filter(one => one.encodedBodySize)
      .reduce((sum, one) => sum + one.encodedBodySize, 0),
    elements: document.querySelectorAll("*").length,
  }})
"""
_KIB = 1024


class Seen(TypedDict):
    """Milliseconds until something was seen, bytes of all that was loaded, elements of the page."""

    paint: float
    bytes: int
    elements: int


def measure(lab: Lab) -> Iterator[Figure]:
    """What :func:`figures` says. Raises SystemExit where there is no browser."""
    found = chromium()
    if found is None:
        raise SystemExit(MISSING)
    with running(found) as browser:
        yield from figures(browser, lab.scale)


def figures(browser: Browser, scale: Scale) -> Iterator[Figure]:
    """Kilobytes and the fastest first paint of each view; the baseline has few workloads."""
    few, many = scale.shown
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = crowded(folder / "small.yaml", workloads=few, namespaces=scale.policies)
        large = crowded(folder / "large.yaml", workloads=many, namespaces=scale.policies)
        with small, large:
            surveyed(small, few)
            surveyed(large, many)
            for view in VIEWS:
                yield from _compared(browser, small, large, view, scale.repeat)


def _compared(
    browser: Browser, small: Stage, large: Stage, view: str, rounds: int
) -> Iterator[Figure]:
    """Both in each round, so that a bad moment of the machine meets both."""
    seen = [(_look(browser, small, view), _look(browser, large, view)) for _ in range(rounds)]
    (before, after), against = zip(*seen, strict=True), "few workloads"
    weights = [min(one["bytes"] for one in side) / _KIB for side in (after, before)]
    paints = [min(one["paint"] for one in side) for side in (after, before)]
    yield Figure(f"{view}: weight", weights[0], "KiB", weights[1], against, at_most=100)
    yield Figure(f"{view}: first paint", paints[0], "ms", paints[1], against, ratio_at_most=2)


def _look(browser: Browser, stage: Stage, view: str) -> Seen:
    context = browser.new_context(base_url=stage.address)
    try:
        page = context.new_page()
        page.goto(view)
        page.wait_for_function(f"() => {PAINTED}")
        seen: Seen = page.evaluate(MEASURED)
        return seen
    finally:
        context.close()
