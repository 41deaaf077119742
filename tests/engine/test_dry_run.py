"""Dry runs: everything is decided, nothing is touched, and they count by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.ledger import Result
from chaosd.core.model import Code, Configuration, Limits
from chaosd.core.schedule import Every
from chaosd.engine.attempt import SKIPPED
from tests.engine import troubles as on
from tests.engine.scene import LEASE, LEDGER, Scene, codes, configured, policy

MINUTELY = Every(timedelta(minutes=1))


def test_a_dry_run_writes_its_ledger_its_lease_and_events_alone() -> None:
    """From the start to SIGTERM, with a lost answer in between: no other object is written."""
    scene = Scene(configured(policy(schedule=MINUTELY, dry_run=True)), on.shop)
    scene.fault(do="lost", when="after", verbs=("patch",), path="configmaps", skip=3, count=1)
    process = scene.process()
    scene.run(300)
    process.stop()
    allowed = {f"patch {LEDGER}", f"patch {LEASE}"}
    allowed |= {f"create {path.rpartition('/')[0]}" for path in (LEDGER, LEASE)}
    others = {one for one in scene.writes() if one not in allowed}
    assert {one.split("/")[-1] for one in others} == {"events"}
    assert scene.sandbox.removals() == []
    assert scene.events("ChaosDryRun")
    assert not scene.events("ChaosKilled")
    assert [ended.result for ended in process.ended].count("dryRun") >= 4


def test_a_dry_run_says_whom_it_would_have_struck() -> None:
    """The outcome names the victim, is closed at once, and holds no lock."""
    scene = Scene(configured(policy(dry_run=True)), on.web(3, opt_in=True))
    ended = scene.leader().attempt()
    ledger = scene.ledger()
    (outcome,) = ledger.outcomes.values()
    assert (ended.result, ledger.intents) == ("dryRun", {})
    assert (outcome.result, outcome.locks, outcome.closed_at) == (Result.DRY_RUN, (), scene.now())
    assert scene.cluster.get("pods", "shop", outcome.victim.name)


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_said_of_a_dry_run_is_what_the_ledger_says(when: str) -> None:
    """Its reservation had no answer: it was a dry run if it is in the ledger, and none if not."""
    scene = Scene(configured(policy(dry_run=True)), on.web(3, opt_in=True))
    process = scene.leader()
    scene.fault(do="lost", when=when, verbs=("patch",), path="configmaps", count=1)
    ended = process.attempt()
    written = [intent.result for intent in scene.ledger().all_intents()]
    assert written == ([Result.DRY_RUN] if when == "after" else [])
    assert ended.result == ("dryRun" if when == "after" else SKIPPED)
    assert process.context.executing == set()


def both(**limits: int) -> Configuration:
    return configured(policy(), policy("dry", dry_run=True), limits=Limits(**limits))


@pytest.mark.parametrize("limit", ["per_hour", "per_day", "concurrent"])
@pytest.mark.parametrize(("first", "second"), [("web", "dry"), ("dry", "web")])
def test_dry_runs_and_kills_count_apart(first: str, second: str, limit: str) -> None:
    """Neither takes from the limits of the other."""
    scene = Scene(both(**{limit: 1}), on.shop)
    process = scene.leader()
    results = [process.attempt(policy=name).result for name in (first, second)]
    assert set(results) == {"killed", "dryRun"}


def test_dry_runs_are_limited_by_the_same_rules() -> None:
    """What would not be killed is not said to be."""
    scene = Scene(both(per_hour=1), on.shop)
    process = scene.leader()
    process.attempt(policy="dry")
    scene.clock.advance(1)
    ended = process.attempt(policy="dry")
    assert (ended.result, codes(ended)) == (SKIPPED, {Code.LIMIT_PER_HOUR})


@pytest.mark.parametrize("dry", [True, False])
def test_a_workload_rests_after_a_kill_of_its_own_sort(dry: bool) -> None:
    """A dry run begins a cooldown for dry runs, a kill one for kills."""
    rest = timedelta(hours=1)
    scene = Scene(
        configured(policy(cooldown=rest), policy("dry", cooldown=rest, dry_run=True)),
        on.web(3, opt_in=True),
    )
    process = scene.leader()
    own, other = ("dry", "web") if dry else ("web", "dry")
    process.attempt(policy=own)
    scene.run(10)
    again = process.attempt(policy=own)
    assert again.result == SKIPPED
    assert "cooldown 1" in again.reasons[0].detail
    assert process.attempt(policy=other).result != SKIPPED


def test_the_whole_file_in_dry_run_outweighs_a_reload_under_way() -> None:
    """A policy that has become a dry run strikes nothing from its very next slot on."""
    live = configured(policy(schedule=MINUTELY))
    scene = Scene(live, on.shop)
    process = scene.process()
    scene.run(150)
    struck = len(scene.victims())
    scene.file.write(configured(policy(schedule=MINUTELY, dry_run=True)), "second")
    scene.run(150)
    assert struck >= 2
    assert len(scene.victims()) == struck
    assert process.ended[-1].result == "dryRun"
