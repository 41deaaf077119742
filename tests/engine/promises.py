"""The promises of the design, asked of what the cluster itself saw and of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Ledger, Result
from chaosd.core.limits import DAY, HOUR
from chaosd.core.model import Configuration
from chaosd.core.window import strikeable_until
from chaosd.sandbox.journal import Removal
from tests.engine.cluster_side import NAMESPACE, Sandbox
from tests.engine.world import Tape

Struck = tuple[Removal, Intent | None]


def read_ledger(sandbox: Sandbox) -> Ledger:
    """The ledger as it lies in the cluster."""
    item = sandbox.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
    assert item is not None, "there is no ledger"
    return ledger_text.decode(item["data"]["ledger.json"])


def broken_promises(
    sandbox: Sandbox,
    configuration: Configuration,
    halted: Sequence[tuple[datetime, datetime | None]] = (),
    opted_in: frozenset[str] = frozenset(),
) -> list[str]:
    """Every promise that was broken, in words.

    ``halted`` are the spans from a halt's acknowledgement to its end; ``opted_in`` the prefixes of
    the names of pods that may be victims (``namespace/name``).
    """
    ledger = read_ledger(sandbox)
    intents = {intent.id: intent for intent in ledger.all_intents()}
    removals = [removal for removal, _ in sandbox.journal.struck]
    struck = [(removal, intents.get(key)) for removal, key in sandbox.journal.struck]
    found = _only_opted_in(removals, opted_in)
    found += _once_each(struck)
    found += _in_windows(struck, configuration)
    found += _in_limits(removals, configuration)
    found += _not_while_halted(removals, halted)
    found += _evictions_only(struck)
    found += _told_truly(struck, list(intents.values()))
    return found


def _only_opted_in(removals: Sequence[Removal], opted_in: frozenset[str]) -> list[str]:
    return [
        f"promise 1: {r.namespace}/{r.name} has not opted in"
        for r in removals
        if not any(f"{r.namespace}/{r.name}".startswith(prefix) for prefix in opted_in)
    ]


def _once_each(struck: Sequence[Struck]) -> list[str]:
    found = [
        f"promise 9: {removal.namespace}/{removal.name} was not written down before"
        for removal, intent in struck
        if intent is None
    ]
    acted = Counter(intent.action_id for _, intent in struck if intent)
    found += [f"promise 2: {action} struck {n} times" for action, n in acted.items() if n > 1]
    return found


def _in_windows(struck: Sequence[Struck], configuration: Configuration) -> list[str]:
    found = []
    for removal, intent in struck:
        policy = configuration.policy(intent.policy) if intent else None
        if policy and not strikeable_until(policy.windows, policy.deadline, removal.at):
            found.append(f"promise 3: {removal.name} at {removal.at} outside the window")
    return found


def _in_limits(removals: Sequence[Removal], configuration: Configuration) -> list[str]:
    found = []
    limits = configuration.limits
    for index, removal in enumerate(removals):
        before = removals[: index + 1]
        for span, limit in ((HOUR, limits.per_hour), (DAY, limits.per_day)):
            n = sum(removal.at - span < other.at <= removal.at for other in before)
            if limit is not None and n > limit:
                found.append(f"promise 4: {n} kills within {span} at {removal.at}")
    return found


def _not_while_halted(
    removals: Sequence[Removal], halted: Sequence[tuple[datetime, datetime | None]]
) -> list[str]:
    return [
        f"promise 7: {removal.name} at {removal.at} after a halt was acknowledged at {start}"
        for removal in removals
        for start, end in halted
        if removal.at >= start and (end is None or removal.at < end)
    ]


def _evictions_only(struck: Sequence[Struck]) -> list[str]:
    return [
        f"promise 5: {removal.name} was deleted, not evicted"
        for removal, intent in struck
        if intent and intent.pdb == "respect" and removal.by != "eviction"
    ]


def _told_truly(struck: Sequence[Struck], intents: Sequence[Intent]) -> list[str]:
    really = {intent.id for _, intent in struck if intent}
    found = []
    for intent in intents:
        if intent.unsettled:
            found.append(f"promise 9: intent {intent.id} was never settled")
        if intent.result is Result.KILLED and intent.id not in really:
            found.append(f"promise 9: intent {intent.id} says killed, and nothing was removed")
        if intent.result in (Result.REFUSED, Result.FAILED) and intent.id in really:
            found.append(f"promise 9: intent {intent.id} says {intent.result}, and it was removed")
    return found


def taints_left(sandbox: Sandbox) -> list[str]:
    """Taints of ours on nodes that no open intent answers for."""
    open_intents = read_ledger(sandbox).intents
    return [
        f"promise 9: node {node['metadata']['name']} keeps the taint of {taint['value']}"
        for node in sandbox.cluster.all("nodes")
        for taint in node["spec"].get("taints", ())
        if taint["key"] == "chaosd.io/drain" and taint["value"] not in open_intents
    ]


def actions_twice(ledger: Ledger) -> list[str]:
    """Actions with more than one intent."""
    actions = Counter(intent.action_id for intent in ledger.all_intents())
    return [f"promise 2: {action} twice" for action, n in actions.items() if n > 1]


def results_twice(tapes: Iterable[Tape]) -> list[str]:
    """Whether processes told of one result more than once."""
    told = Counter(intent for tape in tapes for intent, _ in tape.results)
    return [f"the result of {intent} was counted {n} times" for intent, n in told.items() if n > 1]


def reports_missing(sandbox: Sandbox, after: timedelta, now: datetime) -> list[str]:
    """Results and verdicts older than ``after`` that nobody reported, or without their Event."""
    events = {item["metadata"]["name"] for item in sandbox.cluster.all("events")}
    found = []
    for intent in read_ledger(sandbox).all_intents():
        if intent.settled_at and intent.settled_at < now - after:
            if not intent.told:
                found.append(f"the result of {intent.id} was not reported")
            if not any(name.startswith(f"chaosd-{intent.id}-r") for name in events):
                found.append(f"the result of {intent.id} has no Event")
        if intent.verdict_at and intent.verdict_at < now - after and not intent.verdict_told:
            found.append(f"the verdict on {intent.id} was not reported")
    return found
