"""Striking and fencing pods: every answer of an API server, and answers that never came."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import BudgetMode, StepAction, Victim
from chaosd.kube.api import Api
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import NO_RETRIES
from chaosd.ports import CallFailed, Forbidden, NotSent, ServerFault, Unanswered
from chaosd.sandbox import Denial, Rule, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.clock import VirtualClock
from tests.support.intents import reserved
from tests.support.lab import Lab
from tests.support.scripted import ScriptedTransport, reply
from tests.targets.scopes import pods_of

RESPECT, BYPASS = BudgetMode.RESPECT, BudgetMode.BYPASS
BOTH = pytest.mark.parametrize("pdb", [RESPECT, BYPASS])
HEADROOM = "The disruption budget web needs 3 healthy pods and has 3 currently"


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
        scenarios.pdb(cluster, "shop", "web", min_available=2)
    return lab


def victim(lab: Lab, **changes: Any) -> Victim:
    pod = lab.reads.pod("shop", pods_of(lab, "shop", "web")[0])
    assert pod is not None
    found = Victim(pod.namespace, pod.name, pod.uid, pod.resource_version, pod.node)
    return msgspec.structs.replace(found, **changes)


def intent(
    lab: Lab,
    struck: Victim,
    pdb: BudgetMode = RESPECT,
    grace: int | None = None,
    id: str = "a1",  # noqa: A002
) -> tuple[Intent, Step]:
    action = StepAction.EVICT if pdb is RESPECT else StepAction.DELETE
    return reserved(struck, lab.clock.now(), action, id=id, pdb=pdb, grace_period_seconds=grace)


def strike(lab: Lab, struck: Victim, pdb: BudgetMode = RESPECT, grace: int | None = None) -> Any:
    made, step = intent(lab, struck, pdb, grace)
    return PodTarget(lab.reads).strike(made, step, 5.0)


@BOTH
@pytest.mark.parametrize("grace", [None, 1, 45])
def test_a_strike_removes_that_pod_and_no_other(
    lab: Lab, pdb: BudgetMode, grace: int | None
) -> None:
    """By eviction or by deletion, as the policy says, with the grace that it says."""
    chosen = victim(lab)
    assert strike(lab, chosen, pdb, grace).state is StepState.KILLED
    [removal] = lab.sandbox.journal.removals
    assert removal.uid == chosen.uid
    assert removal.by == ("eviction" if pdb is RESPECT else "delete")
    stored = lab.cluster.get("pods", "shop", chosen.name) or {}
    assert stored["metadata"]["deletionGracePeriodSeconds"] == (grace or 30)


@BOTH
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"name": "nobody"}, "the pod is gone"),
        ({"uid": "another"}, "the pod has changed"),
        ({"resource_version": "1"}, "the pod has changed"),
    ],
)
def test_another_pod_is_refused(
    lab: Lab, pdb: BudgetMode, changes: dict[str, str], detail: str
) -> None:
    """What is no longer exactly the chosen pod is not struck."""
    struck = strike(lab, victim(lab, **changes), pdb)
    assert struck.state is StepState.REFUSED
    assert detail in struck.detail
    assert lab.sandbox.journal.removals == []


def test_a_budget_refuses_in_its_own_words(lab: Lab) -> None:
    """The outcome says which budget, what it needs and what it has; a bypass goes through."""
    with lab.cluster.edit("poddisruptionbudgets.policy", "shop", "web") as item:
        item["spec"]["minAvailable"] = 3
    scenarios.settle(lab.cluster)
    chosen = victim(lab)
    struck = strike(lab, chosen)
    assert (struck.state, HEADROOM in struck.detail) == (StepState.REFUSED, True)
    assert lab.sandbox.journal.removals == []
    assert strike(lab, chosen, BYPASS).state is StepState.KILLED


def test_two_budgets_are_a_refusal(lab: Lab) -> None:
    """The Eviction API answers 500, and it is known that nothing happened."""
    scenarios.pdb(lab.cluster, "shop", "also", match={"app": "web"}, min_available=1)
    scenarios.settle(lab.cluster)
    struck = strike(lab, victim(lab))
    assert struck.state is StepState.REFUSED
    assert "more than one PodDisruptionBudget" in struck.detail


def test_no_permission_is_a_failure(lab: Lab) -> None:
    """Nothing happened, and the outcome says which permission is missing."""
    lab.sandbox.access.deny(Denial("create", "", "pods/eviction"))
    struck = strike(lab, victim(lab))
    assert struck.state is StepState.FAILED
    assert 'cannot create resource "pods/eviction"' in struck.detail


def test_a_throttled_strike_is_refused(lab: Lab) -> None:
    """A 429 without a budget is a refusal too, sent once."""
    lab.fault(Rule(do="status", status=429, retry_after=1, verbs=("create",)))
    chosen = victim(lab)
    lab.requests()
    assert strike(lab, chosen).state is StepState.REFUSED
    assert [one.verb for one in lab.requests()] == ["create"]


def test_what_was_never_sent_has_failed(lab: Lab) -> None:
    """A refused connection leaves the world as it was."""
    chosen = victim(lab)
    lab.transport.refused = True
    struck = strike(lab, chosen)
    assert (struck.state, struck.detail) == (StepState.FAILED, "connection refused")


@BOTH
@pytest.mark.parametrize("status", [400, 401, 405, 413, 415, 422])
def test_a_wrong_request_has_failed(lab: Lab, pdb: BudgetMode, status: int) -> None:
    """The server says what was wrong with it, and did nothing."""
    lab.fault(Rule(do="status", status=status, verbs=("create", "delete")))
    assert strike(lab, victim(lab), pdb).state is StepState.FAILED


@BOTH
@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fault_of_the_server_leaves_it_open(
    lab: Lab, pdb: BudgetMode, status: int, when: Any
) -> None:
    """It may or may not have happened, so nothing is claimed and nothing is sent again."""
    lab.fault(Rule(do="status", status=status, when=when, verbs=("create", "delete")))
    chosen = victim(lab)
    lab.requests()
    with pytest.raises(ServerFault):
        strike(lab, chosen, pdb)
    assert len(lab.requests()) == 1


def test_a_strike_is_bounded_on_both_sides(lab: Lab) -> None:
    """The server is told whole seconds, and we wait a second longer, but at least one."""
    chosen = victim(lab)
    for left, bound in ((5.9, "5s"), (1.0, "1s"), (0.3, "1s")):
        transport = ScriptedTransport([reply(201, b"{}")])
        reads = KubeReads(Api(transport, VirtualClock(), retry=NO_RETRIES))
        made, step = intent(lab, chosen)
        PodTarget(reads).strike(made, step, left)
        [sent] = transport.sent
        assert sent.query == [("timeout", bound)]
        assert sent.timeout == float(bound[:-1]) + 1.0
        options = json.loads(sent.body or b"")["deleteOptions"]
        assert options["preconditions"] == {
            "uid": chosen.uid,
            "resourceVersion": chosen.resource_version,
        }
        assert "gracePeriodSeconds" not in options


# ---- fencing what nobody knows the outcome of


def fence(lab: Lab, struck: Victim, id: str = "a1") -> Any:  # noqa: A002
    made, step = intent(lab, struck, id=id)
    return PodTarget(lab.reads).fence(made, step, step.reserved_at)


@BOTH
@pytest.mark.parametrize(
    ("when", "known"), [("before", StepState.FAILED), ("after", StepState.KILLED)]
)
def test_after_a_lost_answer_the_fence_tells(
    lab: Lab, pdb: BudgetMode, when: Any, known: StepState
) -> None:
    """Lost on its way there, nothing happened; lost on its way back, the pod is terminating."""
    chosen = victim(lab)
    lab.fault(Rule(do="lost", when=when, verbs=("create", "delete"), count=1))
    with pytest.raises(Unanswered):
        strike(lab, chosen, pdb)
    assert fence(lab, chosen).known is known
    assert fence(lab, chosen).known is known


@BOTH
def test_after_a_fence_a_late_strike_lands_nowhere(lab: Lab, pdb: BudgetMode) -> None:
    """A strike that was on its way finds another resourceVersion and is refused."""
    chosen = victim(lab)
    assert fence(lab, chosen).known is StepState.FAILED
    assert strike(lab, chosen, pdb).state is StepState.REFUSED
    assert lab.sandbox.journal.removals == []


def test_every_intent_fences_anew(lab: Lab) -> None:
    """A pod that an earlier intent fenced and that was chosen again is touched again."""
    fence(lab, victim(lab), "first")
    chosen = victim(lab)
    assert fence(lab, chosen, "second").known is StepState.FAILED
    assert strike(lab, chosen).state is StepState.REFUSED


def test_a_pod_that_is_gone_was_killed(lab: Lab) -> None:
    """Whoever removed it: it counts as done, which is the safe side."""
    chosen = victim(lab)
    lab.cluster.remove("pods", "shop", chosen.name)
    assert fence(lab, chosen).known is StepState.KILLED


def test_a_pod_that_was_replaced_was_killed_and_its_heir_is_left_alone() -> None:
    """A StatefulSet's next pod of that name is not touched."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.stateful_set(cluster, "shop", "web", 1)
    chosen = victim(lab)
    lab.cluster.remove("pods", "shop", chosen.name)
    scenarios.settle(lab.cluster)
    heir = lab.cluster.get("pods", "shop", chosen.name) or {}
    assert heir["metadata"]["uid"] != chosen.uid
    assert fence(lab, chosen).known is StepState.KILLED
    assert lab.cluster.get("pods", "shop", chosen.name) == heir


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize("same", [True, False])
def test_a_refused_touch_is_looked_into(lab: Lab, status: int, same: bool) -> None:
    """409 and 422 mean another pod only if another pod is there; otherwise nothing is known."""
    chosen = victim(lab) if same else victim(lab, uid="another")
    lab.fault(Rule(do="status", status=status, verbs=("patch",)))
    if same:
        with pytest.raises(CallFailed):
            fence(lab, chosen)
    else:
        assert fence(lab, chosen).known is StepState.KILLED


@pytest.mark.parametrize(
    "rule",
    [
        Rule(do="lost", when="before", verbs=("patch",)),
        Rule(do="lost", when="after", verbs=("patch",)),
        Rule(do="status", status=503, verbs=("patch",)),
        Rule(do="status", status=429, verbs=("patch",)),
    ],
)
def test_a_fence_that_could_not_be_set_says_nothing(lab: Lab, rule: Rule) -> None:
    """It stays open, and a later fence finds out, also when the lost one had been set."""
    chosen = victim(lab)
    lab.fault(rule)
    with pytest.raises(CallFailed):
        fence(lab, chosen)
    lab.sandbox.faults.clear()
    assert fence(lab, chosen).known is StepState.FAILED
    assert strike(lab, chosen).state is StepState.REFUSED


def test_a_fence_without_permission_or_connection_says_nothing(lab: Lab) -> None:
    """Doubt is never an outcome."""
    chosen = victim(lab)
    lab.transport.refused = True
    with pytest.raises(NotSent):
        fence(lab, chosen)
    lab.transport.refused = False
    lab.sandbox.access.deny(Denial("patch", "", "pods/status"))
    with pytest.raises(Forbidden):
        fence(lab, chosen)
