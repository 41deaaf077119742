"""Scripted etcd clusters: members that tests take down, and a process that watches them, in virtual
time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from chaosd.core.backup import SnapshotTried
from chaosd.core.etcd_model import EtcdBackup, EtcdCluster
from chaosd.core.ledger import Intent
from chaosd.core.model import Configuration
from chaosd.core.quorum import Member, Picture
from chaosd.core.window import Windows
from chaosd.ports import Clock, Loaded, NotSent, Unanswered
from chaosd.targets.etcd_gateway import Looked, SnapshotChecked
from tests.support.clock import VirtualClock

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
MAIN = EtcdCluster("main", tuple(f"http://10.0.0.{n}:2379" for n in (1, 2, 3)))
NAMES = {"a": MAIN.endpoints[0], "b": MAIN.endpoints[1], "c": MAIN.endpoints[2]}


@dataclass
class Around:
    """A process: its clock, its configuration, whether it leads, the intents that it knows."""

    clock: Clock = field(default_factory=lambda: VirtualClock(NOW))
    leading: bool = True
    loaded: Loaded = field(default_factory=lambda: Loaded(None))
    intents: dict[str, Intent] = field(default_factory=dict)

    def open_intents(self) -> Mapping[str, Intent]:
        return self.intents

    def after(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)

    def declare(self, *clusters: EtcdCluster) -> None:
        self.loaded = Loaded(Configuration(Windows("UTC"), (), etcd=clusters))


@dataclass
class Members:
    """Three members behind Gateway, Backups and Pictures.

    ``down`` ones refuse at once. What takes its whole timeout: reads of the ``hung``, and all that
    is asked of the ``silent``. ``named`` is whom all take for the leader, but those that have
    ``lost`` it. What happens ``meanwhile`` happens while a snapshot is streamed.
    """

    clock: VirtualClock
    named: str = "a"
    lost: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    hung: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    age_of_backup: timedelta | str = timedelta(hours=1)
    snapshot: SnapshotChecked | str = field(default_factory=lambda: SnapshotChecked(4096, 1.5))
    takes: float = 0.001
    meanwhile: Callable[[], None] = lambda: None

    def _answers(self, what: str, endpoint: str, timeout: float, *, hangs: bool = False) -> None:
        self.asked.append((what, endpoint))
        if endpoint in self.down:
            raise NotSent("connection refused")
        if hangs or endpoint in self.silent:
            self.clock.advance(timeout)
            raise Unanswered("no answer in time")
        self.clock.advance(self.takes)

    def look(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> Looked:
        raise NotImplementedError

    def read(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> None:
        self._answers("read", endpoint, timeout, hangs=endpoint in self.hung)

    def leader(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> str:
        self._answers("leader", endpoint, timeout)
        return "" if endpoint in self.lost else self.named

    def move_leader(self, cluster: EtcdCluster, endpoint: str, to: str, timeout: float) -> None:
        raise NotImplementedError

    def check_snapshot(
        self, cluster: EtcdCluster, endpoint: str, timeout: float
    ) -> SnapshotChecked:
        self._answers("snapshot", endpoint, timeout)
        self.meanwhile()
        if isinstance(self.snapshot, str):
            raise Unanswered(self.snapshot)
        return self.snapshot

    def age(self, backup: EtcdBackup, timeout: float) -> timedelta:
        self._answers("age", backup.file, timeout)
        if isinstance(self.age_of_backup, str):
            raise Unanswered(self.age_of_backup)
        return self.age_of_backup

    def picture(self, cluster: EtcdCluster, now: datetime) -> Picture:
        self.asked.append(("picture", cluster.name))
        return picture(now, self.named, down=self.down, name=cluster.name)

    def count(self, what: str) -> int:
        """How often this was asked."""
        return sum(one == what for one, _ in self.asked)


def member(name: str, leader: str = "a", *, down: bool = False) -> Member:
    """A member that is well, or does not answer."""
    return Member(
        id=name,
        name=f"etcd-{name}",
        endpoint=NAMES[name],
        error="connection refused" if down else "",
        leader="" if down else leader,
        cluster_id="cluster",
        known=("a", "b", "c"),
        applied=100,
    )


def picture(
    at: datetime = NOW, leader: str = "a", *, down: set[str] | None = None, name: str = "main"
) -> Picture:
    """A picture of three members, of which some are down."""
    gone = down or set()
    members = tuple(member(one, leader, down=place in gone) for one, place in NAMES.items())
    return Picture(name=name, at=at, members=members)


@dataclass
class Told:
    """What was reported."""

    pictured: list[tuple[Picture, bool]] = field(default_factory=list)
    declared: list[tuple[str, ...]] = field(default_factory=list)
    backups: list[timedelta | str] = field(default_factory=list)
    snapshots: list[dict[str, SnapshotTried]] = field(default_factory=list)

    def etcd_declared(self, clusters: Sequence[EtcdCluster]) -> None:
        self.declared.append(tuple(cluster.name for cluster in clusters))

    def etcd_pictured(self, seen: Picture, *, leading: bool) -> None:
        self.pictured.append((seen, leading))

    def etcd_backup(self, cluster: EtcdCluster, age: timedelta | str) -> None:
        self.backups.append(age)

    def etcd_snapshots(self, tried: Mapping[str, SnapshotTried]) -> None:
        self.snapshots.append(dict(tried))


def with_(cluster: EtcdCluster, **changes: object) -> EtcdCluster:
    """A declaration with some fields changed."""
    return msgspec.structs.replace(cluster, **changes)


def play(clock: VirtualClock, steps: Sequence[Callable[[], datetime]], seconds: float) -> None:
    """Let actors run for some virtual seconds, each when it wants to."""
    end = clock.now() + timedelta(seconds=seconds)
    due = [clock.now() for _ in steps]
    while min(due) <= end:
        at = due.index(min(due))
        if due[at] > clock.now():
            clock.advance((due[at] - clock.now()).total_seconds())
        due[at] = steps[at]()
