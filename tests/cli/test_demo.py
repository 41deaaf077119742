"""``chaosd sandbox --demo``: each run shows all that it is there to show."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from chaosd.cli.narrate import BLACKOUT, BUDGET, DRY_RUN, Narrator
from chaosd.cli.sandbox import DEMO_KILLS, DEMO_START
from chaosd.cli.stage import SCENARIOS, SEED
from chaosd.config import load_text
from chaosd.core.ledger import Result, Verdict
from chaosd.core.model import Code, Configuration, Reason
from chaosd.core.schedule import slots
from chaosd.core.window import opening
from chaosd.ports import Standing
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter
from chaosd.sandbox import Cluster
from tests.cli.support import ROOT, chaosd
from tests.core.ledgers import changed, dry, intent

BETWEEN = timedelta(seconds=10)
"""More than any kill of the demo takes to recover."""


def demonstrated() -> Configuration:
    """The configuration of the demo, with the seed that its cluster gives."""
    cluster = SCENARIOS["shop"].fill(Cluster(lambda: DEMO_START, seed=SEED))
    system = cluster.get("namespaces", "", "kube-system")
    assert system is not None
    path: Path = ROOT / "chaosd" / "cli" / SCENARIOS["shop"].file
    text = f"seed: {system['metadata']['uid']}\n{path.read_text()}"
    loaded = load_text(text, {})
    assert loaded.configuration is not None, loaded.problems
    return loaded.configuration


def test_the_budget_refuses_whether_or_not_the_first_kill_succeeds() -> None:
    """A start that takes longer than the time to the first slot costs one kill, so that the last is
    the sixth slot instead of the fifth: `search` has its turn before that, when it may evict and
    nothing else is under way, and more than once."""
    known = demonstrated()
    times = {
        policy.name: [
            slot.at
            for slot in slots(
                policy.schedule,
                seed=known.seed or "",
                policy=policy.name,
                windows=policy.windows,
                deadline=policy.deadline,
                workloads=(),
                after=DEMO_START,
                until=DEMO_START + timedelta(minutes=10),
            )
            if opening(policy.windows, slot.at).open
            and opening(policy.windows, slot.at + policy.deadline).open
        ]
        for policy in known.policies
    }
    kills = times["shop"]
    ends = kills[DEMO_KILLS - 1]
    alone = [
        at
        for at in times["search"]
        if kills[0] + BETWEEN < at < ends
        and not any(kill - BETWEEN < at < kill + BETWEEN for kill in kills)
    ]
    assert len(alone) > 1


class Told:
    """A narrator, and what it told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        logger = configure(lambda: DEMO_START, stream=io.StringIO())
        reporter = Reporter(Metrics(CollectorRegistry(), "sandbox"), logger, lambda: DEMO_START)
        self.narrator = Narrator(reporter, lambda: DEMO_START, self._tell)

    def _tell(self, line: str, _: str) -> None:
        self.lines.append(line)

    def recovered(self) -> None:
        self.narrator.judged(changed(intent(), verdict=Verdict.RECOVERED, verdict_at=DEMO_START))

    def refused(self) -> None:
        reason = Reason(Code.DISRUPTION_BUDGET, "search allows 0")
        self.narrator.attempted("search", "pod", "search/*/x#0", "skipped", (reason,))

    def rehearsed(self) -> None:
        self.narrator.settled(changed(dry(), result=Result.DRY_RUN))

    def window(self, *states: bool) -> None:
        for is_open in states:
            standing = Standing(
                leading=True,
                configuration_valid=True,
                paused={},
                window_open={"web": is_open},
                dry_run={},
            )
            self.narrator.standing(standing)


def test_it_misses_all_that_there_is_to_show() -> None:
    """Not the kills alone."""
    told = Told()
    told.recovered()
    assert told.narrator.missing(1) == [BUDGET, BLACKOUT, DRY_RUN]
    assert told.narrator.missing(1, ()) == []
    assert told.narrator.missing(2, ()) == ["2 kills that recovered (only 1 did)"]
    told.refused()
    told.rehearsed()
    told.window(True, False)
    assert told.narrator.missing(1) == [BLACKOUT], "it has not ended yet"
    told.window(True)
    assert told.narrator.missing(1) == []
    assert "the blackout window is over: open again" in told.lines


def test_a_run_shows_all_that_the_readme_says() -> None:
    """Evictions and recoveries, a blackout window, a budget that refuses, a dry run, and a workload
    that may not be touched with its reason; then it ends, faster here than by default."""
    answer = chaosd("sandbox", "--demo", "--speed", "20")
    assert answer.code == 0, answer
    story, _, summary = answer.out.partition("what chaosd did")
    assert len(re.findall(r"shop: KILLED pod ", story)) >= DEMO_KILLS, answer
    assert len(re.findall(r"RECOVERED after \d+ s", story)) >= DEMO_KILLS, answer
    for words in (
        "the blackout window begins: closed",
        "the blackout window is over: open again",
        "search: eviction refused by a PodDisruptionBudget: ",
        "team: dry run, would have killed pod team-a/",
        "shop: nothing struck: windowClosed",
    ):
        assert words in story, answer
    counts = re.search(r"PodDisruptionBudget: (\d+)\..* window: (\d+)\. Dry runs: (\d+)", summary)
    assert counts is not None, answer
    assert all(int(count) > 0 for count in counts.groups()), answer
    reasons = summary.partition("Why logging/DaemonSet/agent was never killed:")[2]
    assert "notOptedIn: " in reasons, answer
