"""Whether disruption budgets let a pod go, known before the API server is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.disruption import budget_reasons, budgets_of
from chaosd.core.facts import BudgetFacts
from chaosd.core.selector import Selector, from_label_selector
from tests.core.subjects import budget, codes, pod, texts

NEEDS = "disruptionBudget: the disruption budget web needs 2 healthy pods and has"
SEVERAL = "severalBudgets: budgets all, web all cover it, and the Eviction API takes one at most"


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        ([], []),
        ([budget()], []),
        (
            [budget(disruptions_allowed=0, current_healthy=2)],
            [f"{NEEDS} 2 currently"],
        ),
        (
            [budget(disruptions_allowed=-1, current_healthy=1)],
            [f"{NEEDS} 1 currently"],
        ),
        (
            [budget(disruptions_allowed=0, disrupted_pods=frozenset({"web-2"}))],
            [f"{NEEDS} 3 currently, the end of web-2 is awaited"],
        ),
        (
            [budget(disrupted_pods=frozenset({"web-1"}))],
            ["disruptionBudget: budget web has granted this pod's eviction already"],
        ),
        ([budget(disrupted_pods=frozenset({"web-2"}))], []),
        (
            [budget(generation=2)],
            ["budgetStale: the status of budget web is of generation 1, its spec of 2"],
        ),
        (
            [budget(observed_generation=0)],
            ["budgetStale: the status of budget web is of generation 0, its spec of 1"],
        ),
        (
            [budget("web"), budget("all", selector=Selector())],
            [SEVERAL],
        ),
        (
            [budget("web", disruptions_allowed=0), budget("all", generation=2)],
            [
                SEVERAL,
                f"{NEEDS} 3 currently",
                "budgetStale: the status of budget all is of generation 1, its spec of 2",
            ],
        ),
    ],
)
def test_budgets(budgets: list[BudgetFacts], expected: list[str]) -> None:
    """Every way in which the Eviction API would refuse, with its figures."""
    assert texts(budget_reasons(pod(), budgets)) == expected


@pytest.mark.parametrize(
    ("changes", "covers"),
    [
        ({}, True),
        ({"namespace": "other"}, False),
        ({"selector": Selector.parse("app=api")}, False),
        ({"selector": Selector.parse("app!=api")}, True),
        ({"selector": from_label_selector({})}, True),
        ({"selector": from_label_selector(None)}, False),
        ({"selector": from_label_selector({"matchLabels": {"app": "web"}})}, True),
    ],
)
def test_which_budgets_cover_a_pod(changes: dict[str, object], covers: bool) -> None:
    """Of its namespace and matching; an empty selector covers all there, a null one none."""
    one = budget(**changes)
    assert budgets_of(pod(), [one]) == ((one,) if covers else ())


def test_an_unready_pod_needs_the_budget_too() -> None:
    """Whatever a budget lets pass for unhealthy pods, nothing is struck past it."""
    empty = budget(disruptions_allowed=0, unhealthy_pod_eviction_policy="AlwaysAllow")
    assert len(budget_reasons(pod(ready=False), [empty])) == 1


BUDGETS = st.builds(
    lambda name, app, namespace, allowed, seen, out: budget(
        name,
        namespace=namespace,
        selector=Selector.parse(f"app={app}"),
        disruptions_allowed=allowed,
        observed_generation=seen,
        disrupted_pods=frozenset(out),
    ),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["web", "api"]),
    st.sampled_from(["shop", "other"]),
    st.integers(-1, 2),
    st.integers(0, 1),
    st.sets(st.sampled_from(["web-1", "web-2"])),
)


@given(st.lists(BUDGETS, max_size=4))
def test_only_one_current_budget_with_room_lets_a_pod_go(budgets: list[BudgetFacts]) -> None:
    """Free exactly if no budget covers the pod, or one that is current, has room and is unspent."""
    victim = pod()
    covering = [
        one
        for one in budgets
        if one.namespace == "shop" and one.selector == Selector.parse("app=web")
    ]
    free = not covering or (
        len(covering) == 1
        and covering[0].disruptions_allowed > 0
        and covering[0].observed_generation == covering[0].generation
        and victim.name not in covering[0].disrupted_pods
    )
    assert (not codes(budget_reasons(victim, budgets))) is free
