"""What stands on the page, in the order in which people need it: bounded, whatever there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

from chaosd.core.model import TargetKind
from chaosd.core.status_parts import HaltNow, OpenIntent, PolicyNow, State, Status
from chaosd.core.words import several
from chaosd.report.page.words import because
from chaosd.report.status_text import HALT_ANNOTATION

T = TypeVar("T")

ROWS = 10
CARDS = 12
REASONS = 5
_NOUNS = {
    TargetKind.POD: "pods",
    TargetKind.NODE: "nodes",
    TargetKind.ETCD: "etcd members",
}


class Tone(StrEnum):
    """What a thing means for the reader; said in words too."""

    CALM = "calm"
    LIVE = "live"
    TROUBLE = "trouble"


class Few(Struct, Generic[T], frozen=True):
    """The first of many, and how many more there are."""

    shown: tuple[T, ...]
    more: int = 0


class Fact(Struct, frozen=True):
    """One thing to know at a glance; ``at`` is an instant that belongs to it."""

    name: str
    value: str
    note: str = ""
    tone: Tone = Tone.CALM
    at: datetime | None = None


class Command(Struct, frozen=True):
    """What somebody can type, and what it is for."""

    label: str
    text: str


class Banner(Struct, frozen=True):
    """Whether anything is about to be killed. ``why`` are headings with details; ``barren`` the
    policies that may strike and found nobody at their last look, ``unknown`` those of which it
    can't be told."""

    tone: Tone
    headline: str
    why: Few[tuple[str, str]]
    barren: Few[PolicyNow]
    unknown: Few[PolicyNow]
    due: tuple[str, datetime] | None
    stop: tuple[Command, ...]
    resume: tuple[Command, ...]


def few(items: Sequence[T], most: int = ROWS) -> Few[T]:
    """The first ``most`` of them."""
    return Few(tuple(items[:most]), max(0, len(items) - most))


def banner(status: Status, namespace: str, ledger: str = "chaosd-ledger") -> Banner:
    """The top of the page; ``namespace`` and ``ledger`` name the ledger's ConfigMap."""
    able = [one for one in status.policies if one.able]
    unknown = [one for one in status.policies if one.unknown and not one.dry_run]
    slots = sorted((one.next_slot, one.name) for one in able if one.next_slot)
    configmap = f"configmap {ledger} -n {namespace}"
    annotate = f"kubectl annotate {configmap} {HALT_ANNOTATION}"
    undo = {
        "command": Command("halted by a command", "chaosd resume"),
        "annotation": Command("halted by an annotation", f"{annotate}-"),
        "configuration": Command("halted by the configuration", "halted: false"),
    }
    return Banner(
        tone=_tone(status),
        headline=_headline(status, able),
        why=few([because(text) for text in status.because], REASONS),
        barren=few([one for one in able if one.barren], REASONS),
        unknown=few(unknown if status.can_kill else (), REASONS),
        due=(slots[0][1], slots[0][0]) if slots else None,
        stop=(
            Command("with chaosd", 'chaosd halt --reason "why"'),
            Command("with kubectl alone", f'{annotate}="why"'),
        ),
        resume=tuple(undo[halt.source] for halt in status.halts),
    )


def facts(status: Status) -> tuple[Fact, ...]:
    """Who leads, what is halted, the windows, dry run, the configuration, the ledger."""
    found = [_leader(status), *_halts(status), _windows(status), _mode(status)]
    if status.problems:
        text = "nothing new is struck until it is put right"
        found.append(Fact("Configuration", "invalid", text, Tone.TROUBLE))
    else:
        found.append(Fact("Configuration", "valid"))
    if status.ledger_problem:
        found.append(Fact("Ledger", "can't be used", status.ledger_problem, Tone.TROUBLE))
    return tuple(found)


def _tone(status: Status) -> Tone:
    if status.problems or status.ledger_problem or status.can_kill is None or not status.leader:
        return Tone.TROUBLE
    return Tone.LIVE if status.can_kill or _striking(status) else Tone.CALM


def _striking(status: Status) -> tuple[OpenIntent, ...]:
    """What has begun and may take more down: the evictions of a drain, above all."""
    on = (State.STRIKING, State.UNDER_WAY)
    return tuple(one for one in status.open_intents if one.state in on)


def _headline(status: Status, able: Sequence[PolicyNow]) -> str:
    if status.can_kill is None:
        return "Nobody knows whether anything can be killed now"
    if not status.can_kill:
        striking = len(_striking(status))
        if striking:
            return f"Nothing new can be killed now, {several(striking, 'action')} under way"
        return "Nothing can be killed now"
    promising = [one for one in able if not one.barren]
    named = promising or able
    kinds = dict.fromkeys(_NOUNS[one.target] for one in named)
    names = ", ".join(one.name for one in named[:3])
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    things = " and ".join(kinds)
    by = "policy" if len(named) == 1 else "policies"
    but = "" if promising else ", but none was eligible at the last look"
    return f"{things[0].upper()}{things[1:]} can be killed now, by {by} {names}{more}{but}"


def _leader(status: Status) -> Fact:
    leader = status.leader
    if leader is None:
        return Fact("Leader", "nobody leads", "nothing is struck without one", Tone.TROUBLE)
    here = "this process" if leader.here else "another process"
    return Fact("Leader", leader.holder, f"{here}, term {leader.term}, since", at=leader.since)


def _halts(status: Status) -> list[Fact]:
    found = [_halt(one) for one in status.halts]
    for one in status.paused[:REASONS]:
        why = f"there is no policy of that name; {one.why}" if one.no_such_policy else one.why
        name = f"Policy {one.policy} paused"
        found.append(Fact(name, f"by {one.who}", why, Tone.TROUBLE, one.since))
    return found or [Fact("Halted", "no")]


def _halt(one: HaltNow) -> Fact:
    """A halt; only a command says when it was."""
    note = one.why
    if one.since is None:
        note += ", seen since" if one.seen_since else "; no time is known"
    return Fact("Halted", f"by {one.who}", note, Tone.TROUBLE, one.since or one.seen_since)


def _windows(status: Status) -> Fact:
    windows = [one.window for one in status.policies]
    if not windows:
        return Fact("Windows", "no policy has any")
    changes = [one.next_change for one in windows if one.next_change]
    change = min(changes, default=None)
    opened = sum(one.open for one in windows)
    if opened in (0, len(windows)):
        value, then = ("open", "closes") if opened else ("closed", "opens")
        then = then if len(windows) == 1 or len(set(changes)) == 1 else f"the first {then}"
    else:
        value, then = f"open for {opened} of {len(windows)} policies", "the next change comes"
    note = then if change else "and that does not change within two years"
    return Fact("Windows", value, note, Tone.LIVE if opened else Tone.CALM, change)


def _mode(status: Status) -> Fact:
    total = len(status.policies)
    live = sum(not one.dry_run for one in status.policies)
    if not total:
        return Fact("Dry run", "no policy is configured")
    if not live:
        return Fact("Dry run", "yes: nothing is touched")
    if live == total:
        return Fact("Dry run", "no: kills are real", tone=Tone.LIVE)
    said = f"for {several(total - live, 'policy', 'policies')}; {live} kill for real"
    return Fact("Dry run", said, tone=Tone.LIVE)
