"""The promises, asked of what the API server's audit log saw and of the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaosd.core.ledger import Intent, Ledger, Result
from chaosd.core.limits import DAY, HOUR
from chaosd.core.model import Configuration, Limits
from chaosd.core.window import strikeable_until

Span = tuple[datetime, datetime | None]
_SERVER_TIMEOUT = timedelta(seconds=1)
"""The least that an eviction gives the API server, so how late it may arrive."""


@dataclass(frozen=True)
class Eviction:
    """One eviction that arrived: the pod's name, when, and what was answered."""

    pod: str
    received: datetime
    code: int

    @classmethod
    def of(cls, audited: dict[str, Any]) -> Eviction:
        """From an entry of the audit log."""
        received = datetime.fromisoformat(audited["requestReceivedTimestamp"])
        return cls(audited["objectRef"]["name"], received, audited["responseStatus"].get("code", 0))


@dataclass(frozen=True)
class Story:
    """What happened in one namespace.

    ``evictions`` are in the order of their answers. ``quiet`` are the spans from a halt's
    acknowledgement to its end, ``opted_in`` the workloads that may be struck. ``late`` is how much
    later than it was sent an eviction may have arrived, at worst.
    """

    ledger: Ledger
    configuration: Configuration
    evictions: Sequence[Eviction]
    quiet: Sequence[Span]
    opted_in: Iterable[str]
    late: timedelta = timedelta(0)

    @property
    def killing(self) -> list[Eviction]:
        """The evictions that took a pod down, by arrival."""
        took = [one for one in self.evictions if one.code == 201]
        return sorted(took, key=lambda one: one.received)

    @property
    def intents(self) -> list[Intent]:
        """All intents that were no dry run, by reservation."""
        real = (one for one in self.ledger.all_intents() if not one.dry_run)
        return sorted(real, key=lambda one: one.reserved_at)


def broken_promises(story: Story) -> list[str]:
    """Every promise that was broken, in words."""
    return [
        *_told_truly(story),
        *_once_each(story),
        *_written_down_before(story),
        *_only_opted_in(story),
        *_in_time(story),
        *_in_limits(story),
        *_not_at_once(story),
        *_not_while_halted(story),
    ]


def _told_truly(story: Story) -> Iterator[str]:
    evicted = Counter(one.pod for one in story.killing)
    killed = Counter(one.victim.name for one in story.intents if one.result is Result.KILLED)
    open_ = Counter(one.victim.name for one in story.intents if one.result is None)
    if evicted - killed - open_:
        yield f"evicted without an intent that says so: {evicted - killed - open_}"
    if killed - evicted:
        yield f"killed says the ledger, not the server: {killed - evicted}"


def _once_each(story: Story) -> Iterator[str]:
    victims = Counter(one.victim.uid for one in story.intents if one.result is Result.KILLED)
    for uid, n in victims.items():
        if n > 1:
            yield f"pod {uid} was killed {n} times"
    actions = Counter(one.action_id for one in story.intents)
    for action, n in actions.items():
        if n > 1:
            yield f"action {action} has {n} intents"


def _written_down_before(story: Story) -> Iterator[str]:
    """Each eviction, whatever its answer, had a reservation of its own before it: so none was sent
    twice, and none that was not written down."""
    reserved = defaultdict(list)
    for intent in story.intents:
        reserved[intent.victim.name].append(intent.reserved_at)
    sent = defaultdict(list)
    for eviction in sorted(story.evictions, key=lambda one: one.received):
        sent[eviction.pod].append(eviction.received)
    for pod, times in sent.items():
        for n, received in enumerate(times, 1):
            if sum(at <= received for at in reserved[pod]) < n:
                yield f"eviction {n} of {pod} at {received} had no reservation of its own"


def _only_opted_in(story: Story) -> Iterator[str]:
    for one in story.evictions:
        if not any(one.pod.startswith(f"{name}-") for name in story.opted_in):
            yield f"{one.pod} did not opt in"


def _paired(story: Story) -> Iterator[tuple[Eviction, Intent]]:
    """Each eviction that took a pod down with its intent: by name, in order."""
    intents = defaultdict(list)
    for intent in reversed(story.intents):
        if intent.result in (Result.KILLED, None):
            intents[intent.victim.name].append(intent)
    for eviction in story.killing:
        if intents[eviction.pod]:
            yield eviction, intents[eviction.pod].pop()


def _in_time(story: Story) -> Iterator[str]:
    for eviction, intent in _paired(story):
        at = eviction.received - story.late
        if at > intent.steps[-1].strike_by + _SERVER_TIMEOUT:
            yield f"{eviction} arrived after {intent.steps[-1].strike_by}"
        policy = story.configuration.policy(intent.policy)
        if policy and not strikeable_until(policy.windows, policy.deadline, at):
            yield f"{eviction} came outside the windows of {policy.name}"


def _in_limits(story: Story) -> Iterator[str]:
    whose: list[tuple[str, str | None, Limits]] = [("all", None, story.configuration.limits)]
    whose += [(one.name, one.name, one.limits) for one in story.configuration.policies]
    for name, policy, limits in whose:
        times = [e.received for e, i in _paired(story) if policy in (None, i.policy)]
        for span, limit in ((HOUR, limits.per_hour), (DAY, limits.per_day)):
            for at in times:
                n = sum(at - span < other <= at for other in times)
                if limit is not None and n > limit:
                    yield f"{name}: {n} kills of {limit} within {span} at {at}"
        mine = [one for one in story.intents if policy in (None, one.policy)]
        for intent in mine:
            n = sum(_open_at(one, intent.reserved_at) for one in mine)
            if limits.concurrent is not None and n > limits.concurrent:
                yield f"{name}: {n} of {limits.concurrent} at once at {intent.reserved_at}"


def _not_at_once(story: Story) -> Iterator[str]:
    """A workload is not struck again before it is over with the last time."""
    for intent in story.intents:
        same = (one for one in story.intents if one.workload == intent.workload)
        n = sum(_open_at(one, intent.reserved_at) for one in same)
        if n > 1:
            yield f"{intent.workload} was struck {n} times at once at {intent.reserved_at}"


def _open_at(intent: Intent, at: datetime) -> bool:
    return intent.reserved_at <= at and (intent.closed_at is None or at < intent.closed_at)


def _not_while_halted(story: Story) -> Iterator[str]:
    """Nothing was written down to be done, and nothing was done."""
    did = [(one.received, f"{one}") for one in story.killing]
    did += [(one.reserved_at, f"intent {one.id}") for one in story.intents]
    for at, what in did:
        for start, end in story.quiet:
            if at >= start and (end is None or at < end):
                yield f"{what} came under a halt in force since {start}"
