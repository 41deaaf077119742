"""The pod target as a whole: survey, expand, examine, strike, fence, recovered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from chaosd.core.facts import Own
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import (
    Action,
    BudgetMode,
    Candidate,
    Code,
    Configuration,
    Limits,
    Policy,
    Select,
    StepAction,
    TargetKind,
    Victim,
    WorkloadKey,
)
from chaosd.core.schedule import Every
from chaosd.core.window import Windows
from chaosd.ports import Scope
from chaosd.targets.pods import PodTarget
from tests.contract.manifests import OPT_IN, Json, budget, deployment, stateful_set
from tests.contract.site import Place
from tests.support.intents import reserved
from tests.support.waiting import until

RESPECT, BYPASS = BudgetMode.RESPECT, BudgetMode.BYPASS
BOTH = pytest.mark.parametrize("pdb", [RESPECT, BYPASS])
EMPTY = Windows("UTC")


def scope(place: Place, pdb: BudgetMode = RESPECT) -> Scope:
    """A live policy for the pods of one namespace."""
    policy = Policy(
        name="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        schedule=Every(timedelta(hours=1)),
        select=Select(namespaces=(place.name,), min_age=timedelta(0), min_replicas=1),
        windows=EMPTY,
        limits=Limits(),
        pdb=pdb,
        dry_run=False,
    )
    return Scope(Configuration(EMPTY, (policy,)), policy, datetime.now(UTC))


def target(place: Place, *own: str) -> PodTarget:
    return PodTarget(place.reads, Own(place.name, frozenset(own)))


def intent(workload: str, victim: Victim, pdb: BudgetMode, desired: int) -> tuple[Intent, Step]:
    how = StepAction.EVICT if pdb is RESPECT else StepAction.DELETE
    now = datetime.now(UTC)
    return reserved(victim, now, how, workload=workload, pdb=pdb, desired=desired)


def reasons(candidates: Iterable[Candidate]) -> dict[str, set[Code]]:
    return {one.key: {reason.code for reason in one.reasons} for one in candidates}


def prepared(place: Place, make: str) -> str:
    """An opted-in workload of three under a budget that leaves one; its key."""
    plural, manifest = MANIFESTS[make]
    place.workload(plural, manifest)
    place.budget(budget("web", maxUnavailable=1), 3)
    return f"{place.name}/{make}/web"


MANIFESTS: dict[str, tuple[str, Json]] = {
    "Deployment": ("deployments", deployment("web", 3, labels=OPT_IN)),
    "StatefulSet": ("statefulsets", stateful_set("web", 3, labels=OPT_IN)),
}


def chosen(place: Place, key: str, pdb: BudgetMode) -> tuple[Victim, int]:
    """What surveying, expanding and examining lead to."""
    one = target(place)
    found = list(one.survey(scope(place, pdb), None))
    assert reasons(found) == {key: set()}
    pods = one.expand(scope(place, pdb), found[0])
    assert [pod.reasons for pod in pods] == [()] * 3
    examined = one.examine(scope(place, pdb), pods[0])
    assert examined.reasons == ()
    assert examined.victim is not None
    assert examined.desired == 3
    return examined.victim, examined.desired


@BOTH
@pytest.mark.parametrize("make", ["Deployment", "StatefulSet"])
def test_from_the_survey_to_the_recovery(place: Place, make: str, pdb: BudgetMode) -> None:
    """The chosen pod goes, and the workload is seen to recover."""
    key = prepared(place, make)
    victim, desired = chosen(place, key, pdb)
    made, step = intent(key, victim, pdb, desired)
    one = target(place)
    assert one.strike(made, step, 5.0).state is StepState.KILLED

    def gone() -> bool:
        found = place.reads.pod(place.name, victim.name)
        return found is None or found.uid != victim.uid

    until(gone)
    until(lambda: one.recovered(made, datetime.now(UTC)).whole)
    assert one.fence(made, step, step.reserved_at).known is StepState.KILLED


@BOTH
def test_a_strike_after_a_fence_is_refused(place: Place, pdb: BudgetMode) -> None:
    """As is every strike at what is no longer exactly what was chosen."""
    key = prepared(place, "Deployment")
    victim, desired = chosen(place, key, pdb)
    made, step = intent(key, victim, pdb, desired)
    one = target(place)
    assert one.fence(made, step, step.reserved_at).known is StepState.FAILED
    struck = one.strike(made, step, 5.0)
    assert struck.state is StepState.REFUSED
    assert "the pod has changed" in struck.detail
    assert len(place.pods()) == 3


def test_a_spent_budget_is_seen_before_it_refuses(place: Place) -> None:
    """Examining says so; a strike all the same is refused in the budget's own words."""
    key = prepared(place, "Deployment")
    victim, desired = chosen(place, key, RESPECT)
    place.patch("poddisruptionbudgets", "web", {"spec": {"maxUnavailable": 0}})
    place.budget_when("web", disruptionsAllowed=0)
    workload = Candidate(key, WorkloadKey.parse(key))
    pod = Candidate(f"{place.name}/{victim.name}", workload.workload)
    examined = target(place).examine(scope(place), pod)
    assert [reason.code for reason in examined.reasons] == [Code.DISRUPTION_BUDGET]
    made, step = intent(key, victim, RESPECT, desired)
    struck = target(place).strike(made, step, 5.0)
    assert struck.state is StepState.REFUSED
    assert "The disruption budget web needs 3 healthy pods and has 3 currently" in struck.detail
    assert target(place).strike(*intent(key, victim, BYPASS, desired), 5.0).state is (
        StepState.KILLED
    )


def test_two_budgets_are_seen_and_refused(place: Place) -> None:
    """A pod under two can't be evicted."""
    key = prepared(place, "Deployment")
    victim, desired = chosen(place, key, RESPECT)
    place.budget(budget("second", minAvailable=0), 3)
    struck = target(place).strike(*intent(key, victim, RESPECT, desired), 5.0)
    assert struck.state is StepState.REFUSED
    assert "more than one PodDisruptionBudget" in struck.detail


def test_a_rollout_is_seen(place: Place) -> None:
    """A workload that is not whole is no candidate."""
    key = prepared(place, "Deployment")
    stuck = {"spec": {"template": {"spec": {"nodeSelector": {"pool": "nowhere"}}}}}
    place.patch("deployments", "web", stuck)
    one = target(place)
    until(lambda: reasons(one.survey(scope(place), None))[key])
    [found] = one.survey(scope(place), WorkloadKey.parse(key))
    assert {reason.code for reason in found.reasons} & {Code.ROLLOUT, Code.NOT_ALL_READY}


def test_chaosd_does_not_kill_itself(place: Place) -> None:
    """Its own workload is known by one of its pods."""
    key = prepared(place, "Deployment")
    one = target(place, place.pod()["metadata"]["name"])
    assert reasons(one.survey(scope(place), None)) == {key: {Code.OWN_POD}}


def test_opting_in_by_pod_and_by_namespace(place: Place) -> None:
    """Each is found, and a veto on the workload is one."""
    place.workload("deployments", deployment("bypod", 1))
    place.workload("deployments", deployment("none", 1))
    place.workload("deployments", deployment("veto", 1, labels={"chaosd.io/enabled": "false"}))
    one = target(place)
    assert reasons(one.survey(scope(place), None)) == {}
    template = {"metadata": {"labels": OPT_IN}}
    place.patch("deployments", "bypod", {"spec": {"template": template}})
    key = f"{place.name}/Deployment/bypod"
    until(lambda: list(reasons(one.survey(scope(place), None))) == [key])
    path = f"/api/v1/namespaces/{place.name}"
    place.admin.ok(
        "PATCH", path, {"metadata": {"labels": OPT_IN}}, kind="application/merge-patch+json"
    )
    found = reasons(one.survey(scope(place), None))
    assert set(found) == {f"{place.name}/Deployment/{name}" for name in ("bypod", "none", "veto")}
    assert Code.VETOED in found[f"{place.name}/Deployment/veto"]
