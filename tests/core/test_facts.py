"""Facts that an adapter forgot to fill in never make anything eligible."""

from __future__ import annotations

import pytest

from chaosd.core.disruption import budget_reasons
from chaosd.core.eligibility import Sift
from chaosd.core.facts import BudgetFacts, NodeFacts, Own, PodFacts
from chaosd.core.model import Code
from chaosd.core.pods import pod_reasons
from chaosd.core.selector import Selector
from tests.core.subjects import ago, codes, node, pod, sift, workload

BLANK = PodFacts(
    namespace="shop", name="web-1", uid="p-1", resource_version="7", created=ago(days=1)
)


def test_a_blank_pod_is_not_ready_and_nobodys() -> None:
    """Without a phase, a Ready condition and an owner it is no victim."""
    found = codes(pod_reasons(sift(), BLANK, workload(), {}, node()))
    assert found == [Code.NO_CONTROLLER, Code.NOT_READY]


def test_a_blank_node_is_not_ready() -> None:
    """Without a Ready condition nothing on it is a victim."""
    found = codes(pod_reasons(sift(), pod(), workload(), {}, NodeFacts("n1")))
    assert found == [Code.NODE_NOT_READY]


def test_a_blank_budget_allows_nothing() -> None:
    """Without a status there is no allowance."""
    blank = BudgetFacts(namespace="shop", name="web", selector=Selector(), generation=1)
    assert codes(budget_reasons(pod(), [blank])) == [Code.BUDGET_STALE, Code.DISRUPTION_BUDGET]


def test_outside_the_cluster_nothing_is_chaosds_own() -> None:
    """An empty answer to "who am I" names no pod by accident."""
    inside: Sift = sift()
    inside.own = Own()
    nameless = pod(namespace="", name="")
    assert pod_reasons(inside, nameless, workload(), {}, node()) == ()


@pytest.mark.parametrize("changes", [{}, {"namespace": "blog", "name": "a"}])
def test_pods_are_written_with_their_namespace(changes: dict[str, object]) -> None:
    """What people read, and what locks and impacts name."""
    one = pod(**changes)
    assert str(one) == f"{one.namespace}/{one.name}"
