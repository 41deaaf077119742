"""A container is crashed by a helper pod: once, whoever dies, and its pod stays."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.core.ledger import Result, Verdict
from chaosd.core.model import Action, Configuration
from chaosd.sandbox import Cluster, scenarios
from tests.engine.helper_side import HELPER, HELPERS, MAKES_HELPER, helpers, lost
from tests.engine.process import Hook
from tests.engine.scene import Scene, configured, only, policy
from tests.engine.stage import die


def crashes(**fields: Any) -> Configuration:
    """One policy that crashes containers."""
    return configured(policy("pods", action=Action.CRASH, **fields), helper=HELPER)


def opted_in(cluster: Cluster) -> None:
    scenarios.namespace(cluster, HELPERS)
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)


def containers(scene: Scene) -> set[str]:
    found = [p for p in scene.cluster.all("pods") if p["metadata"]["namespace"] == "shop"]
    return {one["containerID"] for p in found for one in p["status"]["containerStatuses"]}


DEATHS = [
    (MAKES_HELPER, 1),
    *(("PATCH /api/v1/namespaces/chaosd/configmaps", nth) for nth in range(3, 7)),
]


@pytest.mark.parametrize(("where", "nth"), DEATHS)
def test_a_crash_strikes_once_whoever_dies(where: str, nth: int) -> None:
    """One container at most starts anew, its pod stays, and no helper is left."""
    scene = Scene(crashes(), opted_in)
    process = scene.leader(through=Hook(where, die, nth))
    before = containers(scene)
    process.live("pods", 30)
    scene.process("b")
    scene.run(200)
    restarted = before - containers(scene)
    killed = [i for i in scene.ledger().all_intents() if i.result is Result.KILLED]
    assert len(restarted) == len(killed) <= 1
    assert (helpers(scene), scene.ledger().intents, lost(scene)) == ([], {}, [])


def test_a_crash_recovers_in_its_own_pod() -> None:
    """The container has another ID, and nothing was deleted."""
    scene = Scene(crashes(), opted_in)
    process = scene.leader()
    before = containers(scene)
    process.attempt(policy="pods")
    scene.run(20)
    assert only(scene).verdict is Verdict.RECOVERED
    assert len(before - containers(scene)) == 1
    assert (lost(scene), helpers(scene)) == ([], [])
