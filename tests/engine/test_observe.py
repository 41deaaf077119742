"""Observing: recovered when whole, unrecovered until healed, closed when nothing is awaited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from chaosd.core.ledger import Ledger, Tally, Verdict
from chaosd.core.model import Code, Configuration, Limits, Select
from chaosd.core.transitions import Refusal, forgive
from chaosd.core.window import Windows
from chaosd.engine.attempt import SKIPPED
from chaosd.sandbox import Cluster, Timings, scenarios
from tests.engine import troubles as on
from tests.engine.scene import Scene, codes, configured, only, policy

DEADLINE = 60  # seconds, as tests.engine.scene.policy has it
ONE_AT_ONCE = configured(policy(), limits=Limits(concurrent=1))


def slow(start: float, stop: float = 0) -> Timings:
    """Pods that take so many seconds to become Ready, and to stop."""
    return Timings(schedule=(0, 0), start=(start, start), stop=(stop, stop))


def struck(
    fill: Callable[[Cluster], None],
    start: float = 0,
    stop: float = 0,
    configuration: Configuration = ONE_AT_ONCE,
    **slot: Any,
) -> Scene:
    """A scene in which one pod has just been killed."""
    scene = Scene(configuration, fill, slow(start, stop))
    scene.settle()
    assert scene.leader().attempt(**slot).result == "killed"
    return scene


def resize(scene: Scene, replicas: int) -> None:
    with scene.cluster.edit("deployments.apps", "shop", "web") as item:
        item["spec"]["replicas"] = replicas
        item["metadata"]["generation"] += 1


def verdicts(scene: Scene) -> list[str]:
    return [verdict for process in scene.processes for _, verdict in process.tape.verdicts]


def test_a_kill_is_counted_when_its_outcome_is_forgotten() -> None:
    """On the day that it was where the windows are, for the calendar."""
    there = ZoneInfo("Pacific/Kiritimati")
    at_home = msgspec.structs.replace(configured(), windows=Windows(there.key))
    scene = struck(on.web(3, opt_in=True), configuration=at_home)
    at = only(scene).reserved_at
    scene.run(60)
    assert (only(scene).verdict_told, scene.ledger().days) == ("a", {})
    scene.clock.set(scene.now() + timedelta(hours=26))
    scene.run(60)
    assert scene.ledger().outcomes == {}
    day = at.astimezone(there).date()
    assert day > at.date()
    assert scene.ledger().days == {day: Tally({"web": 1})}


# ------------------------------------------------------------------ recovered


def test_it_has_recovered_when_all_pods_are_ready_again() -> None:
    """Not before the new pod is Ready; then it is closed, with how long it took."""
    scene = struck(on.web(3, opt_in=True), start=20)
    scene.run(19)
    assert (only(scene).verdict, only(scene).seen) == (None, "2 of 3 pods Ready")
    scene.run(3)
    intent = only(scene)
    assert (intent.verdict, intent.verdict_told) == (Verdict.RECOVERED, "a")
    assert scene.ledger().intents == {}
    assert intent.verdict_at
    assert 20 <= (intent.verdict_at - intent.reserved_at).total_seconds() <= 22
    kill = scene.ledger().last_kill(on.WEB, dry_run=False)
    assert kill
    assert 20 <= kill.healed <= 22
    (event,) = scene.events("ChaosRecovered")
    assert event["involvedObject"]["name"] == "web"


def test_it_has_not_recovered_while_the_victim_is_still_stopping() -> None:
    """All others may be Ready: what was struck is not gone yet."""
    scene = struck(on.web(3, opt_in=True), stop=25)
    scene.run(20)
    assert only(scene).verdict is None
    assert only(scene).seen.endswith("is still on its way out")
    scene.run(10)
    assert only(scene).verdict is Verdict.RECOVERED


def test_a_pod_of_the_same_name_is_not_the_victim() -> None:
    """A StatefulSet's pod comes back under its old name, with a UID of its own."""

    def fill(cluster: Cluster) -> None:
        scenarios.stateful_set(cluster, "shop", "cart", 2, opt_in=True)

    scene = struck(fill)
    scene.run(5)
    names = {pod["metadata"]["name"] for pod in scene.cluster.all("pods", "shop")}
    assert only(scene).victim.name in names
    assert only(scene).verdict is Verdict.RECOVERED


def test_ready_counts_for_min_ready_seconds() -> None:
    """A pod that is Ready for a moment has not shown yet that it stays."""
    scene = struck(on.web(3, opt_in=True, min_ready_seconds=30))
    scene.run(29)
    assert only(scene).verdict is None
    assert only(scene).seen == "2 of 3 pods Ready for 30 s"
    scene.run(3)
    assert only(scene).verdict is Verdict.RECOVERED


@pytest.mark.parametrize(("replicas", "seconds"), [(5, 20), (2, 0)], ids=["up", "down"])
def test_as_many_pods_as_are_desired_now_are_awaited(replicas: int, seconds: int) -> None:
    """Somebody scales the workload meanwhile."""
    scene = struck(on.web(3, opt_in=True), start=20)
    scene.run(10)
    resize(scene, replicas)
    scene.run(seconds + 3)
    intent = only(scene)
    assert intent.verdict is Verdict.RECOVERED
    assert intent.seen == f"{replicas} of {replicas} pods Ready"
    assert intent.verdict_at
    assert (intent.verdict_at - intent.reserved_at).total_seconds() >= 10 + seconds


def test_a_rollout_meanwhile_counts_its_new_pods() -> None:
    """Pods of a newer template are as good, once they are Ready."""
    scene = struck(on.web(3, opt_in=True), start=8)
    with scene.cluster.edit("deployments.apps", "shop", "web") as item:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "sandbox/web:2"
        item["metadata"]["generation"] += 1
    scene.run(6)
    assert only(scene).verdict is None
    scene.run(50)
    assert only(scene).verdict is Verdict.RECOVERED


def test_another_leader_goes_on_observing() -> None:
    """The one who struck is gone; the deadline and the verdict are the intent's own."""
    scene = struck(on.web(3, opt_in=True), start=40)
    scene.processes[0].die()
    scene.process("b")
    scene.run(39)
    assert only(scene).verdict is None
    scene.run(4)
    assert only(scene).verdict is Verdict.RECOVERED
    assert only(scene).verdict_told == "b"
    assert [p.tape.verdicts for p in scene.processes] == [[], [(only(scene).id, "recovered")]]


def test_a_cluster_that_can_not_be_read_gives_no_verdict() -> None:
    """Neither recovered nor closed nor past its deadline: it is looked at again."""
    scene = struck(on.web(3, opt_in=True))
    scene.fault(do="status", status=500, path="/deployments/web$", count=70)
    scene.run(65)
    assert only(scene).verdict is None
    assert scene.processes[0].tape.failures
    scene.run(10)
    assert only(scene).verdict is Verdict.RECOVERED


def test_what_may_not_be_seen_any_more_has_not_recovered() -> None:
    """Its namespace or the right to read it is gone: a person can forgive it, and it heals by
    itself when it can be seen again."""
    scene = struck(on.web(3, opt_in=True))
    scene.fault(do="status", status=403, path="/deployments/web$", count=70)
    scene.run(65)
    assert only(scene).verdict is Verdict.NOT_RECOVERED
    assert "403" in only(scene).seen
    scene.run(10)
    assert only(scene).closed_at is not None
    assert only(scene).verdict is Verdict.NOT_RECOVERED


# ------------------------------------------------------------------ not recovered


def stuck() -> Scene:
    """A workload whose pod does not come back in time, and another one that is whole."""

    def fill(cluster: Cluster) -> None:
        on.web(3, opt_in=True)(cluster)
        scenarios.deployment(cluster, "shop", "api", 3, opt_in=True)

    scene = struck(fill, start=150, workload=on.WEB)
    scene.run(DEADLINE + 3)
    return scene


def test_past_its_deadline_it_stays_open_and_stops_chaos() -> None:
    """It counts against `concurrent`, is no candidate itself, and people are told."""
    scene = stuck()
    process = scene.processes[0]
    assert only(scene).verdict is Verdict.NOT_RECOVERED
    assert list(scene.ledger().intents) == [only(scene).id]
    ended = process.attempt()
    assert (ended.result, codes(ended)) == (SKIPPED, {Code.LIMIT_CONCURRENT})
    (event,) = scene.events("ChaosNotRecovered")
    assert event["type"] == "Warning"
    assert "2 of 3 pods Ready" in event["message"]
    assert process.tape.last_standing.unrecovered == 1


def test_it_is_given_its_verdict_once_and_not_too_early() -> None:
    """At the deadline it may still heal; one second later it has not recovered."""
    scene = struck(on.web(3, opt_in=True), start=300)
    scene.run(DEADLINE)
    assert only(scene).verdict is None
    scene.run(100)
    assert verdicts(scene) == ["notRecovered"]


def test_when_it_heals_late_chaos_goes_on_and_the_verdict_stays() -> None:
    """It is closed as not recovered in time, with the time that it really took."""
    scene = stuck()
    scene.run(150 - DEADLINE)
    intent = only(scene)
    assert intent.closed_at
    assert (intent.verdict, scene.ledger().intents) == (Verdict.NOT_RECOVERED, {})
    kill = scene.ledger().last_kill(on.WEB, dry_run=False)
    assert kill
    assert 150 <= kill.healed <= 153
    assert scene.processes[0].attempt().result == "killed"
    assert verdicts(scene) == ["notRecovered"]


def forgiven(scene: Scene) -> Ledger | Refusal:
    return scene.book().change(lambda led: forgive(led, on.WEB, "ann", scene.now()))


def test_a_person_may_forgive_it() -> None:
    """Then it is closed, chaos goes on, and the workload is not struck while it is not whole."""
    scene = stuck()
    assert not isinstance(forgiven(scene), Refusal)
    scene.run(2)
    assert scene.ledger().intents == {}
    assert only(scene).seen == "forgiven by ann"
    ended = scene.processes[0].attempt()
    assert ended.intent
    assert ended.intent.workload == "shop/Deployment/api"


def test_what_is_under_way_can_not_be_forgiven() -> None:
    """Its deadline has not come: nobody knows yet that it will not recover."""
    scene = struck(on.web(3, opt_in=True), start=150)
    scene.run(10)
    assert isinstance(forgiven(scene), Refusal)
    assert list(scene.ledger().intents) == [only(scene).id]


def test_it_is_no_candidate_of_any_policy_while_it_is_unrecovered() -> None:
    """Also where the limits would have room."""
    scene = Scene(configured(policy(), policy("other")), on.web(3, opt_in=True), slow(150))
    scene.leader().attempt()
    scene.run(DEADLINE + 3)
    resize(scene, 2)  # whole by its own status, but for chaosd it is not until it has looked
    scene.settle()
    scene.processes[0].lead.step()
    ended = scene.processes[0].attempt(policy="other")
    assert ended.result == SKIPPED
    assert "unrecovered 1" in ended.reasons[0].detail


# ------------------------------------------------------------------ closed


def deleted(scene: Scene) -> None:
    scene.cluster.remove("deployments.apps", "shop", "web")


def scaled_to_zero(scene: Scene) -> None:
    resize(scene, 0)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
@pytest.mark.parametrize("end", [deleted, scaled_to_zero])
def test_a_workload_that_nobody_wants_any_more_closes_it(
    end: Callable[[Scene], None], late: bool
) -> None:
    """Nothing will come back, so nothing is awaited, and chaos goes on."""
    scene = stuck() if late else struck(on.web(3, opt_in=True), start=150)
    end(scene)
    scene.run(3)
    assert scene.ledger().intents == {}
    assert only(scene).verdict is (Verdict.NOT_RECOVERED if late else Verdict.CLOSED)
    assert bool(scene.events("ChaosClosed")) is not late


def bare(cluster: Cluster) -> None:
    scenarios.pod(cluster, "shop", "it", pod_opt_in=True)


def test_a_bare_pod_is_closed_once_it_is_gone() -> None:
    """Nothing brings it back."""
    alone = policy(select=Select(min_age=timedelta(0), kinds=("Pod",), min_replicas=1))
    scene = struck(
        bare,
        configuration=configured(alone),
    )
    scene.run(3)
    assert only(scene).verdict is Verdict.CLOSED


def test_a_job_that_finished_meanwhile_is_closed() -> None:
    """Its work is done, whatever became of the pod."""
    jobs = policy(select=Select(min_age=timedelta(0), kinds=("Job",), min_replicas=1))

    def fill(cluster: Cluster) -> None:
        scenarios.job(
            cluster, "shop", "it", parallelism=2, completions=4, run_seconds=1e6, opt_in=True
        )

    scene = struck(fill, start=50, configuration=configured(jobs))
    scene.run(10)
    assert only(scene).verdict is None
    with scene.cluster.edit("jobs.batch", "shop", "it") as item:
        item["status"]["conditions"] = [{"type": "Complete", "status": "True"}]
    scene.run(2)
    assert only(scene).verdict is Verdict.CLOSED
