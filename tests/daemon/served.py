"""A daemon on a simulated cluster that serves its page and its API over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chaosd.daemon.gate import Gate
from chaosd.daemon.run import answers
from chaosd.sandbox import AcceleratedClock, Cluster, Faults, scenarios
from tests.daemon.inside import START, Inside
from tests.daemon.site import Site

SPEED = 20.0
HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
FILE = """
cluster: test <b>eu</b>
dryRun: false
windows:
  allow: always
  deny: [{name: "<script>alert(1)</script>", dates: {first: 2026-12-24, last: 2026-12-26}}]
limits: {perHour: 100, perDay: 2, concurrent: 1}
policies:
  - name: web
    target: pod
    action: evict
    schedule: {every: 40s}
    select: {minAge: 0s, names: "^(web|cart)$"}
    deadline: 60s
    cooldown: 0s
  - name: slow
    target: pod
    action: evict
    dryRun: true
    schedule: {meanTimeBetweenKills: 5d, minGap: 12h}
    select: {minAge: 0s}
    deadline: 60s
"""


def shop(cluster: Cluster) -> None:
    """Two workloads that opted in, and one whose annotation is not what it should be."""
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.deployment(cluster, "shop", "cart", 2, opt_in=True)
    scenarios.deployment(cluster, "shop", "other", 2, opt_in=True)
    with cluster.edit("deployments.apps", "shop", "other") as other:
        annotations = other["metadata"].setdefault("annotations", {})
        annotations["chaosd.io/min-gap"] = "<script>alert(2)</script>"


@dataclass
class Served:
    """The site, the daemon on it, and a client of its HTTP."""

    site: Site
    daemon: Inside
    client: httpx.Client

    @property
    def address(self) -> str:
        """Where it serves."""
        return str(self.client.base_url).rstrip("/")

    def get(self, path: str, **query: str | int) -> httpx.Response:
        """One GET, as curl asks."""
        return self.client.get(path, params=query or None)

    def html(self, path: str, **query: str | int) -> str:
        """A page, as a browser asks for it."""
        answer = self.client.get(path, params=query or None, headers=HTML)
        assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
        return answer.text

    def ready(self) -> None:
        """Wait until the daemon is."""
        self.site.until(lambda: self.get("/readyz").status_code == 200, self.daemon.lines)

    def json(self, name: str, **query: str | int) -> Any:
        """An answer of the API."""
        answer = self.client.get(f"/api/v1/{name}", params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def served(
    folder: Path,
    text: str = FILE,
    faults: Faults | None = None,
    *,
    started: bool = True,
    gate: Gate | None = None,
) -> Iterator[Served]:
    """Serve; ``started``: its loops run too. Without ``gate``, questions are not counted."""
    clock = AcceleratedClock(START, SPEED)
    with Site(
        folder, text, fill=shop, faults=faults, now=clock.now, speed=SPEED, patient=True
    ) as site:
        daemon = Inside(site, clock, "served")
        told = answers(
            daemon.process,
            daemon.context,
            daemon.connection,
            daemon.metrics,
            daemon.reporter,
            gate or Gate(lambda: 0, most=10**6),
        )
        address = daemon.process.serve(told, "127.0.0.1", 0)
        if started:
            daemon.process.start()
        try:
            with httpx.Client(base_url=address, timeout=60) as client:
                yield Served(site, daemon, client)
        finally:
            daemon.process.stop() if started else daemon.process.stop_serving()
