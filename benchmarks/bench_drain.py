"""The requests of a drain beside those of ``kubectl drain``, over equal nodes of 30 pods.

Pods that end at once, pods that take their time, and budgets that let one pod of three go at a
time. A drain is everything from the taint (kubectl: the cordon) to the last pod gone; what chaosd
sends before, to decide, and to put the node back is counted with kubectl's uncordon in the whole.
kubectl doesn't look whether workloads recover, and has no ledger, no lease and no Events: these of
chaosd stand apart.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.drains import BACK, DECISION, DRAIN, RECOVERY, Drained, Shop, by_chaosd, by_kubectl
from benchmarks.figures import Figure
from benchmarks.lab import Lab
from tests.real.control_plane import binary

_UNIT = "requests"
_EVERY = "kubectl drain"
_WHOLE = "kubectl drain and uncordon"


def measure(lab: Lab) -> Iterator[Figure]:
    """Requests by part, and of the drain itself by kind."""
    count, stop = lab.scale.drained, lab.scale.stopping
    shops = (
        Shop("pods that end at once", count),
        Shop(f"pods that take {stop:g} s", count, stop=stop),
        Shop("one of three at a time", count, at_once=1),
    )
    kubectl = binary("kubectl")
    if kubectl is None:
        print("LEFT OUT: kubectl's requests; `make tools` (it needs Go) builds it", file=sys.stderr)
    for shop in shops[: lab.scale.drains]:
        theirs = by_kubectl(shop, kubectl) if kubectl else None
        yield from _figures(f"{shop.pods} {shop.name}", by_chaosd(shop), theirs)


def _figures(name: str, ours: Drained, theirs: Drained | None) -> Iterator[Figure]:
    parts = {part: float(sum(asked.values())) for part, asked in ours.parts.items()}
    whole = parts[DECISION] + parts[DRAIN] + parts[BACK]
    if theirs is None:
        yield Figure(f"{name}: the drain", parts[DRAIN], _UNIT)
        yield Figure("  with the decision and the way back", whole, _UNIT)
    else:
        drain, back = (float(sum(theirs.parts[part].values())) for part in (DRAIN, BACK))
        yield Figure(f"{name}: the drain", parts[DRAIN], _UNIT, drain, _EVERY, ratio_at_most=1.0)
        whole_of = "  with the decision and the way back"
        yield Figure(whole_of, whole, _UNIT, drain + back, _WHOLE, ratio_at_most=1.0)
        yield Figure("  on the clock", ours.seconds, "s", theirs.seconds, _EVERY)
    yield Figure("  until all workloads are whole", parts.get(RECOVERY, 0.0), _UNIT)
    yield Figure("  its own ledger, lease and Events", float(sum(ours.own.values())), _UNIT)
    kinds = {**(theirs.parts[DRAIN] if theirs else {}), **ours.parts[DRAIN]}
    for kind in sorted(kinds):
        yield Figure(f"  the drain: {kind}", ours.parts[DRAIN][kind], _UNIT)
        if theirs is not None:
            yield Figure("    kubectl", theirs.parts[DRAIN][kind], _UNIT)
