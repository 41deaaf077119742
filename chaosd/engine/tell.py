"""Reporting that survives a crash: what is not marked as told in the ledger is told again."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.ledger import Intent, Ledger, Result, StepState, Verdict
from chaosd.core.model import NODE, WorkloadKey
from chaosd.core.transitions import Refusal, tell
from chaosd.core.words import verb
from chaosd.engine.book import LedgerUnusable
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
    NODE: "v1",
}
_RESULTS = {
    Result.KILLED: ("Chaos{Did}", "{did} {victim}{why}"),
    Result.REFUSED: ("ChaosRefused", "was refused to {do} {victim}{why}"),
    Result.FAILED: ("ChaosFailed", "did not {do} {victim}{why}"),
    Result.DRY_RUN: ("ChaosDryRun", "would have {did} {victim} (dry run, nothing was touched)"),
}
_VERDICTS = {
    Verdict.RECOVERED: ("ChaosRecovered", "recovered {seconds:.0f} s after {victim} was {did}"),
    Verdict.NOT_RECOVERED: (
        "ChaosNotRecovered",
        "has not recovered {seconds:.0f} s after {victim} was {did} ({seen})",
    ),
    Verdict.CLOSED: (
        "ChaosClosed",
        "was deleted, finished or scaled to zero after {victim} was {did}",
    ),
    Verdict.FORGIVEN: ("ChaosForgiven", "was forgiven after {victim} was {did}"),
}


class Teller:
    """Makes Events and counts results, each once over all processes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._unsure: set[tuple[str, bool]] = set()
        self._steps_told: set[str] = set()

    def count_claims(self, ledger: Ledger) -> None:
        """Count what this process has claimed without learning of it, its answers being lost."""
        for intent_id, verdict in tuple(self._unsure):
            intent = ledger.find(intent_id)
            if intent is None or not self._untold(intent, verdict=verdict):
                self._unsure.discard((intent_id, verdict))
                self._count(intent, verdict=verdict)

    def tell_all(self, ledger: Ledger) -> bool:
        """Report what nobody has reported yet; whether there was anything."""
        pending = [
            (intent, verdict)
            for intent in ledger.all_intents()
            for verdict in (False, True)
            if self._untold(intent, verdict=verdict)
        ]
        striking = [one for one in ledger.intents.values() if one.result is None]
        for intent in striking:
            try:
                self._tell_steps(intent)
            except CallFailed as error:
                self._context.report.failed(f"make the Events of intent {intent.id}", error)
        for intent, verdict in pending:
            self._tell(intent, verdict=verdict)
        if not striking:
            self._steps_told.clear()
        return bool(pending)

    def _tell_steps(self, intent: Intent) -> None:
        """Make the Events of a drain's evictions, as they come; made again by the next leader, they
        are there already."""
        for notice in step_notices(intent):
            if notice.name not in self._steps_told:
                self._context.events.make(notice)
                self._steps_told.add(notice.name)

    def _untold(self, intent: Intent, *, verdict: bool) -> bool:
        if verdict:
            return intent.verdict is not None and not intent.verdict_told
        return intent.result is not None and not intent.told

    def _tell(self, intent: Intent, *, verdict: bool) -> None:
        context = self._context
        try:
            if not verdict:
                self._tell_steps(intent)
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
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed(f"note the report of intent {intent.id}", error)
            self._unsure.add((intent.id, verdict))
            return
        if not isinstance(changed, Refusal):
            self._unsure.discard((intent.id, verdict))
            self._count(changed.find(intent.id), verdict=verdict)

    def _count(self, intent: Intent | None, *, verdict: bool) -> None:
        """Count it if it is this process's to count."""
        context = self._context
        if intent and (intent.verdict_told if verdict else intent.told) == context.holder:
            (context.report.judged if verdict else context.report.settled)(intent)

    def _recent(self, intent: Intent) -> bool:
        since = intent.verdict_at or intent.settled_at or intent.reserved_at
        return (self._context.clock.now() - since).total_seconds() < 60


def notices(intent: Intent, *, verdict: bool) -> list[Notice]:
    """The Events of a result (on the victim and its workload) or a verdict (on the workload).

    What owns the pod of an etcd member counts as its workload, beside the cluster. Their names come
    from the intent id, so that each is made once whoever tells it.
    """
    if verdict:
        return _about_verdict(intent)
    return _about_result(intent)


def step_notices(intent: Intent) -> list[Notice]:
    """The Events of the steps of a drain, one on each pod that it has taken so far; their names
    come from the intent id and the step's number."""
    return [
        Notice(
            name=f"chaosd-{intent.id}-s{step.number}",
            kind=step.victim.kind,
            namespace=step.victim.namespace,
            object_name=step.victim.name,
            uid=step.victim.uid,
            reason="ChaosKilled",
            message=(
                f"chaosd policy {intent.policy} killed {step.victim}, to {verb(intent.action).do} "
                f"{intent.victim} [intent {intent.id}]"
            ),
            at=step.settled_at or step.reserved_at,
        )
        for step in intent.steps
        if step.state is StepState.KILLED and step.victim.uid != intent.victim.uid
    ]


def _about_result(intent: Intent) -> list[Notice]:
    if intent.result is None:
        return []
    reason, text = _RESULTS[intent.result]
    at = intent.settled_at or intent.reserved_at
    message = f"chaosd policy {intent.policy} {_fill(text, intent, at)} [intent {intent.id}]"
    reason = reason.format(Did=verb(intent.action).did.capitalize())
    on_victim = _on_victim(intent, "r", reason, message, at)
    if WorkloadKey.parse(intent.workload).kind == intent.victim.kind:
        return [on_victim]
    return [on_victim, *_on_workloads(intent, "r", reason, message, at)]


def _about_verdict(intent: Intent) -> list[Notice]:
    if intent.verdict is None:
        return []
    workload = WorkloadKey.parse(intent.workload)
    reason, text = _VERDICTS[intent.verdict]
    at = intent.verdict_at or intent.reserved_at
    message = (
        f"{workload.kind} {workload.name} {_fill(text, intent, at)} by chaosd policy "
        f"{intent.policy}{_costs(intent)} [intent {intent.id}]"
    )
    stuck = intent.verdict is Verdict.NOT_RECOVERED
    # Forgiving comes after another verdict, whose Event stays.
    suffix = "f" if intent.verdict is Verdict.FORGIVEN else "v"
    return _on_workloads(intent, suffix, reason, message, at, warning=stuck)


def _fill(text: str, intent: Intent, at: datetime) -> str:
    verbs = verb(intent.action)
    # Of a pod that was killed the detail only says how that became known.
    told = intent.detail and (intent.result is not Result.KILLED or intent.undo is not None)
    return text.format(
        victim=intent.victim,
        do=verbs.do,
        did=verbs.did,
        why=f": {intent.detail}" if told else "",
        seen=intent.seen,
        seconds=(at - intent.reserved_at).total_seconds(),
    )


def _costs(intent: Intent) -> str:
    """What it cost the etcd clusters that it held, as far as that was seen."""
    said = ""
    for name, cost in sorted(intent.etcd.items()):
        if not cost.reads:
            continue
        lost = f"without a leader for {cost.leaderless:.1f} s" if cost.leaderless else ""
        gap = f"longest gap of reads {cost.read_gap:.1f} s" if cost.failed else ""
        said += f"; etcd {name}: {lost or 'never without a leader'}, {gap or 'no read failed'}"
    return said


def _on_victim(intent: Intent, suffix: str, reason: str, message: str, at: datetime) -> Notice:
    victim = intent.victim
    return Notice(
        name=f"chaosd-{intent.id}-{suffix}-{victim.kind.lower()}",
        kind=victim.kind,
        namespace=victim.namespace,
        object_name=victim.name,
        uid=victim.uid,
        reason=reason,
        message=message,
        at=at,
    )


def _on_workloads(
    intent: Intent, suffix: str, reason: str, message: str, at: datetime, *, warning: bool = False
) -> list[Notice]:
    """On the intent's workload, and on what owns the pod of an etcd member; ``kubectl describe``
    asks for their UIDs."""
    owners = (key for key in intent.uids if key != intent.workload)
    return [
        Notice(
            name=f"chaosd-{intent.id}-{end}",
            kind=workload.kind,
            namespace=workload.namespace,
            object_name=workload.name,
            uid=intent.victim.uid if workload.kind == NODE else intent.uids.get(str(workload), ""),
            api_version=_API_VERSIONS.get(workload.kind, ""),
            reason=reason,
            message=message,
            at=at,
            warning=warning,
        )
        for end, workload in (
            (suffix, WorkloadKey.parse(intent.workload)),
            *((f"{suffix}-owner", WorkloadKey.parse(key)) for key in owners),
        )
    ]
