"""Pieces of PromQL that panels share, and the variables of the dashboard in them.

Selectors match everything where a label is missing: a lone Prometheus has no ``cluster``.
"""

from __future__ import annotations

CLUSTER = 'cluster=~"$cluster"'
POLICY = f'{CLUSTER}, policy=~"$policy"'
VICTIMS = f'{POLICY}, namespace=~"$namespace"'
"""For what is labelled with the victim's namespace: kills and recoveries."""

BUDGETS = 'reason=~"disruptionBudget|severalBudgets|budgetStale"'


def select(name: str, labels: str = CLUSTER, *more: str) -> str:
    """A metric's series, by the labels in a selector."""
    return f"chaosd_{name}{{{', '.join((labels, *more))}}}"


def shown(how: str, by: str, name: str, labels: str = POLICY, *more: str) -> str:
    """A gauge over the processes: ``how`` is max, min or sum, ``by`` the labels that are kept."""
    return f"{how} by ({by}) ({select(name, labels, *more)})"


def grown(by: str, series: str, window: str = "$__interval") -> str:
    """How much counters have grown, exactly, over a window that is also the step.

    `increase` extrapolates, and gives nothing for the first event of a series, which is often the
    only one of the day. A series that was not there in the hour before the window counts from 0.
    """
    return (
        f"sum by ({by}) (({series} - {series} offset {window} >= 0)"
        f" or ({series} unless max_over_time({series}[1h] offset {window})))"
    )
