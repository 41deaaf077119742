"""Whom attempts strike: what opted in, one workload after the other, by the way the policy says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.draw import rank
from chaosd.core.facts import Own
from chaosd.core.ledger import Ledger
from chaosd.core.model import BudgetMode, Code, Configuration, OptIn, Select
from chaosd.engine.attempt import SKIPPED, Ended
from chaosd.sandbox import Cluster, scenarios
from tests.engine import troubles as on
from tests.engine.cluster_side import NAMESPACE
from tests.engine.process import Process
from tests.engine.scene import Scene, codes, configured, policy

ANY_AGE = timedelta(0)
WEB_SLOT = "web/*/2026-03-04T10:00:00Z#0"


def selecting(**select: Any) -> Configuration:
    return configured(policy(select=Select(min_age=ANY_AGE, **select)))


def tried(scene: Scene, **slot: Any) -> tuple[Process, Ended]:
    process = scene.leader()
    return process, process.attempt(**slot)


# ------------------------------------------------------------------ the draw


def three(cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        scenarios.deployment(cluster, "shop", name, 2, opt_in=True)


def in_order(action_id: str = WEB_SLOT) -> list[str]:
    keys = [f"shop/Deployment/{name}" for name in ("a", "b", "c")]
    return sorted(keys, key=lambda key: rank("scene", action_id, key))


def test_the_hash_draws_the_workload() -> None:
    """The victim's workload is the first by rank on (seed, action id, key)."""
    _, ended = tried(Scene(fill=three))
    assert ended.intent
    assert (ended.intent.action_id, ended.intent.workload) == (WEB_SLOT, in_order()[0])


def test_a_drawn_workload_whose_budget_blocks_gives_way_to_the_next() -> None:
    """Its budget is read before anything is asked of it, so the second in the draw is struck."""
    blocked = in_order()[0].rpartition("/")[2]

    def fill(cluster: Cluster) -> None:
        three(cluster)
        scenarios.pdb(cluster, "shop", blocked, min_available=2)

    scene = Scene(fill=fill)
    _, ended = tried(scene)
    assert ended.intent
    assert ended.intent.workload == in_order()[1]
    assert len([one for one in scene.asked() if one.path.endswith("/eviction")]) == 1


def test_when_every_budget_blocks_the_reason_is_theirs() -> None:
    """Nothing is struck, and what the budgets need is told."""

    def fill(cluster: Cluster) -> None:
        three(cluster)
        for name in ("a", "b", "c"):
            scenarios.pdb(cluster, "shop", name, max_unavailable=0)

    scene = Scene(fill=fill)
    _, ended = tried(scene)
    assert ended.result == SKIPPED
    assert codes(ended) == {Code.NO_CANDIDATE, Code.DISRUPTION_BUDGET}
    assert "needs 2 healthy pods and has 2" in str(ended.reasons[1])
    assert scene.victims() == []


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("workloads", [3, 1])
def test_a_count_strikes_that_many_distinct_workloads(workloads: int, dry: bool) -> None:
    """Two ordinals of a slot never hit one workload; where there is but one, it is struck once."""

    def fill(cluster: Cluster) -> None:
        for number in range(workloads):
            scenarios.deployment(cluster, "shop", f"web-{number}", 4, opt_in=True)

    scene = Scene(configured(policy(count=2, dry_run=dry)), fill)
    process, _ = tried(scene)
    struck = [ended.intent.workload for ended in process.ended if ended.intent]
    assert len(process.ended) == 2
    assert len(struck) == len(set(struck)) == min(2, workloads)
    ids = [action_id for action_id, _, _ in process.tape.attempts]
    assert ids == [WEB_SLOT, WEB_SLOT.replace("#0", "#1")]


def test_a_workload_that_is_not_whole_is_left_alone_until_it_is() -> None:
    """Right after a kill its workload is no candidate, whichever policy asks."""
    both = configured(policy(), policy("other"))
    scene = Scene(both, on.web(3, opt_in=True))
    process, _ = tried(scene)
    assert process.attempt(policy="other").result == SKIPPED
    scene.run(5)
    assert process.attempt(policy="other").result == "killed"


# ------------------------------------------------------------------ budgets and grace


def budgeted(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)
    scenarios.pdb(cluster, "shop", "web", min_available=2)


def test_bypass_deletes_whatever_the_budget_says() -> None:
    """A policy that says so uses DELETE, and the ledger says so too."""
    scene = Scene(configured(policy(pdb=BudgetMode.BYPASS)), budgeted)
    _, ended = tried(scene)
    (removal,) = scene.sandbox.removals()
    assert (ended.result, removal.by) == ("killed", "delete")
    (intent,) = scene.ledger().intents.values()
    assert intent.pdb is BudgetMode.BYPASS
    assert not any("poddisruptionbudgets" in one.path for one in scene.asked())


def test_respect_evicts() -> None:
    """The Eviction API is asked, which asks the budget again."""
    scene = Scene(fill=on.shop)
    tried(scene)
    assert [removal.by for removal in scene.sandbox.removals()] == ["eviction"]


@pytest.mark.parametrize("pdb", list(BudgetMode))
@pytest.mark.parametrize(("grace", "expected"), [(None, 30), (1, 1), (45, 45)])
def test_the_grace_period_is_passed_on(pdb: BudgetMode, grace: int | None, expected: int) -> None:
    """The policy's, or else the pod's own."""
    scene = Scene(configured(policy(pdb=pdb, grace_period_seconds=grace)), on.shop)
    _, ended = tried(scene)
    assert ended.intent
    pod = scene.cluster.get("pods", "shop", ended.intent.victim.name)
    assert pod
    assert pod["metadata"]["deletionGracePeriodSeconds"] == expected


# ------------------------------------------------------------------ opting in

OPTED_IN: dict[str, dict[str, Any]] = {
    "the workload": {"opt_in": True},
    "its template": {"pod_opt_in": True},
    "the namespace": {"namespace": True},
    "nobody": {},
    "the workload, its pods veto": {"opt_in": True, "pod_opt_in": False},
    "its pods, the workload vetoes": {"opt_in": False, "pod_opt_in": True},
    "the namespace, the workload vetoes": {"namespace": True, "opt_in": False},
    "the namespace, its pods veto": {"namespace": True, "pod_opt_in": False},
    "the workload, the namespace vetoes": {"namespace": False, "opt_in": True},
    "its pods, the namespace vetoes": {"namespace": False, "pod_opt_in": True},
}


@pytest.mark.parametrize("named", [False, True], ids=["drawn", "named"])
@pytest.mark.parametrize("who", OPTED_IN)
def test_who_opted_in_is_struck_unless_somebody_vetoes(who: str, named: bool) -> None:
    """Any of workload, pods and namespace opts in; any of them vetoes; silence is a no."""
    options = dict(OPTED_IN[who])
    namespace = options.pop("namespace", None)

    def fill(cluster: Cluster) -> None:
        scenarios.namespace(cluster, "team", opt_in=namespace)
        scenarios.deployment(cluster, "team", "web", 3, **options)

    scene = Scene(fill=fill)
    _, ended = tried(scene, workload="team/Deployment/web" if named else "*")
    said = {namespace, *options.values()}
    expected = SKIPPED if False in said or True not in said else "killed"
    assert ended.result == expected, ended.reasons


def test_one_pods_own_label_makes_that_pod_the_victim() -> None:
    """Only the pod that carries the label, not its siblings."""
    scene = Scene(fill=on.web(5))
    chosen = scene.cluster.all("pods", "shop")[3]["metadata"]["name"]
    with scene.cluster.edit("pods", "shop", chosen) as pod:
        pod["metadata"]["labels"]["chaosd.io/enabled"] = "true"
    tried(scene)
    assert scene.victims() == [f"shop/{chosen}"]


def test_one_pods_own_veto_spares_that_pod() -> None:
    """All of its siblings may be struck, it is not, however often."""
    scene = Scene(fill=on.web(3, opt_in=True))
    spared = scene.cluster.all("pods", "shop")[1]["metadata"]["name"]
    with scene.cluster.edit("pods", "shop", spared) as pod:
        pod["metadata"]["labels"]["chaosd.io/enabled"] = "false"
    process = scene.leader()
    for _ in range(12):
        assert process.attempt().result == "killed"
        scene.run(5)
    assert f"shop/{spared}" not in scene.victims()


def test_a_label_of_ones_own_choice_opts_in() -> None:
    """As a team that comes from elsewhere has it."""

    def fill(cluster: Cluster) -> None:
        labels = {"kube-monkey/enabled": "enabled"}
        scenarios.deployment(cluster, "shop", "theirs", 2, labels=labels)
        scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)

    _, ended = tried(Scene(configured(opt_in=OptIn("kube-monkey/enabled", "enabled")), fill))
    assert ended.intent
    assert ended.intent.workload == "shop/Deployment/theirs"


# ------------------------------------------------------------------ kinds


def fill_deployment(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "it", 2, opt_in=True)


def fill_stateful_set(cluster: Cluster) -> None:
    scenarios.stateful_set(cluster, "shop", "it", 2, opt_in=True)


def fill_daemon_set(cluster: Cluster) -> None:
    scenarios.daemon_set(cluster, "shop", "it", opt_in=True)


def fill_replica_set(cluster: Cluster) -> None:
    scenarios.replica_set(cluster, "shop", "it", 2, opt_in=True)


def fill_job(cluster: Cluster) -> None:
    scenarios.job(cluster, "shop", "it", parallelism=2, completions=4, run_seconds=1e6, opt_in=True)


def fill_cron_job(cluster: Cluster) -> None:
    cron = scenarios.cron_job(cluster, "shop", "it", opt_in=True)
    scenarios.job(
        cluster, "shop", "it-1", parallelism=2, completions=4, run_seconds=1e6, cron_job=cron
    )
    with cluster.edit("cronjobs.batch", "shop", "it") as item:
        item["status"] = {"active": [{"kind": "Job", "namespace": "shop", "name": "it-1"}]}


def fill_custom(cluster: Cluster) -> None:
    kind = scenarios.custom_kind(cluster, "Rollout", "example.com")
    owner = scenarios.custom(cluster, kind, "shop", "it")
    for number in range(2):
        scenarios.pod(cluster, "shop", f"it-{number}", owner=(kind, owner), pod_opt_in=True)


def fill_pod(cluster: Cluster) -> None:
    scenarios.pod(cluster, "shop", "it", pod_opt_in=True)


KINDS: dict[str, Callable[[Cluster], None]] = {
    "Deployment": fill_deployment,
    "StatefulSet": fill_stateful_set,
    "DaemonSet": fill_daemon_set,
    "ReplicaSet": fill_replica_set,
    "Job": fill_job,
    "CronJob": fill_cron_job,
    "Rollout": fill_custom,
    "Pod": fill_pod,
}


@pytest.mark.parametrize("named", [False, True], ids=["drawn", "named"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_workload_is_struck_when_it_is_named(kind: str, named: bool) -> None:
    """One of its pods goes, under the workload's own key."""
    scene = Scene(selecting(kinds=(kind,), min_replicas=1), KINDS[kind])
    key = f"shop/{kind}/it"
    _, ended = tried(scene, workload=key if named else "*")
    assert ended.result == "killed", ended.reasons
    assert ended.intent
    assert ended.intent.workload == key
    assert len(scene.victims()) == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in Select().kinds])
def test_other_kinds_than_the_usual_two_have_to_be_named(kind: str) -> None:
    """By default only Deployments and StatefulSets are struck."""
    scene = Scene(selecting(min_replicas=1), KINDS[kind])
    _, ended = tried(scene)
    assert codes(ended) == {Code.NO_CANDIDATE}
    assert scene.victims() == []


# ------------------------------------------------------------------ chaosd itself


@pytest.mark.parametrize("named", [False, True], ids=["drawn", "named"])
def test_chaosd_never_strikes_its_own_pods(named: bool) -> None:
    """Neither the pod it runs in nor the other replica, though the namespace has opted in."""

    def fill(cluster: Cluster) -> None:
        with cluster.edit("namespaces", "", NAMESPACE) as item:
            item["metadata"]["labels"] = {"chaosd.io/enabled": "true"}
        scenarios.deployment(cluster, NAMESPACE, "chaosd", 2)

    scene = Scene(fill=fill)
    me = scene.cluster.all("pods", NAMESPACE)[0]["metadata"]["name"]
    process = scene.leader(own=Own(NAMESPACE, frozenset({me})))
    ended = process.attempt(workload=f"{NAMESPACE}/Deployment/chaosd" if named else "*")
    assert codes(ended) == {Code.NO_CANDIDATE}
    assert "ownPod 1" in ended.reasons[0].detail
    assert scene.victims() == []
    assert scene.ledger().intents == Ledger().intents
