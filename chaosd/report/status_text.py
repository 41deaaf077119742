"""The status as plain text, for whoever is woken at 3 a.m. and has nothing but curl."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from chaosd.core.duration import render as span
from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.status_nodes import Phase
from chaosd.core.status_parts import HaltNow, LimitUse, Outcome, PolicyNow, Status

HALT_ANNOTATION = "chaosd.io/halt"
_WIDEST = 10_000
_UNPRINTABLE = re.compile(r"[^\S ]+|[\x00-\x1f\x7f-\x9f]+")


def render(status: Status, *, namespace: str = "chaosd", ledger: str = "chaosd-ledger") -> str:
    """Plain text whose first line says whether anything can be killed now, and if not why.

    ``namespace`` and ``ledger`` name the ledger's ConfigMap, for the commands that are shown.
    """
    sections = (
        [_first_line(status), *_more_reasons(status)],
        _how_to_stop(status, f"configmap {ledger} -n {namespace}"),
        _who(status),
        _problems(status),
        _halts(status),
        _nodes_held(status),
        _unrecovered(status),
        _open(status),
        _policies(status),
        _skips(status),
        _limits(status),
        _etcd(status),
        _outcomes(status),
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


# ---- the top: what matters at once


def _first_line(status: Status) -> str:
    if status.can_kill is None:
        return f"UNKNOWN whether anything can be killed now: {_clean(status.because[0])}"
    if not status.can_kill:
        more = len(status.because) - 1
        others = f" (and {more} more, below)" if more else ""
        return f"NOTHING can be killed now: {_clean(status.because[0])}{others}"
    able = [p for p in status.policies if p.able]
    slots = sorted((p.next_slot, p.name) for p in able if p.next_slot)
    due = f"; next slot {slots[0][1]} {_when(slots[0][0], status.now)}" if slots else ""
    promising = [p for p in able if not p.barren]
    names = ", ".join(p.name for p in promising or able)
    but = "" if promising else ", but no candidate was eligible at the last look"
    return f"Victims CAN be killed now, by {names}{but}{due}"


def _more_reasons(status: Status) -> list[str]:
    if not status.can_kill:
        return [f"  {_clean(why)}" for why in status.because[1:]]
    lines = [
        f"  {p.name}: {_barren(p, status.now)}" for p in status.policies if p.able and p.barren
    ]
    lines += [
        f"  not known of {p.name}: {p.unknown}"
        for p in status.policies
        if p.unknown and not p.dry_run
    ]
    return [*lines, *(f"  not by {_clean(why)}" for why in status.because)]


def _barren(policy: PolicyNow, now: datetime) -> str:
    return f"no candidate was eligible at the last look, {_when(policy.surveyed_at, now)}"


def _how_to_stop(status: Status, configmap: str) -> list[str]:
    halt = 'chaosd halt --reason "why"'
    lines = [
        f"Stop it now:   {halt}",
        f'               or  kubectl annotate {configmap} {HALT_ANNOTATION}="why"',
    ]
    undo = {
        "command": "chaosd resume",
        "annotation": f"chaosd resume   or  kubectl annotate {configmap} {HALT_ANNOTATION}-",
        "configuration": "set `halted: false` in the configuration",
    }
    lines += [
        f"Let it go on:  {undo[halt.source]}   (halted by {halt.source})" for halt in status.halts
    ]
    return lines


def _who(status: Status) -> list[str]:
    where = f"Cluster {status.cluster}, " if status.cluster else ""
    lines = [f"{where}{_utc(status.now)}, ledger revision {status.revision}"]
    if status.ledger_problem:
        lines.append(f"Ledger: {_clean(status.ledger_problem)}")
    leader = status.leader
    if leader is None:
        return [*lines, "Nobody leads."]
    here = ", this process" if leader.here else ""
    renewed = f", lease renewed {_when(leader.renewed, status.now)}" if leader.renewed else ""
    since = _when(leader.since, status.now)
    return [*lines, f"Leader {leader.holder} (term {leader.term}{here}) since {since}{renewed}"]


def _problems(status: Status) -> list[str]:
    if not status.problems:
        return []
    lines = [f"  {_clean(problem)}" for problem in status.problems]
    return ["CONFIGURATION INVALID, nothing new is struck until it is put right:", *lines]


# ---- the tables


def _halts(status: Status) -> list[str]:
    rows = [("everything", h.source, h.who, h.why, _since(h, status.now)) for h in status.halts]
    rows += [
        (
            f"policy {p.policy}" + (" (NO POLICY OF THAT NAME)" if p.no_such_policy else ""),
            *("command", p.who, p.why, _when(p.since, status.now)),
        )
        for p in status.paused
    ]
    return _table("HALTS", ("stops", "source", "who", "why", "since"), rows)


def _since(halt: HaltNow, now: datetime) -> str:
    if halt.since is not None:
        return _when(halt.since, now)
    return f"seen since {_when(halt.seen_since, now)}" if halt.seen_since else "no time is known"


def _nodes_held(status: Status) -> list[str]:
    rows = [
        (
            n.node,
            n.policy,
            str(n.phase),
            _when(n.since, status.now),
            "at once" if n.phase is Phase.PUTTING_BACK else _when(n.until, status.now),
            "-" if n.left is None else str(n.left),
            n.intent,
            n.command,
            n.seen,
        )
        for n in status.nodes_held
    ]
    headers = ("node", "policy", "state", "since", "back by", "pods left", "intent", "put it back")
    return _table("NODES OUT OF SERVICE", (*headers, "seen"), rows)


def _unrecovered(status: Status) -> list[str]:
    rows = [
        (u.workload, u.policy, _when(u.since, status.now), u.seen, u.command)
        for u in status.unrecovered
    ]
    headers = ("workload", "policy", "since", "seen", "if it is fine, say")
    return _table("UNRECOVERED (no candidates, and they count against `concurrent`)", headers, rows)


def _open(status: Status) -> list[str]:
    rows = [
        (
            i.workload,
            i.victim,
            i.policy,
            str(i.state),
            _when(i.since, status.now),
            _when(i.recover_by, status.now),
            i.intent,
            i.seen,
        )
        for i in status.open_intents
    ]
    headers = "workload victim policy state since deadline intent seen".split()
    return _table("UNDER WAY", headers, rows)


def _policies(status: Status) -> list[str]:
    def row(policy: PolicyNow) -> Sequence[str]:
        mode = "dry run" if policy.dry_run else "live"
        if policy.pdb != "respect":
            mode += f", pdb {policy.pdb}"
        last = policy.last_attempt
        return (
            policy.name,
            policy.does,
            f"{mode}, paused" if policy.paused else mode,
            "open" if policy.window.open else "closed",
            _when(policy.window.next_change, status.now),
            _when(policy.next_slot, status.now),
            f"{last.result} {_when(last.at, status.now)}" if last else "-",
            "; ".join(policy.window.because),
        )

    headers = ("policy", "does", "mode", "window", "until", "next slot", "last attempt", "because")
    return _table("POLICIES", headers, map(row, status.policies))


def _skips(status: Status) -> list[str]:
    """Why newest attempts struck nothing: the question that people ask most."""
    rows = [
        (p.name, str(reason.code), reason.detail)
        for p in status.policies
        if p.last_attempt
        for reason in p.last_attempt.reasons
    ]
    return _table("WHY THE LAST ATTEMPT STRUCK NOTHING", ("policy", "reason", "detail"), rows)


def _etcd(status: Status) -> list[str]:
    def row(one: EtcdAnswer) -> Sequence[str]:
        unknown = ("unknown", "unknown", "unknown", "unknown")
        figures = (
            f"{one.healthy} of {one.voters}",
            *(str(one.quorum), str(one.margin), one.leader or "unknown"),
        )
        against = _clean("; ".join((*one.under_way, *map(str, one.against)))) or "-"
        shown = figures if one.known else unknown
        return one.cluster, *shown, _when(one.at, status.now), against

    headers = ("cluster", "healthy", "quorum", "margin", "leader", "looked at")
    return _table("ETCD", (*headers, "no member now, because"), map(row, status.etcd))


def _limits(status: Status) -> list[str]:
    def row(use: LimitUse) -> Sequence[str]:
        what = "dry runs" if use.dry_run else "kills"
        return use.scope, what, use.limit, f"{use.used} of {use.allowed}", str(use.left)

    headers = ("policy", "counts", "limit", "used", "left")
    return _table("LIMITS", headers, map(row, status.limits))


def _outcomes(status: Status) -> list[str]:
    def row(outcome: Outcome) -> Sequence[str]:
        took = f" in {outcome.seconds:.0f} s" if outcome.seconds is not None else ""
        return (
            _when(outcome.at, status.now),
            outcome.policy,
            outcome.workload,
            outcome.victim,
            str(outcome.result or "-"),
            f"{outcome.verdict}{took}" if outcome.verdict else "-",
            outcome.intent,
            outcome.detail,
        )

    headers = "when policy workload victim result verdict intent detail".split()
    return _table("LAST OUTCOMES", headers, map(row, status.outcomes))


def _table(title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Aligned columns under a title; nothing when there are no rows."""
    # Imported when somebody asks for a status: a daemon is seldom asked.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(*headers, box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for row in rows:
        table.add_row(*(_clean(cell) for cell in row))
    if not table.row_count:
        return []
    out = io.StringIO()
    console = Console(
        file=out, width=_WIDEST, color_system=None, markup=False, highlight=False, emoji=False
    )
    console.print(table)
    return [title, *(f"  {line.rstrip()}" for line in out.getvalue().splitlines())]


# ---- words


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _when(at: datetime | None, now: datetime) -> str:
    """An instant, and how far it is from now; today's without its date."""
    if at is None:
        return "-"
    text = f"{at:%H:%M:%SZ}" if at.date() == now.date() else _utc(at)
    distance = span(abs(at - now))
    if distance == "0s":
        return f"{text} (now)"
    return f"{text} (in {distance})" if at > now else f"{text} ({distance} ago)"


def _clean(text: str) -> str:
    """One line without control characters: reasons are typed by people, and terminals obey."""
    return _UNPRINTABLE.sub(" ", text)
