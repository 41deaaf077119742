"""What others write into the cluster is shown as text, and never becomes a part of the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from chaosd.cli.stage import Stage
from chaosd.core.rates import MEAN_ANNOTATION
from chaosd.sandbox.objects import thaw
from tests.browser.stages import annotated, staged, status_of
from tests.browser.visit import VIEWS, Visitor, still, visiting
from tests.support.waiting import until

FILE = Path(__file__).with_name("hostile.yaml")
SCRIPT = "</script><script>window.struck = 'halt'</script>"
IMAGE = "<img src=x onerror=\"window.struck = 'annotation'\">"
VICTIM = "shop/Deployment/web"


@pytest.fixture(scope="module")
def hostile() -> Iterator[Stage]:
    """A daemon that was halted by somebody who writes markup, among workloads of such people."""
    stage = staged(FILE)
    found = stage.cluster.get("deployments.apps", "shop", "web")
    assert found
    web = thaw(found)
    web["metadata"].setdefault("annotations", {})[MEAN_ANNOTATION] = IMAGE
    stage.cluster.put("deployments.apps", web)
    with stage:
        until(lambda: stage.context.page, "a ledger")
        annotated(stage, {"chaosd.io/halt": SCRIPT})
        until(lambda: status_of(stage)["halts"], "a halt")
        yield stage


@pytest.fixture
def visitor(browser: Browser, hostile: Stage) -> Iterator[Visitor]:
    """Somebody who looks at that daemon; a policy that was broken would be a trouble."""
    with visiting(browser, hostile.address) as visitor:
        yield visitor


@pytest.mark.parametrize("view", VIEWS)
def test_no_markup_of_others_is_run(visitor: Visitor, view: str) -> None:
    """No script ran, no picture was asked for, and the name of the cluster reads as written."""
    page = visitor.opened(view)
    assert page.evaluate("window.struck") is None
    assert page.locator("img, main script").count() == 0
    assert "<script>window.struck = 'cluster'</script>" in page.get_by_role("banner").inner_text()


def test_the_reason_of_a_halt_reads_as_written(visitor: Visitor) -> None:
    """Also after the script put newer parts in."""
    page = still(visitor.tab())
    page.goto("/")
    assert SCRIPT in page.get_by_role("main").inner_text()
    with page.expect_response("**/"):
        page.clock.run_for(6_000)
    page.get_by_text("Updated as it happens").wait_for()
    assert SCRIPT in page.get_by_role("main").inner_text()
    assert page.evaluate("window.struck") is None


def test_the_name_of_a_window_reads_as_written(visitor: Visitor) -> None:
    """Where it says why nothing may be struck."""
    page = visitor.opened("/policies/shop")
    assert "<img src=x onerror=" in page.get_by_role("main").inner_text()


def test_an_annotation_reads_as_written(visitor: Visitor) -> None:
    """A workload's own rate that can't be read is a reason, with what stands there."""
    page = visitor.opened(f"/why?target={VICTIM}")
    assert IMAGE in page.get_by_role("main").inner_text()


@pytest.mark.parametrize("target", [SCRIPT, IMAGE, '"><svg onload="window.struck=1">', "a'b\"c"])
def test_a_question_reads_as_asked(visitor: Visitor, target: str) -> None:
    """It comes back in the field and in the answer, as text."""
    page = visitor.opened(f"/why?target={quote(target, safe='')}")
    visitor.expected("4(04|22)")
    assert page.get_by_role("searchbox").input_value() == target
    assert page.evaluate("window.struck") is None
    assert page.locator("img, main script, svg[onload]").count() == 0


def test_a_path_reads_as_asked(visitor: Visitor) -> None:
    """A policy of such a name is not there, and the page says so in its words."""
    page = visitor.opened(f"/policies/{quote(IMAGE, safe='')}")
    assert visitor.expected("404")
    assert json.dumps(IMAGE)[1:5] in page.get_by_role("main").inner_text()
    assert page.evaluate("window.struck") is None
