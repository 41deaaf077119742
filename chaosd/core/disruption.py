"""PodDisruptionBudgets: whether the Eviction API would refuse, known before it is asked.

An eviction that is refused or mismatched can cost the budget, so it is never the way to find out.
Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from __future__ import annotations

from collections.abc import Iterable

from chaosd.core.facts import BudgetFacts, PodFacts
from chaosd.core.model import Code, Reason, Reasons


def budgets_of(pod: PodFacts, budgets: Iterable[BudgetFacts]) -> tuple[BudgetFacts, ...]:
    """The budgets that cover ``pod``: of its namespace, with a selector that matches its labels."""
    return tuple(
        budget
        for budget in budgets
        if budget.namespace == pod.namespace
        and budget.selector is not None
        and budget.selector.matches(pod.labels)
    )


def budget_reasons(pod: PodFacts, budgets: Iterable[BudgetFacts]) -> Reasons:
    """Every reason why ``budgets`` would not let ``pod`` go now.

    A pod that is not Ready is held to its budget too, whatever its unhealthyPodEvictionPolicy.
    """
    covering = budgets_of(pod, budgets)
    found = []
    if len(covering) > 1:
        names = ", ".join(sorted(budget.name for budget in covering))
        detail = f"budgets {names} all cover it, and the Eviction API takes one at most"
        found.append(Reason(Code.SEVERAL_BUDGETS, detail))
    for budget in covering:
        found += _reasons(pod, budget)
    return tuple(found)


def _reasons(pod: PodFacts, budget: BudgetFacts) -> list[Reason]:
    found = []
    if budget.observed_generation != budget.generation:
        detail = (
            f"the status of budget {budget.name} is of generation {budget.observed_generation},"
            f" its spec of {budget.generation}"
        )
        found.append(Reason(Code.BUDGET_STALE, detail))
    if pod.name in budget.disrupted_pods:
        detail = f"budget {budget.name} has granted this pod's eviction already"
        found.append(Reason(Code.DISRUPTION_BUDGET, detail))
    if budget.disruptions_allowed < 1:
        detail = (
            f"the disruption budget {budget.name} needs {budget.desired_healthy} healthy pods"
            f" and has {budget.current_healthy} currently"
        )
        if budget.disrupted_pods:
            detail += f", the end of {', '.join(sorted(budget.disrupted_pods)[:5])} is awaited"
        found.append(Reason(Code.DISRUPTION_BUDGET, detail))
    return found
