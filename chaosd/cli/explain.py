"""``chaosd explain``: every reason, for all candidates or for the one that was named."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosd.cli.cluster import ServerClock, connected
from chaosd.cli.etcd_picture import print_etcd
from chaosd.cli.failures import Failed, Mistaken
from chaosd.cli.file import load_file
from chaosd.cli.options import As, Context, FileNeeded, Kubeconfig, Namespace
from chaosd.cli.output import Output, note, out, print_json, table
from chaosd.cli.standing import read_standing
from chaosd.core.ledger import Ledger
from chaosd.core.model import Code, Configuration, TargetKind
from chaosd.core.words import several
from chaosd.daemon.asked import Asked, ask, ask_all
from chaosd.daemon.naming import NamesNothing
from chaosd.engine.explain import DEEP, ELIGIBLE, Explainer, PolicyExplained, WorkloadJudged

_NOUNS = {
    TargetKind.POD: ("workload", "the pods of"),
    TargetKind.NODE: ("node", "the pods on"),
    TargetKind.ETCD: ("etcd cluster", "the members of"),
}
_INSIDE = {TargetKind.POD: "pod", TargetKind.NODE: "node", TargetKind.ETCD: "member"}
Named = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="namespace/Kind/name, Kind/name (of what opted in), namespace/pod-name, node/NAME, or "
        "Etcd/NAME of a declared cluster; else everything that opted in.",
        show_default=False,
    ),
]
Deep = Annotated[
    int,
    typer.Option(min=0, help="Look into the pods of this many workloads of each policy, at most."),
]


def explain(
    target: Named = "",
    *,
    file: FileNeeded,
    deep: Deep = DEEP,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Say what could be struck and what could not, with every reason.

    Each policy is asked all of its checks: windows, limits, halts, selection, readiness, disruption
    budgets, gap and cooldown. Nothing is changed.
    """
    configuration = load_file(file)
    connection = connected(kubeconfig, context, namespace)
    clock = ServerClock(connection)
    standing = read_standing(connection, configuration, clock=clock)
    explainer = Explainer(
        configuration,
        connection.targets,
        connection.guards,
        standing.ledger or Ledger(),
        standing.status,
        clock,
        deep,
    )
    try:
        asked = (
            ask(target, explainer, connection, configuration, clock)
            if target
            else ask_all(explainer, connection, configuration, clock)
        )
    except NamesNothing as error:
        raise Mistaken(str(error)) from None
    if output is Output.JSON:
        print_json(asked.explanation)
    else:
        _show(asked, configuration)
    found = asked.policies
    if all(one.unread for one in found) and found:
        raise Failed(f"nothing could be read: {found[0].unread}")


def _show(asked: Asked, configuration: Configuration) -> None:
    for part in asked.part_of:
        out().print(part.says)
    if not asked.policies:
        out().print(_no_policy(asked))
    for one in asked.policies:
        _print(one, named=asked.key is not None)
    for answer in asked.etcd:
        print_etcd(answer)
    shown = {answer.cluster for answer in asked.etcd}
    if any(one.snapshot_check is not None for one in configuration.etcd if one.name in shown):
        note("whether snapshots of etcd were good when last checked, the daemon's metrics say")


def _no_policy(asked: Asked) -> str:
    if asked.key is None:
        return "no policy"
    said = f"there is no policy that could be about {asked.key}"
    names = ", ".join(part.cluster for part in asked.part_of)
    return f"{said}, and none names etcd cluster {names}" if names else said


def _print(one: PolicyExplained, *, named: bool) -> None:
    mode = ", dry run" if one.dry_run else ""
    out().print(f"policy {one.policy}{mode}: {_may(one, named=named)}", style="bold")
    for reason in one.against:
        out().print(f"  {reason}")
    if one.unread:
        out().print(f"  the rest could not be read: {one.unread}")
    if named:
        for workload in one.workloads:
            _print_workload(workload, one.target)
    else:
        _print_funnel(one)
    out().print()


def _may(one: PolicyExplained, *, named: bool) -> str:
    """Whether the policy may strike, and whether it has anything that it could."""
    if one.against:
        return "may not strike now"
    if any(
        workload.victims or not (workload.looked or workload.reasons) for workload in one.workloads
    ):
        return "may strike now"
    allowed = "its window, limits and halts allow a strike now"
    if one.unread:
        return allowed
    inside = named or one.target is TargetKind.ETCD
    noun = _INSIDE[one.target] if inside else _NOUNS[one.target][0]
    return f"{allowed}; no {noun} is eligible"


def _print_workload(workload: WorkloadJudged, target: TargetKind) -> None:
    if workload.reasons:
        out().print(f"  {workload.name}: not a candidate")
        for reason in workload.reasons:
            out().print(f"    {reason}")
    else:
        out().print(f"  {workload.name}: eligible")
    if workload.pods:
        rows = table(f"    {'member' if target is TargetKind.ETCD else 'pod'}", "")
        for pod in workload.pods:
            rows.add_row(f"    {pod.name}", _verdict(pod.name, workload, target))
        out().print(rows)


def _verdict(pod: str, workload: WorkloadJudged, target: TargetKind) -> str:
    own = next((one.reasons for one in workload.pods if one.name == pod), ())
    if own:
        return "; ".join(map(str, own))
    if pod in workload.victims:
        return "could be the victim"
    return f"not while its {'cluster' if target is TargetKind.ETCD else 'workload'} is not"


def _print_funnel(one: PolicyExplained) -> None:
    if not one.workloads:
        if not one.unread:
            out().print("  nothing has opted in")
        return
    counted = ", ".join(f"{code} {n}" for code, n in one.counts.items())
    noun, inside = _NOUNS[one.target]
    out().print(f"  {several(len(one.workloads), noun)} looked at: {counted}")
    if ELIGIBLE in one.counts:
        out().print("  eligible:")
        for workload in one.eligible:
            out().print(f"    {workload.name}{_seen(workload)}")
    others = [workload for workload in one.workloads if _worth_a_line(workload)]
    if others:
        rows = table("  not now", "why")
        for workload in others:
            rows.add_row(f"    {workload.name}", "\n".join(map(str, workload.reasons)))
        out().print(rows)
    unlooked = sum(not workload.looked for workload in one.eligible)
    if unlooked:
        note(f"{inside} {several(unlooked, f'eligible {noun}')} were not looked at: see --deep")


def _worth_a_line(workload: WorkloadJudged) -> bool:
    """Nodes that never opted in are counted, and not listed one by one."""
    codes = {reason.code for reason in workload.reasons}
    return bool(codes) and Code.NOT_OPTED_IN not in codes


def _seen(workload: WorkloadJudged) -> str:
    if not workload.victims or workload.name.endswith(f"/{workload.victims[0]}"):
        return ""
    return f" (such as {workload.victims[0]})"
