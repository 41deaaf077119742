"""Reporting that survives a crash: what is not marked as told in the ledger is told again."""

from __future__ import annotations

from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from chaosd.core.model import WorkloadKey
from chaosd.core.transitions import Refusal, tell
from chaosd.engine.context import Context
from chaosd.ports import CallFailed, Notice

_API_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Pod": "v1",
}
_RESULTS = {
    Result.KILLED: ("ChaosKilled", "killed {victim}"),
    Result.REFUSED: ("ChaosRefused", "was refused to kill {victim}: {detail}"),
    Result.FAILED: ("ChaosFailed", "did not kill {victim}: {detail}"),
    Result.DRY_RUN: ("ChaosDryRun", "would have killed {victim} (dry run, nothing was touched)"),
}
_VERDICTS = {
    Verdict.RECOVERED: ("ChaosRecovered", "recovered {seconds:.0f} s after {victim} was killed"),
    Verdict.NOT_RECOVERED: (
        "ChaosNotRecovered",
        "did not recover within {deadline:.0f} s after {victim} was killed: {seen}",
    ),
    Verdict.CLOSED: ("ChaosClosed", "was deleted, finished or scaled to zero after {victim}"),
    Verdict.FORGIVEN: ("ChaosForgiven", "was forgiven after {victim} was killed"),
}


class Teller:
    """Makes Events and counts results, each once over all processes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def tell_all(self, ledger: Ledger) -> bool:
        """Report what nobody has reported yet; whether there was anything."""
        pending = [
            (intent, verdict)
            for intent in ledger.all_intents()
            for verdict in (False, True)
            if self._untold(intent, verdict=verdict)
        ]
        for intent, verdict in pending:
            self._tell(intent, verdict=verdict)
        return bool(pending)

    def _untold(self, intent: Intent, *, verdict: bool) -> bool:
        if verdict:
            return intent.verdict is not None and not intent.verdict_told
        return intent.result is not None and not intent.told

    def _tell(self, intent: Intent, *, verdict: bool) -> None:
        context = self._context
        try:
            for notice in notices(intent, verdict=verdict):
                context.events.make(notice)
        except CallFailed as error:
            # An Event is worth a retry, but not worth blocking the count for good.
            context.report.failed(f"make the Event of intent {intent.id}", error)
            if self._recent(intent):
                return
        writer = context.writer
        try:
            changed = context.book.change(
                lambda ledger: tell(ledger, writer, intent.id, verdict=verdict)
            )
        except CallFailed as error:
            context.report.failed(f"note the report of intent {intent.id}", error)
            return
        told = None if isinstance(changed, Refusal) else changed.find(intent.id)
        if told and (told.verdict_told if verdict else told.told) == context.holder:
            (context.report.judged if verdict else context.report.settled)(told)

    def _recent(self, intent: Intent) -> bool:
        since = intent.verdict_at or intent.settled_at or intent.reserved_at
        return (self._context.clock.now() - since).total_seconds() < 60


def notices(intent: Intent, *, verdict: bool) -> list[Notice]:
    """The Events of a result or a verdict: on the victim and on its workload.

    Their names come from the intent id, so that each is made once whoever tells it.
    """
    workload = WorkloadKey.parse(intent.workload)
    victim = f"pod {intent.victim.namespace}/{intent.victim.name}"
    if verdict:
        if intent.verdict is None:
            return []
        at = intent.verdict_at or intent.reserved_at
        reason, text = _VERDICTS[intent.verdict]
        suffix = "v-nr" if intent.verdict is Verdict.NOT_RECOVERED else "v"
    else:
        if intent.result is None:
            return []
        at = intent.settled_at or intent.reserved_at
        reason, text = _RESULTS[intent.result]
        suffix = "r"
    message = text.format(
        victim=victim,
        detail=intent.detail,
        seen=intent.seen,
        deadline=intent.deadline,
        seconds=(at - intent.reserved_at).total_seconds(),
    )
    warning = intent.verdict is Verdict.NOT_RECOVERED if verdict else False
    message = f"chaosd policy {intent.policy} {message} [intent {intent.id}]"
    if verdict:
        message = f"{workload.kind} {workload.name}: {message}"
    common = {
        "namespace": intent.victim.namespace,
        "reason": reason,
        "message": message,
        "at": at,
        "warning": warning,
    }
    on_victim = Notice(
        name=f"chaosd-{intent.id}-{suffix}-pod",
        kind="Pod",
        object_name=intent.victim.name,
        uid=intent.victim.uid,
        **common,  # type: ignore[arg-type]
    )
    on_workload = Notice(
        name=f"chaosd-{intent.id}-{suffix}",
        kind=workload.kind,
        object_name=workload.name,
        api_version=_API_VERSIONS.get(workload.kind, ""),
        **common,  # type: ignore[arg-type]
    )
    if workload.kind == "Pod":
        return [on_victim]
    return [on_workload] if verdict else [on_victim, on_workload]
