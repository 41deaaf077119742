"""A preview is what a daemon then does, when each kill succeeds and recovers at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from chaosd.config import load_text
from chaosd.core.ledger import Ledger
from chaosd.core.model import Configuration
from chaosd.core.preview import Kill, preview
from chaosd.core.schedule import MeanTime, Rate
from chaosd.sandbox import Cluster, scenarios
from tests.engine.process import Process
from tests.engine.scene import Scene

FROM = datetime(2026, 3, 27, 6, 0, tzinfo=UTC)  # a Friday; on Sunday clocks are put forward
DAYS = 3
AHEAD = timedelta(seconds=20)  # how long before its end the planner goes on
SEEDS = ("amber", "birch")
TEXT = """
dryRun: false
timezone: Europe/Berlin
seed: {seed}
surveyEvery: 2h
windows:
  allow:
    - weekly: {{days: Mon-Sat, from: "08:00", to: "20:00"}}
    - weekly: {{days: Sat-Sun, from: "22:00", to: "04:30"}}
  deny:
    - {{name: inventory, dates: {{first: 2026-03-28, last: 2026-03-28}}}}
limits: {{perHour: 5, perDay: 26, concurrent: 2}}
policies:
  - name: every
    target: pod
    action: evict
    schedule: {{every: 25m, jitter: 9m}}
    select: {{names: "^every-"}}
    cooldown: 5m
    limits: {{perHour: 2}}
  - name: cron
    target: pod
    action: evict
    schedule: {{cron: "10,40 */3 * * *"}}
    select: {{names: "^cron-"}}
    cooldown: 5m
    count: 2
  - name: mean
    target: pod
    action: evict
    schedule: {{meanTimeBetweenKills: 14h, minGap: 90m}}
    select: {{names: "^mean-"}}
    cooldown: 1h
  - name: rehearsal
    target: pod
    action: evict
    schedule: {{every: 35m}}
    cooldown: 5m
    windows: {{deny: [weekly: {{days: Fri, from: "12:00", to: "13:00"}}]}}
    limits: {{perDay: 15}}
    dryRun: true
"""


def configuration(seed: str) -> Configuration:
    loaded = load_text(TEXT.format(seed=seed), {}, FROM)
    assert loaded.configuration, loaded.problems
    return loaded.configuration


def workloads(cluster: Cluster) -> None:
    for number in range(4):
        for name in ("every", "cron", "mean"):
            scenarios.deployment(cluster, "shop", f"{name}-{number}", 2, opt_in=True)


@dataclass
class Life:
    """A daemon in virtual time that is called when something is due, and not in between.

    What its loops do between slots (renewing the lease, looking at the file) changes nothing.
    """

    scene: Scene
    process: Process
    planned: datetime  # as far as the planner has planned

    @classmethod
    def begin(cls, seed: str) -> Life:
        scene = Scene(configuration(seed), workloads, start=FROM)
        return cls(scene, scene.leader(), FROM)

    def until(self, end: datetime) -> None:
        """Run every slot at its time, and observe what it struck."""
        scene, process = self.scene, self.process
        while scene.now() < end:
            due = min((slot.at for slot in process.slots), default=end)
            scene.clock.set(max(scene.now(), min(due, self.planned - AHEAD, end)))
            process.lead.step()
            self._plan()
            while slot := next((one for one in process.slots if one.at <= scene.now()), None):
                process.slots.remove(slot)
                process.ended += process.attempts.run_slot(slot)
                if any(ended.intent for ended in process.ended[-2:]):
                    scene.settle()
                    process.observer.step()

    def restart(self) -> None:
        """SIGTERM, and another process starts."""
        self.process.stop()
        self.planned = self.scene.now()
        self.process = self.scene.process(f"{self.process.name}'").start()
        assert self.process.context.leading

    def _plan(self) -> None:
        if self.scene.now() >= self.planned - AHEAD:
            planned = self.process.planner.step()
            assert not planned.drop
            self.process.slots = sorted([*self.process.slots, *planned.slots], key=lambda s: s.at)
            self.planned += self.scene.configuration.survey_every

    def kills(self) -> list[Kill]:
        """What was struck (or would have been), by the slots of it."""
        done = [ended.intent for one in self.scene.processes for ended in one.ended]
        found = []
        for intent in done:
            if intent:
                policy, _, rest = intent.action_id.partition("/")
                workload, _, at = rest.rpartition("#")[0].rpartition("/")
                found.append(Kill(datetime.fromisoformat(at), policy, workload))
        return found

    def rates(self) -> dict[str, list[Rate]]:
        schedule = next(p.schedule for p in self.scene.configuration.policies if p.name == "mean")
        assert isinstance(schedule, MeanTime)
        names = [f"shop/Deployment/mean-{number}" for number in range(4)]
        # The dry run draws from all, and has no schedule of theirs.
        return {"mean": [Rate(name, schedule.mean, schedule.min_gap) for name in names]}

    def preview(self, until: datetime, ledger: Ledger | None = None) -> list[Kill]:
        scene = self.scene
        seed = scene.configuration.seed or ""
        after = scene.now() if ledger else scene.start
        return list(preview(scene.configuration, seed, self.rates(), after, until, ledger))


END = FROM + timedelta(days=DAYS)


@cache
def lived(seed: str) -> Life:
    """The whole span without an interruption."""
    life = Life.begin(seed)
    life.until(END)
    return life


@pytest.mark.parametrize("seed", SEEDS)
def test_the_preview_is_the_reality(seed: str) -> None:
    """Every kill of every policy at its very second, and none else, over days."""
    life = lived(seed)
    assert life.kills() == life.preview(END)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_span_holds_all_that_can_bind(seed: str) -> None:
    """Every policy kills, and windows, limits and gaps each stop some slot: it is no empty test."""
    life = lived(seed)
    by_policy = Counter(kill.policy for kill in life.kills())
    assert all(by_policy[name] >= 4 for name in ("every", "cron", "mean", "rehearsal"))
    told = Counter(str(r.code) for ended in life.process.ended for r in ended.reasons)
    assert {"windowClosed", "limitPerHour", "limitPerDay"} <= set(told)
    gaps = [r.detail for ended in life.process.ended for r in ended.reasons if "minGap" in r.detail]
    assert gaps


def test_another_seed_is_another_schedule() -> None:
    """And the same seed draws the same workloads of the cluster again."""
    first, second = (lived(seed) for seed in SEEDS)
    assert first.kills() != second.kills()
    again = Life.begin(SEEDS[0])
    again.until(FROM + timedelta(hours=5))
    struck = [ended.intent.workload for ended in again.process.ended if ended.intent]
    before = [ended.intent.workload for ended in first.process.ended if ended.intent]
    assert struck
    assert struck == before[: len(struck)]


def test_a_restart_in_the_middle_changes_nothing() -> None:
    """Limits and gaps are in the ledger, and the schedule has no memory."""
    life = Life.begin(SEEDS[0])
    for hours in (3, 5, 9):
        life.until(FROM + timedelta(hours=hours))
        life.restart()
    life.until(FROM + timedelta(hours=12))
    whole = lived(SEEDS[0]).kills()
    assert life.kills() == [kill for kill in whole if kill.at <= FROM + timedelta(hours=12)]
    assert len(life.scene.processes) == 4


def test_a_preview_from_now_on_knows_the_ledger() -> None:
    """What was struck so far binds what comes."""
    life = Life.begin(SEEDS[1])
    life.until(FROM + timedelta(hours=6))
    ahead = life.preview(FROM + timedelta(hours=11), life.scene.ledger())
    before = len(life.kills())
    life.until(FROM + timedelta(hours=11))
    assert ahead
    assert life.kills()[before:] == ahead
