"""What pods as victims ask of the API server, against the table of permissions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chaosd.core.facts import Own
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Action, BudgetMode, Select, TargetKind
from chaosd.core.selector import Selector
from chaosd.kube.permissions import Need, needs
from chaosd.ports import Scope
from chaosd.sandbox import RequestRecord, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab
from tests.targets.helpers import HELPER, LATE
from tests.targets.scopes import MEAN, scope

PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v1(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?"
)
ALL = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.namespace(cluster, HELPER.namespace)
        for number in range(6):
            ns = f"ns-{number}"
            scenarios.namespace(cluster, ns, opt_in=True)
            scenarios.deployment(cluster, ns, "web", 2, pod_opt_in=True)
            scenarios.stateful_set(cluster, ns, "db", 2, opt_in=True)
            scenarios.daemon_set(cluster, ns, "agent", opt_in=True)
            scenarios.replica_set(cluster, ns, "old", 2, opt_in=True)
            owner = scenarios.cron_job(cluster, ns, "nightly", opt_in=True)
            with cluster.edit("cronjobs.batch", ns, "nightly") as item:
                item["status"] = {"active": [{"name": "nightly-1"}]}
            for name, cron_job in (("once", None), ("nightly-1", owner)):
                scenarios.job(
                    cluster, ns, name, cron_job=cron_job, run_seconds=1e6, pod_opt_in=True
                )
            scenarios.pod(cluster, ns, "alone", pod_opt_in=True)
    return lab


def everything(lab: Lab, asked: Scope, own: Own) -> None:
    """Survey, open every workload, examine every pod, strike and fence one of each workload."""
    target = PodTarget(lab.reads, own)
    now = lab.clock.now()
    for workload in list(target.survey(asked, None)):
        if workload.reasons:
            continue
        list(target.survey(asked, workload.workload))
        for pod in target.expand(asked, workload):
            examined = target.examine(asked, pod)
            victim = examined.victim
            if victim is None:
                continue
            step = Step(1, victim, "h", 1, now, now, action=examined.first)
            made = Intent(
                id="a1",
                action_id="x",
                policy="web",
                target=TargetKind.POD,
                action=asked.policy.action,
                workload=str(workload.workload),
                victim=victim,
                reserved_at=now,
                deadline=60.0,
                recover_by=now,
                pdb=asked.policy.pdb,
                steps=(step,),
                helper=asked.configuration.helper,
            )
            target.strike(made, step, 5.0)
            target.fence(made, step, now)
            target.fence(made, step, now + LATE)
            target.recovered(made, now)
            break


def uncovered(found: list[RequestRecord], wanted: list[Need]) -> set[str]:
    """Requests that no listed permission covers."""
    lacking = set()
    for one in found:
        match = PATH.fullmatch(one.path)
        assert match, one.path
        part = match.groupdict(default="")
        resource = f"{part['resource']}/{part['sub']}" if part["sub"] else part["resource"]
        # A request for one namespace is authorized as one in that namespace.
        place = part["name"] if resource == "namespaces" else part["namespace"]
        if not any(
            (need.group, need.resource) == (part["group"], resource)
            and one.verb in need.verbs
            and need.namespace in (None, place)
            for need in wanted
        ):
            lacking.add(f"{one.verb} {part['group']} {resource} in {place or 'all'}")
    return lacking


KINDS = [*[(kind,) for kind in ALL], ("Foo",)]
CASES = [
    *[(kinds, {}) for kinds in KINDS],
    (ALL, {}),
    (ALL, {"pdb": BudgetMode.BYPASS}),
    (ALL, {"schedule": MEAN}),
    (ALL, {"action": Action.CRASH, "helper": HELPER}),
]


@pytest.mark.parametrize(("kinds", "policy"), CASES)
@pytest.mark.parametrize(
    "namespaces", [None, tuple(f"ns-{n}" for n in range(5))], ids=["cluster", "namespaced"]
)
def test_nothing_is_asked_without_a_permission_in_the_table(
    lab: Lab, kinds: tuple[str, ...], policy: dict[str, Any], namespaces: tuple[str, ...] | None
) -> None:
    """What `check --cluster` asks for is all that a policy will ever need."""
    nodes = Selector() if namespaces else Selector.parse("pool in (a,b)")
    select = Select(kinds=kinds, min_replicas=1, nodes=nodes)
    asked = scope(lab, select=select, namespaces=namespaces, **policy)
    lab.requests()
    everything(lab, asked, Own("ns-5", frozenset({"alone"})))
    wanted = needs(asked.configuration, "ns-5", in_cluster=True)
    found = lab.requests()
    assert len(found) > 3
    assert uncovered(found, wanted) == set()
