"""A simulated cluster behind real HTTP, with a configuration file, for daemons to run on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from chaosd.config import load
from chaosd.core.lease import LeaseSpec, read_spec
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.model import Configuration
from chaosd.sandbox import (
    Api,
    Cluster,
    Controllers,
    Faults,
    Removal,
    RequestRecord,
    SandboxServer,
    Timings,
    scenarios,
)
from chaosd.sandbox.objects import Json
from tests.daemon.bell import PATIENCE, Bell
from tests.engine.cluster_side import NAMESPACE, Sandbox, Witness
from tests.engine.promises import broken_promises, read_ledger

LEDGER = "/configmaps/chaosd-ledger$"
EVICTION = "/eviction$"
OPTED_IN = frozenset({"shop/web-", "shop/cart-"})
QUICK = Timings(schedule=(0, 0.05), start=(0.1, 0.3), stop=(0.05, 0.1))
FILE = """
dryRun: false
windows: {allow: always}
limits: {perHour: 100, perDay: 100, concurrent: 2}
policies:
  - name: web
    target: pod
    action: evict
    schedule: {every: 1s}
    select: {minAge: 0s}
    deadline: 60s
    cooldown: 0s
"""


class RingingWitness(Witness):
    """A witness that rings a bell at every request."""

    def __init__(self, cluster: Cluster, bell: Bell) -> None:
        super().__init__(cluster)
        self._bell = bell

    def add_request(self, record: RequestRecord) -> None:
        """Keep one."""
        super().add_request(record)
        self._bell.ring()


def shop(cluster: Cluster) -> None:
    """Two workloads that opted in and one that did not; a budget leaves room for one web pod."""
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.stateful_set(cluster, "shop", "cart", 2, opt_in=True, parallel=True)
    scenarios.deployment(cluster, "shop", "other", 3)
    scenarios.pdb(cluster, "shop", "web", min_available=2)


def only_web(cluster: Cluster) -> None:
    """One workload that opted in."""
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)


class Site:
    """The cluster, its server on loopback, a kubeconfig, and the file ``chaosd.yaml``.

    ``fill`` says what the cluster runs; all of it is Ready and a day old. ``speed`` is that of the
    clock ``now``, which is the machine's own by default. ``patient``: delays last until they are
    let go, however long that takes.
    """

    def __init__(
        self,
        folder: Path,
        text: str = FILE,
        *,
        fill: Callable[[Cluster], None] = shop,
        faults: Faults | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        speed: float = 1.0,
        timings: Timings = QUICK,
        patient: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.speed, self.bell = folder, speed, Bell()
        self.cluster = Cluster(now, seed=7)
        with self.cluster.backdated(timedelta(days=1)):
            for name in ("kube-system", NAMESPACE, "shop"):
                scenarios.namespace(self.cluster, name)
            for number in range(3):
                scenarios.node(self.cluster, f"node-{number}")
            fill(self.cluster)
            scenarios.settle(self.cluster)
        self.cluster.subscribe(self.bell.ring)
        self.waiting = 0
        """How many requests a delay holds."""
        self._let_go = threading.Event()
        self._patient = patient
        witness = RingingWitness(self.cluster, self.bell)
        self.api = Api(self.cluster, faults, journal=witness, sleep=self._sleep)
        # As the checks of the promises want it; the server has controllers of its own.
        self.sandbox = Sandbox(self.cluster, Controllers(self.cluster), self.api, witness)
        self.server = SandboxServer(self.cluster, speed=speed, timings=timings, api=self.api)
        self.kubeconfig = self.server.kubeconfig(folder / "kubeconfig")
        self.file = folder / "chaosd.yaml"
        self.write(text)

    def __enter__(self) -> Self:
        self.server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.let_go()
        self.server.stop()

    def _sleep(self, seconds: float) -> None:
        self.waiting += 1
        self.bell.ring()
        self._let_go.wait(PATIENCE if self._patient else seconds / self.speed)
        self.waiting -= 1

    def let_go(self) -> None:
        """End every delay, now and from now on."""
        self._let_go.set()

    def write(self, text: str) -> None:
        """Write the configuration file, all at once: no daemon reads half of it."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.file)

    def free_the_lease(self) -> None:
        """As somebody does who knows that its holder is dead."""
        with self.cluster.edit("leases.coordination.k8s.io", NAMESPACE, "chaosd") as lease:
            lease["spec"]["holderIdentity"] = ""

    # --- what the cluster holds

    def ledger(self) -> Ledger:
        """The ledger; an empty one while there is none."""
        item = self.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
        return read_ledger(self.sandbox) if item else Ledger()

    def intents(self, **fields: object) -> list[Intent]:
        """The intents, open or closed, with these values."""
        return [
            intent
            for intent in self.ledger().all_intents()
            if all(getattr(intent, name) == value for name, value in fields.items())
        ]

    def lease(self) -> LeaseSpec:
        """The Lease's spec; one that nobody holds while there is none."""
        item = self.cluster.get("leases.coordination.k8s.io", NAMESPACE, "chaosd")
        return read_spec(msgspec.json.encode(item["spec"]).decode()) if item else LeaseSpec()

    def removals(self) -> list[Removal]:
        """Every pod that was really removed through the API."""
        return self.sandbox.removals()

    def events(self, **fields: str) -> list[Json]:
        """The Events with these values."""
        return [
            event
            for event in self.cluster.all("events")
            if all(event[name] == value for name, value in fields.items())
        ]

    def configuration(self) -> Configuration:
        """What the file says, if it is valid."""
        loaded = load(self.file, {}).configuration
        assert loaded is not None
        return loaded

    def broken(self) -> list[str]:
        """The promises that were broken."""
        return broken_promises(self.sandbox, self.configuration(), (), OPTED_IN)

    def until(self, ask: Callable[[], Any], what: object = "") -> Any:
        """Wait for something to become true."""
        return self.bell.until(ask, what)
