"""``chaosd sandbox``: its scenarios and their configurations."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaosd.cli.stage import SCENARIOS
from chaosd.config import load_text
from chaosd.core.model import Code, Configuration
from chaosd.kube.api import Api
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.ports import Scope
from chaosd.sandbox import Api as SandboxApi
from chaosd.sandbox import Cluster
from chaosd.targets.nodes import NodeTarget
from tests.cli.support import ROOT, chaosd
from tests.support.clock import VirtualClock
from tests.support.inprocess import InProcessTransport


def configuration(scenario: str) -> Configuration:
    path: Path = ROOT / "chaosd" / "cli" / SCENARIOS[scenario][1]
    loaded = load_text(path.read_text(), {})
    assert loaded.configuration is not None, loaded.problems
    return loaded.configuration


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_has_a_valid_configuration(scenario: str) -> None:
    """It is live: nothing real is there to be hurt."""
    assert not configuration(scenario).dry_run


def test_the_demo_is_of_one_scenario() -> None:
    """Exit 2, and what may be written instead."""
    answer = chaosd("sandbox", "--demo", "--scenario", "nodes")
    assert answer.code == 2
    assert "shop" in answer.err
    assert chaosd("sandbox", "--scenario", "moon").code == 2


def test_the_nodes_are_judged_as_the_page_says() -> None:
    """Two can be drained; each of the others is spared for its own reason."""
    clock = VirtualClock()
    cluster = SCENARIOS["nodes"][0](Cluster(clock.now, seed=11))
    reads = KubeNodeReads(Api(InProcessTransport(SandboxApi(cluster)), clock))
    known = configuration("nodes")
    scope = Scope(known, known.policies[0], clock.now())
    target = NodeTarget(reads)
    found: dict[str, set[Code]] = {}
    for one in target.survey(scope, None):
        inside = [] if one.reasons else target.examine(scope, one).reasons
        found[one.workload.name] = {reason.code for reason in (*one.reasons, *inside)}
    assert found == {
        "general-1": set(),
        "general-2": {Code.NOT_OPTED_IN},
        "general-3": {Code.LOCAL_STORAGE},
        "spot-1": set(),
        "spot-2": {Code.DISRUPTION_BUDGET},
        "spot-3": {Code.NO_CONTROLLER},
    }
    page = (ROOT / "docs" / "sandbox.md").read_text()
    assert all(f"`{name}`" in page for name in found)
