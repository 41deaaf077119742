"""A node drained by chaosd and an equal one by kubectl, each in a cluster of its own that writes
down every request."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import attempts
from benchmarks.children import environment, until
from chaosd.core import ledger_text
from chaosd.core.ledger import Intent
from chaosd.core.model import EVERY_WORKLOAD
from chaosd.core.schedule import Slot
from chaosd.engine.attempt import BEGUN, Attempts
from chaosd.engine.observe import Observer
from chaosd.ports import Clock
from chaosd.sandbox import Cluster, RequestRecord, SandboxServer, Timings, scenarios

HOME = "chaosd"
DECISION, DRAIN, BACK, RECOVERY = "decision", "drain", "back", "recovery"
NODE = "worker-1"
PATIENCE = 600.0
_SPACES = 3
_REPLICAS = 3
_OTHERS = 3
_TIMINGS = Timings(schedule=(0, 0), start=(0.2, 0.5), stop=(0, 0))
_RENEW = 4.0
"""Seconds between renewals of the lease, as in the daemon."""
_POLICY = """
dryRun: false
windows: {allow: always}
limits: {perHour: 1000, perDay: 1000, concurrent: 1}
policies:
  - name: it
    target: node
    action: drain
    schedule: {every: 1h}
    hold: 1s
    deadline: 30m
"""

Requests = Counter[str]
"""How many of each kind, as ``list pods``."""


class Shop(NamedTuple):
    """What runs on the node: Deployments of three pods each, all of them there, and a pod of a
    DaemonSet. Each pod takes ``stop`` seconds to end; the budget of a Deployment lets
    ``at_once`` of them be away."""

    name: str
    deployments: int
    stop: float = 0.0
    at_once: int = _REPLICAS

    @property
    def pods(self) -> int:
        """How many pods are evicted."""
        return self.deployments * _REPLICAS

    def build(self) -> Cluster:
        """The cluster, a day old."""
        cluster = Cluster(lambda: datetime.now(UTC), seed=1)
        with cluster.backdated(timedelta(days=1)):
            for name in ("kube-system", HOME):
                scenarios.namespace(cluster, name)
            scenarios.node(cluster, NODE, opt_in=True)
            for number in range(self.deployments):
                place, name = f"team-{number % _SPACES}", f"app-{number:02}"
                scenarios.deployment(cluster, place, name, _REPLICAS, stop_seconds=self.stop)
                scenarios.pdb(cluster, place, name, max_unavailable=self.at_once)
            scenarios.daemon_set(cluster, "kube-system", "agent")
            scenarios.settle(cluster)
            for number in range(_OTHERS):
                scenarios.node(cluster, f"worker-{number + 2}")
            scenarios.settle(cluster)
        cluster.compact()
        return cluster


class Drained(NamedTuple):
    """What a drain sent: in ``parts`` the requests to the cluster of the decision, the drain itself
    (from the first to the last look at the node), the way back, and the recovery; in ``own`` those
    about chaosd's ledger, lease and Events. ``seconds`` on the clock until it was drained."""

    parts: dict[str, Requests]
    own: Requests
    seconds: float


def by_kubectl(shop: Shop, kubectl: Path) -> Drained:
    """``kubectl drain`` and ``kubectl uncordon``; what the server offers is in its cache before."""
    with _served(shop) as (server, folder):
        command = [str(kubectl), f"--kubeconfig={folder / 'kubeconfig'}"]
        command += [f"--cache-dir={folder / 'cache'}"]

        def run(*arguments: str) -> Requests:
            server.api.journal.clear()
            done = subprocess.run(
                [*command, *arguments],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
            if done.returncode:
                raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}")
            return Requests(map(kind, server.api.journal.requests))

        run("get", "nodes")
        begin = time.monotonic()
        drain = run("drain", NODE, "--ignore-daemonsets")
        seconds = time.monotonic() - begin
        _check(server.cluster)
        return Drained({DRAIN: drain, BACK: run("uncordon", NODE)}, Requests(), seconds)


def by_chaosd(shop: Shop) -> Drained:
    """One attempt, and what the daemon's observer does until every workload is whole again."""
    with _served(shop) as (server, folder):
        kubeconfig = str(folder / "kubeconfig")
        context, lead, _ = attempts.engine(kubeconfig, HOME, str(folder), _POLICY)
        told = _Told(server)
        begin = renewed = time.monotonic()
        slot = Slot("it", EVERY_WORKLOAD, context.clock.now())
        ended = Attempts(context).run(slot, slot.action_id(0))
        if ended.result != BEGUN:
            raise RuntimeError(f"the drain did not begin: {ended}")
        told.attempted()
        observer, seconds = Observer(context), 0.0
        while (intent := _intent(server.cluster)).verdict is None:
            if intent.result is not None:
                seconds = seconds or time.monotonic() - begin
            wake = observer.step()
            told.observed(intent)
            if time.monotonic() > renewed + _RENEW:
                lead.step()
                renewed = time.monotonic()
            until(partial(_past, context.clock, wake), "the next look")
        _check(server.cluster)
        return Drained(told.parts, told.own, seconds)


class _Told:
    """What a cluster was asked since it was last looked at, part by part."""

    def __init__(self, server: SandboxServer) -> None:
        self._journal = server.api.journal
        self._journal.clear()
        self.parts: dict[str, Requests] = {}
        self.own = Requests()

    def attempted(self) -> None:
        """An attempt ends with the taint, which reads the node right before it changes it."""
        seen = self._journal.requests
        taint = next(at for at, one in enumerate(seen) if kind(one) == "patch nodes")
        self._add(DECISION, seen[: taint - 1])
        self._add(DRAIN, seen[taint - 1 :])

    def observed(self, before: Intent) -> None:
        """One look of the observer at an intent, as it was before."""
        over = BACK if before.owes_undo else RECOVERY
        self._add(DRAIN if before.result is None else over, self._journal.requests)

    def _add(self, name: str, seen: Sequence[RequestRecord]) -> None:
        own = Requests(kind(one) for one in seen if is_own(one))
        part = Requests(kind(one) for one in seen if not is_own(one))
        self.own += own
        self.parts[name] = self.parts.get(name, Requests()) + part
        self._journal.clear()


def is_own(one: RequestRecord) -> bool:
    """Whether it is about chaosd's own ledger and lease, or an Event that tells of a drain."""
    return f"/namespaces/{HOME}/" in one.path or one.path.endswith("/events")


def kind(one: RequestRecord) -> str:
    """What it asks for, as ``list pods`` or ``create pods/eviction``; all that asks what the server
    offers is ``discovery``."""
    parts = one.path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    if not parts:
        return "discovery"
    return f"{one.verb} {parts[0]}" + (f"/{parts[2]}" if len(parts) > 2 else "")


def _past(clock: Clock, wake: datetime) -> bool:
    return clock.now() >= wake


def _intent(cluster: Cluster) -> Intent:
    """The only one, read without a request."""
    item = cluster.get("configmaps", HOME, "chaosd-ledger")
    assert item is not None
    (intent,) = ledger_text.decode(item["data"]["ledger.json"]).all_intents()
    return intent


def _check(cluster: Cluster) -> None:
    """Only the pod that belongs there is on the node."""
    left = [pod for pod in cluster.all("pods") if pod["spec"].get("nodeName") == NODE]
    if len(left) != 1:
        names = [pod["metadata"]["name"] for pod in left]
        raise RuntimeError(f"what was drained should run one pod, not {names}")


@contextmanager
def _served(shop: Shop) -> Iterator[tuple[SandboxServer, Path]]:
    with (
        tempfile.TemporaryDirectory(prefix="chaosd-bench-") as name,
        SandboxServer(shop.build(), timings=_TIMINGS) as server,
    ):
        server.kubeconfig(Path(name) / "kubeconfig")
        yield server, Path(name)
