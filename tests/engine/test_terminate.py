"""A node is drained, its machine ended at its cloud, and its pool is whole again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaosd.core.ledger import Halt, Result, StepState, Verdict
from chaosd.core.model import BudgetMode, Code, Configuration, NodeRules, StepAction
from chaosd.engine.halt import Halting
from chaosd.ports import Answered, NotSent, ServerFault, TooManyRequests, Unanswered
from chaosd.sandbox import Cluster, scenarios
from tests.engine.drains import ends, pods_on, shop, taints
from tests.engine.machines import Machines, raising
from tests.engine.process import Hook, Process
from tests.engine.scene import Scene, codes, only
from tests.engine.stage import Died, die

LEDGER = "PATCH /api/v1/namespaces/chaosd/configmaps"
MACHINE = "sandbox:///a/n1"


def begun(
    configuration: Configuration | None = None,
    fill: Callable[[Cluster], None] = shop,
    cloud: Machines | None = None,
    **options: Any,
) -> tuple[Scene, Process, Machines]:
    scene = Scene(configuration or ends(), fill)
    cloud = cloud or Machines()
    cloud.scene = scene
    return scene, scene.leader(clouds=(cloud,), **options), cloud


# ------------------------------------------------------------------ as it shall be


def test_an_end_is_a_drain_one_request_and_a_pool_that_is_whole() -> None:
    """The taint stays on a node that is ending; recovered is when another has taken its place."""
    scene, process, cloud = begun()
    process.attempt(policy="nodes")
    scene.run(10)
    intent = only(scene)
    assert (intent.steps[-1].action, intent.result) == (StepAction.TERMINATE, Result.KILLED)
    assert (cloud.ended, taints(scene)) == ({MACHINE: 1}, [intent.id])
    assert pods_on(scene) == ["agent"]
    cloud.finish("n1", "n5")
    scene.run(10)
    assert only(scene).verdict is Verdict.RECOVERED
    assert scene.ledger().intents == {}


def test_without_a_drain_it_is_the_only_step() -> None:
    """Nothing is owed, and what ran there rests like all that was struck."""
    scene, process, cloud = begun(ends(pdb=BudgetMode.BYPASS))
    process.attempt(policy="nodes")
    assert (cloud.ended, taints(scene), scene.victims()) == ({MACHINE: 1}, [], [])
    assert only(scene).undo is None
    cloud.finish("n1", "n5")
    scene.run(10)
    assert only(scene).verdict is Verdict.RECOVERED
    assert scene.ledger().last_kill("shop/Deployment/web", dry_run=False)


def test_a_dry_run_ends_nothing() -> None:
    """The cloud is asked whether it would, at most."""
    scene, process, cloud = begun(ends(dry_run=True))
    assert process.attempt(policy="nodes").result == "dryRun"
    scene.run(60)
    assert (cloud.ended, taints(scene)) == ({}, [])


def test_a_protected_machine_is_not_even_drained() -> None:
    """What the cloud objects to is known before the taint."""
    scene, process, cloud = begun(cloud=Machines(protected={MACHINE}))
    ended = process.attempt(policy="nodes")
    assert Code.NO_PROVIDER in codes(ended), ended
    assert (cloud.ended, taints(scene)) == ({}, [])


def test_a_pool_that_stays_smaller_is_not_recovered() -> None:
    """Nobody brings the machine back: chaos stops until somebody does."""
    scene, process, cloud = begun()
    process.attempt(policy="nodes")
    scene.run(10)
    scene.cluster.remove("nodes", "", "n1")
    scene.run(240)
    assert only(scene).verdict is Verdict.NOT_RECOVERED
    scenarios.node(scene.cluster, "n5", zone="a")
    scene.run(10)
    assert scene.ledger().intents == {}
    assert cloud.ended == {MACHINE: 1}


def test_a_pool_without_its_label_does_not_count_the_control_plane() -> None:
    """Nodes that nobody gave to a pool are a pool; a control plane is no part of it."""

    def fill(cluster: Cluster) -> None:
        shop(cluster)
        role = {"node-role.kubernetes.io/control-plane": ""}
        for name in ("n4",):
            with cluster.edit("nodes", "", name) as item:
                item["metadata"]["labels"].update(role)

    scene, process, _ = begun(ends(node=NodeRules(pool="pool")), fill)
    ended = process.attempt(policy="nodes")
    assert ended.intent is not None, ended
    scene.run(10)
    scene.cluster.remove("nodes", "", "n1")
    scene.run(20)
    assert only(scene).verdict is None
    scenarios.node(scene.cluster, "n5", zone="a")
    scene.run(10)
    assert only(scene).verdict is Verdict.RECOVERED


# ------------------------------------------------------------------ answers


REFUSALS = [
    Answered(400, "OperationNotPermitted", "protected"),
    TooManyRequests(503, "RequestLimitExceeded", "slow down"),
    NotSent("no credentials"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("pdb", list(BudgetMode))
def test_what_surely_did_not_happen_is_over_at_once(error: Any, pdb: BudgetMode) -> None:
    """The node is given back, and nothing is asked for again."""
    scene, process, cloud = begun(ends(pdb=pdb), cloud=Machines(before=raising(error)))
    process.attempt(policy="nodes")
    scene.run(30)
    intent = only(scene)
    assert intent.steps[-1].state is StepState.FAILED
    assert (cloud.ended, taints(scene), scene.ledger().intents) == ({}, [], {})


LOST = [Unanswered("timed out"), ServerFault(500, "InternalError", "try later")]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("pdb", list(BudgetMode))
def test_a_lost_answer_is_told_by_the_machine(error: Any, pdb: BudgetMode) -> None:
    """It was heard: the machine shows it, and no second request is sent."""
    scene, process, cloud = begun(ends(pdb=pdb), cloud=Machines(after=raising(error)))
    process.attempt(policy="nodes")
    scene.run(15)
    assert cloud.ended == {MACHINE: 1}
    assert only(scene).steps[-1].state is StepState.KILLED


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_a_request_that_was_not_heard_is_unknown_until_it_can_not_be(error: Any) -> None:
    """Nothing else begins meanwhile; then the node is given back."""
    scene, process, cloud = begun(cloud=Machines(before=raising(error)))
    process.attempt(policy="nodes")
    scene.run(50)
    assert only(scene).unsettled
    assert codes(process.attempt(scene.now(), policy="nodes")) == {Code.UNSETTLED_INTENT}
    scene.run(60)
    intent = only(scene)
    assert intent.steps[-1].state is StepState.FAILED
    assert (cloud.ended, taints(scene), intent.verdict) == ({}, [], Verdict.RECOVERED)


def test_a_request_that_is_heard_late_is_no_other_intents() -> None:
    """It arrives while it is still unknown: then it is known."""
    scene, process, cloud = begun(cloud=Machines(before=raising(Unanswered("timed out"))))
    process.attempt(policy="nodes")
    scene.at(40, lambda: cloud.hear(MACHINE))
    scene.run(30)
    assert only(scene).unsettled
    scene.run(20)
    assert only(scene).steps[-1].state is StepState.KILLED
    assert cloud.ended == {MACHINE: 1}


# ------------------------------------------------------------------ killed between steps


DEATHS = [
    ("PATCH /api/v1/nodes/n1", 1),
    ("/eviction", 2),
    *((LEDGER, nth) for nth in range(2, 13)),
]


@pytest.mark.parametrize(("where", "nth"), DEATHS)
@pytest.mark.parametrize("pdb", list(BudgetMode))
def test_whoever_leads_next_ends_it_once_at_most(where: str, nth: int, pdb: BudgetMode) -> None:
    """The process is killed right before a request, also before it could write the answer down."""
    scene = Scene(ends(pdb=pdb), shop)
    cloud = Machines(scene=scene)
    process = scene.process("a", clouds=(cloud,), through=Hook(where, die, nth))
    try:
        process.start()
        process.attempt(policy="nodes")
        scene.run(20)
    except Died:
        pass
    process.die()
    scene.process("b", clouds=(cloud,))
    scene.run(120)
    if cloud.ended:
        cloud.finish("n1", "n5")
    scene.run(150)
    intents = list(scene.ledger().all_intents())
    told = [s for i in intents for s in i.steps if s.action is StepAction.TERMINATE]
    killed = [step for step in told if step.state is StepState.KILLED]
    assert sum(cloud.ended.values()) == len(killed) <= 1
    left = [] if cloud.ended else taints(scene)
    assert (left, scene.ledger().intents) == ([], {})


def test_killed_in_the_request_it_is_sent_no_second_time() -> None:
    """The cloud heard it, and nobody heard the cloud."""
    scene, process, cloud = begun(cloud=Machines(after=die))
    process.attempt(policy="nodes")
    with pytest.raises(Died):
        scene.run(20)
    process.die()
    scene.process("b", clouds=(cloud,))
    scene.run(60)
    assert cloud.ended == {MACHINE: 1}
    assert only(scene).steps[-1].state is StepState.KILLED


# ------------------------------------------------------------------ stopped


def test_after_an_acknowledged_halt_no_machine_is_ended() -> None:
    """Halted between the drain and the end, the node is put back."""
    scene, process, cloud = begun()
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$", count=1)
    scene.run(3)
    stop = Halt("ann", "a test", scene.now())
    halting = Halting(scene.book(), scene.clock, process.context.targets, stop)
    assert halting.step().acknowledged
    scene.run(60)
    assert (cloud.ended, taints(scene)) == ({}, [])
    assert only(scene).verdict is Verdict.RECOVERED


def test_a_halt_is_not_acknowledged_while_a_request_may_be_heard() -> None:
    """It says what it waits for, and settles it from there when it is known."""
    scene, process, cloud = begun(cloud=Machines(before=raising(Unanswered("timed out"))))
    process.attempt(policy="nodes")
    scene.run(20)
    stop = Halt("ann", "a test", scene.now())
    halting = Halting(scene.book(), scene.clock, process.context.targets, stop)
    assert not halting.step().acknowledged
    process.die()
    scene.run(90)
    assert halting.step().acknowledged
    assert cloud.ended == {}
