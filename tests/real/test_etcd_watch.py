"""The actors of etcd against real members: what they see, and what a killed leader costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from chaosd.core.etcd_model import EtcdCluster as Declared
from chaosd.core.etcd_model import EtcdTls
from chaosd.core.leaderless import EtcdCost
from chaosd.core.quorum import Picture
from chaosd.daemon.clocks import SystemClock
from chaosd.daemon.loops import Loop, Pulse
from chaosd.etcd.gateway import HttpGateway
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.etcd_meter import EtcdLeaders, EtcdReads
from chaosd.targets.etcd_watch import EtcdSnapshots
from tests.core.ledgers import intent
from tests.engine.world import Tape
from tests.etcd_members import EtcdCluster
from tests.support.waiting import until
from tests.targets.etcd_scripted import Around, Told

HELD = intent(locks=("Etcd/main",))


def declared(cluster: EtcdCluster) -> Declared:
    """The cluster as a configuration declares it."""
    files = cluster.tls
    assert files is not None
    tls = EtcdTls(str(files.ca), str(files.cert), str(files.key))
    day = timedelta(days=1)
    return Declared("main", tuple(cluster.endpoints), tls=tls, snapshot_check=day)


class Lab:
    """A process that holds the cluster, with both meters on threads of their own."""

    def __init__(self, cluster: EtcdCluster) -> None:
        clock = SystemClock()
        self.around = Around(clock, intents={HELD.id: HELD})
        self.around.declare(declared(cluster))
        self.gateway, self.memory, self.told = HttpGateway(), EtcdMemory(), Told()
        self.memory.pictures["main"] = self._look()
        pulse, tape = Pulse(clock), Tape()
        self._loops = [
            Loop(type(actor).__name__, actor.step, clock, tape, pulse)
            for actor in (
                EtcdReads(self.around, self.memory, self.gateway),
                EtcdLeaders(self.around, self.memory, self.gateway),
            )
        ]

    def _look(self) -> Picture:
        configuration = self.around.loaded.configuration
        assert configuration is not None
        (main,) = configuration.etcd
        members = [self.gateway.look(main, endpoint, 10).member for endpoint in main.endpoints]
        return Picture(name="main", at=self.around.clock.now(), members=tuple(members))

    @contextmanager
    def measures(self) -> Iterator[None]:
        for loop in self._loops:
            loop.start()
        try:
            yield
        finally:
            for loop in self._loops:
                loop.stop()
            for loop in self._loops:
                assert loop.join(30)
            self.gateway.close()

    def cost(self) -> EtcdCost:
        costs = self.memory.costs(HELD.id, self.around.clock.now())
        return costs.get("main", EtcdCost())


def test_what_a_killed_leader_costs() -> None:
    """There is no leader for a while and reads fail; then another one leads, and both are known."""
    with EtcdCluster(count=3) as cluster:
        lab = Lab(cluster)
        with lab.measures():
            until(lambda: lab.cost().reads > 5)
            before = lab.cost()
            assert (before.failed, before.leaderless, before.leader_changes) == (0, 0, 0)
            leader = cluster.leader()
            leader.kill()
            until(lambda: lab.cost().leader_changes == 1)
            leader.start()
            cluster.wait_healthy()
            reads = lab.cost().reads
            until(lambda: lab.cost().reads > reads + 10)
            cost = lab.cost()
        assert cost.failed > 0
        assert cost.read_gap > 0
        assert cost.leaderless > 0
        assert cost.leader_changes == 1


def test_a_snapshot_of_a_real_follower_is_good() -> None:
    """Streamed whole, its hash right; its size is that of the database."""
    with EtcdCluster(count=3) as cluster:
        lab = Lab(cluster)
        lab.around.intents = {}  # none is taken while an action is open
        EtcdSnapshots(lab.around, lab.memory, lab.gateway, lab.told).step()
        tried = lab.memory.snapshots["main"]
        assert tried.error == ""
        assert tried.size >= 4096
        assert tried.good_at == tried.at
        lab.gateway.close()
