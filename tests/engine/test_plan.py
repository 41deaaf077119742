"""Planning: every slot once, of whoever leads, and the workloads as they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from chaosd.core.model import Candidate, Code, Limits, Select, WorkloadKey
from chaosd.core.preview import policy_slots
from chaosd.core.schedule import Cron, Every, MeanTime, Rate
from chaosd.kube.reads import KubeReads
from chaosd.ports import Scope, Unanswered
from chaosd.sandbox import Cluster, scenarios
from chaosd.targets.pods import PodTarget
from tests.engine import troubles as on
from tests.engine.process import Process
from tests.engine.scene import START, Scene, codes, configured, policy

MINUTE = timedelta(minutes=1)
IDLE = ("reload", "requests")
OFTEN = MeanTime(timedelta(minutes=40), timedelta(minutes=2))


def attempted(process: Process) -> list[str]:
    return [action_id for action_id, _, _ in process.tape.attempts]


def due(scene: Scene, until: datetime, workloads: Iterable[str] = ()) -> list[str]:
    """What the pure schedule says, as action ids."""
    rates = {"web": [Rate(name, OFTEN.mean, OFTEN.min_gap) for name in workloads]}
    slots = policy_slots(scene.configuration, "scene", rates, scene.start, until)
    return [slot.action_id(0) for slot in slots]


# ------------------------------------------------------------------ every slot once


def test_every_slot_is_attempted_once_in_its_order() -> None:
    """The steps of the planner leave nothing out and do nothing twice."""
    scene = Scene(
        configured(
            policy(schedule=Every(7 * MINUTE, 3 * MINUTE)),
            policy("cron", schedule=Cron("*/5 * * * *")),
            survey_every=2 * MINUTE,
        ),
        on.shop,
    )
    process = scene.process(without=IDLE).start()
    scene.run(3600)
    assert attempted(process) == due(scene, scene.now())
    assert len(attempted(process)) > 18


def test_slots_come_to_whoever_leads_from_that_moment_on() -> None:
    """A new leader takes none of the past, none twice, and none that is not its own."""
    scene = Scene(configured(policy(schedule=Every(MINUTE))), on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(605)
    first.stop()
    scene.run(600)
    assert attempted(first) + attempted(second) == due(scene, scene.now())
    assert len(attempted(second)) >= 9


def test_who_loses_the_lease_forgets_its_slots() -> None:
    """What it had planned ahead is not attempted by a follower."""
    scene = Scene(configured(policy(schedule=Every(MINUTE))), on.shop)
    process = scene.process()
    scene.run(100)
    assert process.slots
    scene.fault(do="lost", path="/leases/", count=50)
    seen = len(attempted(process))
    scene.run(90)
    assert process.slots == []
    assert len(attempted(process)) <= seen + 1


def test_a_stopping_process_plans_nothing_more() -> None:
    """SIGTERM has come: its slots are dropped."""
    scene = Scene(configured(policy(schedule=Every(MINUTE))), on.shop)
    process = scene.process()
    scene.run(30)
    process.context.stopping = True
    scene.run(5)
    assert process.slots == []


def test_what_could_not_be_planned_in_time_is_attempted_only_if_it_is_not_late() -> None:
    """The cluster could not be surveyed for a while: slots of then are counted, and not run."""
    scene = Scene(configured(policy(schedule=OFTEN), survey_every=MINUTE), on.shop)
    process = scene.process(without=IDLE).start()
    scene.fault(do="status", status=500, path="^/apis/apps/v1/deployments$", skip=6)
    scene.run(3600)
    scene.sandbox.api.faults.clear()
    seen = len(process.tape.attempts)
    while len(process.tape.attempts) < seen + 6:
        scene.run(600)
    assert attempted(process) == due(scene, scene.now(), [on.WEB, on.CART])
    afterwards = [reasons for _, _, reasons in process.tape.attempts[seen:]]
    late = [reasons for reasons in afterwards if Code.TOO_LATE in {one.code for one in reasons}]
    assert late == afterwards[: len(late)]
    assert 0 < len(late) < len(afterwards)


def test_a_policy_that_cannot_be_surveyed_holds_up_no_other() -> None:
    """The others go on at their times, and it does too when the cluster can be read again."""
    mean = policy("mean", schedule=OFTEN, select=Select(min_age=timedelta(0), names="^web$"))
    every = policy("every", schedule=Every(timedelta(seconds=30)))
    scene = Scene(configured(mean, every, policy(schedule=OFTEN), survey_every=MINUTE), on.shop)
    targets: list[NoSurveyFor] = []

    def target(reads: KubeReads) -> NoSurveyFor:
        targets.append(NoSurveyFor("mean", reads))
        return targets[0]

    process = scene.process(target=target)
    scene.run(1800)
    assert any("survey for policy mean" in failure for failure in process.tape.failures)
    rates = {"web": [Rate(name, OFTEN.mean, OFTEN.min_gap) for name in (on.CART, on.WEB)]}
    expected = policy_slots(scene.configuration, "scene", rates, scene.start, scene.now())
    assert attempted(process) == [slot.action_id(0) for slot in expected]
    assert set(process.context.next_slots) == {"every", "web"}
    targets[0].broken = False
    scene.run(30)
    assert set(process.context.next_slots) == {"mean", "every", "web"}
    assert len(process.slots) == len({slot.action_id(0) for slot in process.slots})


class NoSurveyFor(PodTarget):
    """Pods, which can't be surveyed for one policy as long as it is ``broken``."""

    def __init__(self, name: str, reads: KubeReads) -> None:
        super().__init__(reads)
        self._name = name
        self.broken = True

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        if self.broken and scope.policy.name == self._name:
            raise Unanswered("no answer")
        return super().survey(scope, only)


# ------------------------------------------------------------------ workloads' own schedules


def test_mean_time_slots_name_their_workload_and_follow_the_pure_schedule() -> None:
    """Each workload that opted in has slots of its own, at the very seconds."""
    scene = Scene(configured(policy(schedule=OFTEN)), on.shop)
    process = scene.process(without=IDLE).start()
    scene.run(3600)
    assert attempted(process) == due(scene, scene.now(), [on.WEB, on.CART])
    assert any(on.WEB in one for one in attempted(process))
    assert any(on.CART in one for one in attempted(process))


def test_a_workload_that_opts_in_later_is_planned_from_the_next_survey_on() -> None:
    """Labelling it is enough."""
    scene = Scene(configured(policy(schedule=OFTEN), survey_every=5 * MINUTE), late_comer)
    process = scene.process(without=IDLE).start()
    scene.run(1000)
    assert attempted(process) == []
    with scene.cluster.edit("deployments.apps", "shop", "web") as item:
        item["metadata"]["labels"] = {"chaosd.io/enabled": "true"}
    labelled = scene.now()
    scene.run(4000)
    expected = [one for one in due(scene, scene.now(), [on.WEB]) if at(one) > labelled + 6 * MINUTE]
    assert expected
    assert attempted(process)[-len(expected) :] == expected


def late_comer(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 3)


def at(action_id: str) -> datetime:
    return datetime.fromisoformat(action_id.rpartition("/")[2].partition("#")[0])


def test_a_workload_that_went_away_is_gone_at_its_slot() -> None:
    """It was planned before it was deleted."""
    scene = Scene(configured(policy(schedule=OFTEN)), on.web(3, opt_in=True))
    process = scene.process()
    while not process.slots:
        scene.run(60)
    scene.cluster.remove("deployments.apps", "shop", "web")
    scene.run(300)
    assert process.ended
    assert codes(process.ended[-1]) == {Code.NO_CANDIDATE}
    assert "gone 1" in process.ended[-1].reasons[0].detail


def annotated(cluster: Cluster) -> None:
    for name, mean in (("web", "80m"), ("bad", "1m")):
        scenarios.deployment(cluster, "shop", name, 3, opt_in=True)
        with cluster.edit("deployments.apps", "shop", name) as item:
            item["metadata"]["annotations"] = {"chaosd.io/mean-time-between-kills": mean}


def test_annotations_lower_the_rate_and_never_raise_it() -> None:
    """Half as often as the policy says; more often than it says is not planned at all."""
    scene = Scene(configured(policy(schedule=OFTEN)), annotated)
    process = scene.process(without=IDLE).start()
    scene.run(3600)
    slower = [Rate(on.WEB, 2 * OFTEN.mean, OFTEN.min_gap)]
    slots = policy_slots(scene.configuration, "scene", {"web": slower}, START, scene.now())
    assert attempted(process) == [slot.action_id(0) for slot in slots]


def test_the_gap_holds_between_the_kills_of_a_workload() -> None:
    """A slot within the gap of the workload's last kill is skipped for it."""
    close = MeanTime(timedelta(minutes=10), timedelta(minutes=6))
    scene = Scene(
        configured(policy(schedule=close), limits=Limits(concurrent=5)), on.web(4, opt_in=True)
    )
    process = scene.process(without=IDLE).start()
    scene.run(2 * 3600)
    kills = [removal.at for removal in scene.sandbox.removals()]
    assert len(kills) > 5
    assert min(b - a for a, b in pairwise(kills)) >= close.min_gap
    skipped = [ended for ended in process.ended if ended.result != "killed"]
    assert skipped
    assert all("minGap 1" in ended.reasons[0].detail for ended in skipped)


# ------------------------------------------------------------------ what is shown


def test_the_next_slot_of_each_policy_is_shown_and_never_lies_in_the_past() -> None:
    """Shown right after leading begins, and again when one has passed."""
    scene = Scene(
        configured(policy(schedule=Every(3 * MINUTE)), policy("cron", schedule=Cron("0 12 * * *"))),
        on.shop,
    )
    process = scene.process()
    for _ in range(20):
        scene.run(30)
        shown = process.context.next_slots
        assert set(shown) == {"web", "cron"}
        assert all(when > scene.now() - timedelta(seconds=3) for when in shown.values())
    assert shown["cron"] == START + timedelta(hours=2)
