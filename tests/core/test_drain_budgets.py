"""Whether disruption budgets would keep a drain from its end, known before it begins."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.disruption import budget_reasons
from chaosd.core.drain import budget_reasons_of, evictable, stays
from chaosd.core.facts import BudgetFacts, Phase, PodFacts
from chaosd.core.model import Action
from chaosd.core.selector import Selector
from tests.core.node_subjects import ACTIONS, DAEMON, FINISHED, HARDER, MIRROR, PODS
from tests.core.subjects import APP, budget, codes, pod, texts

NEEDS = "disruptionBudget: the disruption budget web needs 2 healthy pods and has 2 currently"


def blocked(
    pods: Iterable[PodFacts], *budgets: BudgetFacts, action: Action = Action.DRAIN
) -> list[str]:
    return texts(budget_reasons_of(pods, budgets, action))


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        ([], []),
        ([budget()], []),
        ([budget(namespace="other", disruptions_allowed=0)], []),
        ([budget(selector=None, disruptions_allowed=0)], []),
        (
            [budget(disruptions_allowed=0, current_healthy=2)],
            [f"{NEEDS}: shop/web-1, shop/web-2, shop/web-3"],
        ),
        (
            [budget(), budget("all", selector=Selector())],
            [
                (
                    "severalBudgets: budgets all, web all cover it, and the Eviction API takes one"
                    " at most: shop/web-1, shop/web-2, shop/web-3"
                )
            ],
        ),
        (
            [budget(generation=2)],
            [
                (
                    "budgetStale: the status of budget web is of generation 1, its spec of 2:"
                    " shop/web-1, shop/web-2, shop/web-3"
                )
            ],
        ),
        (
            [budget(disrupted_pods=frozenset({"web-2"}))],
            ["disruptionBudget: budget web has granted this pod's eviction already: shop/web-2"],
        ),
        (
            [budget(desired_healthy=3, current_healthy=4)],
            [
                (
                    "disruptionBudget: the disruption budget web never lets one go (3 of 3 pods"
                    " must be healthy): shop/web-1, shop/web-2, shop/web-3"
                )
            ],
        ),
        ([budget(desired_healthy=0, disruptions_allowed=3)], []),
    ],
)
def test_budgets_before_a_drain(budgets: list[BudgetFacts], expected: list[str]) -> None:
    """One that allows one now is enough for all of its pods here; one that never does is not."""
    assert blocked([pod(1), pod(2), pod(3)], *budgets) == expected


@pytest.mark.parametrize(
    ("changes", "free"),
    [
        ({"phase": Phase.PENDING, "ready": False}, False),
        ({"ready": False}, False),
        ({"deleting": True}, True),
        ({"labels": {"app": "other"}}, True),
        (FINISHED, True),
        (DAEMON, True),
        (MIRROR, True),
    ],
)
def test_who_needs_a_budget(changes: dict[str, object], free: bool) -> None:
    """Only what would be evicted; what is not Ready too, whatever its budget says of that."""
    shut = budget(disruptions_allowed=0, unhealthy_pod_eviction_policy="AlwaysAllow")
    assert (not blocked([pod(**changes)], shut)) is free


@pytest.mark.parametrize("action", HARDER)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (DAEMON, True),
        (MIRROR, True),
        ({"deleting": True}, False),
        (FINISHED, False),
        ({**DAEMON, **FINISHED}, False),
        ({**DAEMON, "labels": {}}, False),
        ({}, False),
    ],
)
def test_a_budget_on_what_no_drain_evicts(
    action: Action, changes: dict[str, object], expected: bool
) -> None:
    """It would be broken by a reboot, however much it allows now."""
    told = "disruptionBudget: the disruption budget web covers what no drain evicts: shop/web-1"
    assert blocked([pod(**changes)], budget(), action=action) == [told] * expected


BUDGETS = st.builds(
    lambda name, app, namespace, allowed, desired, seen: budget(
        name,
        namespace=namespace,
        selector=Selector.parse(f"app={app}") if app else Selector(),
        disruptions_allowed=allowed,
        desired_healthy=desired,
        observed_generation=seen,
    ),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["web", "api", ""]),
    st.sampled_from(["shop", "other"]),
    st.integers(-1, 2),
    st.integers(2, 3),
    st.integers(0, 1),
)


@given(st.lists(PODS, max_size=5), st.lists(BUDGETS, max_size=3), st.sampled_from(ACTIONS))
def test_a_drain_that_may_begin_can_evict_each_of_its_pods_first(
    pods: list[PodFacts], budgets: list[BudgetFacts], action: Action
) -> None:
    """No pod that would be evicted is refused at the moment at which the drain is let begin."""
    found = budget_reasons_of(pods, budgets, action)
    assert len(found) == len(codes(found))
    moving = [one for one in pods if not stays(one) and not one.deleting]
    for one in moving:
        assert evictable(one, budgets) == budget_reasons(one, budgets)
        assert set(codes(evictable(one, budgets))) <= set(codes(found))
    if action is Action.DRAIN and not moving:
        assert found == ()


def test_evictable_is_asked_of_the_budgets_at_this_moment() -> None:
    """Free while its budget lets one go, and not any more when that is spent."""
    assert evictable(pod(labels=APP), [budget()]) == ()
    spent = budget(disruptions_allowed=0, current_healthy=2)
    assert texts(evictable(pod(labels=APP), [spent])) == [NEEDS]
