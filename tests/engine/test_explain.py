"""Explaining: every reason of every check, for all or for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from chaosd.config import load_text
from chaosd.core.admission import Circumstances
from chaosd.core.facts import Recovery
from chaosd.core.ledger import Halt, Intent, LastKill, Ledger, workload_hash
from chaosd.core.model import Code, Configuration, Impact, Reason, Reasons, TargetKind, WorkloadKey
from chaosd.core.status import status
from chaosd.engine.explain import Explainer, PolicyExplained
from chaosd.ports import Guard, Guarded
from chaosd.sandbox import Cluster, Rule, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab

WEB = "shop/Deployment/web"
LIVE = """
dryRun: false
seed: abc
windows: {allow: always}
policies:
  - {name: web, target: pod, action: evict, schedule: {every: 1h}}
"""
OFFICE = LIVE.replace(
    "allow: always", 'allow: [{weekly: {days: Mon-Fri, from: "12:00", to: "17:00"}}]'
)


def configured(text: str = LIVE) -> Configuration:
    loaded = load_text(text, {})
    assert loaded.configuration, loaded.problems
    return loaded.configuration


def lab_with(fill: Callable[[Cluster], object]) -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        fill(cluster)
    return lab


def explainer(
    lab: Lab,
    text: str = LIVE,
    ledger: Ledger | None = None,
    guards: Sequence[Guard] = (),
    deep: int = 50,
) -> Explainer:
    configuration, now = configured(text), lab.clock.now()
    book = ledger or Ledger()
    standing = status(book, configuration, Circumstances(now))
    targets = {TargetKind.POD: PodTarget(lab.reads)}
    return Explainer(configuration, targets, guards, book, standing, lab.clock, deep)


def everything(lab: Lab, text: str = LIVE, **more: object) -> PolicyExplained:
    (found,) = explainer(lab, text, **more).everything()  # type: ignore[arg-type]
    return found


def shop(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.deployment(cluster, "shop", "api", 3, opt_in=True)
    scenarios.deployment(cluster, "shop", "one", 1, opt_in=True)
    scenarios.deployment(cluster, "shop", "shy", 3)
    scenarios.pdb(cluster, "shop", "api", min_available=3)


def of(found: PolicyExplained, workload: str) -> Reasons:
    return next(one.reasons for one in found.workloads if one.name == workload)


def codes(reasons: Reasons) -> set[Code]:
    return {reason.code for reason in reasons}


def test_all_that_opted_in_is_counted_by_reason() -> None:
    """Workloads that pass, that are too small and that their budget protects; not who never
    opted in."""
    found = everything(lab_with(shop))
    assert found.counts == {"eligible": 1, "disruptionBudget": 1, "tooFewReplicas": 1}
    assert [one.name for one in found.eligible] == [WEB]
    assert not any("shy" in one.name for one in found.workloads)


def test_a_budget_is_asked_although_it_costs_a_request() -> None:
    """What only the pods can tell is the workload's reason when it holds for all of them."""
    reasons = of(everything(lab_with(shop)), "shop/Deployment/api")
    assert codes(reasons) == {Code.DISRUPTION_BUDGET}
    assert "needs 3 healthy pods and has 3" in reasons[0].detail


def test_the_policys_own_reasons_are_all_said() -> None:
    """A closed window, a halt and a leader that is missing come together."""
    lab = lab_with(shop)  # Monday 09:00
    ledger = Ledger(halt=Halt("ann", "release", lab.clock.now()))
    found = everything(lab, OFFICE, ledger=ledger)
    assert {Code.WINDOW_CLOSED, Code.HALTED, Code.NOT_LEADING} <= codes(found.against)


def test_gap_and_cooldown_are_reasons_of_a_workload() -> None:
    """What was struck and healed lately still rests, and says for how long."""
    lab = lab_with(shop)
    struck = int((lab.clock.now() - timedelta(minutes=30)).timestamp())
    ledger = Ledger(last_kills={workload_hash(WEB): LastKill(struck, 60)})
    reasons = of(everything(lab, ledger=ledger), WEB)
    assert codes(reasons) == {Code.COOLDOWN}
    assert "31m" in reasons[0].detail


def test_one_that_was_named_is_explained_although_it_never_opted_in() -> None:
    """All reasons at once, and each of its pods."""
    lab = lab_with(shop)
    (found,) = explainer(lab).workload(WorkloadKey("shop", "Deployment", "shy"))
    (only,) = found.workloads
    assert Code.NOT_OPTED_IN in codes(only.reasons)
    assert len(only.pods) == 3
    assert only.victims == ()


def test_every_pod_of_a_named_workload_is_looked_at() -> None:
    """Three pods, of which one is not Ready: the reason is of the whole workload."""
    lab = lab_with(shop)
    name = next(key[1] for key in lab.cluster.keys("pods") if key[1].startswith("web-"))
    (before,) = next(iter(explainer(lab).workload(WorkloadKey.parse(WEB)))).workloads
    assert len(before.victims) == 3
    scenarios.set_pod_ready(lab.cluster, "shop", name, False)
    (after,) = next(iter(explainer(lab).workload(WorkloadKey.parse(WEB)))).workloads
    assert after.victims == ()
    mine = next(pod for pod in after.pods if pod.name == f"shop/{name}")
    assert Code.NOT_READY in codes(mine.reasons)
    assert all(Code.NOT_ALL_READY in codes((*after.reasons, *pod.reasons)) for pod in after.pods)


def test_what_differs_from_pod_to_pod_names_one() -> None:
    """Who is how young; a reason that all share is said once, of the workload."""
    lab = lab_with(shop)
    text = LIVE.replace("{every: 1h}}", "{every: 1h}, select: {minAge: 20h}}")
    for number, (_, name) in enumerate(sorted(lab.cluster.keys("pods"))):
        with lab.cluster.edit("pods", "shop", name) as pod:
            born = lab.clock.now() - timedelta(hours=1 + number % 2)
            pod["metadata"]["creationTimestamp"] = f"{born:%Y-%m-%dT%H:%M:%SZ}"
    (found,) = explainer(lab, text).workload(WorkloadKey.parse("shop/Deployment/api"))
    (api,) = found.workloads
    told = {reason.code: reason.detail for reason in api.reasons}
    assert ": shop/api-" in told[Code.TOO_YOUNG]
    assert told[Code.TOO_YOUNG].endswith("(and 2 more like it)")
    assert "api-" not in told[Code.DISRUPTION_BUDGET]
    assert all(codes(pod.reasons) == {Code.TOO_YOUNG} for pod in api.pods)


def test_a_pod_that_was_named_stands_alone() -> None:
    """Its siblings are left out."""
    lab = lab_with(shop)
    name = next(key[1] for key in lab.cluster.keys("pods") if key[1].startswith("web-"))
    (found,) = explainer(lab).workload(WorkloadKey.parse(WEB), name)
    assert [pod.name for pod in found.workloads[0].pods] == [f"shop/{name}"]
    assert found.workloads[0].victims == (f"shop/{name}",)


def test_what_is_not_there_is_gone() -> None:
    """A name that nobody has gets that as its reason."""
    (found,) = explainer(lab_with(shop)).workload(WorkloadKey("shop", "Deployment", "nope"))
    assert codes(found.workloads[0].reasons) == {Code.GONE}


class Objecting:
    """A guard that objects to everything."""

    def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
        return Guarded((Reason(Code.LOCKED, f"guarded: {', '.join(impact.pods)}"),))

    def healed(
        self, configuration: Configuration, intent: Intent, now: datetime
    ) -> Recovery | None:
        return None


def test_guards_are_asked_too() -> None:
    """What a guard objects to is no victim."""
    found = everything(lab_with(shop), guards=[Objecting()])
    assert codes(of(found, WEB)) == {Code.LOCKED}


def test_depth_bounds_the_requests_but_not_the_list() -> None:
    """With a depth of none, workloads pass as far as they can be told without their pods."""
    lab = lab_with(shop)
    lab.asked()
    found = everything(lab, deep=0)
    assert found.counts["eligible"] == 2
    assert not any("/pods/" in line for line in lab.asked())


def test_what_can_not_be_read_is_said_and_nothing_is_guessed() -> None:
    """An API server that fails leaves the policy's own reasons, and why the rest is unknown."""
    lab = lab_with(shop)
    lab.fault(Rule(do="status", status=503, path="/deployments"))
    found = everything(lab)
    assert "unreadable" in found.unread
    assert found.eligible == ()


@pytest.mark.parametrize(
    ("kind", "name", "keys"),
    [
        ("Deployment", "web", ["shop/Deployment/web"]),
        ("Deployment", "both", ["park/Deployment/both", "shop/Deployment/both"]),
        ("StatefulSet", "web", []),
        ("Deployment", "shy", []),
    ],
)
def test_finding_by_kind_and_name(kind: str, name: str, keys: list[str]) -> None:
    """What opted in is found wherever it is."""

    def fill(cluster: Cluster) -> None:
        shop(cluster)
        for namespace in ("shop", "park"):
            scenarios.deployment(cluster, namespace, "both", 2, opt_in=True)

    found = explainer(lab_with(fill)).find(kind, name)
    assert [str(key) for key in found] == keys


def test_explaining_changes_nothing() -> None:
    """Every request is a read."""
    lab = lab_with(shop)
    lab.asked()
    everything(lab)
    list(explainer(lab).workload(WorkloadKey.parse(WEB)))
    assert {line.split()[0] for line in lab.asked()} == {"get", "list"}
