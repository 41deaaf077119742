"""What chaosd has done and is doing, newest first, as the page and the API show it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from chaosd.core.model import Action, TargetKind
from chaosd.core.status_parts import State, recovery_seconds


class KillRecord(Struct, frozen=True, rename="camel"):
    """One action of the ledger.

    ``at`` is when it was reserved; ``state`` is where an open one is (None: it is over). ``result``
    None: not known yet. ``seconds`` is how long it took to recover, if it did within its deadline
    (``recover_by``). ``left`` is how many pods a drain has still to evict, ``seen`` what was last
    observed.
    """

    intent: str
    action_id: str
    policy: str
    target: TargetKind
    action: Action
    workload: str
    victim: str
    at: datetime
    recover_by: datetime
    dry_run: bool
    state: State | None
    result: Result | None
    detail: str
    verdict: Verdict | None
    verdict_at: datetime | None
    seconds: float | None
    left: int | None = None
    seen: str = ""

    @classmethod
    def of(cls, intent: Intent, *, is_open: bool) -> KillRecord:
        """An intent of the ledger, open or closed."""
        return cls(
            intent=intent.id,
            action_id=intent.action_id,
            policy=intent.policy,
            target=intent.target,
            action=intent.action,
            workload=intent.workload,
            victim=intent.victim.path,
            at=intent.reserved_at,
            recover_by=intent.recover_by,
            dry_run=intent.dry_run,
            state=State.of(intent) if is_open else None,
            result=intent.result,
            detail=intent.detail,
            verdict=intent.verdict,
            verdict_at=intent.verdict_at,
            seconds=recovery_seconds(intent),
            left=intent.left,
            seen=intent.seen,
        )


class Kills(Struct, frozen=True, rename="camel"):
    """Actions, newest first; ``total`` is how many there are, ``kills`` the newest of them.

    The ledger keeps what is over for 25 hours: older kills are in metrics and logs.
    """

    now: datetime
    total: int
    kills: tuple[KillRecord, ...]


def kills(
    ledger: Ledger,
    now: datetime,
    *,
    limit: int,
    policy: str | None = None,
    result: Result | None = None,
    verdict: Verdict | None = None,
) -> Kills:
    """The newest ``limit`` actions of the ledger, of one policy, result or verdict if asked for."""
    found = [
        intent
        for intent in ledger.all_intents()
        if policy is None or intent.policy == policy
        if result is None or intent.result is result
        if verdict is None or intent.verdict is verdict
    ]
    found.sort(key=lambda one: (one.reserved_at, one.id), reverse=True)
    shown = tuple(KillRecord.of(one, is_open=one.id in ledger.intents) for one in found[:limit])
    return Kills(now, len(found), shown)
