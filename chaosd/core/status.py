"""How things stand, for people: what the daemon, its page and the command line all show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from chaosd.core.admission import Circumstances, admit
from chaosd.core.duration import render
from chaosd.core.lease import LeaseSpec
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.limits import used
from chaosd.core.model import Code, Configuration, Limits, Policy, Reason, Reasons
from chaosd.core.status_etcd import etcd_against, with_open
from chaosd.core.status_nodes import nodes_held
from chaosd.core.status_parts import (
    HaltNow,
    Known,
    LastAttempt,
    LeaderNow,
    LimitUse,
    OpenIntent,
    Outcome,
    PauseNow,
    PolicyNow,
    State,
    Status,
    Unrecovered,
    WindowNow,
    recovery_seconds,
)
from chaosd.core.window import opening, strikeable_until

__all__ = ["Known", "LastAttempt", "Status", "recovery_seconds", "status"]

NEWEST = 20
LEASE_LOST = timedelta(seconds=60)
"""A lease that was renewed longer ago says that no chaosd runs. Generous, because two machines'
clocks are compared: it is shown to people, no decision is made on it."""

_NOTHING = Known()


def status(
    ledger: Ledger | None,
    configuration: Configuration | None,
    around: Circumstances,
    *,
    ledger_problem: str = "",
    known: Known = _NOTHING,
) -> Status:
    """Put together how things stand at ``around.now``.

    ``ledger`` None: it can't be used, and ``ledger_problem`` says why. ``configuration`` None: none
    is known here, or none was ever valid (then ``around.problems`` says why). Whether anything may
    be struck is asked of :func:`chaosd.core.admission.admit`, as every attempt does.
    """
    book = ledger or Ledger()
    leader = _leader(book, known)
    if ledger is None:
        general: Reasons = (Reason(Code.LEDGER_UNREADABLE, ledger_problem),)
    else:
        general = _leading(leader, around, known)
    around = _of_the_leader(book, around, leader)
    intents = sorted(book.intents.values(), key=lambda intent: intent.reserved_at)
    if known.etcd is not None:
        known = msgspec.structs.replace(known, etcd=with_open(known.etcd, intents))
    policies = _policies(book, configuration, around, general, known) if configuration else ()
    halts = _halts(book, configuration, around, known)
    can_kill, because = _outlook(configuration, around, policies, general, halts)
    return Status(
        now=around.now,
        cluster=configuration.cluster if configuration else "",
        can_kill=can_kill,
        because=because,
        leader=leader,
        halts=halts,
        paused=_paused(book, configuration),
        policies=policies,
        limits=_limits(book, configuration, around.now) if configuration else (),
        open_intents=tuple(OpenIntent.of(intent) for intent in intents),
        unrecovered=tuple(Unrecovered.of(i) for i in intents if State.of(i) is State.UNRECOVERED),
        outcomes=tuple(Outcome.of(intent) for intent in _newest(book.outcomes.values())[:NEWEST]),
        problems=around.problems,
        nodes_held=nodes_held(intents, around.now),
        ledger_problem=ledger_problem,
        revision=book.revision,
        etcd=known.etcd or (),
    )


# ---- may anything be struck?


def _of_the_leader(book: Ledger, around: Circumstances, leader: LeaderNow | None) -> Circumstances:
    """The circumstances as the leader has them: another process's own clock, lease and end say
    nothing about it."""
    if leader and leader.here:
        return msgspec.structs.replace(around, leading=True)
    now = max(around.now, book.newest() or around.now)
    return msgspec.structs.replace(around, now=now, leading=True, stopping=False, skew=0.0)


def _leading(leader: LeaderNow | None, around: Circumstances, known: Known) -> Reasons:
    """Why nobody seems to lead, if so."""
    if leader is None:
        return (Reason(Code.NOT_LEADING, "nobody leads"),)
    if leader.here:
        lost = "this process leads in the ledger, but its lease ran out"
        return () if around.leading else (Reason(Code.NOT_LEADING, lost),)
    if known.lease is None:
        return ()
    if leader.renewed is None:
        return (Reason(Code.NOT_LEADING, f"{leader.holder} does not hold the lease any more"),)
    ago = around.now - leader.renewed
    if ago > LEASE_LOST:
        gone = f"{leader.holder} renewed its lease {render(ago)} ago: does chaosd run?"
        return (Reason(Code.NOT_LEADING, gone),)
    return ()


def _outlook(
    configuration: Configuration | None,
    around: Circumstances,
    policies: tuple[PolicyNow, ...],
    general: Reasons,
    halts: tuple[HaltNow, ...],
) -> tuple[bool | None, tuple[str, ...]]:
    """Whether any policy could strike, and what speaks against it."""
    if configuration is None:
        against = [str(reason) for reason in general]
        against += [f"{Code.HALTED}: by {halt.who}: {halt.why}" for halt in halts]
        against += [f"{Code.CONFIGURATION_INVALID}: {text}" for text in around.problems[:1]]
        unknown = "no configuration was read here"
        return (False, tuple(against)) if against else (None, (unknown,))
    if not policies:
        return False, ("there is no policy",)
    live = [policy for policy in policies if not policy.dry_run]
    asked = live or policies
    shared = [r for r in asked[0].against if all(r in policy.against for policy in asked)]
    because = [] if live else ["every policy is a dry run: nothing is touched"]
    because += [str(reason) for reason in shared]
    because += [f"{p.name}: {r}" for p in asked for r in p.against if r not in shared]
    if any(policy.able for policy in live):
        return True, tuple(because)
    doubts = [f"{p.name}: {p.unknown}" for p in live if p.unknown]
    return (None, (*doubts, *because)) if doubts else (False, tuple(because))


# ---- the parts


def _leader(book: Ledger, known: Known) -> LeaderNow | None:
    leader = book.leader
    if leader is None:
        return None
    mine = known.lease is not None and known.lease.holder_identity == leader.holder
    return LeaderNow(
        holder=leader.holder,
        term=leader.term,
        since=leader.since,
        here=leader.holder == known.holder,
        renewed=_renewed(known.lease) if known.lease and mine else None,
    )


def _renewed(lease: LeaseSpec) -> datetime | None:
    try:
        at = datetime.fromisoformat(lease.renew_time or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


def _halts(
    book: Ledger, configuration: Configuration | None, around: Circumstances, known: Known
) -> tuple[HaltNow, ...]:
    seen = known.halts_seen
    halts = []
    if book.halt:
        halts.append(HaltNow("command", book.halt.who, book.halt.why, book.halt.at))
    if around.annotation_halt is not None:
        why = around.annotation_halt or "no reason given"
        halts.append(HaltNow("annotation", "annotation", why, None, seen.get("annotation")))
    if configuration and configuration.halted:
        at = seen.get("configuration")
        halts.append(HaltNow("configuration", "the configuration", "halted: true", None, at))
    return tuple(halts)


def _paused(book: Ledger, configuration: Configuration | None) -> tuple[PauseNow, ...]:
    return tuple(
        PauseNow(
            *(name, by.who, by.why, by.at),
            no_such_policy=configuration.policy(name) is None if configuration else None,
        )
        for name, by in sorted(book.paused.items())
    )


def _policies(
    book: Ledger,
    configuration: Configuration,
    around: Circumstances,
    general: Reasons,
    known: Known,
) -> tuple[PolicyNow, ...]:
    found = []
    for policy in configuration.policies:
        against = admit(book, configuration, policy, "", around.now, around)
        found.append(_policy(book, policy, general + against, around.now, known))
    return tuple(found)


def _policy(
    book: Ledger, policy: Policy, against: Reasons, now: datetime, known: Known
) -> PolicyNow:
    state = opening(policy.windows, now)
    looks = known.etcd is not None
    of_etcd, unknown = etcd_against(policy, known.etcd or (), now, looks=looks)
    against += of_etcd
    return PolicyNow(
        name=policy.name,
        target=policy.target,
        action=policy.action,
        pdb=policy.pdb,
        dry_run=policy.dry_run,
        paused=policy.name in book.paused,
        window=WindowNow(
            open=state.open,
            because=state.because,
            next_change=state.next_change,
            strikeable_until=strikeable_until(policy.windows, policy.deadline, now),
        ),
        against=against,
        next_slot=known.next_slots.get(policy.name),
        last_attempt=known.attempts.get(policy.name) or _last_in(book, policy.name),
        candidates=known.funnels.get(policy.name, {}),
        unknown="" if against else unknown,
        surveyed_at=known.surveyed.get(policy.name),
    )


def _last_in(book: Ledger, policy: str) -> LastAttempt | None:
    """A policy's newest attempt that the ledger knows of (skipped ones it does not)."""
    mine = (intent for intent in book.all_intents() if intent.policy == policy)
    last = max(mine, key=lambda intent: intent.reserved_at, default=None)
    if last is None:
        return None
    going = "unknown" if last.unsettled else "begun"
    return LastAttempt(last.reserved_at, last.action_id, str(last.result or going))


def _limits(book: Ledger, configuration: Configuration, now: datetime) -> tuple[LimitUse, ...]:
    """The limits that are set: for all policies together (dry runs too, if there are any), then
    each policy's own."""
    dry = any(policy.dry_run for policy in configuration.policies)
    found = _uses(book, configuration.limits, now, dry_run=False)
    if dry:
        found += _uses(book, configuration.limits, now, dry_run=True)
    for policy in configuration.policies:
        found += _uses(book, policy.limits, now, dry_run=policy.dry_run, policy=policy.name)
    return tuple(found)


def _uses(
    book: Ledger, limits: Limits, now: datetime, *, dry_run: bool, policy: str | None = None
) -> list[LimitUse]:
    count = used(book, now, dry_run=dry_run, policy=policy)
    return [
        LimitUse(policy or "all", name, n, allowed, max(0, allowed - n), dry_run)
        for name, allowed, n in (
            ("perHour", limits.per_hour, count.hour),
            ("perDay", limits.per_day, count.day),
            ("concurrent", limits.concurrent, count.concurrent),
        )
        if allowed is not None
    ]


def _newest(intents: Iterable[Intent]) -> list[Intent]:
    return sorted(intents, key=lambda i: (i.closed_at or i.reserved_at, i.id), reverse=True)
