"""A shop in a simulated cluster behind real HTTP, and a chaosd that leads in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from chaosd.config.watching import FileSettings
from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Leader, Ledger, Result, Step, Verdict
from chaosd.core.model import Action, TargetKind, Victim
from chaosd.daemon.wiring import Connection, build_context, connect
from chaosd.engine.attempt import Attempts
from chaosd.engine.lead import LEDGER_UID, Lead
from chaosd.engine.wishes import Wishes
from chaosd.sandbox import AcceleratedClock, Cluster, Timings, scenarios
from chaosd.sandbox.server import SandboxServer
from tests.cli.support import Answer, chaosd, config
from tests.engine.world import Tape
from tests.support.waiting import PATIENCE

WEB = "shop/Deployment/web"
FILE = """
dryRun: false
seed: abc
windows: {allow: always}
policies:
  - name: web
    target: pod
    action: evict
    schedule: {every: 1h}
    select: {names: "^web$"}
  - name: mean
    target: pod
    action: evict
    schedule: {meanTimeBetweenKills: 1d, minGap: 3h}
    dryRun: true
"""


class Shop:
    """The cluster, its server (whose clock may be ``ahead`` of ours), and a configuration file."""

    def __init__(self, folder: Path, ahead: timedelta = timedelta(0)) -> None:
        self.folder = folder
        clock = AcceleratedClock(datetime.now(UTC) + ahead)
        self.cluster = Cluster(clock.now, seed=5)
        with self.cluster.backdated(timedelta(days=1)):
            for name in ("kube-system", "chaosd"):
                scenarios.namespace(self.cluster, name)
            for name in ("node-a", "node-b"):
                scenarios.node(self.cluster, name)
            scenarios.deployment(self.cluster, "shop", "web", 3, opt_in=True)
            scenarios.deployment(self.cluster, "shop", "api", 3, opt_in=True)
            scenarios.deployment(self.cluster, "shop", "shy", 2)
            scenarios.pdb(self.cluster, "shop", "api", min_available=3)
            scenarios.settle(self.cluster)
        self.server = SandboxServer(self.cluster, timings=Timings.instant())
        self.file = config(folder, FILE)
        self.kubeconfig = folder / "kubeconfig"

    @property
    def now(self) -> datetime:
        return self.cluster.now().replace(microsecond=0)

    def say(self, *args: object, stdin: str = "") -> Answer:
        """Give a command to this cluster."""
        return chaosd(*args, stdin=stdin, KUBECONFIG=str(self.kubeconfig))

    def connect(self) -> Connection:
        return connect(str(self.kubeconfig))

    def write(self, ledger: Ledger | str) -> None:
        """Put a ledger there that the lease names, as a daemon leaves it that ran before."""
        connection = self.connect()
        text = ledger if isinstance(ledger, str) else ledger_text.encode(ledger)
        found = connection.ledger.read()
        if found is not None:
            connection.ledger.swap(found, text)
            return
        made = connection.ledger.create(text, {})
        connection.lease.create("{}", {LEDGER_UID: made.uid})

    def ledger(self) -> Ledger:
        found = self.connect().ledger.read()
        assert found is not None
        return ledger_text.decode(found.text)

    def annotate(self, why: str) -> None:
        """As ``kubectl annotate`` does."""
        with self.cluster.edit("configmaps", "chaosd", "chaosd-ledger") as item:
            item["metadata"].setdefault("annotations", {})["chaosd.io/halt"] = why

    def pods(self, app: str) -> list[str]:
        return sorted(
            name
            for namespace, name in self.cluster.keys("pods")
            if namespace == "shop" and name.startswith(f"{app}-")
        )

    def intent(self, strike_in: float, **changes: object) -> Intent:
        """An intent on a pod of web, reserved by somebody and not settled."""
        name = self.pods("web")[0]
        pod = self.cluster.get("pods", "shop", name)
        assert pod is not None
        meta = pod["metadata"]
        victim = Victim("shop", name, meta["uid"], meta["resourceVersion"])
        at = self.now - timedelta(minutes=1)
        step = Step(1, victim, "chaosd-0", 1, at, self.now + timedelta(seconds=strike_in))
        intent = Intent(
            id=f"{1:020x}",
            action_id="web/*/then#0",
            policy="web",
            target=TargetKind.POD,
            action=Action.EVICT,
            workload=WEB,
            victim=victim,
            reserved_at=at,
            deadline=600,
            recover_by=at + timedelta(minutes=10),
            locks=(WEB,),
            steps=(step,),
        )
        return msgspec.structs.replace(intent, **changes)

    def holding(self, *intents: Intent) -> Ledger:
        """A ledger in which these are open."""
        leader = Leader("chaosd-0", 1, self.now - timedelta(hours=1))
        return Ledger(leader=leader, intents={one.id: one for one in intents})

    def unrecovered(self) -> Ledger:
        """A ledger in which web did not heal."""
        return self.holding(
            self.intent(
                -50,
                steps=(),
                result=Result.KILLED,
                settled_at=self.now - timedelta(minutes=30),
                verdict=Verdict.NOT_RECOVERED,
                verdict_at=self.now - timedelta(minutes=20),
            )
        )


@contextmanager
def leading(shop: Shop) -> Iterator[Tape]:
    """A chaosd that leads and takes requests until the block ends."""
    tape, ended, started = Tape(), threading.Event(), threading.Event()
    settings = FileSettings(shop.file, {})
    context = build_context(shop.connect(), settings, tape, "chaosd-0.test")
    lead, wishes = Lead(context, shop.connect().ledger), Wishes(context, Attempts(context))

    def run() -> None:
        while not ended.is_set():
            lead.step()
            started.set()
            for request in wishes.step()[0]:
                wishes.run(request)
            ended.wait(0.1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield tape
    finally:
        ended.set()
        thread.join(PATIENCE)
