"""How things stand, gathered for gauges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from chaosd.core.ledger import Halt, Ledger, Verdict
from chaosd.core.limits import used
from chaosd.core.model import Configuration, Limits, TargetKind
from chaosd.core.status_nodes import NodeHeld, nodes_held
from chaosd.core.window import is_open
from chaosd.engine.book import Page
from chaosd.engine.context import Context
from chaosd.ports import Standing


def stand(context: Context, page: Page | None, unusable: str = "") -> Standing:
    """The standing of this process; without a ledger, only what it knows by itself."""
    configuration = context.loaded.configuration
    valid = configuration is not None and not context.loaded.problems
    if configuration is None or page is None:
        return Standing(context.leading, valid, unusable=unusable)
    ledger, now = page.ledger, context.clock.now()
    context.halts = halts(configuration, page, now, context.halts)
    held = nodes_held(ledger.intents.values(), now)
    of_nodes = [p.name for p in configuration.policies if p.target is TargetKind.NODE]
    return Standing(
        leading=context.leading,
        configuration_valid=valid,
        halted=context.halts,
        paused={p.name: p.name in ledger.paused for p in configuration.policies},
        window_open={p.name: is_open(p.windows, now) for p in configuration.policies},
        dry_run={p.name: p.dry_run for p in configuration.policies},
        last_kills=_last_kills(ledger),
        kill_intervals=context.kill_intervals if context.leading else {},
        limits_left=limits_left(configuration, ledger, now),
        open_intents=len(ledger.intents),
        unrecovered=sum(i.verdict is Verdict.NOT_RECOVERED for i in ledger.intents.values()),
        ledger_bytes=len(page.document.text.encode()),
        cluster=configuration.cluster,
        nodes_held={**dict.fromkeys(of_nodes, 0), **Counter(one.policy for one in held)},
        held_since={one.policy: one.since for one in reversed(held)},
        pods_left={**dict.fromkeys(of_nodes, 0), **_pods_left(held)},
    )


def _pods_left(held: Iterable[NodeHeld]) -> Counter[str]:
    left: Counter[str] = Counter()
    for one in held:
        left[one.policy] += one.left or 0
    return left


def halts(
    configuration: Configuration | None, page: Page, now: datetime, before: Mapping[str, Halt]
) -> dict[str, Halt]:
    """Every halt by where it comes from.

    Only a command says who and when. The others are as old as this process has seen them, which
    ``before`` tells: the halts at its last look.
    """
    found: dict[str, Halt] = {}
    if page.ledger.halt is not None:
        found["command"] = page.ledger.halt
    if page.annotation_halt is not None:
        found["annotation"] = Halt("somebody, by annotation", page.annotation_halt, now)
    if configuration is not None and configuration.halted:
        found["configuration"] = Halt("the configuration", "halted: true", now)
    for source in found.keys() - {"command"}:
        known = before.get(source)
        if known is not None and known.why == found[source].why:
            found[source] = known
    return found


def limits_left(
    configuration: Configuration, ledger: Ledger, now: datetime
) -> dict[tuple[str, str], int]:
    """How much of each limit is left of real kills, by policy ("" for all together) and limit."""
    left: dict[tuple[str, str], int] = {}
    asked: list[tuple[str, str | None, Limits]] = [("", None, configuration.limits)]
    asked += [(policy.name, policy.name, policy.limits) for policy in configuration.policies]
    for whose, policy, limits in asked:
        count = used(ledger, now, dry_run=False, policy=policy)
        for name, limit, n in (
            ("perHour", limits.per_hour, count.hour),
            ("perDay", limits.per_day, count.day),
            ("concurrent", limits.concurrent, count.concurrent),
        ):
            if limit is not None:
                left[whose, name] = max(0, limit - n)
    return left


def _last_kills(ledger: Ledger) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for intent in ledger.all_intents():
        if intent.settled_at and not intent.dry_run and intent.result == "killed":
            newest[intent.policy] = max(
                newest.get(intent.policy, intent.settled_at), intent.settled_at
            )
    return newest
