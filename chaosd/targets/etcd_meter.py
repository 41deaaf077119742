"""Measuring what a strike costs an etcd cluster, as its clients would feel it: ten times a second,
from before the strike until the verdict, whether a linearizable read is answered and who leads.

The two have an actor each: a read that hangs, as reads do while there is no leader, must not keep
the other from seeing how long that lasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.leaderless import Trace
from chaosd.ports import CallFailed
from chaosd.targets.etcd_gateway import Gateway
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.etcd_watch import Here, declared

EVERY = 0.1
TIMEOUT = 0.5
_IDLE = 0.05  # a strike comes soon after its reservation, and must not come before the first sample
_NOTHING_TO_DO = 1.0
_RIGHT_BEFORE = timedelta(seconds=2)
_SOMEBODY = "somebody"  # who reads does not ask who leads, and the other way round


class Measured:
    """What is to be measured now, and the samples of it, for one actor: ``traces`` are its own, by
    intent id and then by cluster."""

    def __init__(self, here: Here, memory: EtcdMemory, traces: dict[str, dict[str, Trace]]) -> None:
        self._here = here
        self._memory = memory
        self._traces = traces

    def now(self) -> Sequence[tuple[EtcdCluster, Sequence[str]]]:
        """The intents that hold each cluster, by the process that leads. One that has its verdict
        has told its cost, and a dry run has none; the traces of closed ones are forgotten."""
        intents = self._here.open_intents()
        for gone in self._traces.keys() - intents.keys():
            del self._traces[gone]
        if not self._here.leading:
            return ()
        alive = [one for one in intents.values() if not one.dry_run and one.verdict is None]
        held = [
            (cluster, [one.id for one in alive if cluster.key in one.locks])
            for cluster in declared(self._here)
        ]
        return [(cluster, ids) for cluster, ids in held if ids]

    def waiting(self) -> datetime:
        """When to look again whether there is something to measure."""
        may_come = self._here.leading and declared(self._here)
        return self._here.after(_IDLE if may_come else _NOTHING_TO_DO)

    def fold(
        self, cluster: EtcdCluster, intents: Sequence[str], leader: str | None, *, read: bool
    ) -> None:
        """Fold a sample into the traces of these intents; readers take a new mapping each time."""
        at = self._here.clock.now()
        for intent in intents:
            traces = self._traces.get(intent, {})
            trace = traces.get(cluster.name) or self._begun(cluster, at, leader)
            trace = trace.sampled(at, leader, read=read)
            self._traces[intent] = {**traces, cluster.name: trace}

    def _begun(self, cluster: EtcdCluster, at: datetime, leader: str | None) -> Trace:
        """A new trace. A strike can be quicker than its first sample: then what was before it is
        what the guard saw when it looked right before, if that look was whole."""
        picture = self._memory.pictures.get(cluster.name)
        if picture is None or picture.leader is None:
            return Trace()
        if not timedelta(0) <= at - picture.at <= _RIGHT_BEFORE:
            return Trace()
        before = _SOMEBODY if leader == _SOMEBODY else picture.leader.id
        return Trace(leader=before, read_at=picture.at)

    def endpoints(self, cluster: EtcdCluster, first: int) -> list[str]:
        """Where voters were last asked, beginning with the one whose turn it is: the declared
        places while nobody has looked yet."""
        picture = self._memory.pictures.get(cluster.name)
        known = [member.endpoint for member in picture.voters] if picture else []
        places = [place for place in known if place] or list(cluster.endpoints)
        turn = first % len(places) if places else 0
        return places[turn:] + places[:turn]


class EtcdReads:
    """The actor that reads as a client with failover does: each time from the next member, and from
    the next ones at once when that one fails."""

    def __init__(self, here: Here, memory: EtcdMemory, gateway: Gateway) -> None:
        self._here = here
        self._measured = Measured(here, memory, memory.read)
        self._gateway = gateway
        self._turns: dict[str, int] = {}

    def step(self) -> datetime:
        """Take one sample of each cluster that an open intent holds; returns when the next is
        due."""
        began = self._here.clock.now()
        work = self._measured.now()
        for cluster, intents in work:
            self._sample(cluster, intents)
        return _next(self._here, began) if work else self._measured.waiting()

    def _sample(self, cluster: EtcdCluster, intents: Sequence[str]) -> None:
        turn = self._turns.get(cluster.name, 0)
        self._turns[cluster.name] = turn + 1
        for endpoint in self._measured.endpoints(cluster, turn):
            read = self._read(cluster, endpoint)
            self._measured.fold(cluster, intents, _SOMEBODY, read=read)
            if read:
                return

    def _read(self, cluster: EtcdCluster, endpoint: str) -> bool:
        try:
            self._gateway.read(cluster, endpoint, TIMEOUT)
        except CallFailed:
            return False
        return True


class EtcdLeaders:
    """The actor that asks who leads: the last leader itself, and when it does not say so any more
    the others. Followers go on naming a leader that is dead until they elect another, so only one
    that answers and says so itself counts."""

    def __init__(self, here: Here, memory: EtcdMemory, gateway: Gateway) -> None:
        self._here = here
        self._memory = memory
        self._measured = Measured(here, memory, memory.led)
        self._gateway = gateway
        self._last: dict[str, str] = {}

    def step(self) -> datetime:
        """Take one sample of each cluster that an open intent holds; returns when the next is
        due."""
        began = self._here.clock.now()
        work = self._measured.now()
        for cluster, intents in work:
            leader = self._leader(cluster)
            self._measured.fold(cluster, intents, leader, read=True)
        return _next(self._here, began) if work else self._measured.waiting()

    def _leader(self, cluster: EtcdCluster) -> str | None:
        """The leader; "" when nobody leads, None when nobody answers."""
        picture = self._memory.pictures.get(cluster.name)
        known = {one.id: one.endpoint for one in picture.voters if one.endpoint} if picture else {}
        places = self._measured.endpoints(cluster, 0)
        first = known.get(self._last.get(cluster.name, ""))
        said: dict[str, str | None] = {}
        for endpoint in sorted(places, key=lambda place: place != first):
            named = self._named(cluster, endpoint, said)
            if not named:
                continue
            own = known.get(named)
            if own is None or self._named(cluster, own, said) == named:
                self._last[cluster.name] = named
                return named
        return "" if any(named is not None for named in said.values()) else None

    def _named(
        self, cluster: EtcdCluster, endpoint: str, said: dict[str, str | None]
    ) -> str | None:
        """Whom the member there takes for the leader; each is asked once a sample. None: it does
        not answer."""
        if endpoint not in said:
            try:
                said[endpoint] = self._gateway.leader(cluster, endpoint, TIMEOUT)
            except CallFailed:
                said[endpoint] = None
        return said[endpoint]


def _next(here: Here, began: datetime) -> datetime:
    """When the next sample is due; at once after a slow one."""
    took = (here.clock.now() - began).total_seconds()
    return here.after(min(max(EVERY - took, 0.0), EVERY))
