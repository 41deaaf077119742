"""How the demo ends: a table of what was done, and one thing explained that was left alone."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from chaosd.cli.narrate import Narrator, seconds
from chaosd.cli.output import complain, out
from chaosd.cli.stage import Stage
from chaosd.core.model import WorkloadKey
from chaosd.core.status import status
from chaosd.engine.explain import Explainer
from chaosd.ports import CallFailed

NON_VICTIM = WorkloadKey("logging", "DaemonSet", "agent")


def ending(stage: Stage, told: Narrator, missing: Sequence[str]) -> int:
    """Print the summary, and what was to be shown and is ``missing``; returns the exit code."""
    console = out()
    console.print()
    console.print(_kills(told))
    console.print(
        f"Refused by a PodDisruptionBudget: {told.refused_by_budget}. "
        f"Kept back by the blackout window: {told.kept_by_window}. "
        f"Dry runs: {len(told.dry_runs)}."
    )
    for line in _why_not(stage):
        console.print(line)
    if missing:
        complain(f"the time was up before it showed {', '.join(missing)}")
        return 1
    return 0


def _kills(told: Narrator) -> Table:
    verdicts = {intent.id: intent for intent in told.judged_}
    table = Table(title="what chaosd did", title_justify="left")
    for column in ("at", "policy", "workload", "victim", "result", "recovery"):
        table.add_column(column)
    for intent in sorted((*told.killed, *told.dry_runs), key=lambda intent: intent.reserved_at):
        judged = verdicts.get(intent.id)
        recovery = f"{judged.verdict} in {seconds(judged)} s" if judged else "-"
        table.add_row(
            f"{intent.reserved_at:%H:%M:%S}",
            intent.policy,
            intent.workload,
            intent.victim.name,
            str(intent.result),
            recovery,
        )
    return table


def _why_not(stage: Stage) -> list[str]:
    """Why a workload was never a victim, by the same checks that an attempt makes."""
    context, page = stage.context, stage.context.page
    configuration = context.loaded.configuration
    if page is None or configuration is None:
        return []
    now = status(page.ledger, configuration, context.around(page, context.loaded.fingerprint))
    explainer = Explainer(
        configuration, context.targets, context.guards, page.ledger, now, context.clock
    )
    try:
        reasons = {
            str(reason)
            for explained in explainer.workload(NON_VICTIM)
            for one in explained.workloads
            for reason in one.reasons
        }
    except CallFailed as error:
        return [f"{NON_VICTIM} could not be explained: {error}"]
    return [f"Why {NON_VICTIM} was never killed:", *(f"  {reason}" for reason in sorted(reasons))]
