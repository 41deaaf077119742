"""A node is drained, its machine restarted by a helper pod, and put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import Halt, Result, StepState, Verdict
from chaosd.core.model import Action, BudgetMode, Code, Configuration, StepAction, TargetKind
from chaosd.core.window import Always, Windows
from chaosd.engine.halt import Halting
from chaosd.engine.undo import Undoing
from chaosd.sandbox import Cluster, Denial, scenarios
from chaosd.sandbox.controllers.timings import REBOOT as REBOOT_SECONDS
from tests.engine import troubles as on
from tests.engine.cluster_side import make_ports
from tests.engine.drains import begun as begun_drain
from tests.engine.drains import drains, pods_on, reboots, taints, with_helpers
from tests.engine.helper_side import HELPERS, MAKES_HELPER, helpers, lost
from tests.engine.process import Hook, Process
from tests.engine.scene import Scene, codes, configured, only
from tests.engine.stage import die


def yard(cluster: Cluster) -> None:
    """As in the tests of drains; a machine takes ten seconds to restart."""
    with_helpers(cluster)
    with cluster.edit("nodes", "", "n1") as item:
        item["metadata"].setdefault("annotations", {})[REBOOT_SECONDS] = "10"


def begun(configuration: Configuration | None = None, **options: Any) -> tuple[Scene, Process]:
    return begun_drain(yard, configuration or reboots(), **options)


def boot_id(scene: Scene) -> str:
    node = scene.cluster.get("nodes", "", "n1")
    assert node is not None
    return str(node["status"]["nodeInfo"]["bootID"])


def boots(scene: Scene) -> list[str]:
    """Every boot ID that n1 has from now on, as it changes."""
    seen = [boot_id(scene)]

    def look(change: Any) -> None:
        if change.resource == "nodes" and change.new and change.new["metadata"]["name"] == "n1":
            now = change.new["status"]["nodeInfo"]["bootID"]
            if now != seen[-1]:
                seen.append(now)

    scene.cluster.subscribe(look)
    return seen


def frozen(scene: Scene, process: Process) -> None:
    """The windows are closed from now on."""
    frozen_ = reboots(windows=Windows("UTC", (), (Always("freeze"),)))
    scene.file.write(frozen_, "second")
    process.reload.step()


def ready_without_taint(scene: Scene) -> list[str]:
    """Whether n1 is Ready, as its status has it, whenever it changes without a taint of ours."""
    seen: list[str] = []

    def look(change: Any) -> None:
        if change.resource != "nodes" or not change.new or change.new["metadata"]["name"] != "n1":
            return
        node = change.new
        if not any("chaosd" in one["key"] for one in node["spec"].get("taints", ())):
            states = {one["type"]: one["status"] for one in node["status"]["conditions"]}
            seen.append(states["Ready"])

    scene.cluster.subscribe(look)
    return seen


# ------------------------------------------------------------------ as it shall be


def test_a_reboot_is_a_drain_a_restart_and_the_way_back() -> None:
    """The machine comes back once, under another boot ID, and nothing of ours is left."""
    scene, process = begun()
    seen = boots(scene)
    process.attempt(policy="nodes")
    scene.run(8)
    assert pods_on(scene) == ["agent", "chaosd"]
    assert taints(scene) == [only(scene).id]
    scene.run(30)
    intent = only(scene)
    assert intent.steps[-1].action is StepAction.REBOOT
    assert intent.steps[-1].state is StepState.KILLED
    assert (len(seen), intent.verdict) == (2, Verdict.RECOVERED)
    assert (taints(scene), helpers(scene)) == ([], [])


@pytest.mark.parametrize("stop", [on.halted, frozen])
def test_a_machine_is_not_given_pods_before_it_is_back(
    stop: Callable[[Scene, Process], None],
) -> None:
    """Nothing is left to call off; afterwards it takes them again."""
    scene, process = begun()
    process.attempt(policy="nodes")
    while not only(scene).machine_struck:
        scene.run(1)
    ready = ready_without_taint(scene)
    stop(scene, process)
    scene.run(60)
    assert (taints(scene), set(ready)) == ([], {"True"})


def test_without_a_drain_it_is_one_step_and_nothing_is_owed() -> None:
    """What runs there goes down with the machine and comes back on it."""
    scene, process = begun(reboots(pdb=BudgetMode.BYPASS))
    seen = boots(scene)
    ended = process.attempt(policy="nodes")
    assert ended.intent is not None, ended
    assert ended.intent.undo is None
    scene.run(40)
    intent = only(scene)
    assert [step.action for step in intent.steps] == [StepAction.REBOOT]
    assert (len(seen), intent.verdict) == (2, Verdict.RECOVERED)
    assert pods_on(scene) == ["agent", "db", "web", "web"]
    assert lost(scene) == []


def test_a_dry_run_makes_no_helper() -> None:
    """Not a pod, not a taint."""
    scene, process = begun(reboots(dry_run=True))
    assert process.attempt(policy="nodes").result == "dryRun"
    scene.run(60)
    assert (boots(scene), taints(scene), helpers(scene)) == ([boot_id(scene)], [], [])


def test_without_a_helper_nothing_begins() -> None:
    """It is said before the taint."""
    scene, process = begun(configured(drains(action=Action.REBOOT)))
    ended = process.attempt(policy="nodes")
    assert "noHelper" in str(ended.reasons), ended
    assert taints(scene) == []


# ------------------------------------------------------------------ killed between steps


DEATHS = [
    ("PATCH /api/v1/nodes/n1", 1),
    ("/eviction", 1),
    ("/eviction", 3),
    (MAKES_HELPER, 1),
    *(("PATCH /api/v1/namespaces/chaosd/configmaps", nth) for nth in range(3, 14)),
]


@pytest.mark.parametrize(("where", "nth"), DEATHS)
@pytest.mark.parametrize("pdb", list(BudgetMode))
def test_whoever_leads_next_finishes_it(where: str, nth: int, pdb: BudgetMode) -> None:
    """The process is killed right before a request: at most one restart, and nothing is left."""
    scene, process = begun(reboots(pdb=pdb), through=Hook(where, die, nth))
    seen = boots(scene)
    process.live("nodes", 60)
    scene.process("b")
    scene.run(260)
    intents = list(scene.ledger().all_intents())
    restarted = [i for i in intents for s in i.steps if s.action is StepAction.REBOOT and hit(s)]
    assert len(seen) - 1 == len(restarted) <= 1
    assert (taints(scene), helpers(scene), scene.ledger().intents) == ([], [], {})


def hit(step: Any) -> bool:
    return bool(step.state is StepState.KILLED)


def test_killed_while_the_machine_restarts_it_is_not_restarted_again() -> None:
    """The next leader sees what the helper did, by the boot ID."""
    scene, process = begun(reboots())
    seen = boots(scene)
    process.attempt(policy="nodes")
    while not helpers(scene):
        scene.run(1)
    process.die()
    scene.process("b")
    scene.run(90)
    assert len(seen) == 2
    assert only(scene).verdict is Verdict.RECOVERED
    assert (taints(scene), helpers(scene)) == ([], [])


# ------------------------------------------------------------------ stopped, undone


def test_after_an_acknowledged_halt_no_machine_restarts() -> None:
    """Halted between the drain and the restart, the node is put back as it is."""
    scene, process = begun()
    seen = boots(scene)
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$", count=1)
    scene.run(3)
    halting = Halting(
        scene.book(),
        scene.clock,
        process.context.targets,
        Halt("ann", "a test", scene.now()),
    )
    assert halting.step().acknowledged
    scene.run(60)
    assert (len(seen), helpers(scene), taints(scene)) == (1, [], [])
    assert only(scene).verdict is Verdict.RECOVERED


@pytest.mark.parametrize("after", [0.5, 2, 4, 6, 8, 14, 40])
@pytest.mark.parametrize("patience", [0, 10])
def test_an_undo_at_any_moment_leaves_nothing(after: float, patience: int) -> None:
    """A person's undo and the leader's own work meet: the node is back, restarted at most once."""
    scene, process = begun()
    seen = boots(scene)
    process.attempt(policy="nodes")
    scene.run(after)
    targets = {TargetKind.NODE: make_ports(scene.sandbox, scene.clock).nodes}
    open_intents = list(scene.ledger().intents)
    undoing = Undoing(
        scene.book(), scene.clock, targets, "ann", open_intents, timedelta(seconds=patience)
    )
    for _ in range(40):
        if not undoing.step().left:
            break
        scene.run(1)
    assert taints(scene) == []
    scene.run(90)
    assert (taints(scene), helpers(scene), scene.ledger().intents) == ([], [], {})
    assert len(seen) <= 2


# ------------------------------------------------------------------ what goes wrong outside


def test_a_helper_that_may_not_be_made_leaves_a_drain() -> None:
    """Forbidden after the drain: nothing was restarted, and what was evicted is watched."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.sandbox.api.access.deny(Denial("create", "", "pods"))
    scene.run(30)
    intent = only(scene)
    assert intent.steps[-1].state is StepState.FAILED
    assert (intent.result, intent.verdict) == (Result.KILLED, Verdict.RECOVERED)
    assert taints(scene) == []


def test_a_lost_answer_of_a_helper_is_no_second_helper() -> None:
    """The pod is there, or it is not: the boot ID tells in the end."""
    scene, process = begun()
    seen = boots(scene)
    scene.fault(do="lost", when="after", verbs=("create",), path=f"/{HELPERS}/pods$", count=1)
    process.attempt(policy="nodes")
    scene.run(60)
    assert len(seen) == 2
    assert only(scene).verdict is Verdict.RECOVERED
    made = [one for one in scene.asked() if one.verb == "create" and HELPERS in one.path]
    assert len(made) == 1


def test_a_request_for_a_helper_that_never_arrived_is_waited_for() -> None:
    """Until no helper would strike any more; then the node is given back, and nothing more."""
    scene, process = begun()
    seen = boots(scene)
    scene.fault(do="lost", when="before", verbs=("create",), path=f"/{HELPERS}/pods$", count=1)
    process.attempt(policy="nodes")
    scene.run(30)
    assert only(scene).unsettled
    assert codes(process.attempt(scene.now(), policy="nodes")) == {Code.UNSETTLED_INTENT}
    scene.run(60)
    assert (len(seen), taints(scene), helpers(scene)) == (1, [], [])
    assert only(scene).steps[-1].state is StepState.FAILED
    assert only(scene).verdict is Verdict.RECOVERED


def test_a_machine_that_does_not_come_back_is_not_recovered() -> None:
    """At the deadline the taint goes, and chaos stops there until it heals."""
    scene, process = begun()
    with scene.cluster.edit("nodes", "", "n1") as item:
        item["metadata"]["annotations"][REBOOT_SECONDS] = "400"
    process.attempt(policy="nodes")
    scene.run(80)
    assert only(scene).result is Result.KILLED
    assert taints(scene) != []
    scene.run(180)
    assert (only(scene).verdict, taints(scene)) == (Verdict.NOT_RECOVERED, [])
    scene.run(200)
    assert scene.ledger().intents == {}


@pytest.mark.parametrize("after", [0, 1, 3, 6, 8, 12])
def test_a_node_that_is_deleted_at_any_moment_closes_it(after: float) -> None:
    """Nothing is waited for that can't come, whatever has its name then."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.run(after)
    scene.cluster.remove("nodes", "", "n1")
    scenarios.node(scene.cluster, "n1", zone="a", opt_in=True)
    scene.run(120)
    assert (taints(scene), helpers(scene), scene.ledger().intents) == ([], [], {})
