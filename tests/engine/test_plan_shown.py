"""The slots to come, as they are shown: at every moment those that the schedules say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.expectation import kill_intervals
from chaosd.core.model import Select
from chaosd.core.schedule import Cron, Every, MeanTime
from chaosd.engine.plan import next_slots, survey_rates
from tests.engine import troubles as on
from tests.engine.scene import Scene, configured, policy

MINUTE = timedelta(minutes=1)
FOUR_SECONDS = timedelta(seconds=4)
ANY_AGE = Select(min_age=timedelta(0))
POLICIES = (
    policy("often", schedule=Every(timedelta(seconds=25), timedelta(seconds=10))),
    policy("seldom", schedule=Cron("0 3 * * SUN")),
    policy("mean", schedule=MeanTime(timedelta(minutes=10), 2 * MINUTE), select=ANY_AGE),
    policy("slow", schedule=MeanTime(timedelta(days=30), timedelta(hours=1)), select=ANY_AGE),
)


@pytest.mark.parametrize("survey_every", [MINUTE, 5 * MINUTE])
def test_the_next_slot_of_each_policy_is_shown(survey_every: timedelta) -> None:
    """Whether it is planned already or lies far ahead, right after another has passed, and when the
    workloads are surveyed again."""
    scene = Scene(configured(*POLICIES, survey_every=survey_every), on.shop)
    context = (process := scene.leader()).context
    rates = survey_rates(scene.configuration, context.targets, scene.now())
    assert rates["mean"]
    for _ in range(100):
        scene.clock.advance(FOUR_SECONDS)
        process.lead.step()
        process.planner.step()
        assert context.next_slots == next_slots(scene.configuration, "scene", rates, scene.now())


def test_another_configuration_shows_its_own_slots() -> None:
    """What was planned for the old one is not shown for the new one, under the same name."""
    scene = Scene(configured(policy(schedule=Every(MINUTE))), on.shop)
    process = scene.leader()
    process.planner.step()
    other = configured(policy(schedule=Every(timedelta(hours=5))))
    scene.file.write(other, "second")
    process.reload.step()
    process.planner.step()
    assert process.context.next_slots == next_slots(other, "scene", {}, scene.now())


def test_how_often_to_expect_a_kill_is_shown_by_the_leader_alone() -> None:
    """By the schedules and the workloads that were surveyed; nothing once it leads no more."""
    scene = Scene(configured(*POLICIES), on.shop)
    process = scene.leader()
    process.planner.step()
    process.observer.step()
    rates = survey_rates(scene.configuration, process.context.targets, scene.now())
    found = process.tape.last_standing.kill_intervals
    assert found == kill_intervals(scene.configuration, rates, scene.now())
    assert found["often"] < found["mean"] < found["slow"]
    process.stop()
    process.observer.step()
    assert process.tape.last_standing.kill_intervals == {}
