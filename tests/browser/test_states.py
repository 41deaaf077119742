"""The first page in hard times: what is wrong stands there, and it stays readable."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from chaosd.cli.stage import Stage
from tests.browser.judged import violations, wider_than_the_screen
from tests.browser.stages import annotated, staged, status_of
from tests.browser.visit import PHONE, Visitor, visiting
from tests.support.waiting import until


def everywhere(visitor: Visitor, *said: str) -> Page:
    """Each colour and size shows what is said, and axe finds nothing; returns the last page."""
    for colours in ("light", "dark"):
        for screen in (PHONE, {"width": 1280, "height": 900}):
            page = visitor.opened("/", viewport=screen, color_scheme=colours)
            text = page.get_by_role("main").inner_text()
            assert [one for one in said if one not in text] == []
            assert violations(page) == []
            assert wider_than_the_screen(page) <= 0
    return page


def at_rest(stage: Stage) -> None:
    """Wait until what was under way is over; while there is something, the headline counts it."""
    until(lambda: not status_of(stage)["openIntents"], "nothing under way")


def test_halted(own: Visitor, stage: Stage) -> None:
    """Who, why, and how it goes on again, instead of how to stop it."""
    annotated(stage, {"chaosd.io/halt": "incident 4711"})
    until(lambda: status_of(stage)["halts"], "a halt")
    at_rest(stage)
    page = everywhere(own, "Nothing can be killed now", "incident 4711", "Let it go on")
    assert "Stop it now" not in page.get_by_role("main").inner_text()


def test_a_configuration_with_mistakes(own: Visitor, stage: Stage) -> None:
    """Each mistake, with its line; nothing new is struck until they are mended."""
    stage.file.write_text(stage.file.read_text().replace("target: pod", "target: <moon>"))
    until(lambda: "<moon>" in str(status_of(stage)["problems"]), "mistakes")
    at_rest(stage)
    everywhere(own, "Nothing can be killed now", "invalid", "<moon>")


def test_a_workload_that_does_not_heal(browser: Browser) -> None:
    """It stands among what did not recover, with the command that lets it go."""
    stage = staged()
    # What is killed finds no node again.
    for node in stage.cluster.all("nodes"):
        stage.cluster.put("nodes", {**node, "spec": {**node["spec"], "unschedulable": True}})
    stage.file.write_text(stage.file.read_text().replace("deadline: 90s", "deadline: 20s"))
    with stage, visiting(browser, stage.address) as visitor:
        until(lambda: stage.context.page, "a ledger")
        until(lambda: status_of(stage)["unrecovered"], "a workload that did not recover", 170)
        everywhere(visitor, "Did not recover", "chaosd forgive shop/")


@pytest.mark.parametrize("view", ["/", "/policies", "/why?target=node/spot-1"])
def test_nodes_out_of_service(browser: Browser, view: str) -> None:
    """A drain under way: what is left to be evicted, and how to put the node back now."""
    with staged(scenario="nodes") as stage, visiting(browser, stage.address) as visitor:
        until(lambda: stage.context.page, "a ledger")
        until(lambda: status_of(stage)["nodesHeld"], "a drain", 170)
        page = visitor.opened(view, viewport=PHONE)
        assert violations(page) == []
        assert wider_than_the_screen(page) <= 0
