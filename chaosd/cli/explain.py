"""``chaosd explain``: every reason, for all candidates or for the one that was named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from chaosd.cli.cluster import ServerClock, connected
from chaosd.cli.etcd_picture import print_etcd
from chaosd.cli.failures import Failed, Mistaken
from chaosd.cli.file import load_file
from chaosd.cli.options import As, Context, FileNeeded, Kubeconfig, Namespace
from chaosd.cli.output import Output, note, out, print_json, table
from chaosd.cli.standing import read_standing
from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.ledger import Ledger
from chaosd.core.model import Code, TargetKind
from chaosd.daemon.etcd_state import etcd_answers
from chaosd.daemon.naming import NamesNothing, meant
from chaosd.engine.explain import DEEP, ELIGIBLE, Explainer, PolicyExplained, WorkloadJudged
from chaosd.engine.explained import explanation

_NOUNS = {
    TargetKind.POD: ("workloads", "the pods of"),
    TargetKind.NODE: ("nodes", "the pods on"),
    TargetKind.ETCD: ("etcd clusters", "the members of"),
}
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
    if not target:
        etcd = etcd_answers(connection, configuration, clock.now())
        _show(list(explainer.everything()), output, "", etcd)
        return
    try:
        key, pod = meant(target, explainer, connection)
    except NamesNothing as error:
        raise Mistaken(str(error)) from None
    etcd = etcd_answers(connection, configuration, clock.now(), only=key)
    _show(list(explainer.workload(key, pod)), output, str(key), etcd)


def _show(
    found: Sequence[PolicyExplained], output: Output, named: str, etcd: Sequence[EtcdAnswer]
) -> None:
    if output is Output.JSON:
        print_json(explanation(named, found, etcd))
        etcd = ()
    elif not found:
        out().print(f"there is no policy that could be about {named}" if named else "no policy")
    else:
        for one in found:
            _print(one, named)
    for answer in etcd:
        print_etcd(answer)
    if etcd:
        note("whether snapshots of etcd were good when last checked, the daemon's metrics say")
    if all(one.unread for one in found) and found:
        raise Failed(f"nothing could be read: {found[0].unread}")


def _print(one: PolicyExplained, named: str) -> None:
    mode = ", dry run" if one.dry_run else ""
    if one.against:
        out().print(f"policy {one.policy}{mode}: may not strike now", style="bold")
        for reason in one.against:
            out().print(f"  {reason}")
    else:
        out().print(f"policy {one.policy}{mode}: may strike now", style="bold")
    if one.unread:
        out().print(f"  the rest could not be read: {one.unread}")
    if named:
        for workload in one.workloads:
            _print_workload(workload, one.target)
    else:
        _print_funnel(one)
    out().print()


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
            rows.add_row(f"    {pod.name}", _verdict(pod.name, workload))
        out().print(rows)


def _verdict(pod: str, workload: WorkloadJudged) -> str:
    own = next((one.reasons for one in workload.pods if one.name == pod), ())
    if own:
        return "; ".join(map(str, own))
    return "could be the victim" if pod in workload.victims else "not while its workload is not"


def _print_funnel(one: PolicyExplained) -> None:
    if not one.workloads:
        if not one.unread:
            out().print("  nothing has opted in")
        return
    counted = ", ".join(f"{code} {n}" for code, n in one.counts.items())
    things, inside = _NOUNS[one.target]
    out().print(f"  {len(one.workloads)} {things} looked at: {counted}")
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
        note(f"{inside} {unlooked} eligible {things} were not looked at: see --deep")


def _worth_a_line(workload: WorkloadJudged) -> bool:
    """Nodes that never opted in are counted, and not listed one by one."""
    codes = {reason.code for reason in workload.reasons}
    return bool(codes) and Code.NOT_OPTED_IN not in codes


def _seen(workload: WorkloadJudged) -> str:
    if not workload.victims or workload.name.endswith(f"/{workload.victims[0]}"):
        return ""
    return f" (such as {workload.victims[0]})"
