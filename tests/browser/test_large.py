"""With 15,000 workloads the page stays small: it shows what a person reads, and counts the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from benchmarks.bench_page import MEASURED, PAINTED, VIEWS, figures
from benchmarks.crowd import crowded, surveyed
from benchmarks.lab import SMALL
from chaosd.cli.stage import Stage
from tests.browser.visit import Visitor, visiting

WORKLOADS, NAMESPACES = 15_000, 50
KILOBYTES = 100
"""What a page may weigh, with everything that it loads."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A cluster of 15,000 workloads that all opted in, and a policy for each of 50 namespaces."""
    file = tmp_path_factory.mktemp("large") / "chaosd.yaml"
    with crowded(file, workloads=WORKLOADS, namespaces=NAMESPACES) as stage:
        surveyed(stage, WORKLOADS)
        yield stage


@pytest.fixture
def visitor(browser: Browser, large: Stage) -> Iterator[Visitor]:
    """Somebody who looks at it."""
    with visiting(browser, large.address) as visitor:
        yield visitor


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_is_small(
    visitor: Visitor, view: str, record_property: Callable[[str, object], None]
) -> None:
    """In bytes and in elements; when it was painted is only told."""
    page = visitor.opened(view)
    page.wait_for_function(f"() => {PAINTED}")
    found = page.evaluate(MEASURED)
    told = "{bytes:,} bytes, {elements} elements, first painted after {paint:.0f} ms"
    record_property(view, told.format_map(found))
    assert 0 < found["bytes"] <= KILOBYTES * 1024
    assert found["elements"] <= 3_000


def test_the_first_paint_is_measured(browser: Browser) -> None:
    """Of each view, with what few workloads take in the same run, at a size that means nothing."""
    found = list(figures(browser, SMALL))
    assert len(found) == 2 * len(VIEWS)
    assert all(math.isfinite(one.value) and one.ratio for one in found)
