"""One soak: the daemon kills members of a real etcd cluster until so many kills have been made.

The cluster's pods are simulated and its members are real processes (``chaosd sandbox --scenario
etcd``, at twice their pace, so that pods come back sooner; all figures are real seconds). Two
policies strike them: one for etcd, and one for pods that evicts whatever has opted in,
members among it. Nothing is asserted here but what is promised.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from msgspec import Struct

from chaosd.cli.stage import Stage
from chaosd.core.ledger import Intent, Result, Verdict
from chaosd.core.model import Reasons
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter
from chaosd.sandbox import AcceleratedClock
from chaosd.sandbox.members import NAME, Members
from tests.soak.witness import Strike, Troubles, Witnessed
from tests.soak.writer import Writer
from tests.support.waiting import until

CONFIGURATION = """
cluster: soak
dryRun: false
timezone: UTC
windows: {allow: always}
limits: {perHour: 100000, perDay: 100000, concurrent: 1}
etcd:
  - name: main
    pods: {namespace: etcd, labels: "app.kubernetes.io/name=etcd", port: 2379, scheme: http}
    snapshotCheck: 10m
policies:
  - {name: members, target: etcd, action: kill, clusters: [main], schedule: {every: 1s},
     deadline: 2m, cooldown: 0s}
  - {name: lead, target: etcd, action: moveLeader, clusters: [main], schedule: {every: 2m},
     deadline: 2m, cooldown: 0s}
  - {name: pods, target: pod, action: evict, schedule: {every: 13s}, deadline: 2m, cooldown: 0s,
     select: {namespaces: [etcd], kinds: [StatefulSet], minAge: 1s}}
"""
SPEED = 2.0
"""How much faster than the members the simulated cluster and the daemon live."""
_LONGEST_WITHOUT_A_KILL = 300.0
_SETTLE = 120.0


@dataclass
class Told:
    """What the daemon reported."""

    kills: list[Intent] = field(default_factory=list)
    moves: list[Intent] = field(default_factory=list)
    judged: list[Intent] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    without_reason: int = 0

    def killed(self, number: int) -> bool:
        """Whether so many were killed."""
        return len(self.kills) >= number


class Tally(Reporter):
    """A reporter that also counts."""

    def __init__(self, metrics: Metrics, clock: AcceleratedClock, told: Told) -> None:
        super().__init__(metrics, configure(clock.now, stream=io.StringIO()), clock.now)
        self._told = told

    def settled(self, intent: Intent) -> None:
        """Kills and moves of the leader, which take nothing down, are told apart."""
        super().settled(intent)
        if intent.result is Result.KILLED:
            moved = intent.policy == "lead"
            (self._told.moves if moved else self._told.kills).append(intent)
        else:
            self._told.refusals[f"{intent.result} by a step"] += 1
            self._told.without_reason += not intent.detail

    def judged(self, intent: Intent) -> None:
        """Verdicts."""
        super().judged(intent)
        self._told.judged.append(intent)

    def attempted(
        self, policy: str, target: str, action_id: str, result: str, reasons: Reasons
    ) -> None:
        """Every attempt that struck nothing must say why."""
        super().attempted(policy, target, action_id, result, reasons)
        if result == "skipped":
            self._told.refusals.update({str(reason.code) for reason in reasons})
            self._told.without_reason += not reasons


class Outcome(Struct, frozen=True):
    """What came of a soak. Times are in seconds, by the clock of the wall."""

    members: int
    kills: int
    leader_kills: int
    moves: int
    by_policy: dict[str, int]
    strikes: tuple[Strike, ...]
    recovered: int
    not_recovered: int
    refusals: dict[str, int]
    without_reason: int
    recoveries: tuple[float, ...]
    leaderless: tuple[float, ...]
    read_gaps: tuple[float, ...]
    answered: int
    unanswered: int
    lost: tuple[int, ...]
    longest_without_write: float
    troubles: int
    seconds: float

    @property
    def quorum(self) -> int:
        """How many members must run."""
        return self.members // 2 + 1

    @property
    def fewest(self) -> int:
        """How many other members were running when chaosd struck one, at least."""
        return min((strike.others for strike in self.strikes), default=self.members)


def soak(
    binary: Path,
    members: int,
    kills: int,
    *,
    troubles: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Run until ``kills`` members were killed; with a seed of ``troubles``, others break them too.

    Raises AssertionError, with all that can be known, when nothing is killed for five minutes.
    """
    told, began = Told(), time.monotonic()
    makers: list[Witnessed] = []

    def make(folder: Path) -> Members:
        makers.append(Witnessed(binary, folder, members))
        return makers[0]

    def reporting(metrics: Metrics, clock: AcceleratedClock) -> tuple[Tally, Tally]:
        tally = Tally(metrics, clock, told)
        return tally, tally

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaosd-soak-")))
        file = folder / "chaosd.yaml"
        file.write_text(CONFIGURATION)
        stage = stack.enter_context(Stage(SPEED, None, file, 0, 0, reporting, NAME, make))
        witnessed = makers[0]
        writer = stack.enter_context(Writer(witnessed.endpoints))
        outside = Troubles(stage.cluster, witnessed, troubles or 0)
        with outside if troubles is not None else ExitStack():
            why = partial(_why, stage, witnessed)
            for number in range(1, kills + 1):
                until(partial(told.killed, number), why, _LONGEST_WITHOUT_A_KILL)
                progress(number)
        file.write_text(f"halted: true\n{CONFIGURATION}")
        until(lambda: len(told.judged) >= len(told.kills) + len(told.moves), why, _SETTLE)
        writer.stop()
        (lost,) = until(partial(_read, writer), why, _SETTLE)
        strikes = tuple(witnessed.strikes)
    return _outcome(members, told, strikes, writer, tuple(lost), outside, time.monotonic() - began)


def _why(stage: Stage, members: Members) -> str:
    """What the daemon says of it, the pods, and what the members wrote last."""
    told = [httpx.get(f"{stage.address}/", timeout=30).text]
    told += [
        f"{pod['metadata']['name']} (process {members.pid(pod)}): {pod['status']}"
        for pod in stage.cluster.all("pods", NAME)
    ]
    for log in sorted(members.folder.glob("*.log")):
        told += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-15:]]
    return "\n".join(told)


def _read(writer: Writer) -> tuple[list[int]] | None:
    """The lost writes; None while the members that are coming back don't answer."""
    try:
        return (writer.lost(),)
    except httpx.HTTPError:
        return None


def _outcome(
    members: int,
    told: Told,
    strikes: tuple[Strike, ...],
    writer: Writer,
    lost: tuple[int, ...],
    outside: Troubles,
    seconds: float,
) -> Outcome:
    healed = [one for one in told.judged if one.verdict is Verdict.RECOVERED]
    times = [
        (one.verdict_at - one.reserved_at).total_seconds() / SPEED
        for one in healed
        if one.verdict_at
    ]
    costs = [cost for one in told.judged for cost in one.etcd.values() if one.policy != "lead"]
    return Outcome(
        members=members,
        kills=len(told.kills),
        leader_kills=sum(cost.leader_changes > 0 for cost in costs),
        moves=len(told.moves),
        by_policy=dict(Counter(one.policy for one in told.kills)),
        strikes=strikes,
        recovered=len(healed),
        not_recovered=sum(one.verdict is Verdict.NOT_RECOVERED for one in told.judged),
        refusals=dict(told.refusals),
        without_reason=told.without_reason,
        recoveries=tuple(times),
        leaderless=tuple(cost.leaderless / SPEED for cost in costs if cost.leader_changes),
        read_gaps=tuple(cost.read_gap / SPEED for cost in costs if cost.leader_changes),
        answered=len(writer.answered),
        unanswered=writer.unanswered,
        lost=lost,
        longest_without_write=writer.longest,
        troubles=outside.kills + outside.freezes,
        seconds=seconds,
    )


def spread(values: tuple[float, ...]) -> str:
    """Median, 95th percentile and maximum, in seconds."""
    if not values:
        return "none"
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{statistics.median(ordered):.2f} / {late:.2f} / {ordered[-1]:.2f}"
