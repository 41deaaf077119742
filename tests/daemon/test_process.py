"""The running daemon: every actor on its thread, started and stopped in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from chaosd.core.ledger import Request
from chaosd.core.requests import VALID, post
from chaosd.daemon.run import answers
from chaosd.engine.book import Book
from chaosd.sandbox import AcceleratedClock, Faults, Rule
from tests.daemon.bell import PATIENCE
from tests.daemon.hold import Hold
from tests.daemon.inside import START, Inside
from tests.daemon.site import FILE, Site, only_web

SPEED = 5.0
"""A lease lasts for seconds of real time, too."""
EVICTION = "create /api/v1/namespaces/shop/pods/*/eviction"
LEFT_OPEN = "stopped waiting for what hangs: whoever leads next settles what is open"
RARELY = FILE.replace("every: 1s", "every: 365d")


@contextmanager
def site_and_daemon(
    folder: Path,
    text: str = FILE,
    faults: Faults | None = None,
    grace: float = PATIENCE,
    speed: float = SPEED,
) -> Iterator[tuple[Site, Inside]]:
    """A cluster and a daemon that has not started, on one accelerated clock."""
    clock = AcceleratedClock(START, speed)
    with Site(
        folder,
        text,
        fill=only_web,
        faults=faults,
        now=clock.now,
        speed=speed,
        patient=True,
    ) as site:
        yield site, Inside(site, clock, "tested", grace)


def test_not_ready_before_it_has_started_and_ready_soon_after(tmp_path: Path) -> None:
    """Everything that is missing is said at once; in the end nothing is."""
    with site_and_daemon(tmp_path, "polices: []") as (site, daemon):
        process = daemon.process
        assert process.unready() == (
            "no valid configuration was loaded",
            "the lease has not been read yet, or names no ledger",
        )
        assert process.unhealthy() == ()
        site.write(FILE)
        with daemon:
            site.until(lambda: process.unready() == (), daemon.lines)
            assert process.unhealthy() == ()


def test_a_ledger_that_is_gone_is_a_reason_not_to_be_ready(tmp_path: Path) -> None:
    """And what to do about it is said; the process itself is well."""
    with site_and_daemon(tmp_path, RARELY) as (site, daemon), daemon:
        site.until(lambda: daemon.process.unready() == (), daemon.lines)
        site.cluster.remove("configmaps", "chaosd", "chaosd-ledger")
        site.until(daemon.process.unready, daemon.lines)
        assert daemon.process.unready() == ("the ledger is gone: see `chaosd ledger init`",)
        assert daemon.process.unhealthy() == ()


def test_what_it_serves(tmp_path: Path) -> None:
    """The answers come from this very process."""
    with site_and_daemon(tmp_path) as (site, daemon), daemon:
        pages = answers(
            daemon.process, daemon.context, daemon.connection, daemon.metrics, daemon.reporter
        )
        address = daemon.process.serve(pages, "127.0.0.1", 0)
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            site.until(lambda: client.get("/readyz").status_code == 200)
            site.until(lambda: "killed" in client.get("/").text)
            site.until(lambda: "chaosd_leader 1.0" in client.get("/metrics").text)
            assert client.get("/healthz").text == "ok\n"
        daemon.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/healthz")


def test_stopping_waits_until_the_attempt_under_way_is_settled(tmp_path: Path) -> None:
    """The lease is kept for that, and given back after it; another attempt does not begin."""
    hold = Hold([], EVICTION, "after")
    with site_and_daemon(tmp_path, faults=hold) as (site, daemon), daemon:
        site.until(lambda: site.waiting, daemon.lines)
        stopping = threading.Thread(target=daemon.stop)
        stopping.start()
        site.until(lambda: daemon.said("stopping"), daemon.lines)
        (intent,) = site.intents()
        assert intent.unsettled
        assert site.lease().holder_identity == "tested"
        assert daemon.process.unhealthy() == ()
        site.let_go()
        stopping.join(PATIENCE)
        assert daemon.said("stopped")
        assert [one.result for one in site.intents()] == ["killed"]
        assert site.lease().holder_identity == ""
        assert site.broken() == []


def test_stopping_does_not_wait_for_ever(tmp_path: Path) -> None:
    """What hangs in the API server is left behind when the grace period is over: the caller is
    told, and the intent stays open for whoever leads next."""
    hold = Hold([], EVICTION, "before")
    with site_and_daemon(tmp_path, faults=hold, grace=0.5) as (site, daemon), daemon:
        site.until(lambda: site.waiting, daemon.lines)
        assert not daemon.stop()
        assert site.waiting
        [intent] = site.intents()
        assert intent.unsettled
        [line] = daemon.said(LEFT_OPEN)
        assert line["leftOpen"] == [intent.id]
        assert "attempt" in line["hanging"]
        assert not daemon.said("stopped")
        assert not daemon.context.leading


def test_stopping_while_the_api_server_is_silent(tmp_path: Path) -> None:
    """Loops and the return of the lease hang as well; the end comes all the same."""
    with site_and_daemon(tmp_path, RARELY, grace=0.5) as (site, daemon), daemon:
        site.until(lambda: daemon.context.leading, daemon.lines)
        site.api.faults.add(Rule(do="delay", seconds=3600))
        site.until(lambda: site.waiting, daemon.lines)
        assert not daemon.stop()
        assert site.lease().holder_identity == "tested"
        [line] = daemon.said(LEFT_OPEN)
        assert line["leftOpen"] == []
        assert "release of the lease" in line["hanging"]


def test_who_leads_is_shown_while_the_api_server_is_silent(tmp_path: Path) -> None:
    """The gauge falls when the lease runs out by this machine's own clock, though every loop hangs
    in a request: two processes never both show 1."""
    with site_and_daemon(tmp_path, RARELY, grace=0.5) as (site, daemon), daemon:
        site.until(lambda: daemon.total("chaosd_leader") == 1, daemon.lines)
        site.api.faults.add(Rule(do="delay", seconds=3600))
        site.until(lambda: site.waiting, daemon.lines)
        site.until(lambda: not daemon.context.leading)
        assert daemon.total("chaosd_leader") == 0
        assert site.waiting


def test_slots_that_could_not_start_in_time_are_counted(tmp_path: Path) -> None:
    """One attempt takes minutes: the slots that it has held up for over 30 s are dropped, each
    with its reason, and chaos goes on."""
    hold = Hold([], EVICTION, "before")
    with site_and_daemon(tmp_path, faults=hold, speed=20) as (site, daemon), daemon:
        site.until(lambda: site.waiting, daemon.lines)
        later = site.cluster.now().timestamp() + 45
        site.until(lambda: site.cluster.now().timestamp() > later)
        site.let_go()
        site.until(lambda: daemon.total("chaosd_slots_missed_total", policy="web") > 5)
        site.until(lambda: len(site.intents(result="killed")) > 0)
        daemon.stop()
        late = [
            line
            for line in daemon.said("attempt ended", result="skipped")
            if "tooLate" in {reason["code"] for reason in line["reasons"]}
        ]
        assert len(late) == daemon.total("chaosd_slots_missed_total", policy="web")
        missed = {line["actionId"] for line in late}
        assert not missed & {intent.action_id for intent in site.intents()}


@pytest.mark.parametrize(("more", "answer"), [("", "killed"), ("halted: true\n", "skipped")])
def test_a_request_is_taken_and_answered(tmp_path: Path, more: str, answer: str) -> None:
    """A person's wish runs where slots run, with every guard on."""
    with site_and_daemon(tmp_path, RARELY + more) as (site, daemon), daemon:
        site.until(lambda: daemon.context.leading, daemon.lines)
        now = site.cluster.now()
        wish = Request("wish1234", "web", "ann", now, now + 5 * VALID)
        Book(daemon.connection.ledger).change(lambda ledger: post(ledger, wish))
        site.until(lambda: site.ledger().requests["wish1234"].answer, daemon.lines)
        answered = site.ledger().requests["wish1234"]
        assert (answered.answer, answered.taken_by) == (answer, "tested")
        assert len(site.removals()) == (answer == "killed")
