"""PodDisruptionBudgets: whether the Eviction API would refuse, known before it is asked.

An eviction that is refused or mismatched can cost the budget, so it is never the way to find out.
Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from __future__ import annotations

from collections.abc import Iterable

from chaosd.core.facts import BudgetFacts, PodFacts
from chaosd.core.model import Reasons


def budgets_of(pod: PodFacts, budgets: Iterable[BudgetFacts]) -> tuple[BudgetFacts, ...]:
    """The budgets that cover ``pod``."""
    raise NotImplementedError


def budget_reasons(pod: PodFacts, budgets: Iterable[BudgetFacts]) -> Reasons:
    """Every reason why ``budgets`` would not let ``pod`` go now.

    A pod that is not Ready is held to its budget too, whatever its unhealthyPodEvictionPolicy.
    """
    raise NotImplementedError
