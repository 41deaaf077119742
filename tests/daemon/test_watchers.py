"""Actors that only look run beside the others, and nothing waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from chaosd.sandbox import AcceleratedClock
from tests.daemon.bell import PATIENCE, Bell
from tests.daemon.inside import START, Inside
from tests.daemon.site import FILE, Site, only_web

RARELY = FILE.replace("every: 1s", "every: 365d")
SPEED = 20.0


@contextmanager
def watched_by(folder: Path, step: Callable[[], datetime]) -> Iterator[tuple[Site, Inside]]:
    """A daemon with one watcher."""
    clock = AcceleratedClock(START, SPEED)
    with (
        Site(folder, RARELY, fill=only_web, now=clock.now, speed=SPEED, patient=True) as site,
        Inside(site, clock, "tested", PATIENCE, {"looker": step}) as daemon,
    ):
        yield site, daemon


def test_a_watcher_runs_until_the_process_stops(tmp_path: Path) -> None:
    """Its step is called again and again; one that raises is reported and goes on."""
    steps = 0

    def step() -> datetime:
        nonlocal steps
        steps += 1
        if steps == 2:
            raise ValueError("odd")
        return START + timedelta(seconds=0)

    with watched_by(tmp_path, step) as (site, daemon):
        site.until(lambda: steps > 3, daemon.lines)
        [line] = daemon.said("failed")
        assert line["doing"] == "loop looker"
        assert daemon.process.unhealthy() == ()
        assert daemon.stop()
    Bell().until(lambda: not [one for one in threading.enumerate() if one.name == "chaosd-looker"])


def test_stopping_does_not_wait_for_a_watcher(tmp_path: Path) -> None:
    """A snapshot that streams for minutes holds up nothing: the lease is given back, and all that
    can be lost has ended."""
    begun, go_on = threading.Event(), threading.Event()

    def step() -> datetime:
        begun.set()
        assert go_on.wait(PATIENCE)
        return START

    with watched_by(tmp_path, step) as (site, daemon):
        assert begun.wait(PATIENCE)
        site.until(lambda: daemon.context.leading, daemon.lines)
        try:
            assert daemon.stop()
            assert not go_on.is_set()
            assert site.lease().holder_identity == ""
            assert daemon.said("stopped")
        finally:
            go_on.set()
